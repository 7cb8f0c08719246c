//! The token endpoint, and how requests to it are made.

mod encode;
mod error;
mod extras;
mod form;
mod identity;
mod keys;
mod prepare;
pub mod presets;
mod revocation;
#[cfg(test)]
mod tests;
mod url;

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

pub use self::{error::EndpointError, form::EndpointFormError};
pub(crate) use self::{
    extras::Extras,
    prepare::{Prepared, Preparing, Purpose, Shown},
};
use crate::{Grant, Rule, client_auth::ClientAuth, dpop::Dpop, token};

/// How the parameters of the request are written.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`, as RFC 6749 requires.
    #[default]
    Form,
    /// `application/json`: an object of strings, which some providers require.
    Json,
    /// As [`Json`](Self::Json), with the names of the standard in camelCase:
    /// `grantType`, `refreshToken`, `clientId`, `clientSecret`, `clientAssertion`,
    /// `clientAssertionType`, `scope`; those of [`TokenExchange`](crate::TokenExchange),
    /// such as `subjectToken`; to revoke, `token` and `tokenTypeHint`.
    /// [Added](TokenEndpoint::parameter) parameters keep their names.
    JsonCamelCase,
}

impl BodyFormat {
    fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json | Self::JsonCamelCase => "application/json",
        }
    }
}

/// A token endpoint: its URL, and how the client makes requests to it.
///
/// ```
/// use auth_core::{ClientAuth, TokenEndpoint};
///
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?
///     .client_auth(ClientAuth::basic("s3cret"))
///     .scope("files:read");
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
///
/// `http` is accepted for loopback hosts only. For other hosts there is a
/// constructor of [its own](Self::insecure_plain_http).
///
/// ```
/// use auth_core::{EndpointError, TokenEndpoint};
///
/// assert!(TokenEndpoint::new("http://127.0.0.1:8080/token", "c").is_ok());
/// assert!(matches!(
///     TokenEndpoint::new("http://auth.example.com/token", "c"),
///     Err(EndpointError::Insecure { .. })
/// ));
/// ```
#[derive(Clone)]
pub struct TokenEndpoint {
    uri: Uri,
    host: String,
    client_id: String,
    auth: ClientAuth,
    dpop: Option<Dpop>,
    told_apart_by: Option<Grant>,
    format: BodyFormat,
    scope: Option<String>,
    parameters: Vec<(String, SecretString)>,
    headers: HeaderMap,
    response_limit: usize,
    rules: Vec<Rule>,
    revocation: Option<Uri>,
}

/// The default of [`TokenEndpoint::response_limit`]: 1 MiB.
pub const DEFAULT_RESPONSE_LIMIT: usize = 1 << 20;

/// Parameters that the library writes itself.
const RESERVED: [&str; 7] = [
    "grant_type",
    "refresh_token",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
];

/// Headers that the library or the transport writes itself, or that would make
/// the response unreadable.
const RESERVED_HEADERS: [HeaderName; 12] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    HeaderName::from_static("dpop"),
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

impl TokenEndpoint {
    /// A public client at `url` that sends a form. The methods below change
    /// everything else.
    ///
    /// # Errors
    ///
    /// If `url` is not an absolute URL; if it is `http` to a host other than
    /// loopback (`localhost`, `127.0.0.0/8`, `[::1]`); if it contains a user name,
    /// a password or a fragment, which RFC 6749 section 3.2 forbids.
    pub fn new(url: &str, client_id: impl Into<String>) -> Result<Self, EndpointError> {
        Ok(Self::at(url::parse(url)?, client_id.into()))
    }

    /// Like [`new`](Self::new), but accepts plain `http` to any host.
    ///
    /// **Everyone on the way reads the refresh token and the client's secret, and
    /// whoever can change what is on the way gets the session.** RFC 6749 section
    /// 3.2 requires TLS. This is for a network that is one machine, such as
    /// `http://keycloak:8080` within a compose file. Nothing else brings it about:
    /// no redirect, environment variable, preset or stored set-up.
    ///
    /// ```
    /// use auth_core::TokenEndpoint;
    ///
    /// let url = "http://keycloak:8080/realms/dev/protocol/openid-connect/token";
    /// assert!(TokenEndpoint::new(url, "c").is_err());
    /// let endpoint = TokenEndpoint::insecure_plain_http(url, "c")?;
    /// assert!(endpoint.is_insecure());
    /// # Ok::<(), auth_core::EndpointError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `new`, but for plain `http`.
    pub fn insecure_plain_http(
        url: &str,
        client_id: impl Into<String>,
    ) -> Result<Self, EndpointError> {
        Ok(Self::at(url::parse_insecure(url)?, client_id.into()))
    }

