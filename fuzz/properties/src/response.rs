use std::time::Duration;

use auth_core::{
    Backoff, ClientAuth, Failure, FailureKind, Grant, Now, Refresh, RefreshToken, Response, Step,
    TokenEndpoint, TokenSet, read_response,
};
use http::StatusCode;

use crate::{
    input, now,
    told::{Told, trimmed},
    verdict::{bounded, judged_within_reason},
};

/// What the requests hold; the corpus has responses that echo it.
pub(crate) const REFRESH_TOKEN: &str = "rt-5e0b9a2f7c41d8e6";
const CLIENT_SECRET: &str = "cs-93aa10b7fe25c46d";

/// Reads a response in the form
///
/// ```text
/// 400
/// content-type: application/json
///
/// {"error":"invalid_grant"}
/// ```
///
/// as the machine does, and checks the verdict, which it returns: `None` for
/// tokens.
pub fn response(input: &[u8]) -> Option<FailureKind> {
    let response = input::response(input);
    let grant = Grant::from(RefreshToken::new(REFRESH_TOKEN));
    let now = now();
    let Step::Send(_, pending) =
        Refresh::new(endpoint(), grant).policy(Backoff::never()).start(now)
    else {
        unreachable!("the first step sends");
    };
    match pending.resolve(Ok(response.clone()), now) {
        Step::Done(Ok(tokens)) => {
            check_success(&response, REFRESH_TOKEN, &tokens, now);
            check_surrounded(&response, now);
            None
        }
        Step::Done(Err(error)) => {
            check_failure(&response, error.failure());
            check_text(&format!("{error} {error:?}"), REFRESH_TOKEN);
            Some(error.kind())
        }
        step => panic!("a policy that never retries led to {step:?}"),
    }
}

pub(crate) fn endpoint() -> TokenEndpoint {
    let Ok(endpoint) = TokenEndpoint::new("https://auth.example.com/token", "client") else {
        unreachable!("the URL is good");
    };
    endpoint.client_auth(ClientAuth::basic(CLIENT_SECRET))
}

/// The tokens are those of the response; where it has no refresh token, the one
/// that was `sent` stays.
pub(crate) fn check_success(response: &Response, sent: &str, tokens: &TokenSet, now: Now) {
    assert!(may_hold_tokens(response), "tokens out of a {}", response.status());
    let access_token = tokens.access_token.expose();
    let refresh_token = tokens.refresh_token.as_ref().map(RefreshToken::expose);
    assert!(!access_token.is_empty());
    let refresh_token = refresh_token.expect("the refresh token was lost");
    assert!(!refresh_token.is_empty(), "the refresh token is empty");

    let body = response.body();
    let told = told(body);
    if let Some(told) = &told {
        assert_eq!(access_token, told.access_token);
        assert_eq!(refresh_token, told.refresh_token.as_deref().unwrap_or(sent));
    }
    for token in [access_token, refresh_token] {
        let broken = token.contains(char::REPLACEMENT_CHARACTER);
        assert!(!broken || is_written(body), "a broken token");
    }
    if let Some(expires_at) = tokens.expires_at {
        let life = expires_at.duration_since(now.wall).unwrap_or_default();
        assert!(life <= Duration::from_secs(101 * 366 * 24 * 3600), "lives for {life:?}");
    }
    let stored = tokens.to_json_exposed();
    let read = TokenSet::from_json(&stored).expect("its own form cannot be read");
    assert_eq!(read.access_token, tokens.access_token);
    assert_eq!(read.refresh_token, tokens.refresh_token);
    assert_eq!(*read.to_json_exposed(), *stored);
}

/// The response holds no tokens, and its own words allow the verdict.
pub(crate) fn check_failure(response: &Response, failure: &Failure) {
    let lost = may_hold_tokens(response) && is_object(response.body());
    assert!(!lost || told(response.body()).is_none(), "tokens were lost");
    judged_within_reason(response, failure);
    bounded(failure);
}

/// Nothing that is printed holds a piece of what was sent, nor breaks a log's
/// line.
pub(crate) fn check_text(text: &str, sent: &str) {
    assert!(!text.contains(char::is_control), "holds a control character");
    for secret in [sent, CLIENT_SECRET] {
        // What is shorter does not give a secret away.
        check_pieces(text, secret, 8);
    }
}

/// No piece of this length of the secret stands in the text, in whatever case.
pub(crate) fn check_pieces(text: &str, secret: &str, length: usize) {
    let (text, secret) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    for piece in secret.as_bytes().windows(length) {
        let piece = std::str::from_utf8(piece).expect("secrets of the tests are ASCII");
        assert!(!text.contains(piece), "shows {piece} of a secret: {text}");
    }
}

/// A 206 says itself that it is a part of a response.
fn may_hold_tokens(response: &Response) -> bool {
    response.status().is_success() && response.status() != StatusCode::PARTIAL_CONTENT
}

fn told(body: &[u8]) -> Option<Told> {
    if is_object(body) {
        Told::in_json(body)
    } else if body.contains(&b'{') {
        // An object may stand in it, of which the form says nothing.
        None
    } else {
        Told::in_form(body)
    }
}

/// Whether the character for what is no text is written in a body that may hold an
/// object. Whoever does that on purpose can have it.
fn is_written(body: &[u8]) -> bool {
    let holds = |piece: &[u8]| body.windows(piece.len()).any(|w| w.eq_ignore_ascii_case(piece));
    holds(b"{") && (holds("\u{fffd}".as_bytes()) || holds(b"\\ufffd"))
}

/// What a careless server puts around an object costs no token.
fn check_surrounded(response: &Response, now: Now) {
    let body = trimmed(response.body());
    let is_whole = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    if !(may_hold_tokens(response) && is_object(body) && is_whole) {
        return;
    }
    for (before, after) in [
        ("<br />\n<b>Warning</b>: array{}, {\"x in <b>/t.php</b><br />\n", ""),
        ("", "<!-- {\"x -->"),
        (")]}',\n", ""),
        ("callback(", ");"),
    ] {
        let around = response.clone().map(|_| [before.as_bytes(), body, after.as_bytes()].concat());
        let (bare, around) = (read_response(response, &[], now), read_response(&around, &[], now));
        assert_eq!(bare.ok(), around.ok(), "within {before:?} and {after:?}");
    }
}

fn is_object(body: &[u8]) -> bool {
    trimmed(body).starts_with(b"{")
}
