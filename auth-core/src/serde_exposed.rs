//! `serde` with the secrets shown, for whoever stores tokens on purpose.
//!
//! Without this module, serializing a token writes `"[redacted]"`: what ends
//! up in a log or a support bundle by accident is harmless. So is the rest of a
//! [`TokenSet`]: of `token_type`, of the words of `scope` and of the names in
//! `extra` only plain words are written that repeat no token, and of the values
//! in `extra` none. With this module the real value is written:
//!
//! ```
//! use auth_core::{AccessToken, TokenSet};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Session {
//!     user: String,
//!     #[serde(with = "auth_core::serde_exposed")]
//!     tokens: TokenSet,
//! }
//!
//! let session = Session { user: "ada".into(), tokens: TokenSet::new(AccessToken::new("at-1")) };
//! let json = serde_json::to_string(&session)?;
//! assert!(json.contains(r#""access_token":"at-1""#));
//!
//! // Redacted without the attribute, and refused when read back.
//! let redacted = serde_json::to_string(&session.tokens)?;
//! assert!(!redacted.contains("at-1"));
//! assert!(serde_json::from_str::<TokenSet>(&redacted).is_err());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # The JSON form of a `TokenSet`
//!
//! | member | value |
//! | --- | --- |
//! | `access_token` | string, required |
//! | `token_type` | string, left out if unknown |
//! | `refresh_token` | string, left out if there is none |
//! | `expires_at` | whole seconds since the Unix epoch, rounded down, left out if unknown |
//! | `scope` | string, left out if unknown |
//! | `extra` | object with the response's other members, left out if empty |
//!
//! Unknown members are ignored when it is read, so that a newer version may
//! add some. Nothing in `extra` may nest deeper than 100 levels.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccessToken, RefreshToken, TokenSet, token::Form};

/// Writes the real value. For `#[serde(with = "auth_core::serde_exposed")]`.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<T: Expose, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.serialize_exposed(serializer)
}

/// Reads the real value. For `#[serde(with = "auth_core::serde_exposed")]`.
///
/// # Errors
///
/// Those of the deserializer; and if what it reads was redacted when written.
pub fn deserialize<'de, T: Deserialize<'de> + Expose, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}

/// What [`serialize`] can write with its secrets shown.
pub trait Expose: private::Sealed {
    #[doc(hidden)]
    fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

mod private {
    pub trait Sealed {}
    impl Sealed for super::AccessToken {}
    impl Sealed for super::RefreshToken {}
    impl Sealed for super::TokenSet {}
    impl<T: Sealed> Sealed for Option<T> {}
}

impl Expose for AccessToken {
    fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl Expose for RefreshToken {
    fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl Expose for TokenSet {
    fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::exposed(self).serialize(serializer)
    }
}

impl<T: Expose> Expose for Option<T> {
    fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Inner<'a, T>(&'a T);
        impl<T: Expose> Serialize for Inner<'_, T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize_exposed(serializer)
            }
        }
        match self {
            Some(value) => serializer.serialize_some(&Inner(value)),
            None => serializer.serialize_none(),
        }
    }
}
