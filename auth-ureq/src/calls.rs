//! Calls of an API over an agent.

mod body;
pub(crate) mod redirect;
mod settings;

use auth_accounts::{
    AccountError,
    calls::{
        Answer as _, BlockingTokens, CallError, Calls, NotAgain, Origin, Outgoing, Target,
        send_blocking,
    },
};
use http::{
    Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
    uri::Scheme,
};
use ureq::{Agent, Body, Error, SendBody, config::Config};

pub use self::body::CallBody;

/// The error of [`send_with`]: [`CallError`] with that of ureq. `E` is that of what gives the
/// tokens, which is another for a pool.
///
/// In a program that has an error of its own:
///
/// ```
/// use auth_ureq::{SendError, auth_accounts::AccountError, ureq};
///
/// enum MyError {
///     NoToken(AccountError), // its `advice()` says what to do
///     Http(ureq::Error),
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
pub type SendError<E = AccountError> = CallError<E, Error>;

/// Sends a request with a token to the origin of its URL, blocking the thread. If the API
/// does not take the token, it is renewed, and the request sent once more.
///
/// A request that has an `Authorization` goes as it is. A body that is read while it is
/// sent is sent once ([`CallBody`]).
///
/// The agent's settings hold, or the request's own
/// ([`configure_request`](Agent::configure_request)):
///
/// - [`http_status_as_error`](Config::http_status_as_error) makes the last response an
///   error, if its status is one. Where it is off, a response that says that the token is of
///   no use has a [`NotAgain`] in its extensions: why the request was not sent again.
/// - [`max_redirects`](Config::max_redirects): the token goes along within the
///   origin, with a proof for each URL, and stays behind where a redirect leads
///   to another. [`redirect_auth_headers`](Config::redirect_auth_headers) does not matter.
/// - [`proxy`](Config::proxy), but for plain `http` to loopback: such a token does not leave
///   the machine.
/// - Times are for each request that is sent.
///
/// ```no_run
/// use auth_ureq::{auth_accounts::BlockingAccount, http::Request, send_with};
///
/// fn rename(account: &BlockingAccount, name: &str) -> Result<String, Box<dyn std::error::Error>> {
///     let request = Request::put("https://api.example.com/me").body(name)?;
///     let mut response = send_with(&ureq::agent(), account, request)?;
///     Ok(response.body_mut().read_to_string()?)
/// }
/// ```
///
/// An account of an async program is refused by the compiler:
///
/// ```compile_fail,E0277
/// # use auth_ureq::{auth_accounts::Account, http::Request, send_with};
/// fn me(account: &Account, request: Request<()>) {
///     let _ = send_with(&ureq::agent(), account, request);
/// }
/// ```
///
/// # Errors
///
/// [`CallError::NoToken`] if there is no token, or none in place of one that was refused;
/// [`CallError::Origin`] if the token would go over plain `http` to other than loopback;
/// [`CallError::Client`] with what ureq says.
pub fn send_with<T, B>(
    agent: &Agent,
    tokens: &T,
    request: Request<B>,
) -> Result<Response<Body>, CallError<T::Error, Error>>
where
    T: BlockingTokens,
    B: CallBody,
{
    run(agent, request, |head, client| send_blocking(tokens, head, client))
}

/// As [`send_with`], to the origins that are named. A request to another goes as it is.
///
/// ```no_run
/// use auth_ureq::{
///     auth_accounts::{BlockingAccount, calls::Calls},
///     http::Request,
///     send_with_calls,
/// };
///
/// # fn example(account: BlockingAccount) -> Result<(), Box<dyn std::error::Error>> {
/// // Once for the whole program.
/// let calls = Calls::new(account, ["https://api.example.com", "https://files.example.com"])?;
///
/// let request = Request::get("https://files.example.com/photo.jpg").body(())?;
/// let response = send_with_calls(&ureq::agent(), &calls, request)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`send_with`], and [`CallError::Unnamed`].
pub fn send_with_calls<T, B>(
    agent: &Agent,
    calls: &Calls<T>,
    request: Request<B>,
) -> Result<Response<Body>, CallError<T::Error, Error>>
where
    T: BlockingTokens,
    B: CallBody,
{
    run(agent, request, |head, client| calls.send_blocking(head, client))
}

