//! Responses that are whole, and whose transfer does not end as it should. The
//! tokens have arrived.

use std::time::Duration;

use crate::case::{
    ACCESS_TOKEN, Case, NEW_REFRESH_TOKEN, SOON, Setup, open, response, tokens, unknown,
};
use auth_core::TransportErrorKind::{ConnectTimeout, Timeout, Truncated};
use auth_testkit::behaviours;
use fault_server::{Behaviour, Cut, Point};

/// All of the body, and nothing of what should end it.
const END: Point = Point::AfterResponseBytes(usize::MAX);

/// Time enough that a transport which waits for the end of it is told from one that
/// takes what it has.
const LONG: Duration = Duration::from_secs(20);

/// A head of one's own before the tokens.
fn under(head: &str) -> Behaviour {
    let body =
        format!(r#"{{"access_token":"{ACCESS_TOKEN}","refresh_token":"{NEW_REFRESH_TOKEN}"}}"#);
    Behaviour::raw(format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}"))
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "close_between_chunks",
        does: "the connection is closed before the last chunk of a response that is whole",
        setup: || Setup::plain([tokens().chunked().cut(END, Cut::Close)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "reset_between_chunks",
        does: "the connection is reset before the last chunk of a response that is whole",
        setup: || Setup::plain([tokens().chunked().cut(END, Cut::Reset)]),
        // A reset may overtake what was sent before it.
        calls: &[crate::case::Expect::Either(
            crate::case::ExpectedResponse { status: 200, holds: ACCESS_TOKEN, header: None },
            &[auth_core::TransportErrorKind::Reset, Truncated],
            crate::case::ExpectedDelivery::Unknown,
        )],
    },
    Case {
        name: "longer_in_its_head",
        does: "the response is whole, and shorter than its Content-Length",
        setup: || Setup::plain([under("content-length: 4000\r\n")]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "gzip_longer_in_its_head",
        does: "a compressed response is whole, and its last chunk does not come",
        setup: || Setup::plain([tokens().gzip().chunked().cut(END, Cut::Close)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "tls_without_close_notify",
        does: "the response is whole, and its connection ends without the alert that says so",
        setup: || Setup::tls([tokens().until_close().cut(END, Cut::Truncate)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "tls_close_between_chunks",
        does: "over TLS, the last chunk of a response that is whole does not come",
        setup: || Setup::tls([tokens().chunked().cut(END, Cut::Truncate)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "whole_400_without_an_end",
        does: "a 400 is whole, and its last chunk does not come",
        setup: || {
            let refused = behaviours::oauth_error(400, "invalid_grant").chunked();
            Setup::plain([refused.cut(END, Cut::Close)])
        },
        calls: &[response(400, "invalid_grant")],
    },
    Case {
        name: "stall_after_the_response",
        does: "the response is whole, its end does not come, and the connection stays open",
        setup: || Ok(Setup::plain([tokens().chunked().cut(END, Cut::Stall)])?.within(LONG)),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "stall_after_a_short_response",
        does: "the response is whole, less than was announced, and the connection stays open",
        setup: || {
            let stalled = under("content-length: 4000\r\n").cut(END, Cut::Stall);
            Ok(Setup::plain([stalled])?.within(LONG))
        },
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "stall_within_a_form",
        does: "nothing comes after a form-encoded response that may be half of one",
        setup: || {
            let form = Behaviour::response(200)
                .content_type("application/x-www-form-urlencoded")
                .body("access_token=at-conf&x={}")
                .chunked();
            Ok(Setup::plain([form.cut(END, Cut::Stall)])?.within(SOON))
        },
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "close_within_a_form",
        does: "the last chunk of a form-encoded response does not come",
        setup: || {
            let form = Behaviour::response(200)
                .content_type("application/x-www-form-urlencoded")
                .body("access_token=at-conf")
                .chunked();
            Setup::plain([form.cut(END, Cut::Close)])
        },
        calls: &[unknown(&[Truncated])],
    },
];
