//! The keys that a stored endpoint names.

use super::{EndpointError, TokenEndpoint};
use crate::{
    client_auth::ClientAssertion,
    dpop::{Dpop, KeyRing},
};

impl TokenEndpoint {
    /// Takes the keys that this endpoint names, since it was
    /// [stored](crate::serde_exposed), from `keys`. What is not there stays missing:
    /// then nothing can be sent, and [`check_keys`](Self::check_keys) says which key it is.
    #[must_use]
    pub fn keys(mut self, keys: &KeyRing) -> Self {
        if let Some(assertion) = self.assertion()
            && let Some(key) = assertion.key.only_named().and_then(|named| keys.get(named))
        {
            let assertion = ClientAssertion { key: key.clone(), ..assertion.clone() };
            self.auth = assertion.into();
        }
        let named = self.dpop.as_ref().and_then(|dpop| dpop.key().only_named());
        if let Some(dpop) = named.and_then(|named| keys.dpop(named)) {
            self.dpop = Some(dpop.clone());
        }
        self
    }

    /// Whether all keys are there that this endpoint names.
    ///
    /// # Errors
    ///
    /// [`EndpointError::MissingKey`] for the first that is not.
    pub fn check_keys(&self) -> Result<(), EndpointError> {
        let client = self.assertion().and_then(|assertion| assertion.key.only_named());
        let dpop = self.dpop.as_ref().and_then(|dpop| dpop.key().only_named());
        match client.or(dpop) {
            None => Ok(()),
            Some(named) => Err(EndpointError::MissingKey { thumbprint: named.to_owned() }),
        }
    }

    /// The thumbprints of the keys that it has or names.
    #[doc(hidden)]
    pub fn thumbprints(&self) -> impl Iterator<Item = &str> {
        let client = self.assertion().map(|assertion| assertion.key.info().thumbprint());
        client.into_iter().chain(self.dpop.as_ref().map(Dpop::thumbprint))
    }

    fn assertion(&self) -> Option<&ClientAssertion> {
        self.auth.stored()?.assertion.as_ref()
    }
}
