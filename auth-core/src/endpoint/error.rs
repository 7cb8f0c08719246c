//! Why an endpoint cannot be used.

use http::HeaderName;

/// A token endpoint, a revocation URL, or a setting of an endpoint, that cannot be
/// used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The URL is not an absolute `http` or `https` URL.
    #[error("the URL is not an absolute http or https URL")]
    #[non_exhaustive]
    InvalidUrl {
        /// The parser's error, if the URL could not be parsed.
        #[source]
        source: Option<http::uri::InvalidUri>,
    },
    /// A value that a [preset](crate::presets) puts into its URL is empty, or holds a
    /// character that does not belong there.
    #[error("the {name} must be {expected}")]
    #[non_exhaustive]
    PresetValue {
        /// What the value is: a tenant, a region.
        name: &'static str,
        /// What it may hold.
        expected: &'static str,
    },
    /// Plain `http` to a host that is not loopback: it would show the refresh
    /// token to everyone on the way. RFC 6749 section 3.2 requires TLS. See
    /// [`insecure_plain_http`](crate::TokenEndpoint::insecure_plain_http).
    #[error("the URL must use https; plain http to {host} would expose the refresh token")]
    #[non_exhaustive]
    Insecure {
        /// The host.
        host: String,
    },
    /// The URL contains a user name or a password.
    #[error("the URL contains a user name or password; use ClientAuth instead")]
    UserInfo,
    /// The URL contains a fragment.
    #[error("the URL contains a fragment (RFC 6749 section 3 forbids it)")]
    Fragment,
    /// The library writes this parameter itself.
    #[error("the parameter {name} is written by the library and cannot be set")]
    #[non_exhaustive]
    ReservedParameter {
        /// Its name.
        name: String,
    },
    /// The library or the transport writes this header itself.
    #[error("the header {name} is written by the library and cannot be set")]
    #[non_exhaustive]
    ReservedHeader {
        /// Its name.
        name: HeaderName,
    },
    /// The name or the value of a header contains forbidden characters.
    #[error("the name or the value of the header {name:?} contains forbidden characters")]
    #[non_exhaustive]
    InvalidHeader {
        /// Its name.
        name: String,
    },
    /// Requests to this endpoint need something that is read or signed first, which
    /// only [`Refresh`](crate::Refresh) asks for.
    #[error("something must be read or signed for each request; use Refresh")]
    NeedsProof,
    /// The endpoint was stored, and its key was not, or is about to be, and its key is not
    /// among those that whoever reads it has: see [`KeyRing`](crate::KeyRing).
    #[error("the key with the thumbprint {thumbprint:?} is not among the keys that are known")]
    #[non_exhaustive]
    MissingKey {
        /// Its thumbprint.
        thumbprint: String,
    },
    /// The endpoint has something that is not stored: a source, a method of client
    /// authentication of your own.
    #[error("the endpoint cannot be stored: {what}")]
    #[non_exhaustive]
    NotStorable {
        /// What is not stored, and why, as a clause.
        what: &'static str,
    },
}

impl EndpointError {
    #[doc(hidden)]
    pub fn missing_key(thumbprint: &str) -> Self {
        Self::MissingKey { thumbprint: thumbprint.to_owned() }
    }
}
