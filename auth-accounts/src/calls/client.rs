//! What a client brings: its requests and its responses.

use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri};

use super::{error::NotAgain, origin::Origin};

/// Where a request goes.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// To this URL.
    Uri(&'a Uri),
    /// To a URL with these parts, for clients whose URLs are of another type. The port is
    /// the one that is used.
    Parts {
        /// Such as `https`.
        scheme: &'a str,
        /// With the brackets of an IPv6 address.
        host: &'a str,
        /// `None` is the scheme's own.
        port: Option<u16>,
        /// The whole.
        url: &'a str,
    },
}

impl Target<'_> {
    /// Whether it is of this origin. Nothing is allocated.
    #[inline]
    #[must_use]
    pub fn is_of(&self, origin: &Origin) -> bool {
        match *self {
            Self::Uri(uri) => origin.is_of(uri),
            Self::Parts { scheme, host, port, .. } => origin.is(scheme, host, port),
        }
    }

    /// As a URI; where it is none, `/`. Only what is parsed is allocated.
    #[must_use]
    pub fn to_uri(&self) -> Uri {
        match *self {
            Self::Uri(uri) => uri.clone(),
            Self::Parts { url, .. } => url.parse().unwrap_or_default(),
        }
    }
}

/// A request of a client. `http::Request` is one, if its body can be cloned, and else in
/// [`Once`]; adapters have their own type around their client's.
pub trait Outgoing: Sized {
    /// Where it goes.
    fn target(&self) -> Target<'_>;
    /// Its method.
    fn method(&self) -> &Method;
    /// Its headers.
    fn headers(&self) -> &HeaderMap;
    /// The same, to be changed.
    fn headers_mut(&mut self) -> &mut HeaderMap;
    /// Its extensions, if it has any. They may name an account for it.
    fn extensions(&self) -> Option<&Extensions> {
        None
    }
    /// A copy, if its body can be sent a second time.
    fn again(&self) -> Option<Self>;
}

/// A response of a client. `http::Response` is one: it keeps the reason in its
/// extensions, and came from where [`CameFrom`] there says.
pub trait Answer {
    /// Its status.
    fn status(&self) -> StatusCode;
    /// Its headers.
    fn headers(&self) -> &HeaderMap;
    /// The URL that it came from, if the client follows redirects and says so.
    fn came_from(&self) -> Option<Target<'_>> {
        None
    }
    /// Keeps the reason for which the request was not sent again.
    fn note(&mut self, why: NotAgain);
}

impl<B: Clone> Outgoing for Request<B> {
    fn target(&self) -> Target<'_> {
        Target::Uri(self.uri())
    }

    fn method(&self) -> &Method {
        self.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn extensions(&self) -> Option<&Extensions> {
        Some(self.extensions())
    }

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

/// A request that is sent once, such as one whose body is a stream and cannot be cloned. A
/// response that refuses its token is handed out with [`NotAgain::Body`], and the next
/// request has another token.
///
/// ```
/// use std::{convert::Infallible, fs::File};
///
/// use auth_accounts::{Account, calls::{Calls, Once}, http::{Request, Response}};
///
/// # async fn send(_: Request<File>) -> Result<Response<Vec<u8>>, Infallible> { todo!() }
/// # async fn example(calls: Calls<Account>) -> Result<(), Box<dyn std::error::Error>> {
/// let request = Request::put("https://api.example.com/files/1").body(File::open("1")?)?;
/// let response = calls.send(Once(request), |Once(request)| send(request)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Once<B>(pub Request<B>);

impl<B> Outgoing for Once<B> {
    fn target(&self) -> Target<'_> {
        Target::Uri(self.0.uri())
    }

    fn method(&self) -> &Method {
        self.0.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.headers_mut()
    }

    fn extensions(&self) -> Option<&Extensions> {
        Some(self.0.extensions())
    }

    fn again(&self) -> Option<Self> {
        None
    }
}

impl<B> Answer for Response<B> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn came_from(&self) -> Option<Target<'_>> {
        self.extensions().get::<CameFrom>().map(|from| Target::Uri(&from.0))
    }

    fn note(&mut self, why: NotAgain) {
        self.extensions_mut().insert(why);
    }
}

/// In the extensions of a response: the URL that it came from. Clients that follow
/// redirects are to set it, so that a response from another origin is not taken for a
/// refusal of the token, which did not go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameFrom(pub Uri);
