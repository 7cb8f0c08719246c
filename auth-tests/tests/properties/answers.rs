//! Whatever an endpoint answers.

use auth_core::{
    Delivery, Failure, FailureKind, Never, Refresh, RefreshToken, Response, Rule, Step,
    TokenEndpoint, read_answer,
};
use proptest::{
    collection::vec, prelude::*, sample::select, strategy::ValueTree as _, test_runner::TestRunner,
};

use crate::{
    now,
    strategies::{NAMES, answer},
};

/// Everything in the answer that a rule or the standard could take for a code.
fn texts(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Number(number) => into.push(number.to_string()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        serde_json::Value::Object(members) => members.values().for_each(|item| texts(item, into)),
        _ => {}
    }
}

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
                prop_assert_eq!(failure.status(), Some(status));
                judged_within_reason(&answer, &failure)?;
                bounded(&failure)?;
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
            bounded(&failure)?;
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

/// `Rejected` only for a documented code or wording; `Throttled` and the rest
/// only where status or code says so.
fn judged_within_reason(answer: &Response, failure: &Failure) -> Result<(), TestCaseError> {
    let status = answer.status().as_u16();
    // As it stands there too: a part of the body may not be JSON.
    let mut words = vec![String::from_utf8_lossy(answer.body()).into_owned()];
    if let Ok(value) = serde_json::from_slice(trimmed(answer.body())) {
        texts(&value, &mut words);
    }
    words.extend(
        form_urlencoded::parse(trimmed(answer.body())).map(|(_, value)| value.into_owned()),
    );
    words.extend(
        answer.headers().values().filter_map(|value| value.to_str().ok()).map(str::to_owned),
    );
    let says = |code: &str| words.iter().any(|word| word == code || word.contains(code));
    let by_rule = |kind| {
        Rule::built_in().iter().any(|rule| rule.kind() == kind && rule.code().is_none_or(says))
    };
    match failure.kind() {
        FailureKind::Rejected => {
            prop_assert!(says("invalid_grant") || by_rule(FailureKind::Rejected), "{failure:?}");
            prop_assert!(status != 429 && status < 500, "{failure:?}");
            prop_assert!(failure.code().is_some() || failure.provider().is_some());
            prop_assert_eq!(failure.delivery(), Delivery::Answered);
        }
        FailureKind::Throttled => {
            let said = status == 429 || says("slow_down") || by_rule(FailureKind::Throttled);
            prop_assert!(said, "{failure:?}");
        }
        FailureKind::Misconfigured => {
            let redirected = (300..400).contains(&status) || status == 404 || status == 405;
            let said =
                STANDARD.iter().any(|code| says(code)) || by_rule(FailureKind::Misconfigured);
            prop_assert!(redirected || said, "{failure:?}");
        }
        FailureKind::Interrupted => {
            prop_assert!(answer.status().is_success(), "{failure:?}");
            prop_assert_eq!(failure.delivery(), Delivery::Unknown);
        }
        FailureKind::Unreachable => prop_assert!(false, "there was an answer"),
        _ => {}
    }
    // A 5xx may hide a rotation; and what is no status counts as one.
    if status >= 500 && failure.kind() == FailureKind::Unavailable {
        prop_assert_eq!(failure.delivery(), Delivery::Unknown);
    }
    prop_assert_ne!(failure.delivery(), Delivery::NotSent);
    Ok(())
}

const STANDARD: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
];

fn bounded(failure: &Failure) -> Result<(), TestCaseError> {
    if let Some(code) = failure.code() {
        prop_assert!((1..=64).contains(&code.as_str().len()), "{code:?}");
        prop_assert!(code.as_str().bytes().all(|byte| (0x20..0x7F).contains(&byte)), "{code:?}");
    }
    if let Some(text) = failure.description() {
        prop_assert!((1..=256).contains(&text.len()), "{text:?}");
        prop_assert!(text.bytes().all(|byte| (0x20..0x7F).contains(&byte)), "{text:?}");
    }
    // One line, and not a long one.
    let line = failure.to_string();
    prop_assert!(line.len() < 512 && !line.contains('\n'), "{line:?}");
    Ok(())
}

fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii()
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
