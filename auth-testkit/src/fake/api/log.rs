//! What an API was asked, within bounds.

use std::{collections::VecDeque, fmt};

use auth_core::AccessToken;

use super::token;
use crate::RecordedRequest;

/// How many calls are kept, and how many bytes of their bodies.
const MOST_CALLS: usize = 4096;
const MOST_BYTES: usize = 16 << 20;

/// How much is kept of one body.
const MOST_OF_BODY: usize = 1 << 20;

/// One call of a [`FakeApi`](crate::FakeApi), as it arrived, and what came of it.
///
/// The accessors return everything, secrets included. `Debug` shows no secret.
///
/// ```
/// use auth_testkit::FakeAuthServer;
///
/// let server = FakeAuthServer::new();
/// let (api, elsewhere) = (server.api(), server.api());
/// let session = server.log_in("ada");
/// let request = http::Request::put("https://api.example.com/notes/7?draft=1")
///     .header("authorization", session.access_token.authorization()?)
///     .body("a note")?;
/// api.respond_with_body(&request);
/// elsewhere.call(None);
///
/// let [call] = &api.calls()[..] else { panic!("one call") };
/// assert_eq!((call.path(), call.scheme()), ("/notes/7", Some("Bearer")));
/// assert_eq!(call.token(), Some(&session.access_token));
/// assert_eq!((call.body(), call.status()), (Some(&b"a note"[..]), Some(200)));
/// elsewhere.assert_saw_no_token();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ApiCall {
    request: RecordedRequest,
    scheme: Option<String>,
    token: Option<AccessToken>,
    subject: Option<String>,
    body_len: Option<usize>,
    status: Option<u16>,
}

impl ApiCall {
    /// A call whose head is there.
    pub(super) fn new(request: RecordedRequest, subject: Option<String>) -> Self {
        let (scheme, token) = match request.header("authorization").and_then(token) {
            Some((scheme, token)) => (Some(scheme.to_owned()), Some(token)),
            None => (None, None),
        };
        Self { request, scheme, token, subject, body_len: None, status: None }
    }

    /// Method, URL, header fields, and the body as far as it is kept. Over a socket the
    /// URL is what the request line contains.
    #[must_use]
    pub fn request(&self) -> &RecordedRequest {
        &self.request
    }

    /// The path of the URL.
    #[must_use]
    pub fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// The scheme of `Authorization`, as it was written.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// What followed the scheme in `Authorization`.
    #[must_use]
    pub fn token(&self) -> Option<&AccessToken> {
        self.token.as_ref()
    }

    /// Whose live access token it was when the call arrived.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whether the call carries a secret: `Authorization`, `DPoP`, `Cookie` or
    /// `Proxy-Authorization`, or a token of any [`FakeAuthServer`](crate::FakeAuthServer)
    /// in another field, in the URL or in the body as far as it is kept.
    #[must_use]
    pub fn carries_token(&self) -> bool {
        let named = ["authorization", "dpop", "cookie", "proxy-authorization"];
        let headers = self.request.headers();
        named.iter().any(|name| headers.contains_key(*name))
            || headers.values().any(|value| holds_token(value.as_bytes()))
            || holds_token(self.request.uri().to_string().as_bytes())
            || holds_token(self.request.body())
    }

    /// The body, or its first MiB. `None` if it was not read: the response came
    /// before it, or the client left.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.body_len.map(|_| self.request.body())
    }

    /// How long the body was, all of it; `None` if it was not read to its end.
    #[must_use]
    pub fn body_len(&self) -> Option<usize> {
        self.body_len
    }

    /// The status of the response; `None` as long as there is none.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }
}

impl fmt::Debug for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiCall")
            .field("method", self.request.method())
            .field("path", &self.path())
            .field("headers", &self.request.headers().keys().collect::<Vec<_>>())
            .field("carries_token", &self.carries_token())
            .field("body_len", &self.body_len)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The names of our tokens. They stand as they are in any encoding but Base64.
fn holds_token(text: &[u8]) -> bool {
    ["fake-at-", "fake-rt-"]
        .iter()
        .any(|prefix| text.windows(prefix.len()).any(|part| part == prefix.as_bytes()))
}

/// The calls, of which the oldest are forgotten.
#[derive(Default)]
pub(super) struct Log {
    calls: VecDeque<ApiCall>,
    forgotten: usize,
    bytes: usize,
    /// How many ever carried a token.
    pub(super) with_token: usize,
}

impl Log {
    /// Adds a call, and gives its number.
    pub(super) fn add(&mut self, call: ApiCall) -> usize {
        self.with_token += usize::from(call.carries_token());
        self.calls.push_back(call);
        let number = self.len() - 1;
        self.shrink();
        number
    }

    /// The whole body of the call with this number is there.
    pub(super) fn read_body(&mut self, number: usize, body: &[u8]) {
        let Some(call) = self.get(number) else { return };
        let knew = call.carries_token();
        call.body_len = Some(body.len());
        call.request.set_body(&body[..body.len().min(MOST_OF_BODY)]);
        let bytes = call.request.body().len();
        let knows = call.carries_token();
        self.with_token += usize::from(knows && !knew);
        self.bytes += bytes;
        self.shrink();
    }

    pub(super) fn respond(&mut self, number: usize, status: u16) {
        if let Some(call) = self.get(number) {
            call.status = Some(status);
        }
    }

    /// How many there were.
    pub(super) fn len(&self) -> usize {
        self.forgotten + self.calls.len()
    }

    pub(super) fn calls(&self) -> Vec<ApiCall> {
        self.calls.iter().cloned().collect()
    }

    fn get(&mut self, number: usize) -> Option<&mut ApiCall> {
        self.calls.get_mut(number.checked_sub(self.forgotten)?)
    }

    fn shrink(&mut self) {
        while self.calls.len() > MOST_CALLS || self.bytes > MOST_BYTES {
            let Some(call) = self.calls.pop_front() else { return };
            self.bytes -= call.request.body().len();
            self.forgotten += 1;
        }
    }
}
