//! Keys that sign.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::SigningAlgorithm;
use crate::credential::{CredentialError, CredentialErrorKind};

/// What is public about a key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyInfo {
    algorithm: SigningAlgorithm,
    public_jwk: Option<Arc<str>>,
    thumbprint: Arc<str>,
    key_id: Option<Arc<str>>,
}

impl KeyInfo {
    /// A key of a pair. `public_jwk` is its public part as a JSON Web Key: an object
    /// with its required members and nothing else, since it is sent with every DPoP
    /// proof. `thumbprint` is that of RFC 7638, by SHA-256.
    pub fn of_pair(
        algorithm: SigningAlgorithm,
        public_jwk: impl Into<Arc<str>>,
        thumbprint: impl Into<Arc<str>>,
    ) -> Self {
        let (public_jwk, thumbprint) = (Some(public_jwk.into()), thumbprint.into());
        Self { algorithm, public_jwk, thumbprint, key_id: None }
    }

    /// A secret that is shared with the server. `identity` is a text that another
    /// secret does not have, and which does not help to guess this one.
    pub fn of_secret(algorithm: SigningAlgorithm, identity: impl Into<Arc<str>>) -> Self {
        Self { algorithm, public_jwk: None, thumbprint: identity.into(), key_id: None }
    }

    /// Sets the name under which the server knows the key: `kid` in the header.
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<Arc<str>>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// The algorithm.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The public part as a JSON Web Key; `None` of a shared secret.
    pub fn public_jwk(&self) -> Option<&str> {
        self.public_jwk.as_deref()
    }

    /// The thumbprint of the public part (RFC 7638), or what identifies a shared
    /// secret.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The name under which the server knows the key.
    pub fn get_key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }
}

impl fmt::Debug for KeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("KeyInfo");
        shown.field("algorithm", &self.algorithm).field("key_id", &self.key_id);
        if self.public_jwk.is_some() {
            shown.field("thumbprint", &self.thumbprint);
        }
        shown.finish_non_exhaustive()
    }
}

/// A key that signs, and whose secret part stays where it is.
///
/// It must return within moments, since it is called within an asynchronous task,
/// too. A key that is kept elsewhere is an [`AsyncSigner`]. `auth-sign` has signers
/// of keys from PEM and JWK.
#[diagnostic::on_unimplemented(
    note = "an `AsyncSigner` becomes a key by `SigningKey::asynchronous`"
)]
pub trait Signer: Send + Sync + fmt::Debug {
    /// What is public about the key. Always the same.
    fn key(&self) -> &KeyInfo;

    /// The signature of `message` as a JSON Web Signature has it (RFC 7518 section
    /// 3): of ECDSA `r` and `s`, each of full length.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] if there is none.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError>;
}

/// The same as [`Signer`], for a key that is kept elsewhere: a key management
/// service, a hardware module. It becomes a key by [`SigningKey::asynchronous`].
///
/// Under `BlockingAccounts` it is waited for, too, but no runtime is entered. One that
/// uses tokio has to enter its own in `sign`: it spawns there (`handle.spawn(..).await`), or
/// makes what needs the runtime under a guard (`let _guard = handle.enter();`), which is
/// dropped before the next `.await`.
#[async_trait]
pub trait AsyncSigner: Send + Sync + fmt::Debug {
    /// What is public about the key. Always the same.
    fn key(&self) -> &KeyInfo;

    /// As [`Signer::sign`]. Dropping the future has no effect but that there is no
    /// signature.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] if there is none:
    /// [`Unavailable`](CredentialErrorKind::Unavailable) if another try may help.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError>;
}

/// A [`Signer`], or its asynchronous twin. Cloning shares it: where a key serves several
/// endpoints, or DPoP and client authentication, this is what is cloned.
#[derive(Clone)]
pub struct SigningKey(Inner);

#[derive(Clone)]
enum Inner {
    Blocking(Arc<dyn Signer>),
    Async(Arc<dyn AsyncSigner>),
    /// Only its thumbprint is known.
    Named(Box<KeyInfo>),
}

impl SigningKey {
    /// One that signs at once.
    pub fn new(signer: impl Signer + 'static) -> Self {
        Self(Inner::Blocking(Arc::new(signer)))
    }

    /// One that waits. Asynchronous drivers wait for it, and so does `BlockingAccounts`.
    /// [`Demand::meet_blocking`](crate::Demand::meet_blocking), and what blocks over it,
    /// does not: the error is [`CredentialErrorKind::Asynchronous`].
    pub fn asynchronous(signer: impl AsyncSigner + 'static) -> Self {
        Self(Inner::Async(Arc::new(signer)))
    }

    /// What is public about it.
    pub fn info(&self) -> &KeyInfo {
        match &self.0 {
            Inner::Blocking(signer) => signer.key(),
            Inner::Async(signer) => signer.key(),
            Inner::Named(info) => info,
        }
    }

    /// One of which only the thumbprint was stored.
    pub(crate) fn named(thumbprint: impl Into<Arc<str>>) -> Self {
        let info = KeyInfo::of_secret(SigningAlgorithm::Es256, thumbprint);
        Self(Inner::Named(Box::new(info)))
    }

    /// Its thumbprint, if nothing else of it is known.
    pub(crate) fn only_named(&self) -> Option<&str> {
        match &self.0 {
            Inner::Named(info) => Some(info.thumbprint()),
            Inner::Blocking(_) | Inner::Async(_) => None,
        }
    }

    pub(super) async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError> {
        match &self.0 {
            Inner::Blocking(signer) => signer.sign(message),
            Inner::Async(signer) => signer.sign(message).await,
            Inner::Named(info) => Err(missing(info)),
        }
    }

    pub(super) fn sign_blocking(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError> {
        match &self.0 {
            Inner::Blocking(signer) => signer.sign(message),
            Inner::Async(_) => Err(CredentialErrorKind::Asynchronous.into()),
            Inner::Named(info) => Err(missing(info)),
        }
    }
}

fn missing(info: &KeyInfo) -> CredentialError {
    let thumbprint = info.thumbprint();
    CredentialError::new(CredentialErrorKind::Missing)
        .with_source(format!("the key with the thumbprint {thumbprint:?} is not there"))
}

impl<S: Signer + 'static> From<S> for SigningKey {
    fn from(signer: S) -> Self {
        Self::new(signer)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(self.info()).finish()
    }
}