    fn at(uri: Uri, client_id: String) -> Self {
        Self {
            host: uri.authority().map(ToString::to_string).unwrap_or_default(),
            uri,
            client_id,
            auth: ClientAuth::none(),
            dpop: None,
            told_apart_by: None,
            format: BodyFormat::Form,
            scope: None,
            parameters: Vec::new(),
            headers: HeaderMap::new(),
            response_limit: DEFAULT_RESPONSE_LIMIT,
            rules: Vec::new(),
            revocation: None,
        }
    }

    /// Sets how the client authenticates.
    #[must_use]
    pub fn client_auth(mut self, auth: impl Into<ClientAuth>) -> Self {
        self.auth = auth.into();
        self
    }

    /// Binds tokens to a key (DPoP, RFC 9449): each request to the endpoint has a
    /// proof of its own. A refresh token that was obtained so is of no use without
    /// the key.
    #[must_use]
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.dpop = Some(dpop);
        self
    }

    /// The key that tokens are bound to, if there is one.
    pub fn get_dpop(&self) -> Option<&Dpop> {
        self.dpop.as_ref()
    }

    /// Sets how the parameters are written.
    #[must_use]
    pub fn body_format(mut self, format: BodyFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets the scope to request. Without one, a refresh keeps the granted
    /// scope (RFC 6749 section 6).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds a parameter to the request, such as `audience` or `resource`.
    ///
    /// Its value is treated as a secret: it is never shown, it is wiped on
    /// drop, and it is [redacted](crate::Failure::description) in a server's
    /// explanation. Words of fewer than eight letters (`api`, `offline`) and
    /// values of fewer than four characters are not redacted there, since any
    /// text may contain them.
    ///
    /// # Errors
    ///
    /// If the library writes this parameter itself. One that it writes itself in
    /// [camelCase](BodyFormat::JsonCamelCase) is left out of such a body.
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, EndpointError> {
        // First, so that it is wiped when it is refused.
        let value = token::secret(value);
        let name = name.into();
        if RESERVED.contains(&name.as_str()) {
            return Err(EndpointError::ReservedParameter { name });
        }
        self.parameters.push((name, value));
        Ok(self)
    }

    /// Sets a header of the request, such as `User-Agent`. `Accept` is
    /// `application/json` unless it is set here.
    ///
    /// # Errors
    ///
    /// If the name or the value contains forbidden characters, or if the library
    /// or the transport writes this header itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, EndpointError> {
        let refused = || EndpointError::InvalidHeader { name: name.to_owned() };
        let key: HeaderName = name.parse().map_err(|_| refused())?;
        if RESERVED_HEADERS.contains(&key) {
            return Err(EndpointError::ReservedHeader { name: key });
        }
        // It may be an API key.
        let bytes = Bytes::from_owner(Zeroizing::new(value.as_bytes().to_vec()));
        let mut value = HeaderValue::from_maybe_shared(bytes).map_err(|_| refused())?;
        value.to_str().map_err(|_| refused())?;
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(self)
    }

    /// Sets the largest number of bytes that are read of a response's body. The
    /// default is 1 MiB.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Adds a rule for the error codes of this endpoint. These rules are
    /// applied in the order in which they were added, before the built-in
    /// table.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The URL.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Host and port as in the URL, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether requests go in clear to a host other than loopback, as only
    /// [`insecure_plain_http`](Self::insecure_plain_http) allows.
    pub fn is_insecure(&self) -> bool {
        url::check_secure(&self.uri).is_err()
    }

    /// The client identifier.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The rules added by [`rule`](Self::rule).
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Writes the parameters of the standard, and those that were `added`.
    fn encode<'a>(
        &self,
        mut fields: Vec<(&'a str, &'a str)>,
        added: &'a [(String, SecretString)],
    ) -> Zeroizing<Vec<u8>> {
        if self.format == BodyFormat::JsonCamelCase {
            fields.iter_mut().for_each(|(name, _)| *name = encode::camel_case(name));
        }
        let own = fields.len();
        for (name, value) in added {
            // No member stands twice in an object.
            if !fields[..own].iter().any(|(known, _)| known == name) {
                fields.push((name, value.expose_secret()));
            }
        }
        match self.format {
            BodyFormat::Form => encode::form(&fields),
            BodyFormat::Json | BodyFormat::JsonCamelCase => encode::json(&fields),
        }
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint")
            .field("scheme", &self.uri.scheme_str().unwrap_or_default())
            .field("host", &self.host)
            .field("path", &self.uri.path())
            .field("client_id", &self.client_id)
            .field("auth", &self.auth)
            .field("dpop", &self.dpop)
            .field("format", &self.format)
            .field("scope", &self.scope)
            .field("parameters", &self.parameters.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("response_limit", &self.response_limit)
            .field("revocation", &self.revocation.as_ref().map(Uri::path))
            .finish_non_exhaustive()
    }
}
