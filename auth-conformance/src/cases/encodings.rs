//! Compressed responses, for which nobody asked. A token in one is a token.

use crate::case::{ACCESS_TOKEN, Case, Setup, response, tokens, unknown};
use auth_core::TransportErrorKind::{TooLarge, Truncated};
use auth_testkit::behaviours;
use fault_server::{Behaviour, Cut, Point};

/// 70 008 bytes in 95, without the header of zlib: `{"a":"…"}`, blanks within.
fn bomb() -> Vec<u8> {
    let start = [
        0xed, 0xc1, 0x41, 0x0d, 0, 0x30, 0x08, 0x04, 0x30, 0x2b, 0xcb, 0xc9, 0x98, 0x1b, 0x74,
        0x10, 0xbc, 0x63, 0x82, 0x67, 0xdb, 0x4e, 0xe5, 0xe7, 0x01,
    ];
    [&start[..], &[0; 67], &[0xe7, 0x32, 0x0b]].concat()
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "gzip_not_asked_for",
        does: "the response is compressed, which nobody asked for",
        setup: || Setup::plain([tokens().gzip()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "gzip_in_chunks",
        does: "the response is compressed, and comes in chunks",
        setup: || Setup::plain([tokens().gzip().chunked()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "gzip_without_header",
        does: "the response is compressed, and a proxy has removed the header that says so",
        setup: || Setup::plain([tokens().gzip_without_header()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "gzip_among_others",
        does: "the response is compressed, and the header names `identity` too",
        setup: || {
            let encoded = tokens().gzip_without_header();
            Setup::plain([encoded.header("content-encoding", "Identity, x-gzip")])
        },
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "gzip_in_name_only",
        does: "the response says that it is compressed, and is not",
        setup: || Setup::plain([tokens().header("content-encoding", "gzip")]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "gzip_of_an_error",
        does: "a 400 is compressed; its code can be read",
        setup: || Setup::plain([behaviours::oauth_error(400, "invalid_grant").gzip()]),
        calls: &[response(400, "invalid_grant")],
    },
    Case {
        name: "gzip_cut",
        does: "the connection is closed half through a compressed response",
        setup: || Setup::plain([tokens().gzip().cut(Point::InResponseBody, Cut::Close)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "gzip_too_long_unpacked",
        does: "the response is short, and unpacked it is longer than the request allows",
        setup: || {
            let bomb = Behaviour::response(200).body(bomb()).header("content-encoding", "deflate");
            let mut setup = Setup::plain([bomb])?;
            setup.response_limit = 1000;
            Ok(setup)
        },
        calls: &[unknown(&[TooLarge])],
    },
    Case {
        name: "encoded_in_an_unknown_way",
        does: "the response is encoded in a way that is not known; it has come whole",
        setup: || {
            let encoded = Behaviour::response(200).header("content-encoding", "br");
            Setup::plain([encoded.body(*b"\x0b\x0a\x80{}\x03")])
        },
        calls: &[response(200, "")],
    },
];
