//! Whatever an endpoint sends.

use std::time::Duration;

use auth_core::{
    Backoff, FailureKind, Refresh, RefreshError, RefreshToken, Response, Step, TokenEndpoint,
    TokenSet, read_response,
};
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
    strategies::{LIFETIMES, NAMES, lifetime, response},
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

    /// However a careless server repeats what it was sent, whole or in part, and
    /// whatever it writes beside it: no run of eight characters of it comes into
    /// the failure.
    #[test]
    fn no_response_brings_a_secret_into_a_failure(
        status in select(&[200, 400, 401, 403, 429, 500][..]),
        member in select(NAMES),
        before in prop_oneof!["[ -~]{0,300}", "[A-Za-z0-9_]{0,9}"],
        after in prop_oneof!["[ -~]{0,30}", "[A-Za-z0-9_]{0,9}"],
        (secret, echo) in echoed(),
        by_parameter in any::<bool>(),
    ) {
        let mut members = serde_json::Map::new();
        members.insert("error".to_owned(), "invalid_grant".into());
        members.insert(member.to_owned(), format!("{before}{echo}{after}").into());
        // Not a success by accident.
        members.remove("access_token");
        // By the machine, which knows what it sent.
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let refresh = if by_parameter {
            let endpoint = endpoint.parameter("assertion", secret.clone()).unwrap();
            Refresh::new(endpoint, RefreshToken::new("rt-1"))
        } else {
            Refresh::new(endpoint, RefreshToken::new(secret.clone()))
        };
        let Err(error) = answered(refresh, status, members) else {
            panic!("it is a failure");
        };
        for text in [format!("{error}"), format!("{error:?}"), format!("{:#?}", error.failure())] {
            gives_nothing_away(&text, &secret)?;
        }
    }

    /// Nor by the headers that are read.
    #[test]
    fn no_header_brings_a_secret_into_a_failure(
        status in select(&[200, 302, 307, 401, 403, 429, 500][..]),
        header in select(&["location", "www-authenticate", "retry-after", "ratelimit"][..]),
        before in prop_oneof!["[ -~]{0,30}", "https?://[a-z@:/?]{0,9}", "Bearer error(_description)?=\"?", "/"],
        after in "[ -~]{0,30}",
        (secret, echo) in echoed(),
    ) {
        let value = format!("{before}{echo}{after}");
        let mut response = Response::new(Vec::new());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert(header, value.parse().unwrap());
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let Err(error) = answer(Refresh::new(endpoint, RefreshToken::new(&*secret)), response) else {
            panic!("it is a failure");
        };
        bounded(error.failure());
        // A wait is a number, and may be any.
        let shown = [error.failure().to_string(), format!("{:?}", error.failure().location())];
        for text in shown {
            gives_nothing_away(&text, &secret)?;
        }
    }

    /// Nor if it escapes what it repeats: every character, or those that call for
    /// it, and then as often as not once more.
    #[test]
    fn no_response_brings_an_escaped_secret_into_a_failure(
        member in select(NAMES),
        before in "[ -~]{0,30}",
        after in "[ -~]{0,30}",
        (secret, _) in echoed(),
        how in select(ESCAPES),
        all in any::<bool>(),
        again in prop::option::of(select(ESCAPES)),
    ) {
        let spell = |secret: &str| {
            let once = escaped(secret, how, all);
            again.map_or(once.clone(), |again| escaped(&once, again, false))
        };
        let mut members = serde_json::Map::new();
        members.insert("error".to_owned(), "invalid_grant".into());
        members.insert(member.to_owned(), format!("{before} {} {after}", spell(&secret)).into());
        members.remove("access_token");
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let Err(error) = answered(Refresh::new(endpoint, RefreshToken::new(&*secret)), 400, members)
        else {
            panic!("it is a failure");
        };
        let shown = error.failure().description().unwrap_or_default();
        gives_nothing_away(shown, &secret)?;
        for piece in secret.as_bytes().windows(secret.len().min(8)) {
            let piece = std::str::from_utf8(piece).unwrap();
            let is_public = PUBLIC.iter().any(|word| word.contains(piece));
            prop_assert!(is_public || !shown.contains(&spell(piece)), "{piece} in {shown}");
        }
    }

    /// Nor if the secret holds what looks like an escape itself.
    #[test]
    fn no_response_brings_a_secret_that_looks_escaped_into_a_failure(
        before in "[a-z ]{0,9}",
        after in "[a-z ]{0,9}",
        secret in escape_like(),
        how in select(ESCAPES),
        of in select(&["", "&<>\"'", "\"\\", "%&+=?#/", "&"][..]),
    ) {
        let spell = |text: &str| match of {
            "" => escaped(text, how, false),
            of => text.chars().map(|c| if of.contains(c) { how(c) } else { c.to_string() }).collect(),
        };
        let mut members = serde_json::Map::new();
        members.insert("error".to_owned(), "invalid_grant".into());
        let text = format!("{before} {} {after}", spell(&secret));
        members.insert("error_description".to_owned(), text.into());
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let Err(error) = answered(Refresh::new(endpoint, RefreshToken::new(&*secret)), 400, members)
        else {
            panic!("it is a failure");
        };
        let shown = error.failure().description().unwrap_or_default();
        gives_nothing_away(shown, &secret)?;
        for piece in secret.as_bytes().windows(8) {
            let piece = std::str::from_utf8(piece).unwrap();
            prop_assert!(!shown.contains(&spell(piece)), "{piece} in {shown}");
        }
    }

    /// Nor into what is printed of the tokens, wherever it stands beside them.
    #[test]
    fn no_response_brings_a_secret_into_printed_tokens(
        before in "[ -~]{0,9}",
        after in "[ -~]{0,9}",
        (secret, echo) in echoed(),
        is_access_token in any::<bool>(),
        is_rotated in any::<bool>(),
    ) {
        let (access_token, refresh_token) =
            if is_access_token { (&*secret, "rt-1") } else { ("at-1", &*secret) };
        let echo = format!("{before}{echo}{after}");
        let mut members = serde_json::Map::new();
        members.insert(echo.clone(), 1.into());
        members.insert("access_token".to_owned(), access_token.into());
        members.insert("token_type".to_owned(), echo.clone().into());
        members.insert("scope".to_owned(), format!("read {echo} {echo}").into());
        if is_rotated {
            members.insert("refresh_token".to_owned(), refresh_token.into());
        }
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let sent = if is_rotated { "rt-0" } else { refresh_token };
        let Ok(tokens) = answered(Refresh::new(endpoint, RefreshToken::new(sent)), 200, members)
        else {
            panic!("it is a success");
        };
        for text in [format!("{tokens:?}"), serde_json::to_string(&tokens).unwrap()] {
            gives_nothing_away(&text, &secret)?;
        }
    }
}

