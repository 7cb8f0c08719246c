//! HTTP/2, where a server can take back a connection or refuse a request, and
//! libraries like to send it again.

use std::io;

use crate::case::{
    ACCESS_TOKEN, Case, REFRESH_TOKEN, SOON, Setup, open, response, tokens, unknown,
};
use auth_core::TransportErrorKind::{
    Closed, ConnectTimeout, Other, Protocol, Reset, Timeout, Truncated,
};
use fault_server::{Behaviour, Cut, Point};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "h2_response",
        does: "a good response, over HTTP/2",
        setup: || Setup::http2([tokens()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_status_502",
        does: "a 502 comes over HTTP/2",
        setup: || Setup::http2([Behaviour::nginx(502), tokens()]),
        calls: &[response(502, "<html>")],
    },
    Case {
        name: "h2_goaway_on_accept",
        does: "GOAWAY comes before any request",
        setup: || Setup::http2([Behaviour::go_away(Point::OnAccept), tokens()]),
        calls: &[open(&[Closed, Reset, Other])],
    },
    Case {
        name: "h2_goaway_after_headers",
        does: "GOAWAY says of the request that it was not processed, when its headers have arrived",
        setup: || Setup::http2([Behaviour::go_away(Point::AfterHeaders), tokens()]),
        calls: &[open(&[Closed, Reset, Other])],
    },
    Case {
        name: "h2_goaway_after_body",
        does: "GOAWAY says of the request that it was not processed, when it has arrived whole",
        setup: || Setup::http2([Behaviour::go_away(Point::AfterBody), tokens()]),
        calls: &[unknown(&[Closed, Reset, Other])],
    },
    Case {
        name: "h2_refused_after_headers",
        does: "REFUSED_STREAM comes when the request's headers have arrived",
        setup: || Setup::http2([Behaviour::refuse_stream(Point::AfterHeaders), tokens()]),
        calls: &[open(&[Reset, Closed, Other])],
    },
    Case {
        name: "h2_refused_after_body",
        does: "REFUSED_STREAM comes when the whole request has arrived",
        setup: || Setup::http2([Behaviour::refuse_stream(Point::AfterBody), tokens()]),
        calls: &[unknown(&[Reset, Closed, Other])],
    },
    Case {
        name: "h2_reset_after_body",
        does: "the connection is reset when the whole request has arrived over HTTP/2",
        setup: || Setup::http2([Behaviour::reset(Point::AfterBody)]),
        calls: &[unknown(&[Reset, Closed])],
    },
    Case {
        name: "h2_stall_after_body",
        does: "the whole request arrives over HTTP/2, and no response comes",
        setup: || Ok(Setup::http2([Behaviour::stall(Point::AfterBody)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "h2_close_in_response_body",
        does: "the connection is closed half through a response over HTTP/2",
        setup: || Setup::http2([tokens().cut(Point::InResponseBody, Cut::Close)]),
        calls: &[unknown(&[Truncated, Closed, Reset])],
    },
    Case {
        name: "h2_echo_in_goaway",
        does: "the server sends the refresh token back as the debug data of a GOAWAY",
        setup: || {
            // RFC 9113 section 6.8: length, type, flags and stream; last
            // stream and NO_ERROR; then data of the server's choice.
            let length = u8::try_from(8 + REFRESH_TOKEN.len()).map_err(io::Error::other)?;
            let mut frame = vec![0, 0, length, 7, 0, 0, 0, 0, 0];
            frame.extend([0; 8]);
            frame.extend(REFRESH_TOKEN.as_bytes());
            Setup::http2([Behaviour::raw(frame), tokens()])
        },
        calls: &[unknown(&[Closed, Reset, Protocol, Other])],
    },
    Case {
        name: "h2_not_spoken",
        does: "HTTP/2 is spoken to a server that speaks something else",
        setup: || Setup::http2([Behaviour::garbage(), tokens()]),
        calls: &[open(&[Protocol, Closed, Reset, Other])],
    },
];
