//! What the threads of one server share.

use std::fmt;

use super::behaviour::Behaviour;
use super::client::Client;
use super::log::Log;
use super::received::ReceivedRequest;
use super::script::Source;
use super::stop::Stop;
use super::tls::{Certificate, Manner};

pub(super) type ConnectionHandler = Box<dyn Fn(usize) -> Option<Behaviour> + Send + Sync>;

pub(super) type HeadHandler =
    Box<dyn Fn(&ReceivedRequest, &Client) -> Option<Behaviour> + Send + Sync>;

pub(super) struct Context {
    pub(super) source: Source,
    /// Asked about each request when its header section is there, before the handler.
    pub(super) head_handler: Option<HeadHandler>,
    /// Asked about each connection, by its number, when it is accepted.
    pub(super) connection_handler: Option<ConnectionHandler>,
    pub(super) log: Log,
    pub(super) tls: Option<Certificate>,
    pub(super) manner: Manner,
    pub(super) stop: Stop,
    /// The URL of a server of another origin, which is started when it is first
    /// asked for. A function, since the server itself stands above this module.
    pub(super) elsewhere_url: Box<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("source", &self.source)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
