//! What a client shows of itself that may differ from attempt to attempt, and where
//! it is read.

mod error;
mod source;

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, header::InvalidHeaderValue};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

pub use self::{
    error::{CredentialError, CredentialErrorKind},
    source::{AsyncCredentialSource, CredentialSource, Source},
};
use crate::token;

/// A secret text that a client shows: a client secret, an assertion, a proof. It is
/// wiped when it is dropped, and `Debug` does not show it. Cloning copies it.
#[derive(Clone)]
pub struct Credential(SecretString);

impl Credential {
    /// Takes the text as it is to be sent. The `String` is wiped.
    pub fn new(text: impl Into<String>) -> Self {
        Self(token::secret(text))
    }

    /// The text as the value of a header, marked sensitive. It is wiped, too.
    ///
    /// # Errors
    ///
    /// If a character does not belong into a header.
    pub fn header(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let text = Zeroizing::new(self.expose().as_bytes().to_vec());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The text itself. Do not log it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        token::same(self.expose().as_bytes(), other.expose().as_bytes())
    }
}

impl Eq for Credential {}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential([redacted])")
    }
}
