//! Tokens for whatever an agent sends.

use auth_accounts::{
    BlockingAccount,
    calls::{Answer as _, BlockingTokens, Call, CallError, Calls, NotAgain, Target, Verdict},
};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use ureq::{
    Body, Error, RequestExt as _, ResponseExt as _, SendBody,
    config::RedirectAuthHeaders,
    middleware::{Middleware, MiddlewareNext},
};

use crate::calls::is_in_clear_here;

/// Gives the requests of an agent their tokens, where they go to the origins that are
/// named. A token that an API does not take is marked as refused, so that the next
/// request has another.
///
/// ```no_run
/// use auth_ureq::{
///     CallMiddleware,
///     auth_accounts::{BlockingAccount, calls::Calls},
/// };
/// use ureq::Agent;
///
/// # fn example(account: BlockingAccount) -> Result<(), Box<dyn std::error::Error>> {
/// let calls = Calls::new(account, ["https://api.example.com"])?;
/// let agent: Agent = Agent::config_builder()
///     .middleware(CallMiddleware::new(calls))
///     .build()
///     .into();
///
/// let name = agent.get("https://api.example.com/me").call()?.body_mut().read_to_string()?;
/// # Ok(())
/// # }
/// ```
///
/// # What it cannot do
///
/// [`send_with`](crate::send_with) can do all of it.
///
/// - It does not send a request again: ureq lets a middleware send once. So the first
///   request after a token was revoked fails with the API's 401. A token that expires is
///   renewed before.
/// - Unless [`http_status_as_error(false)`](ureq::config::ConfigBuilder::http_status_as_error)
///   is set, ureq keeps the head of a 401 for itself: `Err(StatusCode(401))` is all there
///   is. Then any 401 marks the token, also one that says that the token is good but
///   allows too little, or that came after a redirect; nonces of an API are not learned,
///   and there is no [`NotAgain`] to read.
/// - ureq follows redirects by itself. The token does not go along, not even within the
///   origin, of which this middleware sees nothing then. A request whose token is bound to
///   a key (DPoP) is not redirected at all, since its proof is for one URL: the 3xx is the
///   response.
///
/// The settings of a request are changed for that: `redirect_auth_headers` to `Never`,
/// `save_redirect_history` to `true`, for a token that is bound to a key `max_redirects` to
/// 0, and for plain `http` to loopback `proxy` to none. For a request whose settings are not the agent's own ureq sets TLS
/// up anew whenever it makes a connection, unless the agent has made one for a request
/// without.
///
/// # Other middleware
///
/// It runs once for a request, redirects included. Middleware that is added before it sees
/// requests without the token, and leaves one alone that it should not have by an
/// `Authorization` of its own. Such that is added after it sees the token, and must keep
/// the extensions of the request: the settings are in there.
///
/// # Errors
///
/// The error of a request is [`ureq::Error::Other`] with a [`CallError`] in it if there is
/// no token. The account's error in that says what to do:
///
/// ```
/// use auth_ureq::{auth_accounts::AccountError, auth_core::Advice, ureq::Error};
///
/// fn explain(error: &Error) -> String {
///     // ureq's error names no source.
///     let inner = if let Error::Other(inner) = error { AccountError::find(&**inner) } else { None };
///     match inner {
///         Some(error) if error.advice() == Advice::LogIn => "log in, please".into(),
///         Some(error) => format!("try again later: {error}"),
///         None => error.to_string(),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct CallMiddleware<T = BlockingAccount>(Calls<T>);

impl<T: BlockingTokens> CallMiddleware<T> {
    /// For these calls.
    ///
    /// An account of an async program is refused by the compiler:
    ///
    /// ```compile_fail,E0277
    /// # use auth_ureq::{CallMiddleware, auth_accounts::{Account, calls::Calls}};
    /// fn middleware(calls: Calls<Account>) {
    ///     let _ = CallMiddleware::new(calls);
    /// }
    /// ```
    pub fn new(calls: Calls<T>) -> Self {
        Self(calls)
    }
}

impl<T: BlockingTokens> Middleware for CallMiddleware<T> {
    fn handle(
        &self,
        mut request: Request<SendBody<'_>>,
        next: MiddlewareNext<'_>,
    ) -> Result<Response<Body>, Error> {
        let uri = request.uri().clone();
        let target = Target::Uri(&uri);
        let Some(call) = self.0.begin(&target, request.headers(), Some(request.extensions()))
        else {
            return next.handle(request);
        };
        let mut call = call.map_err(no_call)?;
        let method = request.method().clone();
        pollster::block_on(async {
            call.obtain().await?;
            call.attach_async(&method, &target, request.headers_mut()).await
        })
        .map_err(no_call)?;
        keep_from_others(&mut request)?;

        let mut response = match next.handle(request) {
            Ok(response) => response,
            Err(Error::StatusCode(code)) => {
                if let Ok(status) = StatusCode::from_u16(code) {
                    judge(&mut call, None, status, &HeaderMap::new());
                }
                return Err(Error::StatusCode(code));
            }
            Err(error) => return Err(error),
        };
        // Of a request that followed by itself ureq has taken the token away.
        let came_from = was_redirected(&response).then_some(&WITHOUT_TOKEN);
        let why = judge(&mut call, came_from, response.status(), response.headers());
        if let Some(why) = why {
            response.note(why);
        }
        Ok(response)
    }
}

/// Where no token went.
const WITHOUT_TOKEN: Target<'static> = Target::Parts { scheme: "", host: "", port: None, url: "" };

/// Judges a response that is handed out whatever it is.
fn judge<T: BlockingTokens>(
    call: &mut Call<T>,
    came_from: Option<&Target<'_>>,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<NotAgain> {
    match call.judge(came_from, status, headers) {
        Verdict::HandOut(why) => why,
        Verdict::Renew(why) => {
            call.mark(&why);
            Some(NotAgain::Body)
        }
        // What the proof lacked is known now.
        _ => Some(NotAgain::Body),
    }
}

/// Sees to it that no redirect takes a token along, nor a proxy sees one in clear.
fn keep_from_others(request: &mut Request<SendBody<'_>>) -> Result<(), Error> {
    // ureq takes the request, and gives it back only if the agent is in its extensions.
    let mut head = Request::new(());
    *head.extensions_mut() = request.extensions().clone();
    let Some(settings) = head.middleware_config() else {
        return Err(Error::Other(Box::new(NoAgent)));
    };
    let settings =
        settings.redirect_auth_headers(RedirectAuthHeaders::Never).save_redirect_history(true);
    let is_proved = request.headers().contains_key("dpop");
    let settings = if is_proved { settings.max_redirects(0) } else { settings };
    let stays = is_in_clear_here(request.uri());
    let settings = if stays { settings.proxy(None) } else { settings };
    *request.extensions_mut() = std::mem::take(settings.build().extensions_mut());
    Ok(())
}

/// Whether the response is of a request that followed ours. One that another middleware
/// made has no history.
fn was_redirected(response: &Response<Body>) -> bool {
    response.get_redirect_history().is_some_and(|urls: &[Uri]| urls.len() > 1)
}

fn no_call<E: std::error::Error + Send + Sync + 'static>(error: CallError<E>) -> Error {
    Error::Other(Box::new(error))
}

/// There is no way to set anything.
#[derive(Debug, thiserror::Error)]
#[error(
    "another middleware dropped the extensions of the request, without which its token could be redirected; add that middleware after CallMiddleware"
)]
struct NoAgent;
