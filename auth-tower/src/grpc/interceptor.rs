//! An interceptor, which cannot await.

use auth_accounts::{Account, calls::AsyncTokens};
use http::header::AUTHORIZATION;
use tonic::{Request, Status, service::Interceptor};

/// An interceptor whose requests carry the token that is ready. If none is, the call
/// fails with `UNAVAILABLE`: keep the account fresh, or obtain a token before.
///
/// It serves bearer tokens only, does not know where its requests go, and sees no
/// response, so that nobody learns of a refused token. Prefer
/// [`GrpcLayer`](super::GrpcLayer).
#[derive(Debug, Clone)]
pub struct PeekInterceptor<T = Account>(T);

impl<T: AsyncTokens> PeekInterceptor<T> {
    /// An interceptor for these tokens.
    pub fn new(tokens: T) -> Self {
        Self(tokens)
    }
}

impl<T: AsyncTokens> Interceptor for PeekInterceptor<T> {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let headers: &mut http::HeaderMap = request.metadata_mut().as_mut();
        if !headers.contains_key(AUTHORIZATION) {
            let held = self.0.peek().ok_or_else(|| {
                Status::unavailable(
                    "no access token is ready; obtain one before the call, or keep the account fresh",
                )
            })?;
            let value = T::token(&held).bearer();
            let value = value.map_err(|error| Status::failed_precondition(error.to_string()))?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok(request)
    }
}
