//! No connection, or a connection over which nothing comes.

use crate::case::{Case, SOON, Setup, not_sent, open};
use auth_core::TransportErrorKind::{
    Closed, Connect, ConnectTimeout, Dns, Refused, Reset, Timeout,
};
use fault_server::{Behaviour, ClosedPort, Point, SilentPort};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "unknown_host",
        does: "the host's name does not exist",
        // RFC 6761 section 6.4: no such name ever resolves.
        setup: || Ok(Setup::at("https://conformance.invalid/token")),
        // Without a resolver that responds, the wait for it ends.
        calls: &[not_sent(&[Dns, ConnectTimeout])],
    },
    Case {
        name: "connect_refused",
        does: "the port refuses connections",
        setup: || {
            let port = ClosedPort::new()?;
            Ok(Setup::at(&port.url()).keeping(port))
        },
        calls: &[not_sent(&[Refused])],
    },
    Case {
        name: "connect_timeout",
        does: "the connection is neither made nor refused",
        setup: || {
            let port = SilentPort::new()?;
            Ok(Setup::at(&port.url()).connecting_within(SOON).keeping(port))
        },
        calls: &[not_sent(&[ConnectTimeout])],
    },
    Case {
        name: "connect_takes_all_the_time",
        does: "the connection is neither made nor refused, and the call's own timeout ends it",
        setup: || {
            let port = SilentPort::new()?;
            Ok(Setup::at(&port.url()).within(SOON).keeping(port))
        },
        calls: &[not_sent(&[ConnectTimeout])],
    },
    Case {
        name: "reset_on_accept",
        does: "the connection is reset as soon as it is made",
        setup: || Setup::plain([Behaviour::reset(Point::OnAccept)]),
        // A connection that is reset so early may never have seemed made.
        calls: &[open(&[Reset, Closed, Connect])],
    },
    Case {
        name: "close_on_accept",
        does: "the connection is closed as soon as it is made",
        setup: || Setup::plain([Behaviour::close(Point::OnAccept)]),
        calls: &[open(&[Closed, Reset])],
    },
    Case {
        name: "stall_on_accept",
        does: "the connection is made, and nothing ever comes over it",
        setup: || Ok(Setup::plain([Behaviour::stall(Point::OnAccept)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
];
