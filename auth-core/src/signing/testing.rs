//! Keys that sign nothing, and what a token says, for the tests of the modules.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{AsyncSigner, KeyInfo, Signer, SigningAlgorithm, SigningKey};
use crate::credential::CredentialError;

/// The public part of the key of RFC 9449 section 4.1, and its thumbprint (section 6.1).
pub(crate) const JWK: &str = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;
pub(crate) const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/// Signs with what it is given.
#[derive(Debug, Clone)]
pub(crate) struct Fake {
    pub(crate) info: KeyInfo,
    pub(crate) signs: Result<Vec<u8>, CredentialError>,
}

impl Fake {
    pub(crate) fn new(algorithm: SigningAlgorithm) -> Self {
        let info = match algorithm.is_symmetric() {
            true => KeyInfo::of_secret(algorithm, "fingerprint"),
            false => KeyInfo::of_pair(algorithm, JWK, THUMBPRINT),
        };
        Self { info, signs: Ok(vec![7; algorithm.signature_length().unwrap_or(256)]) }
    }

    pub(crate) fn key_id(mut self, key_id: &'static str) -> Self {
        self.info = self.info.key_id(key_id);
        self
    }

    pub(crate) fn signs(mut self, signs: Result<Vec<u8>, CredentialError>) -> Self {
        self.signs = signs;
        self
    }

    pub(crate) fn elsewhere(self) -> SigningKey {
        SigningKey::asynchronous(Elsewhere(self))
    }
}

impl Signer for Fake {
    fn key(&self) -> &KeyInfo {
        &self.info
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        self.signs.clone()
    }
}

#[derive(Debug)]
struct Elsewhere(Fake);

#[async_trait::async_trait]
impl AsyncSigner for Elsewhere {
    fn key(&self) -> &KeyInfo {
        &self.0.info
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError> {
        self.0.sign(message)
    }
}

/// Header and claims of a token in the compact form.
#[track_caller]
pub(crate) fn parts(token: &str) -> (Value, Value) {
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let decode =
        |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (decode(parts[0]), decode(parts[1]))
}

/// What a future that never waits comes to.
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    struct Nothing;
    impl Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }
    let waker = Arc::new(Nothing).into();
    match pin!(future).poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
