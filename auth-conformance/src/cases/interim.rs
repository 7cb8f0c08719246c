//! Interim responses (RFC 9110 section 15.2): a client passes over them, but not
//! without end.

use std::time::Duration;

use crate::case::{ACCESS_TOKEN, Case, Expect, Setup, response, tokens, unknown};
use auth_core::TransportErrorKind::{Closed, Other, Protocol, TooLarge};
use fault_server::Behaviour;

/// A transport that counts notices at once. One that does not uses up this time.
const AT_ONCE: Duration = Duration::from_secs(2);

const REFUSED: Expect = unknown(&[TooLarge, Protocol, Closed, Other]);

fn some(status: u16) -> Behaviour {
    (0..20).fold(tokens(), |response, _| response.interim(status))
}

/// Each of them is long, so that a bound is soon reached, and a client that passes
/// over them keeps up.
fn without_end() -> Behaviour {
    Behaviour::response(200).endless_interim(103).padded_interim(8 * 1024)
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "interim_100",
        does: "a 100 that nobody asked for comes before the response (RFC 9110 section 15.2)",
        setup: || Setup::plain([tokens().interim(100)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "interim_103",
        does: "early hints come before the response (RFC 8297)",
        setup: || Setup::plain([tokens().interim(103)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "interim_some",
        does: "twenty interim responses come before the response",
        setup: || Setup::plain([some(102)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "interim_before_a_long_response",
        does: "early hints come before a response of 100 KiB",
        setup: || {
            let long = Behaviour::json(200, vec![b' '; 100 * 1024]).interim(103);
            let mut setup = Setup::plain([long])?;
            setup.response_limit = 1 << 20;
            Ok(setup)
        },
        calls: &[response(200, " ")],
    },
    Case {
        name: "interim_without_end",
        does: "interim responses come without end",
        setup: || Ok(Setup::plain([without_end()])?.within(AT_ONCE)),
        calls: &[REFUSED],
    },
    Case {
        name: "interim_of_half_a_mebibyte",
        does: "interim responses of 512 KiB altogether come before the response",
        setup: || {
            // Each as long as a head may well be.
            let padded = (0..32).fold(tokens(), |response, _| response.interim(103));
            Ok(Setup::plain([padded.padded_interim(16 * 1024)])?.within(AT_ONCE))
        },
        calls: &[REFUSED],
    },
    Case {
        name: "tls_interim_without_end",
        does: "interim responses come without end over TLS",
        setup: || Ok(Setup::tls([without_end()])?.within(AT_ONCE)),
        calls: &[REFUSED],
    },
    Case {
        name: "h2_interim_some",
        does: "twenty interim responses come before the response over HTTP/2",
        setup: || Setup::http2([some(103)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "h2_interim_without_end",
        does: "interim responses come without end over HTTP/2",
        setup: || Ok(Setup::http2([without_end()])?.within(AT_ONCE)),
        calls: &[REFUSED],
    },
];
