//! Before there is a connection, and when there is nothing but one.

use crate::case::{Case, SOON, Scene, not_sent, open};
use auth_core::TransportErrorKind::{
    Closed, Connect, ConnectTimeout, Dns, Refused, Reset, Timeout,
};
use fault_server::{Behaviour, ClosedPort, Point, SilentPort};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "unknown_host",
        does: "the host's name does not exist",
        // RFC 6761 section 6.4: no such name ever resolves.
        scene: || Ok(Scene::at("https://conformance.invalid/token")),
        // Where there is no resolver to answer, waiting for it ends.
        calls: &[not_sent(&[Dns, ConnectTimeout])],
    },
    Case {
        name: "connect_refused",
        does: "nobody listens on the port",
        scene: || {
            let port = ClosedPort::new()?;
            Ok(Scene::at(&port.url()).keeping(port))
        },
        calls: &[not_sent(&[Refused])],
    },
    Case {
        name: "connect_timeout",
        does: "the connection is neither made nor refused",
        scene: || {
            let port = SilentPort::new()?;
            Ok(Scene::at(&port.url()).connecting_within(SOON).keeping(port))
        },
        calls: &[not_sent(&[ConnectTimeout])],
    },
    Case {
        name: "connect_takes_all_the_time",
        does: "the connection is neither made nor refused, and the call's own timeout ends it",
        scene: || {
            let port = SilentPort::new()?;
            Ok(Scene::at(&port.url()).within(SOON).keeping(port))
        },
        calls: &[not_sent(&[ConnectTimeout])],
    },
    Case {
        name: "reset_on_accept",
        does: "the connection is reset as soon as it is made",
        scene: || Scene::plain([Behaviour::reset(Point::OnAccept)]),
        // A connection that is reset so early may never have seemed made.
        calls: &[open(&[Reset, Closed, Connect])],
    },
    Case {
        name: "close_on_accept",
        does: "the connection is closed as soon as it is made",
        scene: || Scene::plain([Behaviour::close(Point::OnAccept)]),
        calls: &[open(&[Closed, Reset])],
    },
    Case {
        name: "stall_on_accept",
        does: "the connection is made, and nothing ever comes over it",
        scene: || Ok(Scene::plain([Behaviour::stall(Point::OnAccept)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
];
