//! Why a key cannot be used.

use auth_core::{CredentialError, CredentialErrorKind, SigningAlgorithm};

/// What is wrong with a key. It never holds a part of the key.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is nothing in it, or white space alone.
    #[error("there is nothing where the key should be")]
    Empty,
    /// It is something else: text without a key, a certificate alone, a set of no keys.
    #[error("there is no key in it")]
    NoKey,
    /// It is cut off, as a file is that is half written.
    #[error("the key is cut off")]
    Truncated,
    /// It is no key in the form that it claims to have.
    #[error("the key cannot be read: {0}")]
    Malformed(&'static str),
    /// It is protected by a passphrase.
    #[error("the key is encrypted; decrypt it first, as by `openssl pkey`")]
    Encrypted,
    /// There is a public key where a private one is needed.
    #[error("there is only a public key, which cannot sign")]
    PublicOnly,
    /// There is a private key where a public one is needed.
    #[error("there is a private key where a public one belongs")]
    PrivateKey,
    /// There are several keys, and nothing says which one to use.
    #[error("there are several keys; choose one by its kid, or leave one")]
    Several,
    /// No key in the set has the `kid` that was asked for.
    #[error("the set has no key of this kid")]
    UnknownKeyId,
    /// It is a key of a kind, or in a form, that is not known here.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The algorithm needs a key of another kind.
    #[error("{algorithm} cannot be used with {found}")]
    WrongKind {
        /// The algorithm that was asked for.
        algorithm: SigningAlgorithm,
        /// What the key is.
        found: &'static str,
    },
    /// The key's `alg` says what it is for, and that is not what was asked for.
    #[error("the key is for {of_key}, not for {asked}")]
    OtherAlgorithm {
        /// The algorithm that was asked for.
        asked: SigningAlgorithm,
        /// The key's own.
        of_key: SigningAlgorithm,
    },
    /// The key serves several algorithms, and neither its `alg` nor the caller names
    /// one.
    #[error("the key has no alg, and serves several; name one")]
    AlgorithmMissing,
    /// The key is for something else, such as encryption: its `use` or `key_ops` says so,
    /// or its curve, such as X25519.
    #[error("the key is not for signatures, by its use, key_ops or curve")]
    NotForSigning,
    /// An RSA key of a size that nobody should use (less than 2048 bits), or that the
    /// library does not take (more than 8192 bits; with `ring`, 4096).
    #[error("the RSA key has {bits} bits; {min} to {max} can be used")]
    RsaSize {
        /// The size of its modulus.
        bits: usize,
        /// The smallest that can be used.
        min: usize,
        /// The largest that can be used.
        max: usize,
    },
    /// The private key comes without its public part, and `ring` cannot compute it.
    #[error("the key lacks its public part; `openssl pkey` adds it")]
    PublicPartMissing,
    /// An RSA key as a JWK without its primes and what goes with them.
    #[error("the RSA key lacks p, q, dp, dq or qi")]
    PrimesMissing,
    /// The library that signs does not take it: its parts do not belong together, or a
    /// number is out of range.
    #[error("the key is not valid: {0}")]
    Rejected(String),
    /// No random numbers could be had for a new key.
    #[error("no key could be made")]
    Generation,
}

impl From<KeyError> for CredentialError {
    fn from(error: KeyError) -> Self {
        let kind = match error {
            KeyError::Empty => CredentialErrorKind::Empty,
            KeyError::Truncated => CredentialErrorKind::Malformed,
            KeyError::Generation => CredentialErrorKind::Unavailable,
            _ => CredentialErrorKind::WrongKey,
        };
        Self::transparent(kind, error)
    }
}
