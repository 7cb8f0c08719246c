//! Kinds of keys, and which algorithms they serve.

use auth_core::SigningAlgorithm::{self, *};

use crate::KeyError;

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    P256,
    P384,
    P521,
    Rsa,
    /// An RSA key whose owner has restricted it to RSASSA-PSS (RFC 4055 section 1.2).
    RsaPss,
    Ed25519,
    Secret,
}

const ALGORITHMS: [SigningAlgorithm; 14] = [
    Es256, Es384, Es512, Rs256, Rs384, Rs512, Ps256, Ps384, Ps512, EdDsa, Ed25519, Hs256, Hs384,
    Hs512,
];

/// The algorithm of this name in `alg`.
pub(crate) fn by_name(name: &str) -> Option<SigningAlgorithm> {
    ALGORITHMS.into_iter().find(|algorithm| algorithm.as_str() == name)
}

impl Kind {
    /// What errors call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::P256 => "an EC key on P-256",
            Self::P384 => "an EC key on P-384",
            Self::P521 => "an EC key on P-521",
            Self::Rsa => "an RSA key",
            Self::RsaPss => "an RSA key for PSS alone",
            Self::Ed25519 => "an Ed25519 key",
            Self::Secret => "a shared secret",
        }
    }

    pub(crate) fn serves(self, algorithm: SigningAlgorithm) -> bool {
        match self {
            Self::P256 => algorithm == Es256,
            Self::P384 => algorithm == Es384,
            Self::P521 => algorithm == Es512,
            Self::Rsa => {
                matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512)
            }
            Self::RsaPss => matches!(algorithm, Ps256 | Ps384 | Ps512),
            Self::Ed25519 => matches!(algorithm, EdDsa | Ed25519),
            Self::Secret => algorithm.is_symmetric(),
        }
    }

    /// # Errors
    ///
    /// [`KeyError::WrongKind`] if the key does not serve the algorithm.
    pub(crate) fn check(self, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
        if self.serves(algorithm) {
            return Ok(());
        }
        Err(KeyError::WrongKind { algorithm, found: self.name() })
    }

    /// The algorithm where there is no choice. Of the two names of Ed25519 the one that
    /// most servers know.
    pub(crate) fn usual(self) -> Option<SigningAlgorithm> {
        match self {
            Self::P256 => Some(Es256),
            Self::P384 => Some(Es384),
            Self::P521 => Some(Es512),
            Self::Ed25519 => Some(EdDsa),
            Self::Rsa | Self::RsaPss | Self::Secret => None,
        }
    }

    /// Of a curve: its name in a JWK, and the length of a coordinate in bytes.
    pub(crate) fn curve(self) -> Option<(&'static str, usize)> {
        match self {
            Self::P256 => Some(("P-256", 32)),
            Self::P384 => Some(("P-384", 48)),
            Self::P521 => Some(("P-521", 66)),
            Self::Rsa | Self::RsaPss | Self::Ed25519 | Self::Secret => None,
        }
    }

    /// The curve of this name in a JWK.
    pub(crate) fn by_curve(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521]
            .into_iter()
            .find(|kind| kind.curve().is_some_and(|(curve, _)| curve == name))
    }
}
