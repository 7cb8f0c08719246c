//! What a failed response is. Whether to try again is decided in `policy`.

use std::borrow::Cow;

use http::StatusCode;

use super::error_body::{ErrorBody, is_code};
use crate::{
    Delivery, ErrorCode, Failure, FailureKind, Rule, Unreadable,
    failure::{Cause, is_server_error},
    redact::{is_echo, looks_like_a_token, scrub},
    rules::{Answer, STANDARD, facts, is_no_verdict, says_stale, standard_codes},
};

pub(super) fn classify(
    status: StatusCode,
    error: Option<ErrorBody>,
    unreadable: Option<Unreadable>,
    rules: &[Rule],
    secrets: &[Cow<'_, str>],
) -> Failure {
    let error = error.unwrap_or_default();
    let meaning = meaning(status, &error, rules);

    // Beside a 4xx a number is the status in other words as often as a code.
    let number = error.number(status).filter(|_| status.is_success());
    // It may have broken half-way, as with a 5xx.
    let is_broken = number.is_some_and(|number| number.len() == 3 && number.starts_with('5'));
    let says_it_failed = error.says_it_failed && !error.texts.is_empty();
    let kind = match &meaning {
        Some(meaning) => meaning.kind,
        // It came whole. To ask again at once would bring the same again, and cost
        // another refresh token.
        None if unreadable == Some(Unreadable::Encoded) => FailureKind::Unavailable,
        None => {
            kind_of_status(status, error.has_code(status) || number.is_some() || says_it_failed)
        }
    };
    let decisive = meaning.as_ref().and_then(|meaning| meaning.code);
    let code = decisive
        // A word says more than a number beside it (Entra's `error_codes`).
        .filter(|code| is_code(code, status))
        .or_else(|| error.codes.iter().map(AsRef::as_ref).find(|code| is_code(code, status)))
        .or(decisive.filter(|code| Some(*code) != status.canonical_reason()))
        .or(number)
        // A code that is known is not hidden because a secret is like it.
        .filter(|code| {
            is_known(code, rules) || !(looks_like_a_token(code) || is_echo(code, secrets))
        })
        .and_then(ErrorCode::new);
    Failure {
        kind,
        delivery: match number {
            // The program that numbers its errors ran to its end, and answered.
            Some(_) if meaning.is_none() && !is_broken => Delivery::Answered,
            _ => delivery(status, kind, code.as_ref(), meaning.is_some()),
        },
        status: Some(status),
        description: error.texts.first().and_then(|text| scrub(text, secrets)),
        retry_after: None,
        location: None,
        provider: meaning.and_then(|meaning| meaning.provider),
        // Why a 2xx could not be read matters only if there is no error in it.
        cause: unreadable.filter(|_| code.is_none() && !says_it_failed).map(Cause::Unreadable),
        is_stale: kind == FailureKind::Misconfigured && says_stale(&error.codes, &error.texts),
        clock: None,
        code,
    }
}

/// What a code says of the token.
struct CodeMeaning<'a> {
    kind: FailureKind,
    code: Option<&'a str>,
    provider: Option<Cow<'static, str>>,
}

/// What the code says: the caller's rules, the standard for states that pass,
/// the table, the standard for the rest, in this order. `None` if nothing in
/// the response is a code that anybody knows.
fn meaning<'a>(
    status: StatusCode,
    error: &'a ErrorBody,
    rules: &[Rule],
) -> Option<CodeMeaning<'a>> {
    let is_verdict = !is_no_verdict(status.as_u16());
    let standard = |wanted: &dyn Fn(FailureKind) -> bool| {
        error.strong().iter().filter(|_| is_verdict).find_map(|code| {
            let (code, kind) = STANDARD
                .iter()
                .find(|(known, kind)| known.as_str() == code.as_ref() && wanted(*kind))?;
            Some(CodeMeaning { code: Some(code.as_str()), kind: *kind, provider: None })
        })
    };
    let answer = Answer {
        status: status.as_u16(),
        codes: &error.codes,
        weak: error.weak_codes(),
        in_error: error.said_in_error(),
        texts: &error.texts,
        is_only_a_message: error.is_json && !error.has_code(status),
    };
    let by_rules = |rules: &[Rule]| rules.iter().find_map(|rule| by_rule(rule, &answer));
    // If a server says that it is unavailable, nothing else in the response is a
    // verdict.
    let passes = |kind| matches!(kind, FailureKind::Unavailable | FailureKind::Throttled);
    by_rules(rules)
        .or_else(|| standard(&passes))
        .or_else(|| facts().find_map(|rule| by_rule(rule, &answer)))
        .or_else(|| standard(&|_| true))
}

fn by_rule<'a>(rule: &Rule, answer: &Answer<'a>) -> Option<CodeMeaning<'a>> {
    Some(CodeMeaning {
        code: rule.matches(answer)?,
        kind: match rule.kind {
            // There was a response, so it is neither of these.
            FailureKind::Unreachable | FailureKind::Interrupted => FailureKind::Unavailable,
            kind => kind,
        },
        provider: Some(rule.provider.clone()),
    })
}

/// What the status says where no code does.
fn kind_of_status(status: StatusCode, has_error: bool) -> FailureKind {
    match status.as_u16() {
        429 => FailureKind::Throttled,
        // Neither client follows a redirect: it would carry the refresh token
        // to wherever the response points.
        300..=399 | 404 | 405 => FailureKind::Misconfigured,
        // An error in a 200 that nobody knows is no verdict.
        200..=299 if !has_error => FailureKind::Interrupted,
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
        // half-way, with whatever status. A code that somebody knows is the
        // server's refusal, and so is any in the two statuses that RFC 6749
        // section 5.2 has for it.
        FailureKind::Unavailable => {
            let refused = known || (code.is_some() && matches!(status.as_u16(), 400 | 401));
            is_server_error(status)
                || status.is_success()
                || code == Some(&ErrorCode::SERVER_ERROR)
                || !refused
        }
        _ => false,
    };
    if no_verdict { Delivery::Unknown } else { Delivery::Answered }
}

/// Whether a code is in a standard or in a rule, and not only in this response.
fn is_known(code: &str, rules: &[Rule]) -> bool {
    let of_rules = |rules: &[Rule]| rules.iter().any(|rule| rule.code() == Some(code));
    standard_codes().any(|known| known == code)
        || of_rules(rules)
        || facts().any(|rule| rule.code() == Some(code))
}

#[cfg(test)]
mod tests;
