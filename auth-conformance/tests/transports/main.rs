//! The suite's own test: a transport that is in order passes, and each that is
//! wrong in one way fails the case that is meant to catch it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod flaw;
mod simple;
mod wire;

use std::time::Duration;

use auth_conformance::{CaseResult, SuiteReport};
use auth_core::{Request, Response, Transport, TransportError};

use flaw::Flaw;
use simple::{InAsync, Simple};

#[test]
fn a_transport_in_order_passes() {
    let mut suite =
        auth_conformance::blocking_transport(|settings| Simple::new(settings, Flaw::None));
    // It speaks plain HTTP/1.1, so only of that is anything expected.
    for (case, _) in auth_conformance::transport_cases() {
        let others = ["tls_", "certificate_", "proxy_", "h2_"];
        if others.iter().any(|kind| case.starts_with(kind)) && case != "proxy_not_for_plain_http" {
            suite = suite.excuse(case, "only plain HTTP/1.1");
        }
    }
    suite
        .excuse("unknown_host", "only plain HTTP/1.1")
        .another_process("makes_a_call_in_order")
        .run()
        .assert();
}

#[test]
#[ignore = "run by the suite, in another process"]
fn makes_a_call_in_order() {
    auth_conformance::blocking_transport(|settings| Simple::new(settings, Flaw::None))
        .make_the_call();
}

#[cfg(unix)]
#[test]
fn who_throws_away_what_arrived_is_caught() {
    let suite = || auth_conformance::blocking_transport(|settings| Simple::new(settings, FLAW));
    const FLAW: Flaw = Flaw::ThrowsAwayWhatArrived;
    for case in ["stopped_before_the_response", "stopped_within_the_response"] {
        let report = suite().only(case).another_process("makes_a_call_that_throws_away").run();
        assert_caught(&report, FLAW, "Timeout is reported, not the response with HTTP 200");
        // Without the test that makes the call nothing is shown.
        let report = suite().only(case).run();
        assert_caught(&report, FLAW, "name one by another_process");
    }
}

#[test]
#[ignore = "run by the suite, in another process"]
fn makes_a_call_that_throws_away() {
    let flaw = Flaw::ThrowsAwayWhatArrived;
    auth_conformance::blocking_transport(|settings| Simple::new(settings, flaw)).make_the_call();
}

/// What is wrong, the case that must catch it, and a part of what it must say.
const CAUGHT: &[(Flaw, &str, &str)] = &[
    (Flaw::FollowsRedirects, "redirect_302", "followed a redirect to another origin"),
    (Flaw::FollowsRedirects, "redirect_307", "followed a redirect to another origin"),
    (Flaw::FollowsRedirects, "redirect_307_to_itself", "1 call sent 2 requests"),
    (Flaw::RetriesAfterReset, "reset_after_body", "1 call sent 2 requests"),
    (Flaw::Retries503, "status_503", "1 call sent 2 requests"),
    (Flaw::SaysResetIsNotSent, "reset_after_body", "NotSent is reported"),
    (Flaw::SaysResetIsNotSent, "reset_in_response_body", "NotSent is reported"),
    (Flaw::SaysTimeoutIsNotSent, "stall_after_body", "NotSent is reported"),
    (Flaw::NeverSaysNotSent, "connect_refused", "Unknown is reported, not NotSent"),
    (Flaw::ReadsWithoutBound, "longer_than_allowed", "1001 bytes of the response were kept"),
    (Flaw::ReadsWithoutBound, "endless_until_close", "of the response were kept"),
    (Flaw::ShowsTheToken, "reset_after_body", "shows the refresh token"),
    (Flaw::ShowsTheUrl, "connect_refused", "shows the URL's query"),
    (Flaw::ShowsHeaders, "close_after_body", "shows the Authorization header"),
    (Flaw::QuotesTheResponse, "echo_in_a_header", "shows the refresh token"),
    (Flaw::NeverGivesUp, "stall_after_body", "the call had not ended"),
    (Flaw::CountsEachRead, "drip_past_the_timeout", "the call had not ended"),
    (Flaw::MakesA400AnError, "status_400", "not the response with HTTP 400"),
    (Flaw::LosesTheStatusOfACutPage, "cut_502", "not the response with HTTP 502"),
    (Flaw::LosesHeaders, "status_429", "the response's header retry-after was lost"),
    (Flaw::BelievesACutForm, "close_in_a_form", "HTTP 200 is reported"),
    (Flaw::BelievesACutResponse, "close_in_response_body", "HTTP 200 is reported"),
    (Flaw::SendsAnotherHeader, "response", "the header accept did not arrive as handed in"),
    (Flaw::SendsAnotherBody, "response", "the body that arrived is not the one that was handed in"),
    (Flaw::AsksForGzip, "response", "a compressed response was requested"),
    (Flaw::KeepsCookies, "cookie", "a cookie was sent"),
    (Flaw::MistakesTheKind, "connect_refused", "Dns is reported, not [Refused]"),
    (Flaw::PassesOverAnyInterim, "interim_without_end", "Timeout is reported, not [TooLarge"),
    (Flaw::PassesOverAnyInterim, "interim_of_half_a_mebibyte", "HTTP 200 is reported"),
    (Flaw::ThrowsAwayWhatIsWhole, "close_between_chunks", "Truncated is reported, not the resp"),
    (Flaw::ThrowsAwayWhatIsWhole, "longer_in_its_head", "Truncated is reported, not the resp"),
    (Flaw::ThrowsAwayWhatIsWhole, "gzip_longer_in_its_head", "Truncated is reported, not the resp"),
    (Flaw::LeavesEncodings, "gzip_not_asked_for", "body is not the one that was sent"),
    (Flaw::LeavesEncodings, "gzip_in_chunks", "body is not the one that was sent"),
    (Flaw::LeavesEncodings, "gzip_without_header", "body is not the one that was sent"),
    (Flaw::LeavesEncodings, "gzip_among_others", "body is not the one that was sent"),
    (Flaw::LeavesEncodings, "gzip_of_an_error", "body is not the one that was sent"),
    (Flaw::UnpacksWithoutBound, "gzip_too_long_unpacked", "70008 bytes of the response were kept"),
    (Flaw::IsStrict, "head_with_blanks_in_a_name", "Protocol is reported, not the response"),
    (
        Flaw::IsStrict,
        "head_with_a_blank_before_the_colon",
        "Protocol is reported, not the response",
    ),
    (Flaw::IsStrict, "head_with_a_folded_line", "Protocol is reported, not the response"),
    (Flaw::IsStrict, "head_with_a_line_that_is_none", "Protocol is reported, not the response"),
    (Flaw::UsesTheProxyForAll, "proxy_not_for_plain_http", "sees the token in clear: 1 connection"),
];

