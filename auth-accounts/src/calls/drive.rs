//! Drives a call for any client.

use std::future::Future;

use super::{
    call::{Call, Verdict},
    client::{Answer, Outgoing},
    error::{CallError, NotAgain},
    origin::Origin,
    settings::Calls,
    tokens::Tokens,
};

impl<T: Tokens> Calls<T> {
    /// Sends a request with a token by `client`, and does what its response asks for:
    /// once more with another token at most, if the request can be sent again. A request
    /// to another origin goes as it is, and so does one that has an `Authorization`.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn send<R, A, C, F>(
        &self,
        request: R,
        mut client: impl FnMut(R) -> F,
    ) -> Result<A, CallError<T::Error, C>>
    where
        R: Outgoing,
        A: Answer,
        F: Future<Output = Result<A, C>>,
    {
        match self.begin(&request.target(), request.headers(), request.extensions()) {
            None => client(request).await.map_err(CallError::Client),
            Some(call) => call.map_err(CallError::widen)?.send(request, client).await,
        }
    }
}

/// Sends a request with a token to the origin of this request, by any client.
///
/// # Errors
///
/// [`CallError`].
pub async fn send<T, R, A, C, F>(
    tokens: &T,
    request: R,
    mut client: impl FnMut(R) -> F,
) -> Result<A, CallError<T::Error, C>>
where
    T: Tokens,
    R: Outgoing,
    A: Answer,
    F: Future<Output = Result<A, C>>,
{
    if request.headers().contains_key(http::header::AUTHORIZATION) {
        return client(request).await.map_err(CallError::Client);
    }
    Origin::of(&request.target().to_uri()).map_err(CallError::Origin)?;
    Call::to_its_origin(tokens.clone()).send(request, client).await
}

impl<T: Tokens> Call<T> {
    async fn send<R, A, C, F>(
        mut self,
        mut request: R,
        mut client: impl FnMut(R) -> F,
    ) -> Result<A, CallError<T::Error, C>>
    where
        R: Outgoing,
        A: Answer,
        F: Future<Output = Result<A, C>>,
    {
        self.obtain().await.map_err(CallError::widen)?;
        let (method, uri) = (request.method().clone(), request.target().to_uri());
        let target = super::Target::Uri(&uri);
        loop {
            let next = request.again();
            self.attach_async(&method, &target, request.headers_mut())
                .await
                .map_err(CallError::widen)?;
            let mut answer = client(request).await.map_err(CallError::Client)?;
            let from = answer.came_from();
            let verdict = self.judge(&target, from.as_ref(), answer.status(), answer.headers());
            let why = match (verdict, next) {
                (Verdict::HandOut(why), _) => why,
                (Verdict::Prove, None) => Some(NotAgain::Body),
                (Verdict::Renew(why), None) => {
                    self.mark(&why);
                    Some(NotAgain::Body)
                }
                (Verdict::Prove, Some(next)) => {
                    request = next;
                    continue;
                }
                (Verdict::Renew(why), Some(next)) => {
                    match self.renew(&why).await.map_err(CallError::widen)? {
                        None => {
                            request = next;
                            continue;
                        }
                        why => why,
                    }
                }
            };
            if let Some(why) = why {
                answer.note(why);
            }
            return Ok(answer);
        }
    }
}

impl<E> CallError<E> {
    /// The same, where a client could have failed.
    pub fn widen<C>(self) -> CallError<E, C> {
        match self {
            Self::NoToken(error) => CallError::NoToken(error),
            Self::Unnamed => CallError::Unnamed,
            Self::Authorization(error) => CallError::Authorization(error),
            Self::Origin(error) => CallError::Origin(error),
        }
    }
}

impl<E, C> CallError<E, C> {
    /// The client's error; or if it is none, the same without one.
    ///
    /// # Errors
    ///
    /// All others.
    pub fn into_client(self) -> Result<C, CallError<E>> {
        match self {
            Self::NoToken(error) => Err(CallError::NoToken(error)),
            Self::Unnamed => Err(CallError::Unnamed),
            Self::Authorization(error) => Err(CallError::Authorization(error)),
            Self::Origin(error) => Err(CallError::Origin(error)),
            Self::Client(error) => Ok(error),
        }
    }
}
