//! `serde` with secrets: for programs that store tokens on purpose.
//!
//! Without this module, serializing a token writes `"[redacted]"`, so that a token
//! does not get into a log or a support bundle by accident. Serializing a
//! [`TokenSet`] also redacts all values of `extra`, and every part of
//! `token_type`, `scope` and the names in `extra` that is not a plain word or
//! repeats a token. With this module, the real values are written:
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
//! // Without the attribute it is redacted, and refused when it is read.
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
//! | `token_type` | string, omitted if unknown |
//! | `refresh_token` | string, omitted if there is none |
//! | `expires_at` | whole seconds since the Unix epoch, rounded down, omitted if unknown |
//! | `refresh_expires_at` | the same of the refresh token |
//! | `scope` | string, omitted if unknown |
//! | `extra` | object with the other members of the response, omitted if empty |
//!
//! Unknown members are ignored, so that a newer version may add some. Members that
//! only the responses of token endpoints have, such as `expires_in`, are refused:
//! [`read_response`](crate::read_response) reads responses. The values
//! in `extra` may nest up to 100 levels deep.
//!
//! # The JSON form of a `TokenEndpoint`
//!
//! | member | value |
//! | --- | --- |
//! | `url` | string, with its query |
//! | `revocation_url` | string, omitted if there is none |
//! | `client_id` | string |
//! | `client_auth` | object |
//! | `client_auth.method` | `none`, `client_secret_basic`, `client_secret_post`, `tls_client_auth`, or `signed_assertion`, which is `private_key_jwt` or `client_secret_jwt` |
//! | `client_auth.client_secret` | string, omitted but with the two that have one |
//! | `client_auth.raw`, `client_auth.client_id_in_body` | boolean, only with `client_secret_basic`, omitted if `false` |
//! | `client_auth.assertion` | object, only with `signed_assertion` |
//! | `client_auth.assertion.key` | string: the thumbprint of the key, which is not stored |
//! | `client_auth.assertion.audience` | `"token_endpoint"`, or an object with the member `issuer` or `other`, a string |
//! | `client_auth.assertion.issuer`, `client_auth.assertion.in_client_secret` | string and boolean, omitted unless set |
//! | `client_auth.assertion.lifetime`, `client_auth.assertion.backdated` | number of seconds |
//! | `client_auth.assertion.headers` | list of pairs of strings, omitted if empty |
//! | `dpop_key` | string: the thumbprint of the DPoP key, which is not stored; omitted if there is none |
//! | `body_format` | `form`, `json` or `json_camel_case` |
//! | `scope` | string, omitted if none is requested |
//! | `parameters`, `headers` | list of pairs of strings, name and value, omitted if empty |
//! | `response_limit` | number of bytes, omitted if it is the default |
//! | `rules` | list of objects in the order in which they are applied, omitted if empty |
//! | `rules.provider`, `rules.source` | string |
//! | `rules.status` | number, omitted for any |
//! | `rules.code`, `rules.words` | string, omitted for any |
//! | `rules.kind` | [`FailureKind::as_str`](crate::FailureKind::as_str) |
//!
//! All of it says how a request is made and what its response means. So nothing
//! is ignored: an unknown member, method, format or kind is an error, which says
//! that a newer version is needed. What [`TokenEndpoint::new`] and the setters
//! refuse is refused here too, plain `http` to a host other than loopback among
//! it; such an endpoint cannot be written either, nor can one that has a source or a method
//! of your own ([`TokenEndpoint::check_storable`]). Keys are named only, by their
//! thumbprints: whoever reads the form gives them back ([`TokenEndpoint::keys`]). Without
//! this module, secret, query and the values of parameters and headers are redacted.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccessToken, RefreshToken, TokenEndpoint, TokenSet, token::Form};

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
/// Those of the deserializer; and if the value is redacted.
pub fn deserialize<'de, T: Deserialize<'de> + Expose, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer)
}

/// The types that [`serialize`] can write with their secrets.
pub trait Expose: private::Sealed {
    #[doc(hidden)]
    fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

mod private {
    pub trait Sealed {}
    impl Sealed for super::AccessToken {}
    impl Sealed for super::RefreshToken {}
    impl Sealed for super::TokenSet {}
    impl Sealed for super::TokenEndpoint {}
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

/// An error for what [`TokenEndpoint::check_storable`] refuses.
impl Expose for TokenEndpoint {
    fn serialize_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write_exposed(serializer)
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
