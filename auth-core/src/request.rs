//! The request of one attempt.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use zeroize::Zeroizing;

use crate::{
    Now, RefreshToken,
    assertion::Assertion,
    client_auth::Identity,
    credential::{Credential, Source},
    signing::Demand,
    token_exchange::TokenExchange,
    token_request::TokenRequest,
};

/// The authorization grant that is used to get an access token.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// A refresh token (RFC 6749 section 6).
    RefreshToken(RefreshToken),
    /// The client's own credentials (RFC 6749 section 4.4).
    ClientCredentials,
    /// An assertion about a service or a user (RFC 7523 section 2.1): see
    /// [`jwt_bearer`](Self::jwt_bearer).
    JwtBearer(Assertion),
    /// Another token (RFC 8693).
    TokenExchange(TokenExchange),
}

impl Grant {
    /// An assertion as a grant (RFC 7523 section 2.1): one that is
    /// [signed](crate::SignedAssertion) for each attempt, or one that something else
    /// makes, from a [`Source`].
    pub fn jwt_bearer(assertion: impl Into<Assertion>) -> Self {
        Self::JwtBearer(assertion.into())
    }

    /// The value of the parameter `grant_type`.
    pub fn grant_type(&self) -> &'static str {
        match self {
            Self::RefreshToken(_) => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer(_) => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::TokenExchange(_) => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// The refresh token, if the grant is one.
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        match self {
            Self::RefreshToken(token) => Some(token),
            _ => None,
        }
    }

    /// Whether something must be had for each attempt.
    pub(crate) fn is_made_anew(&self) -> bool {
        matches!(self, Self::JwtBearer(_) | Self::TokenExchange(_))
    }

    /// What must be had, after as many as this.
    pub(crate) fn demand(&self, had: usize, token_endpoint: &Uri, now: Now) -> Option<Demand> {
        match self {
            Self::RefreshToken(_) | Self::ClientCredentials => None,
            Self::JwtBearer(assertion) => (had == 0).then(|| assertion.demand(token_endpoint, now)),
            Self::TokenExchange(exchange) => exchange.demand(had, token_endpoint, now),
        }
    }

    /// Writes its parameters, with what was had.
    pub(crate) fn write<'a>(&'a self, had: &'a [Credential], fields: &mut Vec<(&'a str, &'a str)>) {
        fields.push(("grant_type", self.grant_type()));
        match self {
            Self::RefreshToken(token) => fields.push(("refresh_token", token.expose())),
            Self::ClientCredentials => {}
            Self::JwtBearer(_) => {
                fields.push(("assertion", had.first().map_or("", Credential::expose)));
            }
            Self::TokenExchange(exchange) => exchange.write(had, fields),
        }
    }

    /// What it says of the token that is asked for.
    pub(crate) fn asked(&self) -> Option<&TokenRequest> {
        match self {
            Self::TokenExchange(exchange) => Some(exchange.asked()),
            _ => None,
        }
    }

    /// Where its assertion is read, if it is read anew for each attempt.
    #[doc(hidden)]
    pub fn credential_source(&self) -> Option<&Source> {
        match self {
            Self::RefreshToken(_) | Self::ClientCredentials => None,
            Self::JwtBearer(assertion) => assertion.source(),
            Self::TokenExchange(exchange) => exchange.source(),
        }
    }

    /// What tells it from another that fails otherwise, with its secrets; not what
    /// differs from attempt to attempt, nor the refresh token. `read` is what its
    /// [source](Self::credential_source) holds.
    #[doc(hidden)]
    pub fn identity(&self, read: Option<&Credential>) -> Zeroizing<Vec<u8>> {
        let mut identity = Identity::default();
        identity.add(self.grant_type());
        match self {
            Self::RefreshToken(_) | Self::ClientCredentials => {}
            Self::JwtBearer(assertion) => assertion.identify(read, &mut identity),
            Self::TokenExchange(exchange) => exchange.identify(read, &mut identity),
        }
        identity.into_bytes()
    }
}

