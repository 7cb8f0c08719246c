//! Where a token may go.

use http::Uri;

/// The origin of a URL: scheme, host and port (RFC 9110 section 4.3.1). A token goes to
/// the origins that are named, and nowhere else.
///
/// ```
/// use auth_accounts::calls::Origin;
///
/// let origin = Origin::parse("https://api.example.com")?;
/// assert!(origin.is_of(&"https://API.example.com:443/v1/me".parse()?));
/// assert!(!origin.is_of(&"https://api.example.com.evil.example/".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    is_https: bool,
    /// In lower case.
    host: Box<str>,
    port: u16,
}

/// Why a text names no origin that a token may go to.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// None was named.
    #[error("no origin was named that a token may go to")]
    None,
    /// It is no absolute URL with the scheme `https` or `http`.
    #[error("it is not an absolute URL with scheme https or http, such as https://api.example.com")]
    Invalid,
    /// It has a user name or a password.
    #[error("the URL holds a user name or a password")]
    UserInfo,
    /// Plain `http` to a host that is not loopback.
    #[error(
        "a token would go to {host} in clear; use https, or Origin::insecure_plain_http if that is meant"
    )]
    Insecure {
        /// The host.
        host: String,
    },
}

impl Origin {
    /// The origin of this URL. What follows the host and the port is left out.
    ///
    /// # Errors
    ///
    /// [`OriginError`]; among others for plain `http` to a host that is not loopback.
    pub fn parse(url: &str) -> Result<Self, OriginError> {
        Self::of(&url.parse().map_err(|_| OriginError::Invalid)?)
    }

    /// As [`parse`](Self::parse), for an API that has no TLS: the tokens go in clear.
    ///
    /// # Errors
    ///
    /// [`OriginError`].
    pub fn insecure_plain_http(url: &str) -> Result<Self, OriginError> {
        Self::read(&url.parse().map_err(|_| OriginError::Invalid)?)
    }

    /// The origin of this URL.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn of(url: &Uri) -> Result<Self, OriginError> {
        let origin = Self::read(url)?;
        match origin.is_https || auth_core::internal::is_loopback(&origin.host) {
            true => Ok(origin),
            false => Err(OriginError::Insecure { host: origin.host.into() }),
        }
    }

    fn read(url: &Uri) -> Result<Self, OriginError> {
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(OriginError::Invalid);
        };
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return Err(OriginError::Invalid);
        }
        if authority.as_str().contains('@') {
            return Err(OriginError::UserInfo);
        }
        if !auth_core::internal::is_plain(authority.as_str(), authority.host()) {
            return Err(OriginError::Invalid);
        }
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { is_https, host: authority.host().to_ascii_lowercase().into(), port })
    }

    /// Whether this URL is of this origin. Nothing is allocated.
    pub fn is_of(&self, url: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return false;
        };
        auth_core::internal::is_plain(authority.as_str(), authority.host())
            && self.is(scheme, authority.host(), authority.port_u16())
    }

    /// Whether these are its parts, for clients whose URLs are of another type. No port
    /// is the scheme's own.
    pub fn is(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let (own, usual) = if self.is_https { ("https", 443) } else { ("http", 80) };
        scheme.eq_ignore_ascii_case(own)
            && host.eq_ignore_ascii_case(&self.host)
            && port.unwrap_or(usual) == self.port
    }
}

impl TryFrom<&str> for Origin {
    type Error = OriginError;

    fn try_from(url: &str) -> Result<Self, OriginError> {
        Self::parse(url)
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(url: String) -> Result<Self, OriginError> {
        Self::parse(&url)
    }
}

impl From<std::convert::Infallible> for OriginError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
