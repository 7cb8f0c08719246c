//! Responses without end, in bytes or in time.

use std::time::Duration;

use crate::case::{
    Case, Expect, ExpectedDelivery, ExpectedResponse, SOON, Setup, open, response, tokens, unknown,
};
use auth_core::TransportErrorKind::{Closed, ConnectTimeout, Other, Protocol, Timeout, TooLarge};
use auth_testkit::behaviours;
use fault_server::{Behaviour, Cut, Point};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "endless_chunks",
        does: "the response is chunked and does not end",
        setup: || Setup::plain([tokens().endless()]),
        calls: &[unknown(&[TooLarge])],
    },
    Case {
        name: "endless_until_close",
        does: "the response has no length and no end",
        setup: || Setup::plain([tokens().until_close().endless()]),
        calls: &[unknown(&[TooLarge])],
    },
    Case {
        name: "longer_than_allowed",
        does: "the response is longer than the request allows, by a byte",
        setup: || {
            let mut setup = Setup::plain([Behaviour::json(200, vec![b' '; 1001])])?;
            setup.response_limit = 1000;
            Ok(setup)
        },
        calls: &[unknown(&[TooLarge])],
    },
    Case {
        name: "as_long_as_allowed",
        does: "the response is as long as the request allows",
        setup: || {
            let mut setup = Setup::plain([Behaviour::json(200, vec![b' '; 1000])])?;
            setup.response_limit = 1000;
            Ok(setup)
        },
        calls: &[response(200, " ")],
    },
    Case {
        name: "endless_502",
        does: "the page of a 502 does not end; the status is sufficient",
        setup: || Setup::plain([Behaviour::nginx(502).endless()]),
        calls: &[response(502, "")],
    },
    Case {
        name: "endless_400",
        does: "the body of a 400 does not end; as much as is allowed is kept",
        setup: || Setup::plain([behaviours::oauth_error(400, "invalid_grant").endless()]),
        calls: &[response(400, "invalid_grant")],
    },
    Case {
        name: "cut_502",
        does: "the page of a 502 is cut; the status is sufficient",
        setup: || Setup::plain([Behaviour::nginx(502).cut(Point::InResponseBody, Cut::Close)]),
        calls: &[response(502, "")],
    },
    Case {
        name: "reset_502",
        does: "the connection is reset within the page of a 502; the status is sufficient",
        setup: || Setup::plain([Behaviour::nginx(502).cut(Point::InResponseBody, Cut::Reset)]),
        calls: &[response(502, "")],
    },
    Case {
        name: "stall_502",
        does: "nothing comes after half of the page of a 502; the status is sufficient",
        setup: || {
            let stalled = Behaviour::nginx(502).cut(Point::InResponseBody, Cut::Stall);
            Ok(Setup::plain([stalled])?.within(2 * SOON))
        },
        // The timeout may strike before the head has come.
        calls: &[Expect::Either(
            ExpectedResponse { status: 502, holds: "", header: None },
            &[Timeout, ConnectTimeout],
            ExpectedDelivery::Open,
        )],
    },
    Case {
        name: "cut_429",
        does: "the body of a 429 is cut; its Retry-After has arrived",
        setup: || {
            let throttled = behaviours::oauth_error(429, "slow_down").header("retry-after", "7");
            Setup::plain([throttled.cut(Point::InResponseBody, Cut::Close)])
        },
        calls: &[Expect::Response(ExpectedResponse {
            status: 429,
            holds: "",
            header: Some(("retry-after", "7")),
        })],
    },
    Case {
        name: "cut_400",
        does: "the body of a 400 is cut; it is a response, though its code cannot be read",
        setup: || {
            let refused = behaviours::oauth_error(400, "invalid_grant");
            Setup::plain([refused.cut(Point::InResponseBody, Cut::Close)])
        },
        calls: &[response(400, "")],
    },
    Case {
        name: "head_of_a_mebibyte",
        does: "the response's headers are 1 MiB long",
        setup: || Setup::plain([tokens().padded_head(1 << 20)]),
        calls: &[unknown(&[TooLarge, Protocol, Closed, Other])],
    },
    Case {
        name: "drip_past_the_timeout",
        does: "the response comes byte by byte, each byte in time, the whole too late",
        setup: || {
            // Some hundred bytes, so several times the timeout.
            let slow = tokens().drip(Duration::from_millis(20));
            Ok(Setup::plain([slow])?.within(2 * SOON))
        },
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "drip_in_the_body_past_the_timeout",
        does: "the response's body comes in pieces, each piece in time, the whole too late",
        setup: || {
            let slow = Behaviour::json(200, vec![b' '; 4096]).drip(Duration::from_millis(2));
            Ok(Setup::plain([slow])?.within(2 * SOON))
        },
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "drip_in_the_trailers_past_the_timeout",
        does: "the trailers of a chunked response come byte by byte, each byte in time, the whole \
               too late",
        setup: || {
            let trailers = "x-trailer: t\r\n".repeat(1024);
            let raw = format!(
                "HTTP/1.1 502 Bad Gateway\r\ntransfer-encoding: chunked\r\n\r\n\
                 2\r\nno\r\n0\r\n{trailers}\r\n"
            );
            let slow = Behaviour::raw(raw).drip(Duration::from_millis(2));
            Ok(Setup::plain([slow])?.within(2 * SOON))
        },
        // The status is sufficient, if it has come in time.
        calls: &[Expect::Either(
            ExpectedResponse { status: 502, holds: "", header: None },
            &[Timeout, ConnectTimeout, Protocol, TooLarge],
            ExpectedDelivery::Open,
        )],
    },
];
