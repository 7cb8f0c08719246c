//! Where a token may go.

use std::net::Ipv6Addr;

use http::{Uri, uri::Authority};

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
    /// How it mostly stands in a URL: the host, and the port if it is not the usual one.
    authority: Box<str>,
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
    #[non_exhaustive]
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
        let parts = Parts::read(url)?;
        parts.check()?;
        Ok(parts.into())
    }

    fn read(url: &Uri) -> Result<Self, OriginError> {
        Ok(Parts::read(url)?.into())
    }

    /// That of a URL of another type.
    pub(super) fn of_parts(
        scheme: &str,
        host: &str,
        port: Option<u16>,
    ) -> Result<Self, OriginError> {
        let parts = Parts::new(scheme, host, port).ok_or(OriginError::Invalid)?;
        if !auth_core::internal::is_plain(host, host) {
            return Err(OriginError::Invalid);
        }
        parts.check()?;
        Ok(parts.into())
    }

    /// Whether this URL is of this origin. Nothing is allocated.
    #[inline]
    pub fn is_of(&self, url: &Uri) -> bool {
        is_spelled(self.is_https, &self.authority, url) || self.parts().are_of(url)
    }

    /// Whether these are its parts, for clients whose URLs are of another type. No port
    /// is the scheme's own, and the host has the brackets of an IPv6 address.
    pub fn is(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        Parts::new(scheme, host, port).is_some_and(|parts| parts.is(&self.parts()))
    }

    fn parts(&self) -> Parts<'_> {
        Parts { is_https: self.is_https, host: &self.host, port: self.port }
    }
}

/// The origin of a URL that nobody has named. It shares the URL's memory.
#[derive(Debug, Clone)]
pub(super) struct Spelled {
    is_https: bool,
    authority: Authority,
}

impl Spelled {
    /// That of this URL, if a token may go there.
    pub(super) fn of(url: &Uri) -> Result<Self, OriginError> {
        let parts = Parts::read(url)?;
        parts.check()?;
        let authority = url.authority().cloned().ok_or(OriginError::Invalid)?;
        Ok(Self { is_https: parts.is_https, authority })
    }

    /// As [`Origin::is_of`].
    pub(super) fn is_of(&self, url: &Uri) -> bool {
        is_spelled(self.is_https, self.authority.as_str(), url) || self.parts().are_of(url)
    }

    /// As [`Origin::is`].
    pub(super) fn is(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        Parts::new(scheme, host, port).is_some_and(|parts| parts.is(&self.parts()))
    }

    fn parts(&self) -> Parts<'_> {
        let port = self.authority.port_u16().unwrap_or(usual_port(self.is_https));
        Parts { is_https: self.is_https, host: self.authority.host(), port }
    }
}

/// Whether the URL has these very letters, as most have: then there is nothing to read.
#[inline]
fn is_spelled(is_https: bool, authority: &str, url: &Uri) -> bool {
    let is_scheme = match url.scheme_str() {
        Some("https") => is_https,
        Some("http") => !is_https,
        _ => false,
    };
    is_scheme && url.authority().is_some_and(|of_url| of_url.as_str() == authority)
}

/// An origin, borrowed.
struct Parts<'a> {
    is_https: bool,
    host: &'a str,
    port: u16,
}

impl<'a> Parts<'a> {
    fn read(url: &'a Uri) -> Result<Self, OriginError> {
        let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
            return Err(OriginError::Invalid);
        };
        if authority.as_str().contains('@') {
            return Err(OriginError::UserInfo);
        }
        if !auth_core::internal::is_plain(authority.as_str(), authority.host()) {
            return Err(OriginError::Invalid);
        }
        Self::new(scheme, authority.host(), authority.port_u16()).ok_or(OriginError::Invalid)
    }

    fn new(scheme: &str, host: &'a str, port: Option<u16>) -> Option<Self> {
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        Some(Self { is_https, host, port: port.unwrap_or(usual_port(is_https)) })
    }

    /// Whether they are those of this URL.
    fn are_of(&self, url: &Uri) -> bool {
        Parts::read(url).is_ok_and(|parts| parts.is(self))
    }

    fn is(&self, other: &Parts<'_>) -> bool {
        self.is_https == other.is_https
            && self.port == other.port
            && is_same_host(self.host, other.host)
    }

    fn check(&self) -> Result<(), OriginError> {
        match self.is_https || auth_core::internal::is_loopback(self.host) {
            true => Ok(()),
            false => Err(OriginError::Insecure { host: self.host.into() }),
        }
    }
}

/// An IPv6 address can be written in several ways, and URL types differ in which.
fn is_same_host(one: &str, other: &str) -> bool {
    let address = |host: &str| -> Option<Ipv6Addr> {
        host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
    };
    one.eq_ignore_ascii_case(other)
        || address(one).is_some_and(|one| address(other).is_some_and(|other| one == other))
}

fn usual_port(is_https: bool) -> u16 {
    if is_https { 443 } else { 80 }
}

impl From<Parts<'_>> for Origin {
    fn from(Parts { is_https, host, port }: Parts<'_>) -> Self {
        let host = host.to_ascii_lowercase();
        let authority = match port == usual_port(is_https) {
            true => host.clone(),
            false => format!("{host}:{port}"),
        };
        Self { is_https, host: host.into(), port, authority: authority.into() }
    }
}

impl TryFrom<&str> for Origin {
    type Error = OriginError;

    fn try_from(url: &str) -> Result<Self, OriginError> {
        Self::parse(url)
    }
}

impl TryFrom<&Uri> for Origin {
    type Error = OriginError;

    fn try_from(url: &Uri) -> Result<Self, OriginError> {
        Self::of(url)
    }
}

impl TryFrom<Uri> for Origin {
    type Error = OriginError;

    fn try_from(url: Uri) -> Result<Self, OriginError> {
        Self::of(&url)
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

#[cfg(test)]
mod tests;
