//! The process stands still while the response comes, and its time is up when it
//! goes on: Ctrl-Z, a frozen container, a paused machine. The response is there.

use std::{io, time::Duration};

use crate::case::{ACCESS_TOKEN, Case, Setup, response, tokens};
use fault_server::{Behaviour, Point, ResponseGate};

/// The time of a call: long enough that a busy machine sends the request within it.
const TIME: Duration = Duration::from_secs(2);

fn stopped(point: Point, setup: fn([Behaviour; 1]) -> io::Result<Setup>) -> io::Result<Setup> {
    let gate = ResponseGate::new();
    let setup = setup([tokens().hold(point, &gate)])?;
    Ok(setup.within(TIME).stopping(gate))
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "stopped_before_the_response",
        does: "the process is stopped when the request has arrived, and goes on when the response \
               has come and the time is up",
        setup: || stopped(Point::AfterBody, Setup::plain),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "stopped_within_the_response",
        does: "the process is stopped when half of the response has come, and goes on when all of \
               it has and the time is up",
        setup: || stopped(Point::InResponseBody, Setup::plain),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "tls_stopped_before_the_response",
        does: "the process is stopped when the request has arrived over TLS, and goes on when the \
               response has come and the time is up",
        setup: || stopped(Point::AfterBody, Setup::tls),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_stopped_before_the_response",
        does: "the process is stopped when the request has arrived over HTTP/2, and goes on when \
               the response has come and the time is up",
        setup: || stopped(Point::AfterBody, Setup::http2),
        calls: &[response(200, ACCESS_TOKEN)],
    },
];
