//! Calls as a middleware of `reqwest-middleware`.

use auth_accounts::{
    Account,
    calls::{AsyncTokens, CallError, Calls},
};
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next};
use tokio::sync::Mutex;

use crate::{
    adapted::{Received, Sent, carried},
    redirects::carrying,
};

/// Gives the requests of a `reqwest_middleware::ClientWithMiddleware` a token, and sends
/// those whose token the API does not take once more, with another.
///
/// ```
/// use auth_reqwest::{CallMiddleware, auth_accounts::{Account, calls::Calls}, reqwest};
/// use reqwest_middleware::ClientBuilder;
///
/// # async fn example(account: Account) -> Result<(), Box<dyn std::error::Error>> {
/// let calls = Calls::new(account, ["https://api.example.com"])?;
/// let client = reqwest::Client::builder().redirect(auth_reqwest::redirects()).build()?;
/// let client = ClientBuilder::new(client).with(CallMiddleware::new(calls)).build();
///
/// let response = client.get("https://api.example.com/me").send().await?;
/// # Ok(())
/// # }
/// ```
///
/// The token goes to the origins that the calls name, and by no redirect to another if
/// the client has [`redirects`](crate::redirects). A request to another origin goes as it
/// is. For bodies, timeouts and the response see [`send`](crate::send). Add it last: what
/// comes after it sees the token, and can change where the request goes.
///
/// # Beside retries
///
/// | what happens | retries outside: `.with(retries).with(calls)` | retries inside: `.with(calls).with(retries)` |
/// | --- | --- | --- |
/// | 503, 429, a lost connection | the request is sent again, with the token of that moment | the request is sent again, with the same headers |
/// | the token is refused | it is renewed, and the request sent once more, within each try | it is renewed, and the request sent once more, with retries of its own |
/// | there is no token | the error is final, and not retried: the account has its own retries | the same |
/// | a proof (DPoP) | is made anew for each try | **is sent again**, and a server that notes which proofs it has seen refuses it (RFC 9449 section 11.1) |
/// | a body that is a stream | the request fails before anything is sent | the same |
///
/// Take the first, which is right in every case. The table is of `reqwest-retry` 0.9 with
/// its default strategy.
///
/// # An account for each request
///
/// An account in the extensions of a request takes the place of the middleware's own, and
/// [`Calls::per_request`] has none of its own: a request that names none is not sent.
///
/// ```
/// # use auth_reqwest::{CallMiddleware, auth_accounts::{Account, calls::Calls}, reqwest};
/// # use reqwest_middleware::ClientBuilder;
/// # async fn example(customer: Account) -> Result<(), Box<dyn std::error::Error>> {
/// let calls = Calls::<Account>::per_request(["https://api.example.com"])?;
/// let client = reqwest::Client::builder().redirect(auth_reqwest::redirects()).build()?;
/// let client = ClientBuilder::new(client).with(CallMiddleware::new(calls)).build();
///
/// let request = client.get("https://api.example.com/me").with_extension(customer.clone());
/// let response = request.send().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// What the client fails with is [`Error::Reqwest`], as without this middleware. All else
/// is a [`CallError`] in [`Error::Middleware`]. [`AccountError::find`](auth_accounts::AccountError::find) finds the
/// account's error in it, whatever is around it; with a pool, `PoolError::find`:
///
/// ```
/// use auth_reqwest::{
///     auth_accounts::{AccountError, calls::CallError},
///     auth_core::Advice,
///     reqwest_middleware::Error,
/// };
///
/// fn explain(error: &Error) -> String {
///     match AccountError::find(error) {
///         Some(error) if error.advice() == Advice::LogIn => "log in, please".into(),
///         Some(error) => format!("try again later: {error}"),
///         None => error.to_string(),
///     }
/// }
///
/// // Where no other middleware is around this one:
/// fn names_no_account(error: &Error) -> bool {
///     let Error::Middleware(error) = error else { return false };
///     matches!(error.downcast_ref(), Some(CallError::<AccountError, Error>::Unnamed))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct CallMiddleware<T = Account>(Calls<T>);

impl<T: AsyncTokens> CallMiddleware<T> {
    /// The middleware for these calls.
    pub fn new(calls: Calls<T>) -> Self {
        Self(calls)
    }
}

#[async_trait::async_trait]
impl<T: AsyncTokens> Middleware for CallMiddleware<T> {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response, Error> {
        let named = extensions.get::<T>().map(|tokens| self.0.with(tokens.clone()));
        let calls = named.as_ref().unwrap_or(&self.0);
        // Both sendings take them by turns. Nobody ever waits.
        let extensions = &Mutex::new(extensions);
        let answer = calls.send(Sent(request), |Sent(request)| {
            let next = next.clone();
            let carried = carried(&request);
            async move {
                let mut extensions = extensions.lock().await;
                let sent = next.run(request, &mut extensions);
                carrying(carried, sent).await.map(Received)
            }
        });
        match answer.await {
            Ok(Received(response)) => Ok(response),
            // As it would be without this middleware: whoever retries knows what it means.
            Err(CallError::Client(error)) => Err(error),
            Err(error) => Err(Error::middleware(error)),
        }
    }
}
