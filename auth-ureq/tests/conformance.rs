//! The transport keeps its promises, over real sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use auth_conformance::TransportSettings;
use auth_ureq::UreqTransport;

fn transport(settings: &TransportSettings) -> UreqTransport {
    let mut builder = UreqTransport::builder()
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
    builder.build().unwrap()
}

/// ureq parses the head itself, and has no setting for it.
const STRICT: &str = "ureq has no leniency with a head that breaks the rules";

#[test]
fn the_transport_keeps_its_promises() {
    let mut suite = auth_conformance::blocking_transport(transport);
    for (case, _) in auth_conformance::transport_cases().filter(|(case, _)| case.starts_with("h2_"))
    {
        suite = suite.excuse(case, "ureq speaks HTTP/1.1 only");
    }
    for case in [
        "head_with_blanks_in_a_name",
        "head_with_a_blank_before_the_colon",
        "head_with_a_folded_line",
        "head_with_a_line_that_is_none",
    ] {
        suite = suite.excuse(case, STRICT);
    }
    suite = suite.excuse("head_of_240_fields", "ureq reads 128 fields");
    let report = suite.another_process("makes_a_call").run();
    println!("{report}");
    report.assert();
}

#[test]
#[ignore = "run by the suite, in another process"]
fn makes_a_call() {
    auth_conformance::blocking_transport(transport).make_the_call();
}
