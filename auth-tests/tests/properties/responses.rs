//! Whatever an endpoint sends.

use std::time::Duration;

use auth_core::{FailureKind, RefreshToken, Response, read_response};
use auth_fuzz_properties::{bounded, judged_within_reason};
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree as _,
    test_runner::TestRunner,
};

use crate::{
    now,
    strategies::{LIFETIMES, lifetime, response},
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    /// Whatever an endpoint sends: no panic, and the verdict is one that the
    /// response's own words allow.
    #[test]
    fn any_response_is_read_and_judged_within_reason(response in response()) {
        let result = read_response(&response, &[], now());
        let status = response.status();
        match result {
            Ok(tokens) => {
                prop_assert!(status.is_success());
                let token = tokens.access_token.expose();
                prop_assert!(!token.is_empty());
                // It stands in the response, as it is or escaped.
                let text = String::from_utf8_lossy(response.body());
                prop_assert!(text.contains("access_token"), "{text}");
                prop_assert!(tokens.refresh_token.is_none_or(|token| !token.expose().is_empty()));
                let ten_years = Duration::from_secs(3660 * 24 * 3600);
                for at in [tokens.expires_at, tokens.refresh_expires_at].into_iter().flatten() {
                    prop_assert!(at >= now().wall - ten_years);
                    prop_assert!(at <= now().wall + 10 * ten_years);
                }
            }
            Err(failure) => {
                judged_within_reason(&response, &failure);
                bounded(&failure);
            }
        }
    }

    /// Whatever a careless server writes before and behind the one object.
    #[test]
    fn nothing_around_an_object_costs_a_token(
        before in "[^{<]{0,64}",
        warning in select(&["", "<br />\n<b>Warning</b>: array{} in <b>/t.php</b><br />\n", "{}&&"][..]),
        after in vec(any::<u8>(), 0..64),
        wrapper in select(&["", "data", "result"][..]),
        camel in any::<bool>(),
    ) {
        let (access, refresh) =
            if camel { ("accessToken", "refreshToken") } else { ("access_token", "refresh_token") };
        let object = format!(r#"{{"{access}":"at-1","{refresh}":"rt-1"}}"#);
        let object = match wrapper {
            "" => object,
            wrapper => format!(r#"{{"{wrapper}":{object}}}"#),
        };
        let mut body = format!("{before}{warning}{object}").into_bytes();
        body.extend(after.into_iter().filter(|byte| *byte != b'{'));
        let tokens = read_response(&Response::new(body), &[], now())
            .map_err(|failure| TestCaseError::fail(failure.to_string()))?;
        prop_assert_eq!(tokens.access_token.expose(), "at-1");
        prop_assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt-1")));
    }

    /// Whatever the members say that tell when a token expires: the tokens are read,
    /// and the order of the members makes no difference.
    #[test]
    fn no_lifetime_costs_a_token(
        (sorted, shuffled) in btree_map(select(LIFETIMES), lifetime(), 0..8).prop_flat_map(|members| {
            let members: Vec<_> =
                members.into_iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
            (Just(members.clone()), Just(members).prop_shuffle())
        }),
        at in any::<Index>(),
    ) {
        let read = |mut members: Vec<String>| {
            members.insert(at.index(members.len() + 1), r#""access_token":"at-1""#.to_owned());
            members.insert(at.index(members.len() + 1), r#""refresh_token":"rt-1""#.to_owned());
            let mut response = Response::new(format!("{{{}}}", members.join(",")).into_bytes());
            *response.status_mut() = http::StatusCode::OK;
            read_response(&response, &[], now()).map_err(|failure| TestCaseError::fail(failure.to_string()))
        };
        let tokens = read(sorted)?;
        prop_assert_eq!(tokens.access_token.expose(), "at-1");
        prop_assert_eq!(&tokens.refresh_token, &Some(RefreshToken::new("rt-1")));
        let again = read(shuffled)?;
        prop_assert_eq!(tokens.expires_at, again.expires_at);
        prop_assert_eq!(tokens.refresh_expires_at, again.refresh_expires_at);
    }

    /// The same for bytes without any shape.
    #[test]
    fn any_bytes_are_read(
        status in 100_u16..1000,
        headers in vec((0_usize..6, vec(prop_oneof![0x20_u8..0x7F, 0x80_u8..=0xFF], 0..40)), 0..4),
        body in vec(any::<u8>(), 0..200),
    ) {
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            let name = ["retry-after", "date", "content-type", "content-encoding", "etag", "www-authenticate"][name];
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                response.headers_mut().append(name, value);
            }
        }
        if let Err(failure) = read_response(&response, &[], now()) {
            bounded(&failure);
            // Chance does not write an error code.
            prop_assert_ne!(failure.kind(), FailureKind::Rejected);
        }
    }
}

/// The strategies above give what their names say.
#[test]
fn the_strategies_reach_every_kind() {
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::HashMap::new();
    for _ in 0..20_000 {
        let response = response().new_tree(&mut runner).unwrap().current();
        let name = match read_response(&response, &[], now()) {
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
