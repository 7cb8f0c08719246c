//! Reading a response of a revocation endpoint (RFC 7009 section 2.2).

use std::borrow::Cow;

use http::StatusCode;

use super::{clear, error_body, failure};
use crate::{
    ErrorCode, Failure, FailureKind, Now, Response, Rule, Unreadable, failure::is_server_error,
    json::trimmed,
};

/// Reads a response to a request that held `secrets`.
#[allow(clippy::result_large_err)]
pub(crate) fn read_revocation_response<'a>(
    response: &Response,
    rules: &[Rule],
    now: Now,
    secrets: impl FnOnce() -> Vec<Cow<'a, str>>,
) -> Result<(), Failure> {
    let (status, headers) = (response.status(), response.headers());
    let is_page = trimmed(response.body()).starts_with(b"<");
    let error = error_body::read(status, headers, response.body());
    // RFC 7009 has the client ignore the body of a 200. But errors come with a
    // 200, too, and a page is not of the server.
    let has_error = error.as_ref().is_some_and(|error| {
        !error.strong().is_empty() || error.number(status).is_some() || error.says_it_failed
    });
    if status.is_success() && status != StatusCode::PARTIAL_CONTENT && !is_page && !has_error {
        return Ok(());
    }
    let unreadable = (status.is_success() && is_page).then_some(Unreadable::Html);
    let secrets = secrets();
    let mut failure = failure(response, error, unreadable, rules, now, &secrets);
    clear(secrets);
    let has_code = |code| failure.code().map(ErrorCode::as_str) == Some(code);
    let answered = !is_server_error(status);
    let (unsupported, invalid) = (has_code("unsupported_token_type"), has_code("invalid_token"));
    if unsupported && answered {
        failure.kind = FailureKind::Misconfigured;
    }
    // The token is dead, as it is to be.
    let is_dead = failure.kind == FailureKind::Rejected || invalid && answered;
    if is_dead { Ok(()) } else { Err(failure) }
}