#[test]
fn each_flaw_is_caught_by_its_case() {
    for (flaw, case, says) in CAUGHT {
        let report = auth_conformance::blocking_transport(|settings| Simple::new(settings, *flaw))
            .only(*case)
            .allowance(Duration::from_millis(300))
            .run();
        assert_caught(&report, *flaw, says);
    }
}

#[test]
fn the_async_suite_catches_them_too() {
    for (flaw, case, says) in CAUGHT {
        // These block the thread, and with it the async suite.
        if matches!(flaw, Flaw::NeverGivesUp | Flaw::CountsEachRead) {
            continue;
        }
        let suite = auth_conformance::transport(|settings| InAsync(Simple::new(settings, *flaw)));
        assert_caught(&pollster::block_on(suite.only(*case).run()), *flaw, says);
    }
}

#[test]
fn an_async_call_without_end_is_caught() {
    struct Pending;
    #[async_trait::async_trait]
    impl Transport for Pending {
        async fn send(&self, _: Request) -> Result<Response, TransportError> {
            std::future::pending().await
        }
    }
    let suite = auth_conformance::transport(|_| Pending)
        .only("stall_after_body")
        .allowance(Duration::from_millis(100));
    let report = pollster::block_on(suite.run());
    assert!(report.to_string().contains("the call had not ended"), "{report}");
}

#[test]
fn an_excuse_does_not_cover_a_broken_promise() {
    let run = |flaw| {
        auth_conformance::blocking_transport(move |settings| Simple::new(settings, flaw))
            .only("reset_after_body")
            .excuse("reset_after_body", "the library cannot tell")
            .run()
    };
    let report = run(Flaw::MistakesTheKind);
    assert!(matches!(report.cases()[0].result, CaseResult::Excused { .. }), "{report}");
    assert_caught(&run(Flaw::SaysResetIsNotSent), Flaw::SaysResetIsNotSent, "NotSent is reported");
}

#[test]
fn a_case_that_does_not_exist_is_not_excused_in_silence() {
    let report = auth_conformance::blocking_transport(|settings| Simple::new(settings, Flaw::None))
        .only("response")
        .excuse("h3_response", "only plain HTTP/1.1")
        .run();
    assert!(!report.passed());
    assert!(report.to_string().contains("there is no case \"h3_response\""));
}

fn assert_caught(report: &SuiteReport, flaw: Flaw, says: &str) {
    assert!(!report.passed(), "{flaw:?} was not caught: {report}");
    assert!(
        report.to_string().contains(says),
        "{flaw:?} was caught, but not by {says:?}: {report}"
    );
}
