//! An HTTP proxy on the way to a server over TLS: what fails there has not
//! reached the server. Without TLS there must be none on the way.

use std::time::Duration;

use crate::case::{ACCESS_TOKEN, Case, SOON, Setup, not_sent, open, response, tokens};
use auth_core::TransportErrorKind::{ConnectTimeout, Proxy, ProxyRefused, Timeout};
use fault_server::{Behaviour, ClosedPort, Point};

const MOMENT: Duration = Duration::from_millis(1);

/// Answers a CONNECT with more than 8 KiB, which takes a minute.
fn slow() -> Behaviour {
    Behaviour::relay().padded_head(1024).drip(Duration::from_millis(7))
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "proxy_response",
        does: "a good response, through a proxy",
        setup: || Setup::tls([tokens()])?.through([Behaviour::relay()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "proxy_refused",
        does: "the proxy's port refuses connections",
        setup: || {
            let port = ClosedPort::new()?;
            let mut setup = Setup::tls([tokens()])?;
            setup.settings.proxy = Some(format!("http://{}", port.address()));
            Ok(setup.keeping(port))
        },
        calls: &[not_sent(&[Proxy])],
    },
    Case {
        name: "proxy_wants_authentication",
        does: "the proxy responds with 407",
        setup: || Setup::tls([tokens()])?.through([Behaviour::proxy_auth_required()]),
        calls: &[not_sent(&[ProxyRefused])],
    },
    Case {
        name: "proxy_forbids",
        does: "the proxy's rules do not allow the server, and it responds with 403",
        setup: || Setup::tls([tokens()])?.through([Behaviour::nginx(403)]),
        // Not every client is told the status.
        calls: &[not_sent(&[Proxy, ProxyRefused])],
    },
    Case {
        name: "proxy_bad_gateway",
        does: "the proxy cannot reach the server and responds with 502",
        setup: || Setup::tls([tokens()])?.through([Behaviour::nginx(502)]),
        calls: &[not_sent(&[Proxy])],
    },
    Case {
        name: "proxy_close",
        does: "the proxy closes the connection without a response",
        setup: || Setup::tls([tokens()])?.through([Behaviour::close(Point::AfterHeaders)]),
        calls: &[not_sent(&[Proxy])],
    },
    Case {
        name: "proxy_reset",
        does: "the proxy resets the connection",
        setup: || Setup::tls([tokens()])?.through([Behaviour::reset(Point::AfterHeaders)]),
        calls: &[not_sent(&[Proxy])],
    },
    Case {
        name: "proxy_stall",
        does: "the proxy never responds",
        setup: || {
            let setup = Setup::tls([tokens()])?.through([Behaviour::stall(Point::AfterHeaders)])?;
            Ok(setup.connecting_within(SOON))
        },
        calls: &[not_sent(&[ConnectTimeout, Proxy])],
    },
    Case {
        name: "proxy_answers_byte_by_byte",
        does: "the proxy's answer to the CONNECT comes byte by byte, and in time",
        setup: || Setup::tls([tokens()])?.through([Behaviour::relay().drip(MOMENT)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "proxy_drip_past_the_connect_timeout",
        does: "the proxy's answer to the CONNECT comes byte by byte, each byte in time, the whole \
               later than a connection may take",
        setup: || {
            let setup = Setup::tls([tokens()])?.through([slow()])?;
            Ok(setup.connecting_within(2 * SOON))
        },
        calls: &[not_sent(&[ConnectTimeout, Proxy])],
    },
    Case {
        name: "proxy_drip_past_the_timeout",
        does: "the proxy's answer to the CONNECT comes byte by byte, each byte in time, the whole \
               later than the call may take",
        setup: || Ok(Setup::tls([tokens()])?.through([slow()])?.within(2 * SOON)),
        calls: &[not_sent(&[ConnectTimeout, Proxy])],
    },
    Case {
        name: "proxy_stall_takes_all_the_time",
        does: "the proxy never responds, and the call's own timeout ends it",
        setup: || {
            let stalled = Behaviour::stall(Point::AfterHeaders);
            Ok(Setup::tls([tokens()])?.through([stalled])?.within(SOON))
        },
        calls: &[not_sent(&[ConnectTimeout, Proxy])],
    },
    Case {
        name: "proxy_stall_in_tls",
        does: "nothing comes after the ClientHello through a proxy",
        setup: || {
            let stalled = Setup::tls([Behaviour::stall(Point::OnClientHello)])?;
            Ok(stalled.through([Behaviour::relay()])?.within(2 * SOON))
        },
        calls: &[not_sent(&[ConnectTimeout, Proxy])],
    },
    Case {
        name: "proxy_stall_after_body",
        does: "the whole request arrives through a slow proxy, and no response comes",
        setup: || {
            let stalled = Setup::tls([Behaviour::stall(Point::AfterBody)])?;
            Ok(stalled.through([Behaviour::relay().drip(MOMENT)])?.within(2 * SOON))
        },
        calls: &[open(&[Timeout, ConnectTimeout, Proxy])],
    },
    Case {
        name: "proxy_head_of_a_mebibyte",
        does: "the head of the proxy's answer to the CONNECT is 1 MiB long",
        setup: || Setup::tls([tokens()])?.through([Behaviour::relay().padded_head(1 << 20)]),
        calls: &[not_sent(&[Proxy])],
    },
    Case {
        name: "proxy_interim_without_end",
        does: "the proxy answers the CONNECT with interim responses without end",
        setup: || {
            let endless = Behaviour::response(200).endless_interim(103);
            Setup::tls([tokens()])?.through([endless])
        },
        calls: &[not_sent(&[Proxy])],
    },
    Case {
        name: "proxy_not_for_plain_http",
        does: "the server has no TLS, and a proxy would see the token",
        setup: || Setup::plain([tokens()])?.through([Behaviour::nginx(502)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
];
