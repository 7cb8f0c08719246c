//! The TLS handshake. Nothing of the request is sent before it is over.

use crate::case::{
    ACCESS_TOKEN, Case, Expect, ExpectedDelivery, ExpectedResponse, SOON, Setup, not_sent,
    response, tokens,
};
use auth_core::TransportErrorKind::{
    BadCertificate, Clock, Closed, ConnectTimeout, Protocol, Reset, Timeout, TlsHandshake,
    Truncated,
};
use fault_server::{Behaviour, Certificate, Cut, Point};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "tls_response",
        does: "a good response, over TLS",
        setup: || Setup::tls([tokens()]),
        calls: &[response(200, ACCESS_TOKEN)],
    },
    Case {
        name: "tls_reset_on_accept",
        does: "the connection is reset before the handshake",
        setup: || Setup::tls([Behaviour::reset(Point::OnAccept)]),
        calls: &[not_sent(&[TlsHandshake, Reset])],
    },
    Case {
        name: "tls_reset_in_handshake",
        does: "the connection is reset after the ClientHello",
        setup: || Setup::tls([Behaviour::reset(Point::OnClientHello)]),
        calls: &[not_sent(&[TlsHandshake])],
    },
    Case {
        name: "tls_close_in_handshake",
        does: "the connection is closed after the ClientHello",
        setup: || Setup::tls([Behaviour::close(Point::OnClientHello)]),
        calls: &[not_sent(&[TlsHandshake])],
    },
    Case {
        name: "tls_stall_in_handshake",
        does: "nothing comes after the ClientHello",
        setup: || {
            let setup = Setup::tls([Behaviour::stall(Point::OnClientHello)])?;
            Ok(setup.connecting_within(SOON))
        },
        calls: &[not_sent(&[ConnectTimeout])],
    },
    Case {
        name: "tls_stall_takes_all_the_time",
        does: "nothing comes after the ClientHello, and the call's own timeout ends it",
        setup: || Ok(Setup::tls([Behaviour::stall(Point::OnClientHello)])?.within(SOON)),
        calls: &[not_sent(&[ConnectTimeout])],
    },
    Case {
        name: "tls_too_old",
        does: "the server speaks TLS 1.1 only, and sends the alert protocol_version",
        setup: || Setup::tls([Behaviour::tls_alert(70)]),
        calls: &[not_sent(&[TlsHandshake])],
    },
    Case {
        name: "tls_nothing_in_common",
        does: "the server accepts no cipher suite, and sends the alert handshake_failure",
        setup: || Setup::tls([Behaviour::tls_alert(40)]),
        calls: &[not_sent(&[TlsHandshake])],
    },
    Case {
        name: "tls_not_spoken",
        does: "https:// leads to a port where plain HTTP is spoken",
        setup: || {
            let mut setup = Setup::plain([tokens()])?;
            setup.url = setup.url.replace("http://", "https://");
            Ok(setup)
        },
        calls: &[not_sent(&[TlsHandshake])],
    },
    Case {
        name: "certificate_expired",
        does: "the server's certificate has expired",
        setup: || Setup::tls([Behaviour::present(Certificate::Expired)]),
        calls: &[not_sent(&[BadCertificate])],
    },
    Case {
        name: "certificate_not_yet_valid",
        does: "the server's certificate is not valid yet",
        setup: || Setup::tls([Behaviour::present(Certificate::NotYetValid)]),
        // It is in use, so that it is the clock.
        calls: &[not_sent(&[Clock])],
    },
    Case {
        name: "certificate_self_signed",
        does: "the server's certificate is self-signed",
        setup: || Setup::tls([Behaviour::present(Certificate::SelfSigned)]),
        calls: &[not_sent(&[BadCertificate])],
    },
    Case {
        name: "certificate_of_another_host",
        does: "the server's certificate is for another host",
        setup: || Setup::tls([Behaviour::present(Certificate::WrongHost)]),
        calls: &[not_sent(&[BadCertificate])],
    },
    Case {
        name: "certificate_of_an_unknown_authority",
        does: "the server's certificate is signed by an unknown authority",
        setup: || {
            let mut setup = Setup::tls([tokens()])?;
            setup.settings.root_certificate_pem = None;
            Ok(setup)
        },
        calls: &[not_sent(&[BadCertificate])],
    },
    Case {
        name: "tls_cut_without_notice",
        does: "over TLS a response without a length is cut without close_notify (RFC 8446 section 6.1)",
        setup: || {
            let half = Behaviour::json(200, br#"{"access_token":"at-"#).until_close();
            Setup::tls([half.cut(Point::AfterResponseBytes(usize::MAX), Cut::Truncate)])
        },
        // A library that does not notice returns half of a JSON document, in
        // which nobody finds a token.
        calls: &[Expect::Either(
            ExpectedResponse { status: 200, holds: "", header: None },
            &[Truncated, Closed, Reset],
            ExpectedDelivery::Unknown,
        )],
    },
    Case {
        name: "tls_stall_after_body",
        does: "over TLS the whole request arrives, and no response comes",
        setup: || Ok(Setup::tls([Behaviour::stall(Point::AfterBody)])?.within(2 * SOON)),
        calls: &[Expect::Failure(&[Timeout, ConnectTimeout], ExpectedDelivery::Open)],
    },
    Case {
        name: "tls_reset_after_body",
        does: "over TLS the connection is reset when the whole request has arrived",
        setup: || Setup::tls([Behaviour::reset(Point::AfterBody)]),
        calls: &[Expect::Failure(&[Reset, Closed, Protocol], ExpectedDelivery::Unknown)],
    },
];
