//! The transport keeps its promises, over real sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use auth_conformance::TransportSettings;
use auth_reqwest::ReqwestTransport;

fn transport(settings: &TransportSettings) -> ReqwestTransport {
    let mut builder = ReqwestTransport::builder()
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .without_system_roots();
    if let Some(pem) = &settings.root_certificate_pem {
        builder = builder.root_certificates_pem(pem.as_str());
    }
    builder = match &settings.proxy {
        Some(url) => builder.proxy(url),
        None => builder.no_proxy(),
    };
    if settings.http2_prior_knowledge {
        builder = builder.http2_prior_knowledge();
    }
    builder.build().unwrap()
}

/// hyper passes over them, however many come, and reqwest shows neither them nor
/// the connection. They end with the attempt's time, and fill no memory.
const INTERIM: &str = "hyper passes over any number of interim responses";

#[tokio::test]
async fn the_transport_keeps_its_promises() {
    let mut suite = auth_conformance::transport(transport).another_process("makes_a_call");
    for case in [
        "interim_without_end",
        "interim_of_half_a_mebibyte",
        "tls_interim_without_end",
        "h2_interim_without_end",
    ] {
        suite = suite.excuse(case, INTERIM);
    }
    let report = suite.await;
    println!("{report}");
    report.assert();
}

#[tokio::test]
#[ignore = "run by the suite, in another process"]
async fn makes_a_call() {
    auth_conformance::transport(transport).make_the_call().await;
}

#[tokio::test]
async fn so_it_does_with_a_pool() {
    let pooled = |settings: &TransportSettings| {
        let mut builder = ReqwestTransport::builder().max_idle_connections(8).no_proxy();
        if settings.http2_prior_knowledge {
            builder = builder.http2_prior_knowledge();
        }
        builder.connect_timeout(settings.connect_timeout).timeout(settings.timeout).build().unwrap()
    };
    let mut suite = auth_conformance::transport(pooled);
    for case in ["response", "cookie", "closed_while_idle", "h2_response", "h2_refused_after_body"]
    {
        suite = suite.only(case);
    }
    suite.await.assert();
}