impl From<RefreshToken> for Grant {
    fn from(token: RefreshToken) -> Self {
        Self::RefreshToken(token)
    }
}

impl From<TokenExchange> for Grant {
    fn from(exchange: TokenExchange) -> Self {
        Self::TokenExchange(exchange)
    }
}

/// One HTTP request to the token endpoint, to be sent once.
///
/// A request can be neither cloned nor built by hand. It comes from a
/// [`Step::Send`](crate::Step::Send), which expects one response, or from
/// [`TokenEndpoint::request`](crate::TokenEndpoint::request). Its body and its
/// `Authorization` header are wiped when their last owner drops them, and
/// `Debug` shows neither.
///
/// A transport takes it apart with [`into_http`](Self::into_http) or
/// [`into_parts`](Self::into_parts).
pub struct Request {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
    pub(crate) response_limit: usize,
}

impl Request {
    /// The method, which is always `POST` (RFC 6749 section 3.2).
    pub fn method(&self) -> &Method {
        &Method::POST
    }

    /// The URL of the token endpoint.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The headers. The transport sets `Content-Length`. There is no
    /// `User-Agent` unless the endpoint sets one.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body. It contains the refresh token: do not log it.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The largest number of bytes of the response's body that may be kept.
    pub fn response_limit(&self) -> usize {
        self.response_limit
    }

    /// Converts the request into one of the `http` crate. Its body is not wiped
    /// on drop.
    pub fn into_http(self) -> http::Request<Vec<u8>> {
        let (head, body) = self.into_parts();
        head.map(|()| body.to_vec())
    }

    /// Takes the head and the body apart. The body is wiped when its last clone
    /// is dropped.
    pub fn into_parts(self) -> (http::Request<()>, Bytes) {
        let mut head = http::Request::new(());
        *head.method_mut() = Method::POST;
        *head.uri_mut() = self.uri;
        *head.headers_mut() = self.headers;
        (head, Bytes::from_owner(self.body))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the whole URI: some providers want an API key in its query. Not
        // the headers' values: a user may have put a key there.
        f.debug_struct("Request")
            .field("host", &self.uri.authority().map(http::uri::Authority::as_str))
            .field("path", &self.uri.path())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body", &format_args!("[{} bytes redacted]", self.body.len()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenEndpoint;

    fn request() -> Request {
        TokenEndpoint::new("https://auth.example.com:8443/token?key=k3y", "c")
            .unwrap()
            .header("x-key", "h3ader")
            .unwrap()
            .response_limit(4711)
            .request(&RefreshToken::new("s3cret").into())
            .unwrap()
    }

    #[test]
    fn both_ways_to_take_it_apart_say_what_it_says() {
        let shown = request();
        assert_eq!(shown.method(), Method::POST);
        assert_eq!(shown.uri(), "https://auth.example.com:8443/token?key=k3y");
        assert_eq!(shown.headers()["x-key"], "h3ader");
        assert_eq!(shown.body(), b"grant_type=refresh_token&refresh_token=s3cret&client_id=c");
        assert_eq!(shown.response_limit(), 4711);

        let whole = request().into_http();
        let (head, body) = request().into_parts();
        for (method, uri, headers, body) in [
            (whole.method(), whole.uri(), whole.headers(), &whole.body()[..]),
            (head.method(), head.uri(), head.headers(), &body[..]),
        ] {
            assert_eq!(method, shown.method());
            assert_eq!(uri, shown.uri());
            assert_eq!(headers, shown.headers());
            assert_eq!(body, shown.body());
        }
    }

    #[test]
    fn what_it_shows_is_no_secret() {
        assert_eq!(
            format!("{:?}", request()),
            "Request { host: Some(\"auth.example.com:8443\"), path: \"/token\", \
             headers: [\"x-key\", \"accept\", \"content-type\"], body: [57 bytes redacted] }"
        );
    }
}
