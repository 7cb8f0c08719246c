//! Requests and responses of reqwest, as calls see them.

use auth_accounts::calls::{Answer, NotAgain, Outgoing, Target};
use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION};
use reqwest::{Request, RequestBuilder, Response, Url};

use crate::redirects::Carried;

/// What [`send`](crate::send) takes: a [`Request`], or a [`RequestBuilder`] as
/// [`Client::get`](reqwest::Client::get) and its like return it.
pub trait IntoRequest: sealed::Sealed {
    /// The request.
    ///
    /// # Errors
    ///
    /// If the builder was given what no request can hold.
    fn into_request(self) -> Result<Request, reqwest::Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for reqwest::Request {}
    impl Sealed for reqwest::RequestBuilder {}
}

impl IntoRequest for Request {
    fn into_request(self) -> Result<Request, reqwest::Error> {
        Ok(self)
    }
}

impl IntoRequest for RequestBuilder {
    fn into_request(self) -> Result<Request, reqwest::Error> {
        self.build()
    }
}

/// What a request that `Calls` have seen to carries.
pub(crate) fn carried(request: &Request) -> Carried {
    match request.headers() {
        headers if headers.contains_key("dpop") => Carried::Proof,
        headers if headers.contains_key(AUTHORIZATION) => Carried::Token,
        _ => Carried::Nothing,
    }
}

pub(crate) fn target(url: &Url) -> Target<'_> {
    Target::Parts {
        scheme: url.scheme(),
        host: url.host_str().unwrap_or_default(),
        port: url.port_or_known_default(),
        url: url.as_str(),
    }
}

/// A request, as `Calls` see it.
pub(crate) struct Sent(pub(crate) Request);

impl Outgoing for Sent {
    fn target(&self) -> Target<'_> {
        target(self.0.url())
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

    fn again(&self) -> Option<Self> {
        self.0.try_clone().map(Self)
    }
}

/// A response, as `Calls` see it.
pub(crate) struct Received(pub(crate) Response);

impl Answer for Received {
    fn status(&self) -> StatusCode {
        self.0.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    fn came_from(&self) -> Option<Target<'_>> {
        Some(target(self.0.url()))
    }

    fn note(&mut self, why: NotAgain) {
        self.0.extensions_mut().insert(why);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_accounts::calls::Origin;
    use http::Version;

    use super::*;

    fn request() -> Sent {
        let mut request =
            Request::new(Method::PUT, "https://[::1]:8443/notes?draft=1".parse().unwrap());
        *request.timeout_mut() = Some(Duration::from_secs(7));
        *request.version_mut() = Version::HTTP_10;
        request.headers_mut().insert("x-note", http::HeaderValue::from_static("7"));
        Sent(request)
    }

    #[test]
    fn the_second_sending_is_the_first_again() {
        for body in [None, Some("a note")] {
            let mut first = request();
            *first.0.body_mut() = body.map(Into::into);
            let second = first.again().unwrap().0;
            assert_eq!((second.method(), second.url()), (first.0.method(), first.0.url()));
            assert_eq!(second.timeout(), Some(&Duration::from_secs(7)));
            assert_eq!(
                (second.version(), second.headers()),
                (first.0.version(), first.0.headers())
            );
            let sent = second.body().and_then(|body| body.as_bytes());
            assert_eq!(sent, body.map(str::as_bytes));
        }
    }

    #[test]
    fn there_is_none_for_a_stream() {
        let mut stream = request();
        // Wrapped, it may come from anywhere.
        *stream.0.body_mut() = Some(reqwest::Body::wrap(reqwest::Body::from("a note")));
        assert!(stream.again().is_none());
    }

    #[test]
    fn where_it_goes() {
        let rows = [
            ("https://api.example.com/me", "https://api.example.com", true),
            ("https://API.example.com:443/me#top", "https://api.example.com", true),
            ("https://api.example.com:8443/me", "https://api.example.com", false),
            ("http://api.example.com/me", "https://api.example.com", false),
            ("https://[::1]:8443/me", "https://[::1]:8443", true),
            ("https://b\u{fc}cher.example/", "https://xn--bcher-kva.example", true),
            ("data:text/plain,7", "https://api.example.com", false),
        ];
        for (url, origin, is_of) in rows {
            let request = Sent(Request::new(Method::GET, url.parse().unwrap()));
            let origin = Origin::parse(origin).unwrap();
            assert_eq!(request.target().is_of(&origin), is_of, "{url}");
        }
    }
}
