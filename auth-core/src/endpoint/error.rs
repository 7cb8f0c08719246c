//! Why a token endpoint cannot be used.

use http::HeaderName;

/// A token endpoint that must not or cannot be used as described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not an absolute `http` or `https` URL.
    #[error("the token endpoint's URL is not an absolute http or https URL")]
    InvalidUrl {
        /// What is wrong with it, if it could not be parsed at all.
        #[source]
        source: Option<http::uri::InvalidUri>,
    },
    /// Plain `http` to a host that is not loopback would show the refresh
    /// token to everyone on the way (RFC 6749 section 3.2 demands TLS).
    #[error("the token endpoint must use https; plain http to {host} would show the refresh token")]
    Insecure {
        /// The host.
        host: String,
    },
    /// A user name or password in the URL.
    #[error("the token endpoint's URL holds a user name or password; use ClientAuth instead")]
    UserInfo,
    /// A fragment in the URL.
    #[error("the token endpoint's URL holds a fragment (RFC 6749 section 3.2 forbids it)")]
    Fragment,
    /// A parameter that the library writes itself.
    #[error("the parameter {name} is written by the library and cannot be set")]
    ReservedParameter {
        /// Its name.
        name: String,
    },
    /// A header that the library or the transport writes itself.
    #[error("the header {name} is written by the library and cannot be set")]
    ReservedHeader {
        /// Its name.
        name: HeaderName,
    },
    /// A header's name or value holds forbidden characters.
    #[error("the header {name:?} has a name or a value with forbidden characters")]
    InvalidHeader {
        /// Its name.
        name: String,
    },
}
