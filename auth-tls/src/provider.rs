//! Which crypto provider is used.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::TlsError;

/// The provider that was given, else the one that the program installed, else
/// that of our features. Never one that rustls would have to guess, for it panics
/// if it cannot; and none is installed for the rest of the program.
pub(crate) fn provider(
    given: Option<Arc<CryptoProvider>>,
) -> Result<Arc<CryptoProvider>, TlsError> {
    given
        .or_else(|| CryptoProvider::get_default().cloned())
        .or_else(of_our_features)
        .ok_or(TlsError::NoCryptoProvider)
}

fn of_our_features() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return None;
}
