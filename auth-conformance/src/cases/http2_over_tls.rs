//! HTTP/2 as it is chosen in the TLS handshake. There a client may go back to
//! HTTP/1.1, and libraries like to send a request again that HTTP/2 refused.

use http::Version;

use crate::case::{
    ACCESS_TOKEN, Case, Expect, ExpectedDelivery, ExpectedResponse, Setup, open, response, tokens,
    unknown,
};
use auth_core::TransportErrorKind::{Closed, Other, Protocol, Reset, Truncated};
use fault_server::{Behaviour, Cut, Point};

/// All of the body, and nothing of what should end it.
const END: Point = Point::AfterResponseBytes(usize::MAX);

/// RFC 9113 section 7.
const PROTOCOL_ERROR: u32 = 1;
const INTERNAL_ERROR: u32 = 2;
const HTTP_1_1_REQUIRED: u32 = 13;

/// Every request over HTTP/2 gets this, and one over HTTP/1.1 gets tokens.
fn over_http2(behaviour: Behaviour) -> std::io::Result<Setup> {
    Setup::http2_over_tls(move |request| match request.version {
        Version::HTTP_2 => behaviour.clone(),
        _ => tokens(),
    })
}

/// Whatever the version.
fn always(behaviour: Behaviour) -> std::io::Result<Setup> {
    Setup::http2_over_tls(move |_| behaviour.clone())
}

/// A client that starts with HTTP/2 fails once. The next call speaks HTTP/1.1.
const ONCE: &[Expect] = &[
    Expect::Either(
        ExpectedResponse { status: 200, holds: ACCESS_TOKEN, header: None },
        &[Protocol, Reset, Closed, Truncated, Other],
        ExpectedDelivery::Unknown,
    ),
    response(200, ACCESS_TOKEN),
];

pub(super) const CASES: &[Case] = &[
    Case {
        name: "h2_tls_response",
        does: "a good response over HTTP/2 and TLS",
        setup: || always(tokens()),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_tls_goaway_after_headers",
        does: "over TLS, GOAWAY says of each request that it was not processed",
        setup: || always(Behaviour::go_away(Point::AfterHeaders)),
        calls: &[open(&[Closed, Reset, Other])],
    },
    Case {
        name: "h2_tls_goaway_after_body",
        does: "over TLS, GOAWAY says of each request that it was not processed, when it is whole",
        setup: || always(Behaviour::go_away(Point::AfterBody)),
        calls: &[unknown(&[Closed, Reset, Other])],
    },
    Case {
        name: "h2_tls_refused_after_body",
        does: "over TLS, REFUSED_STREAM comes for each request when it is whole",
        setup: || always(Behaviour::refuse_stream(Point::AfterBody)),
        calls: &[unknown(&[Reset, Closed, Other])],
    },
    Case {
        name: "h2_tls_http_1_1_required",
        does: "a request over HTTP/2 is refused with HTTP_1_1_REQUIRED; the next one is not",
        setup: || over_http2(Behaviour::reset_stream(Point::AfterBody, HTTP_1_1_REQUIRED)),
        calls: ONCE,
    },
    Case {
        name: "h2_tls_protocol_error",
        does: "the server breaks off each request over HTTP/2 with PROTOCOL_ERROR",
        setup: || over_http2(Behaviour::reset_stream(Point::AfterBody, PROTOCOL_ERROR)),
        calls: ONCE,
    },
    Case {
        name: "h2_tls_upgrade",
        does: "a response over HTTP/2 has the field `upgrade`, which is forbidden there",
        setup: || over_http2(tokens().header("upgrade", "h2,h2c")),
        calls: ONCE,
    },
    Case {
        name: "h2_tls_connection",
        does: "a response over HTTP/2 has the field `connection`, which is forbidden there",
        setup: || over_http2(tokens().header("connection", "keep-alive")),
        calls: ONCE,
    },
    Case {
        name: "h2_tls_not_spoken",
        does: "the server chooses HTTP/2 in the handshake, and speaks something else",
        setup: || over_http2(Behaviour::garbage()),
        calls: ONCE,
    },
    Case {
        name: "h2_tls_reset_after_the_response",
        does: "a response over HTTP/2 is whole, and its stream is reset with INTERNAL_ERROR",
        setup: || always(tokens().cut(END, Cut::ResetStream(INTERNAL_ERROR))),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_reset_after_the_response",
        does: "a response over HTTP/2 is whole, and its stream is reset with NO_ERROR",
        setup: || Setup::http2([tokens().cut(END, Cut::ResetStream(0))]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_goaway_after_the_response",
        does: "a response over HTTP/2 is whole, GOAWAY comes, and the connection is closed",
        setup: || Setup::http2([tokens().cut(END, Cut::GoAway)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_close_after_the_response",
        does: "a response over HTTP/2 is whole, and the connection is closed before its end",
        setup: || Setup::http2([tokens().cut(END, Cut::Close)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_stall_after_the_response",
        does: "a response over HTTP/2 is whole, and its end does not come",
        setup: || Setup::http2([tokens().cut(END, Cut::Stall)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
];
