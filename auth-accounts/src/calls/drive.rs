//! Drives a call for any client.

use std::{
    future::{Future, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::header;

use super::{
    call::{Call, Verdict},
    client::{Answer, Outgoing, Target},
    error::{CallError, NotAgain},
    settings::Calls,
    tokens::{AsyncTokens, BlockingTokens, Tokens},
};

impl<T: Tokens> Calls<T> {
    /// Sends a request with a token by `client`, and does what its response asks for:
    /// once more with another token at most, if the request can be sent again. A request
    /// to another origin goes as it is, and so does one that has an `Authorization`.
    ///
    /// A client that is held in a field of a generic `AsyncFn` is called by
    /// `|request| (self.client)(request)`:
    ///
    /// ```
    /// use auth_accounts::{Account, calls::{CallError, Calls}, http::{Request, Response}};
    ///
    /// struct Api<C> {
    ///     calls: Calls<Account>,
    ///     client: C,
    /// }
    ///
    /// impl<E, C: AsyncFn(Request<()>) -> Result<Response<()>, E>> Api<C> {
    ///     async fn get(&self, request: Request<()>) -> Result<Response<()>, CallError<auth_accounts::AccountError, E>> {
    ///         self.calls.send(request, |request| (self.client)(request)).await
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn send<R, A, C, F>(
        &self,
        request: R,
        client: impl FnMut(R) -> F,
    ) -> Result<A, CallError<T::Error, C>>
    where
        T: AsyncTokens,
        R: Outgoing,
        A: Answer,
        F: Future<Output = Result<A, C>>,
    {
        self.drive(request, client).await
    }

    /// As [`send`](Self::send), for threads.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn send_blocking<R, A, C>(
        &self,
        request: R,
        mut client: impl FnMut(R) -> Result<A, C>,
    ) -> Result<A, CallError<T::Error, C>>
    where
        T: BlockingTokens,
        R: Outgoing,
        A: Answer,
    {
        block_on(self.drive(request, |request| ready(client(request))))
    }

    async fn drive<R, A, C, F>(
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
            Some(call) => call.map_err(CallError::widen)?.drive(request, client).await,
        }
    }
}

/// Sends a request with a token to the origin of this request, by any client: see
/// [`Calls::send`]. A redirect to another origin loses the token.
///
/// # Errors
///
/// [`CallError`].
pub async fn send<T, R, A, C, F>(
    tokens: &T,
    request: R,
    client: impl FnMut(R) -> F,
) -> Result<A, CallError<T::Error, C>>
where
    T: AsyncTokens,
    R: Outgoing,
    A: Answer,
    F: Future<Output = Result<A, C>>,
{
    to_its_origin(tokens, request, client).await
}

/// As [`send`], for threads.
///
/// # Errors
///
/// [`CallError`].
pub fn send_blocking<T, R, A, C>(
    tokens: &T,
    request: R,
    mut client: impl FnMut(R) -> Result<A, C>,
) -> Result<A, CallError<T::Error, C>>
where
    T: BlockingTokens,
    R: Outgoing,
    A: Answer,
{
    block_on(to_its_origin(tokens, request, |request| ready(client(request))))
}

async fn to_its_origin<T, R, A, C, F>(
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
    if request.headers().contains_key(header::AUTHORIZATION) {
        return client(request).await.map_err(CallError::Client);
    }
    let call = Call::to_its_origin(tokens.clone(), &request.target());
    call.map_err(CallError::Origin)?.drive(request, client).await
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    // With a token that is there it is ready, and needs none of what is allocated to wait.
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => pollster::block_on(future),
    }
}

impl<T: Tokens> Call<T> {
    async fn drive<R, A, C, F>(
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
        loop {
            let next = if self.is_last() { None } else { request.again() };
            self.attach_to(&mut request).await.map_err(CallError::widen)?;
            let mut answer = client(request).await.map_err(CallError::Client)?;
            let from = answer.came_from();
            let verdict = self.judge(from.as_ref(), answer.status(), answer.headers());
            let why = match (verdict, next) {
                (Verdict::HandOut(why), _) => why,
                (Verdict::Prove, Some(next)) => {
                    request = next;
                    continue;
                }
                // The first response is kept until there is a token, and no longer.
                (Verdict::Renew(why), Some(next)) => {
                    match self.renew(&why).await.map_err(CallError::widen)? {
                        None => {
                            request = next;
                            continue;
                        }
                        why => why,
                    }
                }
                (Verdict::Prove, None) => Some(NotAgain::Body),
                (Verdict::Renew(why), None) => {
                    self.mark(&why);
                    Some(NotAgain::Body)
                }
            };
            if let Some(why) = why {
                answer.note(why);
            }
            return Ok(answer);
        }
    }

    async fn attach_to<R: Outgoing>(&mut self, request: &mut R) -> Result<(), CallError<T::Error>> {
        // For a bearer token they do not matter.
        let proof = self.is_proved().then(|| (request.method().clone(), request.target().to_uri()));
        let (method, uri) = proof.unwrap_or_default();
        self.attach_async(&method, &Target::Uri(&uri), request.headers_mut()).await
    }
}