/// Sends a request by `driver`, and follows redirects.
fn run<B: CallBody, E>(
    agent: &Agent,
    request: Request<B>,
    driver: impl Fn(Head, &mut dyn FnMut(Head) -> Sent) -> Result<Response<Body>, CallError<E, Error>>,
) -> Result<Response<Body>, CallError<E, Error>> {
    let (parts, mut body) = request.into_parts();
    let mut request = Request::from_parts(parts, ());
    let mut client = Client::new(agent, &request);
    let head = Head { request: request.clone(), again: B::AGAIN };
    let mut response = driver(head, &mut |head| client.send(head, body.as_body()))?;
    while client.carries && redirect::is_one(response.status()) {
        if !client.may_follow().map_err(CallError::Client)? {
            return Ok(response);
        }
        let origin = Origin::insecure_plain_http(&request.uri().to_string());
        request = redirect::follow(request, response.status(), response.headers())
            .ok_or(CallError::Client(Error::RedirectFailed))?;
        redirect::read(response);
        if !origin.is_ok_and(|origin| origin.is_of(request.uri())) {
            return client.leave(request).map_err(CallError::Client);
        }
        // Once more in all, not for each URL.
        let again = !client.was_renewed;
        let head = Head { request: request.clone(), again };
        response = driver(head, &mut |head| client.send(head, SendBody::none()))?;
        if !again && matches!(response.extensions().get(), Some(NotAgain::Body)) {
            response.note(NotAgain::Twice);
        }
    }
    client.end(response).map_err(CallError::Client)
}

type Sent = Result<Response<Body>, Error>;

/// The agent, for one call.
struct Client<'a> {
    agent: &'a Agent,
    settings: Config,
    /// Whether the request's own `Authorization` is there.
    has_own: bool,
    /// Whether a token of ours went along with the last request.
    carries: bool,
    /// What went along with the last request that had one.
    token: Option<HeaderValue>,
    was_renewed: bool,
    redirects: u32,
}

impl<'a> Client<'a> {
    fn new(agent: &'a Agent, request: &Request<()>) -> Self {
        Self {
            agent,
            settings: settings::of(agent, request),
            has_own: request.headers().contains_key(header::AUTHORIZATION),
            carries: false,
            token: None,
            was_renewed: false,
            redirects: 0,
        }
    }

    /// Sends a request as the driver has it. With a token it comes back with any response
    /// there is, and from where it went.
    fn send(&mut self, head: Head, body: SendBody<'_>) -> Sent {
        let request = head.request.map(|()| body);
        let token = request.headers().get(header::AUTHORIZATION).filter(|_| !self.has_own);
        self.carries = token.is_some();
        if let Some(token) = token {
            let before = self.token.replace(token.clone());
            self.was_renewed |= before.is_some_and(|before| before != token);
        }
        let stays = is_in_clear_here(request.uri()) && self.settings.proxy().is_some();
        let fits = !self.settings.http_status_as_error() && self.settings.max_redirects() == 0;
        if !self.carries || (fits && !stays) {
            return self.agent.run(request);
        }
        let settings = self.agent.configure_request(request);
        let settings = settings.http_status_as_error(false).max_redirects(0);
        let settings = if stays { settings.proxy(None) } else { settings };
        self.agent.run(settings.build())
    }

    /// Whether one more redirect is followed. By ureq's rule it may be an error.
    fn may_follow(&mut self) -> Result<bool, Error> {
        let most = self.settings.max_redirects();
        if self.redirects < most {
            self.redirects += 1;
            return Ok(true);
        }
        match most > 0 && self.settings.max_redirects_will_error() {
            true => Err(Error::TooManyRedirects),
            false => Ok(false),
        }
    }

    /// Follows a redirect to another origin, and from there wherever it leads, without a
    /// token.
    fn leave(&self, request: Request<()>) -> Sent {
        let left = self.settings.max_redirects() - self.redirects;
        let request = self
            .agent
            .configure_request(request)
            .http_status_as_error(self.settings.http_status_as_error())
            .max_redirects(left)
            .build();
        let mut response = self.agent.run(request)?;
        if redirect::is_one(response.status()) && self.settings.max_redirects_will_error() {
            return Err(Error::TooManyRedirects);
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            response.note(NotAgain::Elsewhere);
        }
        Ok(response)
    }

    /// What the caller gets of a response.
    fn end(&self, response: Response<Body>) -> Sent {
        let status = response.status();
        let is_error = status.is_client_error() || status.is_server_error();
        // Without a token ureq has said so itself.
        match is_error && self.carries && self.settings.http_status_as_error() {
            true => Err(Error::StatusCode(status.as_u16())),
            false => Ok(response),
        }
    }
}

/// Whether a token goes there in clear since it does not leave the machine. By a proxy it
/// would.
pub(crate) fn is_in_clear_here(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTP) && uri.host().is_some_and(auth_core::internal::is_loopback)
}

/// A request without its body, which is lent to each that is sent.
struct Head {
    request: Request<()>,
    again: bool,
}

impl Outgoing for Head {
    fn target(&self) -> Target<'_> {
        Target::Uri(self.request.uri())
    }

    fn method(&self) -> &Method {
        self.request.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.request.headers_mut()
    }

    fn extensions(&self) -> Option<&Extensions> {
        Some(self.request.extensions())
    }

    fn again(&self) -> Option<Self> {
        self.again.then(|| Self { request: self.request.clone(), again: true })
    }
}
