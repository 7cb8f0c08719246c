//! A refresh without a transport, a clock or a runtime: the machine alone.

use auth_core::{Now, Refresh, RefreshError, Response, Step, TokenSet, TransportError};

/// Carries a refresh through by hand: each attempt gets the last of the
/// `responses`, and no time passes. Without an outcome left, the network is down.
///
/// # Errors
///
/// What the machine reports.
pub fn refresh_without_io(
    refresh: Refresh,
    mut responses: Vec<Result<Response, TransportError>>,
    now: Now,
) -> Result<TokenSet, RefreshError> {
    let mut step = refresh.start(now);
    loop {
        step = match step {
            Step::Prove(demand, proving) => proving.resolve(demand.meet_blocking(), now),
            Step::Challenge(waiting) => waiting.resume(now),
            Step::Send(request, pending) => {
                drop(request);
                let down = || Err(TransportError::not_sent(auth_core::TransportErrorKind::Refused));
                pending.resolve(responses.pop().unwrap_or_else(down), now)
            }
            Step::Wait(_, waiting) => waiting.resume(now),
            Step::Done(result) => return result,
        };
    }
}

/// A response with tokens whose body is of exactly this many bytes: as of a
/// provider that sends a JWT.
pub fn token_response(bytes: usize) -> Response {
    let rest = r#"{"access_token":"","token_type":"Bearer","expires_in":3600,"refresh_token":"fake-rt-0123456789abcdef0123456789abcdef","scope":"openid profile offline_access"}"#;
    let jwt = "a1".repeat(bytes).chars().take(bytes.saturating_sub(rest.len())).collect::<String>();
    let body = rest.replacen("\"\"", &format!("\"{jwt}\""), 1).into_bytes();
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
