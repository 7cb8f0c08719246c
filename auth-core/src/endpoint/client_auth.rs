//! How a client authenticates.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::token;

/// How the client authenticates (RFC 6749 section 2.3).
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// A public client: `client_id` in the body, no secret.
    None,
    /// `client_secret_basic`: an `Authorization: Basic` header. Identifier and
    /// secret are form-encoded first, as RFC 6749 section 2.3.1 requires.
    Basic(ClientSecret),
    /// `client_secret_post`: `client_id` and `client_secret` in the body.
    Post(ClientSecret),
}

impl ClientAuth {
    /// `client_secret_basic`.
    pub fn basic(secret: impl Into<String>) -> Self {
        Self::Basic(ClientSecret::new(secret))
    }

    /// `client_secret_post`.
    pub fn post(secret: impl Into<String>) -> Self {
        Self::Post(ClientSecret::new(secret))
    }
}

/// A client secret. It is wiped when it is dropped, and `Debug` does not show
/// it.
#[derive(Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// Takes the secret as the server issued it. The `String` is wiped.
    ///
    /// A secret of fewer than four characters is not redacted in a server's
    /// explanation, since any text may contain it.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(token::secret(secret))
    }

    /// The secret itself. Do not log it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret([redacted])")
    }
}
