//! Servers that repeat what they were sent.

use auth_core::{
    Backoff, Refresh, RefreshError, RefreshToken, Response, Step, TokenEndpoint, TokenSet,
};
use auth_fuzz_properties::bounded;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use crate::{now, strategies::NAMES};

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

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
