//! Mutual TLS (RFC 8705) over real sockets, by both adapters.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use auth_core::{Backoff, Delivery, Failure, FailureKind, TransportErrorKind};
use auth_reqwest::{BuildError, ClientCertificate, ClientCertificateErrorKind};
use auth_testkit::fault_server::{
    Behaviour, Certificate, ClientCertificates, ClientIdentityKind, Cut, FaultServer, Point,
};

use self::support::{Files, Settings, server, shown, trusted};

#[test]
fn the_server_sees_the_certificate() {
    let identity = trusted();
    for asks in [ClientCertificates::Required, ClientCertificates::Wanted] {
        for (tls12, http2) in [(false, false), (false, true), (true, false), (true, true)] {
            for (name, adapter) in Settings::showing(&identity).both() {
                let server = if tls12 { server(asks).tls12_only() } else { server(asks) };
                let server = if http2 { server.http2() } else { server };
                let server = server.start().unwrap();
                let response = adapter.send(server.url());
                assert!(response.is_ok(), "{name} {asks:?} {tls12} {http2}: {response:?}");
                assert_eq!(shown(&server), [Some(identity.der.clone())], "{name}");
            }
        }
    }
    // Who does not ask does not see it, and who only asks serves without.
    for (asks, settings) in [
        (ClientCertificates::NotAsked, Settings::showing(&identity)),
        (ClientCertificates::Wanted, Settings::default()),
    ] {
        for (name, adapter) in settings.both() {
            let server = server(asks).start().unwrap();
            assert!(adapter.send(server.url()).is_ok(), "{name}");
            assert_eq!(shown(&server), [None], "{name}");
        }
    }
}

/// What the server has against it is told, a person has to look, and the request is
/// known to be unread, though in TLS 1.3 it had been sent.
#[test]
fn a_refused_certificate() {
    let settings = |kind| Settings::showing(&FaultServer::client_identity(kind));
    for (what, settings, says) in [
        ("none", Settings::default(), "none is set up"),
        ("expired", settings(ClientIdentityKind::Expired), "expired on Mon, 01 Jan 2001"),
        ("unknown", settings(ClientIdentityKind::UnknownAuthority), "does not know the authority"),
    ] {
        for (tls12, http2, max_idle) in
            [(false, true, 0), (false, false, 0), (true, false, 0), (false, false, 4)]
        {
            let settings = Settings { max_idle, ..settings.clone() };
            for (name, adapter) in settings.both() {
                let server = server(ClientCertificates::Required);
                let server = if tls12 { server.tls12_only() } else { server };
                let server = if http2 { server.http2() } else { server };
                let server = server.start().unwrap();
                let context =
                    format!("{what}, {name}, TLS 1.2 {tls12}, HTTP/2 {http2}, {max_idle} idle");
                let error = adapter.send(server.url()).unwrap_err();
                assert_eq!(
                    error.kind(),
                    TransportErrorKind::ClientCertificate,
                    "{context}: {error:?}"
                );
                let source = std::error::Error::source(&error).unwrap().to_string();
                assert!(
                    source.contains(says) && source.contains("TLS alert"),
                    "{context}: {source}"
                );
                // Where connections are kept, it might be one that has served: then the
                // body that was read counts, which may not have been.
                if tls12 || max_idle == 0 {
                    assert_eq!(error.delivery(), Delivery::NotSent, "{context}: {error:?}");
                }
                let failure = Failure::from(error);
                assert_eq!(failure.kind(), FailureKind::Misconfigured);
                assert!(!Backoff::retries_by_default(&failure));
                server.stop();
                assert_eq!(server.body_bytes_received(), 0, "{context}");
                assert_eq!(server.connections().len(), 1, "{context}");
            }
        }
    }
}

/// In TLS 1.2 the certificate was accepted before the request was sent. Whatever is said
/// of it later, say by a server that wants another one for this path, the request was
/// read. So it may have been where the alert is said of other things, too.
#[test]
fn an_alert_of_a_server_that_has_read_the_request() {
    let (access_denied, handshake_failure, certificate_unknown, certificate_required) =
        (49, 40, 46, 116);
    for (tls12, alert) in [
        (true, handshake_failure),
        (true, certificate_unknown),
        (true, certificate_required),
        (true, access_denied),
        (false, access_denied),
        (false, handshake_failure),
    ] {
        for http2 in [false, true] {
            for settings in [Settings::default(), Settings::showing(&trusted())] {
                for (name, adapter) in settings.both() {
                    let server = server(ClientCertificates::Wanted)
                        .script([
                            Behaviour::response(200).cut(Point::AfterBody, Cut::TlsAlert(alert))
                        ]);
                    let server = if tls12 { server.tls12_only() } else { server };
                    let server = if http2 { server.http2() } else { server };
                    let server = server.start().unwrap();
                    let error = adapter.send(server.url()).unwrap_err();
                    let context = format!("{name}, {alert}, TLS 1.2 {tls12}, HTTP/2 {http2}");
                    assert_eq!(error.delivery(), Delivery::Unknown, "{context}: {error:?}");
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    let heard = source.is_some_and(|s| s.contains("TLS alert"));
                    assert!(heard, "{context}: {error:?}");
                    server.stop();
                    assert!(server.body_bytes_received() > 0, "{context}");
                    server.verify();
                }
            }
        }
    }
}

