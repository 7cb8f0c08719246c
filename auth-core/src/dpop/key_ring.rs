//! The keys of a program, for what names them.

use std::{fmt, sync::Arc};

use super::Dpop;
use crate::signing::SigningKey;

/// Keys by their thumbprints, for [stored endpoints](crate::serde_exposed), which name
/// theirs and do not hold them: [`TokenEndpoint::keys`](crate::TokenEndpoint::keys).
/// Cloning shares it, and the nonces that servers have asked for.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<[(SigningKey, Option<Dpop>)]>);

impl KeyRing {
    /// These keys. Of several with one thumbprint, such as an RSA key for two
    /// algorithms, the first counts.
    pub fn new<K: Into<SigningKey>>(keys: impl IntoIterator<Item = K>) -> Self {
        let keys = keys.into_iter().map(Into::into);
        Self(keys.map(|key| (key.clone(), Dpop::new(key).ok())).collect())
    }

    /// The key with this thumbprint.
    pub fn get(&self, thumbprint: &str) -> Option<&SigningKey> {
        self.find(thumbprint).map(|(key, _)| key)
    }

    /// The same, to bind tokens to. `None` too if the key is a shared secret.
    pub fn dpop(&self, thumbprint: &str) -> Option<&Dpop> {
        self.find(thumbprint)?.1.as_ref()
    }

    fn find(&self, thumbprint: &str) -> Option<&(SigningKey, Option<Dpop>)> {
        self.0.iter().find(|(key, _)| key.info().thumbprint() == thumbprint)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}
