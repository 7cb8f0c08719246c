//! Certificates that do not verify, and a TLS that is too old.

use std::{error::Error, io::Write};

use auth_core::{
    Backoff, Delivery, FailureKind, RefreshError, RefreshToken, TokenEndpoint, TransportErrorKind,
};

use crate::{
    clients::{Adapter, Network, run_example, told_by_example},
    tally::Tally,
    tls::TlsServers,
};

/// What each server is taken for, and a word of the explanation that tells it
/// from the others.
const EXPECTED: [(&str, FailureKind, TransportErrorKind, &[&str]); 4] = [
    ("expired", FailureKind::Misconfigured, TransportErrorKind::BadCertificate, &["expired"]),
    (
        "wrong_host",
        FailureKind::Misconfigured,
        TransportErrorKind::BadCertificate,
        &["not valid for", "NotValidForName"],
    ),
    (
        "stranger",
        FailureKind::Misconfigured,
        TransportErrorKind::BadCertificate,
        &["UnknownIssuer", "BadSignature", "invalid signature"],
    ),
    (
        "tls_1_1",
        FailureKind::Unreachable,
        TransportErrorKind::TlsHandshake,
        &["ProtocolVersion", "protocol version"],
    ),
];

pub(super) fn certificates_and_versions(tally: &Tally) {
    let servers = TlsServers::start();
    let mut refreshes = 0;
    for adapter in Adapter::ALL {
        let trusting = Network {
            root_pem: Some(servers.root_pem.clone()),
            policy: Backoff::default().max_retries(0),
            ..Network::default()
        };
        refresh(adapter, &servers.url("good"), &trusting)
            .expect("the private authority is trusted");
        refreshes += 1;

        for (name, kind, transport_kind, words) in EXPECTED {
            let error = refresh(adapter, &servers.url(name), &trusting).expect_err(name);
            check(&format!("{adapter:?} {name}"), &error, kind, transport_kind, words);
        }
        // The private authority, by who was not told to trust it.
        let plain = Network { root_pem: None, ..trusting };
        let error = refresh(adapter, &servers.url("good"), &plain).expect_err("nobody vouches");
        check(
            &format!("{adapter:?} private CA"),
            &error,
            FailureKind::Misconfigured,
            TransportErrorKind::BadCertificate,
            &["UnknownIssuer"],
        );
    }
    for name in TlsServers::NAMES {
        let expected = if name == "good" { refreshes } else { 0 };
        assert_eq!(servers.requests(name), expected, "requests that reached {name}");
    }
    tally.refreshed(refreshes);
}

/// The example programs trust what the system does, or what `SSL_CERT_FILE`
/// names in its place.
pub(super) fn examples(tally: &Tally) {
    let servers = TlsServers::start();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(servers.root_pem.as_bytes()).expect("written");
    let path = file.path().to_str().expect("a path");
    let environment = [("SSL_CERT_FILE", path)];
    for adapter in Adapter::ALL {
        for (name, status, kind) in [
            ("good", 0, None),
            ("expired", 5, Some("misconfigured")),
            ("wrong_host", 5, Some("misconfigured")),
            ("stranger", 5, Some("misconfigured")),
            ("tls_1_1", 4, Some("unreachable")),
        ] {
            let arguments = ["--base-delay-ms", "1"];
            let url = servers.url(name);
            let ran = run_example(adapter, &url, "client", "rt-1", &arguments, &environment);
            let context = format!("{adapter:?} {name}: {} {}", ran.json, ran.stderr);
            assert_eq!(ran.status, status, "{context}");
            assert_eq!(ran.json["kind"].as_str(), kind, "{context}");
        }
        // A person reads which of them it is.
        for (name, .., words) in EXPECTED {
            let told = told_by_example(adapter, &servers.url(name), &environment);
            assert!(words.iter().any(|word| told.contains(word)), "{adapter:?} {name}: {told}");
        }
    }
    tally.refreshed(servers.requests("good"));
}

fn refresh(adapter: Adapter, url: &str, network: &Network) -> Result<(), RefreshError> {
    let endpoint = TokenEndpoint::new(url, "client").expect("an endpoint");
    adapter.refresh(&endpoint, &RefreshToken::new("rt-1"), network).map(drop)
}

pub(super) fn check(
    context: &str,
    error: &RefreshError,
    kind: FailureKind,
    transport_kind: TransportErrorKind,
    words: &[&str],
) {
    let explained = explain(error);
    assert_eq!(error.kind(), kind, "{context}: {explained}");
    let failure = error.failure();
    assert_eq!(failure.delivery(), Delivery::NotSent, "{context}: {explained}");
    let transport = failure.transport_error().expect("a failure of the network");
    assert_eq!(transport.kind(), transport_kind, "{context}: {explained}");
    assert!(
        words.iter().any(|word| explained.contains(word)),
        "{context}: none of {words:?} in: {explained}"
    );
    assert!(!explained.contains("rt-1"), "{context}: {explained}");
}

/// The message and those of its sources, as an operator's log shows them.
fn explain(error: &RefreshError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