/// Servers of OpenSSL reset the connection behind the alert. What came before a reset can
/// be read on Linux. If it is not, the reason is suspected.
#[cfg(target_os = "linux")]
#[test]
fn a_refusal_is_heard_though_the_connection_is_reset() {
    for tls12 in [false, true] {
        for (name, adapter) in Settings::default().both() {
            let server = server(ClientCertificates::Required).resets_failed_handshakes();
            let server = if tls12 { server.tls12_only() } else { server };
            let server = server.start().unwrap();
            for _ in 0..20 {
                let error = adapter.send(server.url()).unwrap_err();
                let told = (error.kind(), error.delivery())
                    == (TransportErrorKind::ClientCertificate, Delivery::NotSent);
                // hyper does not read any more once it could not write, if that comes first.
                let source = std::error::Error::source(&error).map(ToString::to_string);
                let lost = source.is_some_and(|text| text.contains("none is set up"));
                assert!(told || name == "reqwest" && lost, "{name} {tls12}: {error:?}");
            }
        }
    }
}

/// Node's servers close without a word. That is no proof of anything, and a hint.
#[test]
fn a_server_that_asked_and_closed_is_suspected() {
    for (settings, says) in [
        (Settings::default(), "asked for a client certificate, and none is set up"),
        (Settings::showing(&trusted()), "asked for the client's certificate, and may not"),
    ] {
        for (asks, is_suspected) in
            [(ClientCertificates::Wanted, true), (ClientCertificates::NotAsked, false)]
        {
            for (name, adapter) in settings.both() {
                let server = server(asks).script([Behaviour::reset(Point::AfterBody)]);
                let server = server.start().unwrap();
                let error = adapter.send(server.url()).unwrap_err();
                assert_eq!(error.delivery(), Delivery::Unknown, "{name}: {error:?}");
                let source = std::error::Error::source(&error).map(ToString::to_string);
                let suspected = source.is_some_and(|source| source.contains(says));
                assert_eq!(suspected, is_suspected, "{name}: {error:?}");
            }
        }
    }
}

#[test]
fn a_renewed_certificate_is_shown_with_the_next_request() {
    for (max_idle, http2, tls12) in
        [(0, true, false), (4, false, false), (4, true, false), (4, false, true)]
    {
        for which in 0..2 {
            let (first, second) = (trusted(), trusted());
            let files = Files::new(&first);
            let settings = Settings { max_idle, ..Settings::with(files.certificate()) };
            let (name, adapter) = settings.both().into_iter().nth(which).unwrap();
            let server = server(ClientCertificates::Required);
            let server = if http2 { server.http2() } else { server };
            let server = if tls12 { server.tls12_only() } else { server };
            let server = server.start().unwrap();
            for _ in 0..2 {
                adapter.send(server.url()).unwrap();
            }
            let kept = server.connections().len();
            assert_eq!(kept, if max_idle > 0 { 1 } else { 2 }, "{name}");
            files.renew(&second);
            for _ in 0..2 {
                adapter.send(server.url()).unwrap();
            }
            let expected = [&first, &first, &second, &second];
            assert_eq!(shown(&server), expected.map(|i| Some(i.der.clone())), "{name} {http2}");
            // A new connection is kept again.
            assert_eq!(server.connections().len(), 2 * kept, "{name}");
        }
    }
}

