//! What the standard codes mean.

use super::ErrorCode;
use crate::FailureKind::{self, Misconfigured, Rejected, Throttled, Unavailable};

/// The codes of the standards, each with its standard meaning. The codes
/// themselves and their sources stand in `code.rs`.
pub(crate) static STANDARD: [(ErrorCode, FailureKind); 11] = [
    (ErrorCode::INVALID_GRANT, Rejected),
    (ErrorCode::INVALID_REQUEST, Misconfigured),
    (ErrorCode::INVALID_CLIENT, Misconfigured),
    (ErrorCode::UNAUTHORIZED_CLIENT, Misconfigured),
    (ErrorCode::UNSUPPORTED_GRANT_TYPE, Misconfigured),
    (ErrorCode::INVALID_SCOPE, Misconfigured),
    (ErrorCode::INVALID_TARGET, Misconfigured),
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
