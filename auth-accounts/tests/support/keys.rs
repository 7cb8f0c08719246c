//! Keys that sign nothing worth while, at once or after a time.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use auth_core::{
    AsyncSigner, CredentialError, CredentialErrorKind, Dpop, KeyInfo, Signer, SigningAlgorithm,
    SigningKey,
};

use super::yield_once;

/// A key of this thumbprint.
#[derive(Debug, Clone)]
pub struct Key {
    pub info: KeyInfo,
    /// How often it was asked to sign.
    pub asked: Arc<AtomicUsize>,
    pub fails: Option<CredentialErrorKind>,
    pub hangs: bool,
}

pub fn key(thumbprint: &str) -> Key {
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#;
    let info = KeyInfo::of_pair(SigningAlgorithm::Es256, jwk, thumbprint);
    Key { info, asked: Arc::default(), fails: None, hangs: false }
}

pub fn dpop(thumbprint: &str) -> Dpop {
    Dpop::new(key(thumbprint)).unwrap()
}

/// The same, but the key signs asynchronously.
pub fn slow_dpop(thumbprint: &str) -> Dpop {
    Dpop::new(key(thumbprint).asynchronous()).unwrap()
}

impl Key {
    pub fn asynchronous(self) -> SigningKey {
        SigningKey::asynchronous(Slow(self))
    }

    fn answer(&self) -> Result<Vec<u8>, CredentialError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.fails {
            None => Ok(vec![1; 64]),
            Some(kind) => Err(kind.into()),
        }
    }
}

impl Signer for Key {
    fn key(&self) -> &KeyInfo {
        &self.info
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        self.answer()
    }
}

#[derive(Debug)]
struct Slow(Key);

#[async_trait]
impl AsyncSigner for Slow {
    fn key(&self) -> &KeyInfo {
        &self.0.info
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        yield_once().await;
        let answer = self.0.answer();
        if self.0.hangs {
            pending::<()>().await;
        }
        answer
    }
}
