//! The one module that calls the library that signs.
//!
//! aws-lc-rs has the interface of ring; where they differ stands at the end.

use auth_core::SigningAlgorithm::{self, *};
#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as library;
use library::{
    error::{KeyRejected, Unspecified},
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use pkcs1::RsaPrivateKey;
use pkcs8::der::{Decode as _, asn1::UintRef};
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring as library;
use zeroize::Zeroizing;

use crate::{
    KeyError, der,
    kind::Kind,
    private::{Parts, Private},
    public::{self, PublicKey},
};

/// A key as the library has it.
pub(crate) enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    /// By far the largest, in aws-lc-rs.
    Hmac(Box<hmac::Key>),
}

impl Pair {
    /// With the public part; a shared secret has none.
    pub(crate) fn new(
        algorithm: SigningAlgorithm,
        key: &Private,
    ) -> Result<(Self, Option<PublicKey>), KeyError> {
        key.kind.check(algorithm)?;
        let unsupported = KeyError::Unsupported("this algorithm");
        match &key.parts {
            Parts::Ec { d, point } => {
                let curve = curve(key.kind)?;
                let pair = match point {
                    Some(point) if takes(point) => ec_pair(curve, d, point),
                    _ => ec_pair(curve, d, &ec_public(key.kind, d)?),
                };
                let pair = pair.map_err(rejected)?;
                let public = PublicKey::of_point(key.kind, pair.public_key().as_ref())?;
                Ok((Self::Ecdsa(pair), Some(public)))
            }
            Parts::Ed25519 { seed, public } => {
                let pair = match public {
                    Some(public) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
                    None => Ed25519KeyPair::from_seed_unchecked(seed),
                };
                let pair = pair.map_err(rejected)?;
                let public = PublicKey::of_point(key.kind, pair.public_key().as_ref())?;
                Ok((Self::Ed25519(pair), Some(public)))
            }
            Parts::Rsa(pkcs1) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    Rs256 => &RSA_PKCS1_SHA256,
                    Rs384 => &RSA_PKCS1_SHA384,
                    Rs512 => &RSA_PKCS1_SHA512,
                    Ps256 => &RSA_PSS_SHA256,
                    Ps384 => &RSA_PSS_SHA384,
                    Ps512 => &RSA_PSS_SHA512,
                    _ => return Err(unsupported),
                };
                let parsed = RsaPrivateKey::<UintRef<'_>>::from_der(pkcs1).map_err(der::broken)?;
                public::rsa_size(parsed.modulus, RSA_MAX_BITS)?;
                let pair = RsaKeyPair::from_der(pkcs1).map_err(rejected)?;
                let public = PublicKey::of_rsa(key.kind, pair.public_key().as_ref())?;
                let pair = Self::Rsa(pair, encoding);
                // ring does not look whether all the parts belong together; with those
                // that do not it makes no signature. Better now than at a request.
                let tried = pair.sign(b"");
                tried.map_err(|_| KeyError::Rejected("InconsistentComponents".to_owned()))?;
                Ok((pair, Some(public)))
            }
            Parts::Secret(secret) => {
                let hmac = match algorithm {
                    Hs256 => hmac::HMAC_SHA256,
                    Hs384 => hmac::HMAC_SHA384,
                    Hs512 => hmac::HMAC_SHA512,
                    _ => return Err(unsupported),
                };
                Ok((Self::Hmac(Box::new(hmac::Key::new(hmac, secret))), None))
            }
        }
    }

    /// The signature as a JSON Web Signature has it.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; modulus_len(pair)];
                pair.sign(*encoding, &random, message, &mut signature)?;
                Ok(signature)
            }
            Self::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}

/// A new key on P-256, in the DER of PKCS#8.
pub(crate) fn generate_p256() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map(|document| Zeroizing::new(document.as_ref().to_vec()))
        .map_err(|_| KeyError::Generation)
}

/// A word of the library's, such as `InconsistentComponents`.
fn rejected(error: KeyRejected) -> KeyError {
    KeyError::Rejected(error.to_string())
}

#[cfg(feature = "aws-lc-rs")]
mod differences {
    use aws_lc_rs::{
        agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521},
        signature::ECDSA_P521_SHA512_FIXED_SIGNING,
    };

    use super::*;

    pub(super) const RSA_MAX_BITS: usize = 8192;

    pub(super) fn curve(kind: Kind) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
        match kind {
            Kind::P256 => Ok(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Kind::P384 => Ok(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Kind::P521 => Ok(&ECDSA_P521_SHA512_FIXED_SIGNING),
            _ => Err(KeyError::Unsupported("a key on this curve")),
        }
    }

    /// Whether a point can be used in the form that it has.
    pub(super) fn takes(_: &[u8]) -> bool {
        true
    }

    pub(super) fn ec_pair(
        curve: &'static EcdsaSigningAlgorithm,
        d: &[u8],
        point: &[u8],
    ) -> Result<EcdsaKeyPair, KeyRejected> {
        EcdsaKeyPair::from_private_key_and_public_key(curve, d, point)
    }

    /// The point that belongs to a private key.
    pub(super) fn ec_public(kind: Kind, d: &[u8]) -> Result<Vec<u8>, KeyError> {
        let curve = match kind {
            Kind::P256 => &ECDH_P256,
            Kind::P384 => &ECDH_P384,
            Kind::P521 => &ECDH_P521,
            _ => return Err(KeyError::Unsupported("a key on this curve")),
        };
        let key = agreement::PrivateKey::from_private_key(curve, d).map_err(rejected)?;
        match key.compute_public_key() {
            Ok(public) => Ok(public.as_ref().to_vec()),
            Err(Unspecified) => Err(KeyError::Malformed("no point belongs to the private key")),
        }
    }

    pub(super) fn modulus_len(pair: &RsaKeyPair) -> usize {
        pair.public_modulus_len()
    }
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
mod differences {
    use super::*;

    pub(super) const RSA_MAX_BITS: usize = 4096;

    pub(super) fn curve(kind: Kind) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
        match kind {
            Kind::P256 => Ok(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Kind::P384 => Ok(&ECDSA_P384_SHA384_FIXED_SIGNING),
            _ => Err(KeyError::Unsupported("a key on this curve, with ring,")),
        }
    }

    /// A compressed point is as good as none.
    pub(super) fn takes(point: &[u8]) -> bool {
        point.first() == Some(&4)
    }

    pub(super) fn ec_pair(
        curve: &'static EcdsaSigningAlgorithm,
        d: &[u8],
        point: &[u8],
    ) -> Result<EcdsaKeyPair, KeyRejected> {
        EcdsaKeyPair::from_private_key_and_public_key(curve, d, point, &SystemRandom::new())
    }

    /// ring computes a point only for keys that it makes. To compute it here would put
    /// the private key into code that does not take the same time for all keys.
    pub(super) fn ec_public(_: Kind, _: &[u8]) -> Result<Vec<u8>, KeyError> {
        Err(KeyError::PublicPartMissing)
    }

    pub(super) fn modulus_len(pair: &RsaKeyPair) -> usize {
        pair.public().modulus_len()
    }
}

use differences::{RSA_MAX_BITS, curve, ec_pair, ec_public, modulus_len, takes};
