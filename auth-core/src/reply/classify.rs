//! What a failed answer is. Facts only: whether to retry is `policy`'s.

use std::{borrow::Cow, time::Duration};

use http::StatusCode;

use super::error_body::ErrorBody;
use crate::{
    Delivery, ErrorCode, Failure, FailureKind, Rule, Unreadable,
    failure::Cause,
    scrub::{looks_like_a_token, scrub},
};

/// The standard meaning of the standard codes.
const STANDARD: [(&str, FailureKind); 10] = [
    // RFC 6749 section 5.2
    ("invalid_grant", FailureKind::Rejected),
    ("invalid_request", FailureKind::Misconfigured),
    ("invalid_client", FailureKind::Misconfigured),
    ("unauthorized_client", FailureKind::Misconfigured),
    ("unsupported_grant_type", FailureKind::Misconfigured),
    ("invalid_scope", FailureKind::Misconfigured),
    // RFC 8707 section 2
    ("invalid_target", FailureKind::Misconfigured),
    // RFC 6749 section 4.1.2.1
    ("server_error", FailureKind::Unavailable),
    ("temporarily_unavailable", FailureKind::Unavailable),
    // RFC 8628 section 3.5
    ("slow_down", FailureKind::Throttled),
];

pub(super) fn classify(
    status: StatusCode,
    error: Option<ErrorBody>,
    unreadable: Option<Unreadable>,
    retry_after: Option<Duration>,
    rules: &[Rule],
    secrets: &[&str],
) -> Failure {
    let error = error.unwrap_or_default();
    let description = error.description.as_deref().unwrap_or_default();
    let verdict = verdict(status, &error.codes, description, rules);

    let kind = match &verdict {
        Some(verdict) => verdict.kind,
        None => kind_of_status(status, error.codes.iter().any(|code| is_code(code, status))),
    };
    let code = verdict
        .as_ref()
        .and_then(|verdict| verdict.code)
        .or_else(|| error.codes.iter().map(AsRef::as_ref).find(|code| is_code(code, status)))
        .filter(|code| !looks_like_a_token(code))
        .filter(|code| !secrets.iter().any(|secret| echoes(code, secret)))
        .and_then(ErrorCode::new);
    Failure {
        kind,
        delivery: delivery(status, kind, code.as_ref(), verdict.is_some()),
        status: Some(status),
        description: error.description.as_deref().and_then(|text| scrub(text, secrets)),
        retry_after,
        provider: verdict.and_then(|verdict| verdict.provider),
        // Why a 2xx could not be read matters only if there is no error in it.
        cause: unreadable.filter(|_| code.is_none()).map(Cause::Unreadable),
        code,
    }
}

struct Verdict<'a> {
    kind: FailureKind,
    code: Option<&'a str>,
    provider: Option<Cow<'static, str>>,
}

/// What the code says: the caller's rules, the table, the standard, in this
/// order. `None` if nothing in the answer is a code that anybody knows.
fn verdict<'a>(
    status: StatusCode,
    codes: &'a [Cow<'a, str>],
    description: &str,
    rules: &[Rule],
) -> Option<Verdict<'a>> {
    let by_rule = rules.iter().chain(Rule::built_in()).find_map(|rule| {
        Some(Verdict {
            code: rule.matches(status.as_u16(), codes, description)?,
            kind: rule.kind,
            provider: Some(rule.provider.clone()),
        })
    });
    by_rule.or_else(|| {
        // A 429 or a 5xx is no verdict on the token, whatever it says.
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return None;
        }
        codes.iter().find_map(|code| {
            let (code, kind) = STANDARD.iter().find(|(known, _)| known == code)?;
            Some(Verdict { code: Some(code), kind: *kind, provider: None })
        })
    })
}

/// What the status says where no code does.
fn kind_of_status(status: StatusCode, has_code: bool) -> FailureKind {
    match status.as_u16() {
        429 => FailureKind::Throttled,
        // Neither client follows a redirect: it would carry the refresh token
        // to wherever the answer points.
        300..=399 | 404 | 405 => FailureKind::Misconfigured,
        // An error in a 200 that nobody knows is no verdict.
        200..=299 if !has_code => FailureKind::Interrupted,
        _ => FailureKind::Unavailable,
    }
}

fn delivery(
    status: StatusCode,
    kind: FailureKind,
    code: Option<&ErrorCode>,
    known: bool,
) -> Delivery {
    let no_verdict = match kind {
        FailureKind::Interrupted => true,
        // A proxy's page may hide a rotation, and so may a server that broke
        // half-way. A code in a 4xx or a 200 is the server's own refusal.
        FailureKind::Unavailable => {
            status.is_server_error()
                || code == Some(&ErrorCode::SERVER_ERROR)
                || (code.is_none() && !known)
        }
        _ => false,
    };
    if no_verdict { Delivery::Unknown } else { Delivery::Answered }
}

/// Whether a text looks like a code rather than like a sentence, a link, a
/// number or the status repeated: `{"error":"Not Found","code":404}` and
/// `{"status":403,"error":"Forbidden"}` hold none.
fn is_code(text: &str, status: StatusCode) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && text.len() > 1
        && Some(text) != status.canonical_reason()
        && !["error", "fail", "failure", "failed", "fault"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a code gives away a secret that was sent, or a good part of it.
fn echoes(code: &str, secret: &str) -> bool {
    secret.len() >= 4 && (code.contains(secret) || (code.len() >= 8 && secret.contains(code)))
}
