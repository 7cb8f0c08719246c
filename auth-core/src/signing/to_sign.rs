//! What has to be signed, or had otherwise, before a request can be made.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use super::SigningKey;
use crate::{
    credential::{Credential, CredentialError, CredentialErrorKind, Source},
    json::{Wiped, to_json},
};

/// What must be had before a request can be made. [`meet`](Self::meet) and
/// [`meet_blocking`](Self::meet_blocking) get it.
#[non_exhaustive]
#[derive(Debug)]
pub enum Demand {
    /// Read this source.
    Credential(Source),
    /// Sign this.
    Signature(ToSign),
}

impl Demand {
    /// Gets it.
    ///
    /// # Errors
    ///
    /// That of the source or of the signer;
    /// [`CredentialErrorKind::WrongKey`] if a signature has not the length that its
    /// algorithm has, such as one of ECDSA in DER.
    pub async fn meet(&self) -> Result<Credential, CredentialError> {
        match self {
            Self::Credential(source) => source.read().await,
            Self::Signature(it) => it.checked(it.key.sign(it.message()).await?),
        }
    }

    /// Gets it without waiting.
    ///
    /// # Errors
    ///
    /// Those of `meet`; [`CredentialErrorKind::Asynchronous`] if source or signer wait.
    pub fn meet_blocking(&self) -> Result<Credential, CredentialError> {
        match self {
            Self::Credential(source) => source.read_blocking(),
            Self::Signature(it) => it.checked(it.key.sign_blocking(it.message())?),
        }
    }
}

/// A message to be signed by a key: header and claims of a JSON Web Token (RFC 7515
/// section 5.1).
pub struct ToSign {
    key: SigningKey,
    message: Zeroizing<String>,
}

impl ToSign {
    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// What its signature is over.
    pub fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    fn checked(&self, signature: Vec<u8>) -> Result<Credential, CredentialError> {
        let signature = Zeroizing::new(signature);
        let (algorithm, length) = (self.key.info().algorithm(), signature.len());
        match algorithm.signature_length() {
            Some(expected) if length != expected => {
                let what = format!("a signature of {algorithm} has {expected} bytes, not {length}");
                Err(CredentialError::new(CredentialErrorKind::WrongKey).with_detail(what))
            }
            None if length == 0 => Err(CredentialErrorKind::Empty.into()),
            _ => Ok(self.finish(&signature)),
        }
    }

    /// The signed token in the compact form (RFC 7515 section 3.1). The signature is
    /// that of [`Signer::sign`](crate::Signer::sign).
    pub fn finish(&self, signature: &[u8]) -> Credential {
        let mut token =
            Zeroizing::new(String::with_capacity(self.message.len() + 1 + 2 * signature.len()));
        token.push_str(&self.message);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Credential::new(token.as_str())
    }
}

impl fmt::Debug for ToSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToSign").field("key", self.key.info()).finish_non_exhaustive()
    }
}

/// A JSON Web Token that is put together.
pub(crate) struct Jws {
    header: Wiped,
    claims: Wiped,
}

impl Jws {
    /// With `alg`, and `typ` if there is one.
    pub(crate) fn new(key: &SigningKey, typ: Option<&str>) -> Self {
        let jws = Self { header: Wiped::object(), claims: Wiped::object() }
            .header("alg", key.info().algorithm().as_str());
        match typ {
            Some(typ) => jws.header("typ", typ),
            None => jws,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), Wiped(value.into()));
        self
    }

    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), Wiped(value.into()));
        self
    }

    /// With the name of the key, and what somebody has set, which goes before what the
    /// library writes, but for `alg`.
    pub(crate) fn named<'a, V: Into<Value>>(
        mut self,
        key: &SigningKey,
        headers: impl Iterator<Item = (&'a str, V)>,
    ) -> Self {
        if let Some(key_id) = key.info().get_key_id() {
            self = self.header("kid", key_id);
        }
        headers
            .filter(|(name, _)| *name != "alg")
            .fold(self, |jws, (name, value)| jws.header(name, value))
    }

    pub(crate) fn to_sign(&self, key: &SigningKey) -> ToSign {
        let encode = |part: &Wiped| Zeroizing::new(URL_SAFE_NO_PAD.encode(&*to_json(&part.0)));
        let (header, claims) = (encode(&self.header), encode(&self.claims));
        let mut message = Zeroizing::new(String::with_capacity(header.len() + 1 + claims.len()));
        message.extend([&*header, ".", &*claims]);
        ToSign { key: key.clone(), message }
    }
}
