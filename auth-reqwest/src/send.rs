//! Requests of a client of the program's own, with a token.

use auth_accounts::{
    AccountError,
    calls::{self, AsyncTokens, Call, CallError, Calls},
};
use http::header::AUTHORIZATION;
use reqwest::{Client, Request, Response};

use crate::{
    adapted::{IntoRequest, Received, Sent, carried, target},
    redirects::carrying,
};

/// The error of [`send`]: [`CallError`] with that of reqwest. `E` is that of what gives the
/// tokens, which is another for a pool.
///
/// In a program that has an error of its own:
///
/// ```
/// use auth_reqwest::{SendError, auth_accounts::AccountError, reqwest};
///
/// enum MyError {
///     NoToken(AccountError), // its `advice()` says what to do
///     Http(reqwest::Error),
///     Other(Box<dyn std::error::Error + Send + Sync>),
/// }
///
/// impl From<SendError> for MyError {
///     fn from(error: SendError) -> Self {
///         match error {
///             SendError::NoToken(error) => Self::NoToken(error),
///             SendError::Client(error) => Self::Http(error),
///             other => Self::Other(other.into()),
///         }
///     }
/// }
/// ```
pub type SendError<E = AccountError> = CallError<E, reqwest::Error>;

/// Sends a request with a token, and if the API does not take that, once more with
/// another.
///
/// `tokens` is an [`Account`](auth_accounts::Account), a
/// [`TokensFor`](auth_accounts::calls::TokensFor), or an `AccountPool`. The token goes to
/// the origin of the request, and by no redirect to another if the client has
/// [`redirects`](crate::redirects).
///
/// ```
/// use auth_reqwest::{auth_accounts::Account, reqwest};
///
/// # async fn example(account: Account) -> Result<(), Box<dyn std::error::Error>> {
/// let client = reqwest::Client::builder().redirect(auth_reqwest::redirects()).build()?;
/// let request = client.get("https://api.example.com/me");
/// let response = auth_reqwest::send(&client, &account, request).await?;
/// # Ok(())
/// # }
/// ```
///
/// | what | is |
/// | --- | --- |
/// | the response | the API's, whatever its status. If it says that the token is of no use and the request was not sent again, its extensions hold the reason: `response.extensions().get::<NotAgain>()` ([`NotAgain`](calls::NotAgain)) |
/// | a body that is a stream, as every `multipart` form of reqwest is | sent once. If the token is refused, the next request has another |
/// | an `Authorization` of the request's own | left as it is, and not judged |
/// | an `Authorization` in the client's `default_headers` | the token takes its place |
/// | [`timeout`](reqwest::RequestBuilder::timeout) | for each sending, and not for the refresh. Whoever drops the future, as `tokio::time::timeout` does for the whole, breaks nothing |
///
/// Blocking accounts are refused by the compiler:
///
/// ```compile_fail,E0277
/// use auth_reqwest::{auth_accounts::BlockingAccount, reqwest};
///
/// # async fn example(client: reqwest::Client, account: BlockingAccount) {
/// let request = client.get("https://api.example.com/me");
/// let response = auth_reqwest::send(&client, &account, request).await;
/// # }
/// ```
///
/// # Errors
///
/// - [`CallError::NoToken`] if there is no token, or none but the refused one. The error
///   in it says what to do, in its `advice()`.
/// - [`CallError::Client`] if reqwest fails.
/// - [`CallError::Origin`] if the URL is plain `http` and not loopback.
pub async fn send<T: AsyncTokens>(
    client: &Client,
    tokens: &T,
    request: impl IntoRequest,
) -> Result<Response, CallError<T::Error, reqwest::Error>> {
    let request = request.into_request().map_err(CallError::Client)?;
    let sent = calls::send(tokens, Sent(request), |Sent(request)| execute(client, request));
    sent.await.map(|Received(response)| response)
}

/// As [`send`], to the origins that are named, and with what else is set there. A request
/// to another origin goes as it is.
///
/// ```
/// use auth_reqwest::{
///     auth_accounts::{Account, calls::Calls},
///     http::StatusCode,
///     reqwest,
/// };
///
/// # async fn example(client: reqwest::Client, account: Account) -> Result<(), Box<dyn std::error::Error>> {
/// // Once for the whole program.
/// let calls = Calls::new(account, ["https://api.example.com", "https://files.example.com"])?
///     .also_refused_at([StatusCode::from_u16(419)?]);
///
/// let request = client.get("https://files.example.com/7");
/// let response = auth_reqwest::send_with_calls(&client, &calls, request).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`send`], without [`CallError::Origin`]. [`CallError::Unnamed`] if the calls have
/// no account ([`Calls::per_request`]; [`Calls::with`] gives them one).
pub async fn send_with_calls<T: AsyncTokens>(
    client: &Client,
    calls: &Calls<T>,
    request: impl IntoRequest,
) -> Result<Response, CallError<T::Error, reqwest::Error>> {
    let request = request.into_request().map_err(CallError::Client)?;
    let sent = calls.send(Sent(request), |Sent(request)| execute(client, request));
    sent.await.map(|Received(response)| response)
}

async fn execute(client: &Client, request: Request) -> Result<Received, reqwest::Error> {
    carrying(carried(&request), client.execute(request)).await.map(Received)
}

/// Gives a request a token, for a program that sends and judges by itself, and returns
/// the token: `None` if the request has an `Authorization`, and is left as it is.
///
/// ```
/// use auth_reqwest::{auth_accounts::Account, reqwest};
///
/// # async fn example(client: reqwest::Client, account: Account) -> Result<(), Box<dyn std::error::Error>> {
/// let mut request = client.get("https://api.example.com/me").build()?;
/// let token = auth_reqwest::attach(&account, &mut request).await?;
/// let response = client.execute(request).await?;
/// if let (401, Some(token)) = (response.status().as_u16(), token) {
///     // The next request has the new one.
///     account.token_refused(token.access_token()).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// Attach anew for each sending, to a request that has no token yet: a token does not live
/// long, and a proof is for one sending. For redirects see [`redirects`](crate::redirects).
///
/// # Errors
///
/// As [`send`], without [`CallError::Client`].
pub async fn attach<T: AsyncTokens>(
    tokens: &T,
    request: &mut Request,
) -> Result<Option<T::Held>, CallError<T::Error>> {
    if request.headers().contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let (method, url) = (request.method().clone(), request.url().clone());
    let target = target(&url);
    let mut call = Call::to_its_origin(tokens.clone(), &target).map_err(CallError::Origin)?;
    call.obtain().await?;
    call.attach_async(&method, &target, request.headers_mut()).await?;
    Ok(call.held().cloned())
}
