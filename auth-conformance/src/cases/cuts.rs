//! Connections that are cut while the request or its response is under way.

use crate::case::{Case, SOON, Setup, open, tokens, unknown};
use auth_core::TransportErrorKind::{Closed, ConnectTimeout, Protocol, Reset, Timeout, Truncated};
use fault_server::{Behaviour, Cut, Point};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "reset_after_headers",
        does: "the connection is reset when the request's headers have arrived",
        setup: || Setup::plain([Behaviour::reset(Point::AfterHeaders)]),
        calls: &[open(&[Reset, Closed])],
    },
    Case {
        name: "close_after_headers",
        does: "the connection is closed when the request's headers have arrived",
        setup: || Setup::plain([Behaviour::close(Point::AfterHeaders)]),
        calls: &[open(&[Closed, Reset])],
    },
    Case {
        name: "stall_after_headers",
        does: "nothing comes after the request's headers have arrived",
        setup: || Ok(Setup::plain([Behaviour::stall(Point::AfterHeaders)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "reset_after_body",
        does: "the connection is reset when the whole request has arrived",
        setup: || Setup::plain([Behaviour::reset(Point::AfterBody)]),
        calls: &[unknown(&[Reset])],
    },
    Case {
        name: "close_after_body",
        does: "the connection is closed when the whole request has arrived",
        setup: || Setup::plain([Behaviour::close(Point::AfterBody)]),
        calls: &[unknown(&[Closed])],
    },
    Case {
        name: "stall_after_body",
        does: "the whole request arrives, and no response comes",
        setup: || Ok(Setup::plain([Behaviour::stall(Point::AfterBody)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "reset_in_response_head",
        does: "the connection is reset half through the response's head",
        setup: || Setup::plain([tokens().cut(Point::InResponseHead, Cut::Reset)]),
        calls: &[unknown(&[Reset, Closed, Truncated])],
    },
    Case {
        name: "close_in_response_head",
        does: "the connection is closed half through the response's head",
        setup: || Setup::plain([tokens().cut(Point::InResponseHead, Cut::Close)]),
        calls: &[unknown(&[Closed, Truncated, Protocol])],
    },
    Case {
        name: "stall_in_response_head",
        does: "nothing comes after half of the response's head",
        setup: || Ok(Setup::plain([tokens().cut(Point::InResponseHead, Cut::Stall)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "reset_in_response_body",
        does: "the connection is reset half through the response's body",
        setup: || Setup::plain([tokens().cut(Point::InResponseBody, Cut::Reset)]),
        calls: &[unknown(&[Reset, Truncated])],
    },
    Case {
        name: "close_in_response_body",
        does: "the connection is closed before the response has its Content-Length",
        setup: || Setup::plain([tokens().cut(Point::InResponseBody, Cut::Close)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "close_before_response_body",
        does: "the connection is closed after the response's head",
        setup: || Setup::plain([tokens().truncated_after(0)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "stall_in_response_body",
        does: "nothing comes after half of the response's body",
        setup: || Ok(Setup::plain([tokens().cut(Point::InResponseBody, Cut::Stall)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "close_within_a_chunk",
        does: "the connection is closed within a chunk of the response",
        setup: || Setup::plain([tokens().chunked().truncated_after(5)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "close_in_a_form",
        does: "a form-encoded response without a length is cut: half a token would be taken for a token",
        setup: || {
            let form = Behaviour::response(200)
                .content_type("application/x-www-form-urlencoded")
                .body("access_token=at-conf")
                .until_close();
            Setup::plain([form])
        },
        calls: &[unknown(&[Truncated])],
    },
];
