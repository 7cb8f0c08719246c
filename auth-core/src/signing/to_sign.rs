//! What has to be signed, or had otherwise, before a request can be made.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::SigningKey;
use crate::credential::{Credential, CredentialError, Source};

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
    /// That of the source or of the signer.
    pub async fn meet(&self) -> Result<Credential, CredentialError> {
        match self {
            Self::Credential(source) => source.read().await,
            Self::Signature(it) => it.key.sign(it.message()).await.map(|bytes| it.finish(&bytes)),
        }
    }

    /// Gets it without waiting.
    ///
    /// # Errors
    ///
    /// That of the source or of the signer;
    /// [`CredentialErrorKind::Asynchronous`](crate::CredentialErrorKind::Asynchronous)
    /// if they wait.
    pub fn meet_blocking(&self) -> Result<Credential, CredentialError> {
        match self {
            Self::Credential(source) => source.read_blocking(),
            Self::Signature(it) => {
                it.key.sign_blocking(it.message()).map(|bytes| it.finish(&bytes))
            }
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

    /// The signed token in the compact form (RFC 7515 section 3.1).
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
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Jws {
    /// With `alg`, and `typ` if there is one.
    pub(crate) fn new(key: &SigningKey, typ: Option<&str>) -> Self {
        let mut header = Map::new();
        if let Some(typ) = typ {
            header.insert("typ".into(), typ.into());
        }
        header.insert("alg".into(), key.info().algorithm().as_str().into());
        Self { header, claims: Map::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    pub(crate) fn to_sign(&self, key: &SigningKey) -> ToSign {
        let encode = |part: &Map<String, Value>| {
            // Writing strings and numbers into memory cannot fail.
            let json = Zeroizing::new(serde_json::to_vec(part).unwrap_or_default());
            Zeroizing::new(URL_SAFE_NO_PAD.encode(&*json))
        };
        let (header, claims) = (encode(&self.header), encode(&self.claims));
        let mut message = Zeroizing::new(String::with_capacity(header.len() + 1 + claims.len()));
        message.extend([&*header, ".", &*claims]);
        ToSign { key: key.clone(), message }
    }
}
