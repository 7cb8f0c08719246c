//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037), and sets of them, as read.

use std::fmt;

use auth_core::SigningAlgorithm;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::error::Category;
use zeroize::Zeroizing;

use crate::{KeyError, kind};

/// Some libraries pad.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The members of a key, or of a set of keys.
#[derive(Deserialize)]
pub(crate) struct Jwk {
    pub(crate) kty: Option<String>,
    pub(crate) crv: Option<String>,
    pub(crate) x: Option<Octets>,
    pub(crate) y: Option<Octets>,
    pub(crate) n: Option<Octets>,
    pub(crate) e: Option<Octets>,
    pub(crate) d: Option<Octets>,
    pub(crate) p: Option<Octets>,
    pub(crate) q: Option<Octets>,
    pub(crate) dp: Option<Octets>,
    pub(crate) dq: Option<Octets>,
    pub(crate) qi: Option<Octets>,
    pub(crate) k: Option<Octets>,
    pub(crate) oth: Option<IgnoredAny>,
    pub(crate) kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    keys: Option<Vec<Self>>,
}

/// The bytes of a member. They are wiped. `None` if it is no base64url: of a key in a
/// set that nobody asks for, that is no fault of the set's (RFC 7517 section 5).
pub(crate) struct Octets(Option<Zeroizing<Vec<u8>>>);

impl Octets {
    pub(crate) fn bytes(&self) -> Result<&[u8], KeyError> {
        match &self.0 {
            Some(bytes) => Ok(bytes),
            None => Err(KeyError::Malformed("a member of the JWK is no base64url")),
        }
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// What is no text is read over.
        struct Base64Url;

        impl<'de> Visitor<'de> for Base64Url {
            type Value = Octets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64url")
            }

            fn visit_str<E>(self, text: &str) -> Result<Octets, E> {
                let mut bytes = Zeroizing::new(vec![0; text.len().div_ceil(4) * 3]);
                let decoded = BASE64URL.decode_slice(text, &mut bytes);
                Ok(Octets(decoded.ok().map(|length| {
                    bytes.truncate(length);
                    bytes
                })))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Octets, E> {
                Ok(Octets(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Octets, E> {
                Ok(Octets(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Octets, E> {
                Ok(Octets(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Octets, E> {
                Ok(Octets(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Octets, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Octets(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Octets, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Octets(None))
            }
        }

        deserializer.deserialize_any(Base64Url)
    }
}

impl Jwk {
    /// # Errors
    ///
    /// [`KeyError::Empty`], [`KeyError::Truncated`], [`KeyError::Malformed`].
    pub(crate) fn parse(json: &str) -> Result<Self, KeyError> {
        let json = json.trim_start_matches('\u{feff}').trim();
        if json.is_empty() {
            return Err(KeyError::Empty);
        }
        if !json.starts_with('{') {
            return Err(KeyError::Malformed("it is no JSON object"));
        }
        // The error is not kept, for it may show a part of the key.
        serde_json::from_str(json).map_err(|error| match error.classify() {
            Category::Eof => KeyError::Truncated,
            Category::Data => {
                KeyError::Malformed("a member of the JWK is there twice, or of another type")
            }
            Category::Syntax | Category::Io => KeyError::Malformed("it is no JSON"),
        })
    }

    /// Itself, or the keys of the set.
    pub(crate) fn keys(&self) -> Vec<&Self> {
        match &self.keys {
            Some(keys) => keys.iter().collect(),
            None => vec![self],
        }
    }

    pub(crate) fn is_private(&self) -> bool {
        match self.kty.as_deref() {
            Some("oct") => self.k.is_some(),
            _ => self.d.is_some(),
        }
    }

    /// Its `alg`.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotForSigning`] if `use` says so, or `key_ops`, which has to hold one
    /// of these; [`KeyError::Unsupported`] of an `alg` that is not known.
    pub(crate) fn algorithm(
        &self,
        operations: &[&str],
    ) -> Result<Option<SigningAlgorithm>, KeyError> {
        let allowed = |operation: &String| operations.contains(&operation.as_str());
        if self.usage.as_deref().is_some_and(|usage| usage != "sig")
            || self.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(allowed))
        {
            return Err(KeyError::NotForSigning);
        }
        match self.alg.as_deref() {
            None => Ok(None),
            Some(name) => {
                kind::by_name(name).map(Some).ok_or(KeyError::Unsupported("the key's alg"))
            }
        }
    }
}

/// A member that the key needs.
pub(crate) fn needed(member: Option<&Octets>) -> Result<&[u8], KeyError> {
    member.ok_or(KeyError::Malformed("a member of the JWK is missing"))?.bytes()
}

/// A number of this many bytes, whose leading zeros may be missing or too many.
pub(crate) fn of_length(bytes: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let missing =
        length.checked_sub(bytes.len()).ok_or(KeyError::Malformed("a number is too long"))?;
    let mut padded = Zeroizing::new(vec![0; length]);
    padded[missing..].copy_from_slice(bytes);
    Ok(padded)
}
