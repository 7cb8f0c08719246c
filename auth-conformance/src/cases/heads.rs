//! Heads that break the rules, as some servers have sent them for years. curl reads
//! them, and so do browsers.

use crate::case::{ACCESS_TOKEN, Case, Setup, response, tokens};
use fault_server::Behaviour;

/// Tokens under this head, lines and all.
fn under(head: &str) -> Behaviour {
    let body = format!(r#"{{"access_token":"{ACCESS_TOKEN}"}}"#);
    let length = body.len();
    Behaviour::raw(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{head}\r\n{body}"))
}

/// So many fields.
fn fields(count: usize) -> Behaviour {
    (0..count).fold(tokens(), |response, at| response.header(&format!("x-field-{at}"), "y"))
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "head_with_blanks_in_a_name",
        does: "the name of a header field has blanks in it",
        setup: || Setup::plain([under("X Powered By: PHP\r\n")]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "head_with_a_blank_before_the_colon",
        does: "there is a blank before the colon of a header field",
        setup: || Setup::plain([under("Server : acme\r\n")]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "head_with_a_folded_line",
        does: "a header field goes on in the next line (RFC 9112 section 5.2)",
        setup: || Setup::plain([under("X-Policy: a;\r\n  b;\r\n\tc\r\n")]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "head_with_a_line_that_is_none",
        does: "a line of the head is no header field",
        setup: || Setup::plain([under("PHP Warning\r\n(none): x\r\n")]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "head_in_bare_lines",
        does: "the lines of the head end without a carriage return (RFC 9112 section 2.2)",
        setup: || {
            let body = format!(r#"{{"access_token":"{ACCESS_TOKEN}"}}"#);
            let head = format!("HTTP/1.1 200 OK\ncontent-length: {}\n\n", body.len());
            Setup::plain([Behaviour::raw(head + &body)])
        },
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "head_of_120_fields",
        does: "the head has 120 fields",
        setup: || Setup::plain([fields(120)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "head_of_240_fields",
        does: "the head has 240 fields",
        setup: || Setup::plain([fields(240)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_head_of_240_fields",
        does: "the head has 240 fields over HTTP/2",
        setup: || Setup::http2([fields(240)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
];
