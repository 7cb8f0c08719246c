//! What the standard codes mean.

use super::ErrorCode;
use crate::FailureKind::{self, Misconfigured, Rejected, Throttled, Unavailable};

/// The codes of the standards, each with its standard meaning. The codes
/// themselves and their sources stand in `code.rs`.
pub(crate) static STANDARD: [(ErrorCode, FailureKind); 13] = [
    (ErrorCode::INVALID_GRANT, Rejected),
    (ErrorCode::INVALID_REQUEST, Misconfigured),
    (ErrorCode::INVALID_CLIENT, Misconfigured),
    (ErrorCode::UNAUTHORIZED_CLIENT, Misconfigured),
    (ErrorCode::UNSUPPORTED_GRANT_TYPE, Misconfigured),
    (ErrorCode::INVALID_SCOPE, Misconfigured),
    (ErrorCode::INVALID_TARGET, Misconfigured),
    // Of a client that has no key: with one, the machine answers it with a proof.
    (ErrorCode::USE_DPOP_NONCE, Misconfigured),
    // Another attempt has another proof, but by the same clock, for the same URL.
    (ErrorCode::INVALID_DPOP_PROOF, Misconfigured),
    (ErrorCode::SERVER_ERROR, Unavailable),
    (ErrorCode::TEMPORARILY_UNAVAILABLE, Unavailable),
    (ErrorCode::SLOW_DOWN, Throttled),
    // No standard, but the `error.type` of several providers beside the code
    // proper, which comes first.
    (ErrorCode::INVALID_REQUEST_ERROR, Misconfigured),
];

/// The codes alone.
pub(crate) fn standard_codes() -> impl Iterator<Item = &'static str> {
    STANDARD.iter().map(|(code, _)| code.as_str())
}

/// The code of the standards that this one is meant to be: in another case,
/// without its underscores, or as the name of an exception. `None` if it is
/// spelled right, or no such code.
pub(crate) fn spelled_otherwise(code: &str) -> Option<&'static str> {
    if standard_codes().any(|known| known == code) {
        return None;
    }
    let names = [Some(code), without(code, "exception"), without(code, "error")];
    let mut names = names.into_iter().flatten();
    names.find_map(|name| standard_codes().find(|known| letters(known).eq(letters(name))))
}

fn without<'a>(code: &'a str, suffix: &str) -> Option<&'a str> {
    let (name, end) = code.split_at_checked(code.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(name)
}

fn letters(code: &str) -> impl Iterator<Item = u8> {
    code.bytes().filter(|byte| !b"_-".contains(byte)).map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_code_in_any_spelling() {
        for (code, meant) in [
            ("INVALID_GRANT", Some("invalid_grant")),
            ("Invalid_Grant", Some("invalid_grant")),
            ("invalidGrant", Some("invalid_grant")),
            ("InvalidGrant", Some("invalid_grant")),
            ("invalid-grant", Some("invalid_grant")),
            ("INVALID-GRANT", Some("invalid_grant")),
            ("invalidgrant", Some("invalid_grant")),
            ("InvalidGrantException", Some("invalid_grant")),
            ("InvalidGrantError", Some("invalid_grant")),
            ("invalid_grant_error", Some("invalid_grant")),
            ("SlowDownException", Some("slow_down")),
            ("TEMPORARILY_UNAVAILABLE", Some("temporarily_unavailable")),
            ("serverError", Some("server_error")),
            ("INVALID_REQUEST_ERROR", Some("invalid_request_error")),
            ("unauthorizedClient", Some("unauthorized_client")),
            // As it is.
            ("invalid_grant", None),
            ("server_error", None),
            ("invalid_request_error", None),
            // Another.
            ("INVALID_GRANT_TYPE", None),
            ("invalid grant", None),
            ("invalid_grants", None),
            ("not_invalid_grant", None),
            ("invalid.grant", None),
            ("error", None),
            ("exception", None),
            ("", None),
            ("\u{e9}rror", None),
        ] {
            assert_eq!(spelled_otherwise(code), meant, "{code}");
        }
    }
}
