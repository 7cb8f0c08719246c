//! An HTTP proxy on the way to a server over TLS: what fails there has not
//! reached the server. Without TLS there must be none on the way.

use crate::case::{ACCESS_TOKEN, Case, SOON, Setup, not_sent, response, tokens};
use auth_core::TransportErrorKind::{ConnectTimeout, Proxy};
use fault_server::{Behaviour, ClosedPort, Point};

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
        calls: &[not_sent(&[Proxy])],
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
        name: "proxy_not_for_plain_http",
        does: "the server has no TLS, and a proxy would see the token",
        setup: || Setup::plain([tokens()])?.through([Behaviour::nginx(502)]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
];
