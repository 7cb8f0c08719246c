//! What looks like a code.

use http::StatusCode;

use crate::rules::{spelled_otherwise, standard_codes};

/// A code longer than this is none.
pub(super) const LONGEST_CODE: usize = 128;

/// A text as a code, if it can be one.
pub(super) fn code_of(text: &str) -> Option<&str> {
    // AWS puts a namespace before the name: `com.example#NotAuthorized`.
    let code = text.rsplit('#').next().unwrap_or(text).trim();
    (!code.is_empty() && code.len() <= LONGEST_CODE).then_some(code)
}

/// A number as a code: whole ones without a point and an exponent, in which some
/// servers write all their numbers.
pub(super) fn of_number(number: &serde_json::Number) -> String {
    let exact = |number: &f64| number.fract() == 0.0 && number.abs() < 1e15;
    match number.as_f64().filter(|_| !number.is_i64() && !number.is_u64()).filter(exact) {
        Some(whole) => format!("{whole:.0}"),
        None => number.to_string(),
    }
}

/// Whether a `type` is the URI by which RFC 9457 section 3.1.1 names a kind of
/// problem.
pub(super) fn is_uri(text: &str) -> bool {
    text.contains("://") || ["urn:", "tag:", "about:"].iter().any(|scheme| text.starts_with(scheme))
}

/// The code of the standards at the end of such a URI. What else stands there is
/// the number of a section as often as a name.
pub(super) fn of_uri(uri: &str) -> Option<&'static str> {
    let end = uri.rsplit(['/', ':', '#']).next()?;
    standard_codes().find(|code| *code == end).or_else(|| spelled_otherwise(end))
}

/// Whether a text looks like a code rather than like a sentence, a link, a
/// number or the status repeated: `{"error":"Not Found","code":404}` and
/// `{"status":403,"error":"Forbidden"}` hold none.
pub(in crate::response) fn is_code(text: &str, status: StatusCode) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && text.len() > 1
        && Some(text) != status.canonical_reason()
        && !["error", "fail", "failure", "failed", "fault", "ok", "success"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}