/// A secret, and what a careless server makes of it.
fn echoed() -> impl Strategy<Value = (String, String)> {
    let secret = prop_oneof![
        4 => "[a-z0-9]{10,30}-[A-Za-z0-9_.~+/]{10,60}",
        1 => "[A-Za-z]{8,40}",
        // As short as it can be looked for.
        1 => "[0-9]{4,7}",
        // Some secrets hold what is none.
        1 => "[a-z0-9]{3,9}(invalid_grant|refresh_token|unauthorized_client)[a-z0-9]{3,9}",
    ];
    (secret, 0..6, any::<(Index, Index)>()).prop_map(|(secret, how, (from, len))| {
        let len = if secret.len() < 8 { secret.len() } else { 8 + len.index(secret.len() - 7) };
        let from = from.index(secret.len() - len + 1);
        let echo = match how {
            0 => secret.clone(),
            // In part.
            1 => secret[from..from + len].to_owned(),
            // Masked, but for its beginning or its end.
            2 => format!("{}{}", &secret[..len], "x".repeat(secret.len() - len)),
            3 => format!("{}{}", "*".repeat(secret.len() - len), &secret[secret.len() - len..]),
            4 => secret.to_ascii_uppercase(),
            _ => form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        };
        (secret, echo)
    })
}