/// Whatever is in the files meanwhile, the last pair that fits is used, and what is
/// wrong can be seen.
#[test]
fn files_that_do_not_fit_yet() {
    use ClientCertificateErrorKind as Kind;

    let (first, second) = (trusted(), trusted());
    let half = |text: &str| text[..text.len() / 2].to_owned();
    let cases: [(&str, String, String, Option<Kind>); 8] = [
        (
            "half a certificate",
            half(&second.certificate_pem),
            first.key_pem.clone(),
            Some(Kind::Malformed),
        ),
        (
            "only the certificate",
            second.certificate_pem.clone(),
            first.key_pem.clone(),
            Some(Kind::Mismatch),
        ),
        (
            "half a key",
            second.certificate_pem.clone(),
            half(&second.key_pem),
            Some(Kind::Malformed),
        ),
        ("an empty key", second.certificate_pem.clone(), String::new(), Some(Kind::Empty)),
        ("an empty certificate", String::new(), second.key_pem.clone(), Some(Kind::Empty)),
        (
            "only the key",
            first.certificate_pem.clone(),
            second.key_pem.clone(),
            Some(Kind::Mismatch),
        ),
        (
            "swapped",
            second.key_pem.clone(),
            second.certificate_pem.clone(),
            Some(Kind::NoCertificate),
        ),
        ("as it was", first.certificate_pem.clone(), first.key_pem.clone(), None),
    ];
    for which in 0..2 {
        let files = Files::new(&first);
        let certificate = files.certificate();
        let (name, adapter) =
            Settings::with(certificate.clone()).both().into_iter().nth(which).unwrap();
        let server = server(ClientCertificates::Required).start().unwrap();
        for (what, chain, key, problem) in &cases {
            files.write("tls.crt", chain);
            files.write("tls.key", key);
            adapter.send(server.url()).unwrap_or_else(|error| panic!("{name}, {what}: {error:?}"));
            assert_eq!(certificate.problem().map(|p| p.kind()), *problem, "{name}, {what}");
        }
        fs::remove_file(files.path("tls.key")).unwrap();
        adapter.send(server.url()).unwrap();
        assert_eq!(certificate.problem().map(|p| p.kind()), Some(Kind::Unreadable), "{name}");
        assert!(shown(&server).iter().all(|shown| *shown == Some(first.der.clone())), "{name}");
        // Once all of it is there.
        files.renew(&second);
        adapter.send(server.url()).unwrap();
        assert!(certificate.problem().is_none(), "{name}");
        assert_eq!(shown(&server).last(), Some(&Some(second.der.clone())), "{name}");
    }
}

/// If the server refuses the old one, the reason for it is told, too.
#[test]
fn a_renewal_that_failed_is_told_when_the_server_refuses() {
    let expired = FaultServer::client_identity(ClientIdentityKind::Expired);
    for which in 0..2 {
        let files = Files::new(&expired);
        let settings = Settings::with(files.certificate());
        let (name, adapter) = settings.both().into_iter().nth(which).unwrap();
        let server = server(ClientCertificates::Required).start().unwrap();
        files.write("tls.crt", &trusted().certificate_pem);
        let error = adapter.send(server.url()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("expired") && source.contains("not renewed"), "{name}: {source}");
        assert!(source.contains("tls.key"), "{name}: {source}");
    }
}

/// The proxy asks for a certificate as well, and the server behind it gets one.
#[test]
fn no_proxy_sees_the_certificate() {
    let identity = trusted();
    let server = server(ClientCertificates::Required).start().unwrap();
    let proxy = |tls: bool| {
        let builder = FaultServer::builder().script([Behaviour::relay()]);
        let asks = ClientCertificates::Wanted;
        let builder =
            if tls { builder.tls(Certificate::Trusted).client_certificates(asks) } else { builder };
        builder.start().unwrap()
    };
    let through = |proxy: &FaultServer| Settings {
        proxy: Some(proxy.url().to_owned()),
        ..Settings::showing(&identity)
    };
    for which in 0..2 {
        let plain = proxy(false);
        let (name, adapter) = through(&plain).both().into_iter().nth(which).unwrap();
        adapter.send(server.url()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    assert_eq!(shown(&server), [Some(identity.der.clone()), Some(identity.der.clone())]);

    // reqwest has one configuration for both.
    let over_tls = proxy(true);
    let error = through(&over_tls).reqwest().err().unwrap();
    assert!(matches!(error, BuildError::ClientCertificateAndTlsProxy), "{error:?}");
    // ureq's connections are made here. The test proxy does not relay over TLS, so it
    // only shows what the handshake was like.
    let _ = through(&over_tls).ureq().unwrap().send(server.url());
    over_tls.stop();
    assert_eq!(over_tls.connections()[0].client_certificate, None);
    assert_eq!(over_tls.requests().len(), 1);
}

#[test]
fn what_is_wrong_shows_when_the_transport_is_built() {
    let (one, other) = (trusted(), trusted());
    let files = Files::new(&one);
    let both = files.path("both.pem");
    for (name, adapter) in Settings::with(ClientCertificate::from_files(&both, &both)).both() {
        let server = server(ClientCertificates::Required).start().unwrap();
        adapter.send(server.url()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let mismatch = ClientCertificate::from_pem(&one.certificate_pem, &other.key_pem).unwrap();
    let missing = ClientCertificate::from_files(files.path("tls.crt"), files.path("missing"));
    for (certificate, kind) in [
        (mismatch, ClientCertificateErrorKind::Mismatch),
        (missing, ClientCertificateErrorKind::Unreadable),
    ] {
        let settings = Settings::with(certificate);
        let reqwest = match settings.clone().reqwest() {
            Err(BuildError::ClientCertificate(error)) => error.kind(),
            result => panic!("{:?}", result.err()),
        };
        let ureq = match settings.ureq() {
            Err(auth_ureq::BuildError::ClientCertificate(error)) => error.kind(),
            result => panic!("{:?}", result.err()),
        };
        assert_eq!([reqwest, ureq], [kind, kind]);
    }
}
