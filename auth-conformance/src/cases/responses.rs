//! Responses that are unusual but valid, and responses that are not.

use crate::case::{
    ACCESS_TOKEN, Case, Expect, ExpectedDelivery, ExpectedResponse, REFRESH_TOKEN, Setup, response,
    tokens, unknown,
};
use auth_core::TransportErrorKind::{Closed, Other, Protocol, Truncated};
use fault_server::Behaviour;

/// A peer that does not speak HTTP; libraries tell it in different ways.
const NOT_HTTP: Expect = unknown(&[Protocol, Closed, Truncated, Other]);

pub(super) const CASES: &[Case] = &[
    Case {
        name: "response",
        does: "a good response",
        setup: || Setup::plain([tokens()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "response_in_chunks",
        does: "the response comes in chunks",
        setup: || Setup::plain([tokens().chunked()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "response_until_close",
        does: "the response ends with the connection",
        setup: || Setup::plain([tokens().until_close()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "response_byte_by_byte",
        does: "the response comes byte by byte, and in time",
        setup: || Setup::plain([tokens().drip(std::time::Duration::from_millis(1))]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "content_type_wrong",
        does: "the response is JSON with the content type text/plain",
        setup: || Setup::plain([tokens().content_type("text/plain")]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "captive_portal",
        does: "a portal responds with 200 and a page to log in",
        setup: || Setup::plain([Behaviour::nginx(200)]),
        calls: &[response(200, "<html>")],
    },
    Case {
        name: "not_http",
        does: "the greeting of an SSH server comes in place of a response",
        setup: || Setup::plain([Behaviour::garbage()]),
        calls: &[NOT_HTTP],
    },
    Case {
        name: "echo_in_the_status_line",
        does: "the server sends the refresh token back in a status line that cannot be read",
        setup: || Setup::plain([Behaviour::raw(format!("HTTP/9.9 {REFRESH_TOKEN}\r\n\r\n"))]),
        calls: &[NOT_HTTP],
    },
    Case {
        name: "echo_in_a_header",
        does: "the server sends the refresh token back in a header that cannot be read",
        setup: || {
            let head = format!("HTTP/1.1 200 OK\r\n{REFRESH_TOKEN} {REFRESH_TOKEN}\r\n\r\n");
            Setup::plain([Behaviour::raw(head)])
        },
        // A lenient library passes over it.
        calls: &[Expect::Either(
            ExpectedResponse { status: 200, holds: "", header: None },
            &[Protocol, Closed, Truncated, Other],
            ExpectedDelivery::Unknown,
        )],
    },
    Case {
        name: "echo_in_a_length",
        does: "the server sends the refresh token back as Content-Length",
        setup: || {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {REFRESH_TOKEN}\r\n\r\n{{}}");
            Setup::plain([Behaviour::raw(head)])
        },
        // A library may pass over a length that is none.
        calls: &[Expect::Either(
            ExpectedResponse { status: 200, holds: "", header: None },
            &[Protocol, Closed, Truncated, Other],
            ExpectedDelivery::Unknown,
        )],
    },
    Case {
        name: "echo_in_a_chunk",
        does: "the server sends the refresh token back as the size of a chunk",
        setup: || {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            Setup::plain([Behaviour::raw(format!("{head}{REFRESH_TOKEN}\r\n"))])
        },
        calls: &[NOT_HTTP],
    },
    Case {
        name: "cookie",
        does: "the first response sets a cookie; it must not come with the second request",
        setup: || {
            let cookie = tokens().header("set-cookie", "session=1; Path=/");
            Setup::plain([cookie, tokens()])
        },
        calls: &[response(200, ACCESS_TOKEN), response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "closed_while_idle",
        does: "the server closes a persistent connection, and a second call is made",
        setup: || Setup::plain([tokens().keep_alive_then_close(), tokens()]),
        // Who keeps connections may find this one closed.
        calls: &[
            response(200, ACCESS_TOKEN),
            Expect::Either(
                ExpectedResponse { status: 200, holds: ACCESS_TOKEN, header: None },
                &[Closed, auth_core::TransportErrorKind::Reset],
                ExpectedDelivery::Open,
            ),
        ],
    },
];