/// Secrets of words, of characters that call for an escape, and of escapes.
fn escape_like() -> impl Strategy<Value = String> {
    let special = select(&["&", "'", "\"", "<", "/", "+", "=", "#", "~"][..]);
    let escape = select(
        &[
            "%41",
            "%2F",
            "%2541",
            "%u0041",
            "\\$",
            "\\!",
            "\\\\",
            "\\n",
            "\\t",
            "\\101",
            "\\7",
            "\\u0041",
            "\\u{41}",
            "\\U00000041",
            "\\x41",
            "&lt;",
            "&amp",
            "&sol;",
            "&#65;",
            "&#x41",
        ][..],
    );
    let piece = prop_oneof![special, escape];
    vec(("[g-z]{1,4}", piece), 4..12)
        .prop_map(|pieces| pieces.into_iter().map(|(word, piece)| word + piece).collect())
}

type Escape = fn(char) -> String;

const ESCAPES: &[Escape] = &[
    |c| format!("%{:02x}", u32::from(c)),
    |c| format!("%{:02X}", u32::from(c)),
    |c| format!("&#{};", u32::from(c)),
    |c| format!("&#{:05};", u32::from(c)),
    |c| format!("&#x{:x};", u32::from(c)),
    |c| format!("&#x{:04X};", u32::from(c)),
    |c| format!("\\u{:04x}", u32::from(c)),
    |c| format!("\\u{:04X}", u32::from(c)),
    |c| format!("\\u{{{:x}}}", u32::from(c)),
    |c| format!("\\U{:08x}", u32::from(c)),
    |c| format!("\\x{:02x}", u32::from(c)),
    |c| format!("\\{:03o}", u32::from(c)),
    |c| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '/' => "&sol;".to_owned(),
        '\\' => "&bsol;".to_owned(),
        c => format!("&#{};", u32::from(c)),
    },
    // As JSON and JavaScript do.
    |c| {
        if c.is_ascii_punctuation() { format!("\\{c}") } else { format!("\\u{:04x}", u32::from(c)) }
    },
];

/// All characters escaped, or those that are neither letters nor digits.
fn escaped(text: &str, how: Escape, all: bool) -> String {
    let is_plain = |c: char| !all && c.is_ascii_alphanumeric();
    text.chars().map(|c| if is_plain(c) { c.to_string() } else { how(c) }).collect()
}

/// What stands in secrets and says nothing about them.
const PUBLIC: [&str; 3] = ["invalid_grant", "refresh_token", "unauthorized_client"];

fn answered(
    refresh: Refresh,
    status: u16,
    members: serde_json::Map<String, serde_json::Value>,
) -> Result<TokenSet, RefreshError> {
    let mut response = Response::new(serde_json::Value::Object(members).to_string().into_bytes());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    answer(refresh, response)
}

fn answer(refresh: Refresh, response: Response) -> Result<TokenSet, RefreshError> {
    let Step::Send(_, pending) = refresh.policy(Backoff::never()).start(now()) else {
        panic!("a refresh begins with a request");
    };
    match pending.resolve(Ok(response), now()) {
        Step::Done(result) => result,
        step => panic!("a policy that never retries led to {step:?}"),
    }
}

/// No eight characters in a row, nor all of a shorter one; but a known error
/// code says nothing about the secret that holds it too, and neither does the
/// name of a member.
fn gives_nothing_away(text: &str, secret: &str) -> Result<(), TestCaseError> {
    let text = text.to_ascii_lowercase();
    let secret = secret.to_ascii_lowercase();
    for piece in secret.as_bytes().windows(secret.len().min(8)) {
        let piece = std::str::from_utf8(piece).unwrap();
        let is_public = PUBLIC.iter().any(|word| word.contains(piece));
        prop_assert!(is_public || !text.contains(piece), "{piece} of {secret} in {text}");
    }
    Ok(())
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
