//! Whatever an endpoint answers.

use auth_core::{
    FailureKind, Never, Refresh, RefreshToken, Response, Step, TokenEndpoint, read_answer,
};
use auth_fuzz_properties::{bounded, judged_within_reason};
use proptest::{
    collection::vec, prelude::*, sample::select, strategy::ValueTree as _, test_runner::TestRunner,
};

use crate::{
    now,
    strategies::{NAMES, answer},
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    /// Whatever an endpoint answers: no panic, and the verdict is one that the
    /// answer's own words allow.
    #[test]
    fn any_answer_is_read_and_judged_within_reason(answer in answer()) {
        let result = read_answer(&answer, &[], now());
        let status = answer.status();
        match result {
            Ok(tokens) => {
                prop_assert!(status.is_success());
                let token = tokens.access_token.expose();
                prop_assert!(!token.is_empty());
                // It stands in the answer, as it is or escaped.
                let text = String::from_utf8_lossy(answer.body());
                prop_assert!(text.contains("access_token"), "{text}");
                prop_assert!(tokens.refresh_token.is_none_or(|token| !token.expose().is_empty()));
                prop_assert!(tokens.expires_at.is_none_or(|at| at >= now().wall));
            }
            Err(failure) => {
                judged_within_reason(&answer, &failure);
                bounded(&failure);
            }
        }
    }

    /// The same for bytes without any shape.
    #[test]
    fn any_bytes_are_read(
        status in 100_u16..1000,
        headers in vec((0_usize..6, vec(prop_oneof![0x20_u8..0x7F, 0x80_u8..=0xFF], 0..40)), 0..4),
        body in vec(any::<u8>(), 0..200),
    ) {
        let mut answer = Response::new(body);
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            let name = ["retry-after", "date", "content-type", "content-encoding", "etag", "www-authenticate"][name];
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                answer.headers_mut().append(name, value);
            }
        }
        if let Err(failure) = read_answer(&answer, &[], now()) {
            bounded(&failure);
            // Chance does not write an error code.
            prop_assert_ne!(failure.kind(), FailureKind::Rejected);
        }
    }

    /// What an attacker or an accident writes beside a secret never carries it
    /// into the failure.
    #[test]
    fn no_answer_brings_a_secret_into_a_failure(
        status in select(&[200, 400, 401, 403, 429, 500][..]),
        member in select(NAMES),
        before in "[ -~]{0,300}",
        after in "[ -~]{0,30}",
        token in "[a-z0-9]{10,30}(-[A-Za-z0-9_.~+/]{10,60})",
    ) {
        // By the machine, which knows what it sent.
        let refresh = Refresh::new(
            TokenEndpoint::new("https://auth.example.com/token", "c").unwrap(),
            RefreshToken::new(token.clone()),
        );
        let mut members = serde_json::Map::new();
        members.insert("error".to_owned(), "invalid_grant".into());
        members.insert(member.to_owned(), format!("{before}{token}{after}").into());
        // Not a success by accident.
        members.remove("access_token");
        let body = serde_json::Value::Object(members).to_string().into_bytes();
        let mut answer = Response::new(body);
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        let Step::Send(_, pending) = refresh.policy(Never).start(now()) else {
            panic!("a renewal begins with a request");
        };
        let Step::Done(Err(error)) = pending.resolve(Ok(answer), now()) else {
            panic!("it is a failure");
        };
        for text in [format!("{error}"), format!("{error:?}"), format!("{:#?}", error.failure())] {
            prop_assert!(!text.contains(&token), "{text}");
        }
    }
}

/// The strategies above give what their names say.
#[test]
fn the_strategies_reach_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::HashMap::new();
    for _ in 0..20_000 {
        let answer = answer().new_tree(&mut runner).unwrap().current();
        let name = match read_answer(&answer, &[], now()) {
            Ok(_) => "success",
            Err(failure) => failure.kind().as_str(),
        };
        *seen.entry(name).or_insert(0) += 1;
    }
    for name in ["success", "interrupted", "unavailable", "throttled", "rejected", "misconfigured"]
    {
        assert!(seen.get(name).is_some_and(|count| *count > 100), "{name}: {seen:?}");
    }
}
