//! The public part of a key.

use std::fmt;

use auth_core::{KeyInfo, SigningAlgorithm};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pkcs1::RsaPublicKeyRef;
use pkcs8::{
    der::{Decode as _, asn1::UintRef},
    spki::SubjectPublicKeyInfoRef,
};
use sha2::{Digest as _, Sha256};

use crate::{
    KeyError, der,
    jwk::{Jwk, needed, of_length},
    kind::Kind,
    pem,
};

/// The smallest RSA key that anybody should use (RFC 7518 section 3.3).
pub(crate) const RSA_MIN_BITS: usize = 2048;
/// The largest that is known to be used anywhere.
const RSA_MAX_BITS: usize = 16384;

/// A public key, for [`KeyInfo`] of a key that is kept elsewhere: a key management
/// service or a hardware module hands out the public part.
///
/// ```
/// use auth_core::SigningAlgorithm;
/// use auth_sign::PublicKey;
///
/// # fn main() -> Result<(), auth_sign::KeyError> {
/// let key = PublicKey::from_jwk(
///     r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// )?;
/// let info = key.info(SigningAlgorithm::EdDsa)?.key_id("2026-11");
/// assert_eq!(info.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// # Ok(())
/// # }
/// ```
///
/// That a point is on its curve is not looked at: whoever verifies a signature does.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: Kind,
    /// Required members alone, in the order of RFC 7638.
    jwk: String,
    key_id: Option<String>,
    algorithm: Option<SigningAlgorithm>,
}

impl PublicKey {
    /// From PEM: `PUBLIC KEY` (RFC 5280), or `RSA PUBLIC KEY` (PKCS#1). Text and other
    /// blocks around it are skipped.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let blocks = pem::blocks(pem.as_ref())?;
        let mut public = blocks.iter().filter(|block| block.is_public());
        match (public.next(), public.next()) {
            (Some(block), None) => Self::from_der(block.decode()?),
            (Some(_), Some(_)) => Err(KeyError::Several),
            (None, _) if blocks.iter().any(pem::Block::is_private) => Err(KeyError::PrivateKey),
            (None, _) if blocks.iter().any(pem::Block::is_cut) => Err(KeyError::Truncated),
            (None, _) => Err(KeyError::NoKey),
        }
    }

    /// From DER: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), as services hand it
    /// out, or an RSA key of PKCS#1.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn from_der(der: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let bytes = der.as_ref();
        match der::form(bytes)? {
            der::Form::RsaPublic => Self::of_rsa(Kind::Rsa, bytes),
            der::Form::Spki => {
                let spki = SubjectPublicKeyInfoRef::from_der(bytes).map_err(der::broken)?;
                let kind = der::kind(&spki.algorithm)?;
                let key = spki
                    .subject_public_key
                    .as_bytes()
                    .ok_or(KeyError::Malformed("the public key is no whole number of bytes"))?;
                match kind {
                    Kind::Rsa | Kind::RsaPss => Self::of_rsa(kind, key),
                    _ => Self::of_point(kind, key),
                }
            }
            der::Form::Pkcs8
            | der::Form::Pkcs12
            | der::Form::Pkcs1
            | der::Form::Sec1
            | der::Form::Encrypted => Err(KeyError::PrivateKey),
            der::Form::Other => Err(KeyError::NoKey),
        }
    }

    /// From a public JSON Web Key (RFC 7517), or a set with one of them. Its `kid` is
    /// the key's, and its `alg` has to be the algorithm.
    ///
    /// # Errors
    ///
    /// [`KeyError`]. [`KeyError::PrivateKey`] if it has private members, which do not
    /// belong where this is read.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let parsed = Jwk::parse(json)?;
        let jwk = match parsed.keys()[..] {
            [] => return Err(KeyError::NoKey),
            [jwk] => jwk,
            _ => return Err(KeyError::Several),
        };
        if jwk.is_private() {
            return Err(KeyError::PrivateKey);
        }
        let mut key = Self::of_jwk(jwk)?;
        key.algorithm = jwk.algorithm(&["sign", "verify"])?;
        key.key_id = jwk.kid.clone();
        Ok(key)
    }

    /// What is public about the key, for a signer.
    ///
    /// # Errors
    ///
    /// [`KeyError::WrongKind`] if the algorithm needs a key of another kind,
    /// [`KeyError::OtherAlgorithm`] if the key was read as a JWK for another one.
    pub fn info(&self, algorithm: SigningAlgorithm) -> Result<KeyInfo, KeyError> {
        self.kind.check(algorithm)?;
        same_algorithm(algorithm, self.algorithm)?;
        let info = KeyInfo::of_pair(algorithm, self.jwk(), self.thumbprint());
        Ok(match &self.key_id {
            Some(key_id) => info.key_id(key_id.as_str()),
            None => info,
        })
    }

    /// The JSON Web Key: its required members alone, without white space, in the order
    /// of their names.
    pub fn jwk(&self) -> &str {
        &self.jwk
    }

    /// The thumbprint by SHA-256 (RFC 7638): `jkt` of DPoP.
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.jwk))
    }

    fn new(kind: Kind, jwk: String) -> Self {
        Self { kind, jwk, key_id: None, algorithm: None }
    }

    /// A point of a curve as SEC1 has it, uncompressed; of Ed25519, 32 bytes.
    pub(crate) fn of_point(kind: Kind, point: &[u8]) -> Result<Self, KeyError> {
        let Some((curve, length)) = kind.curve() else {
            if point.len() != 32 {
                return Err(KeyError::Malformed("an Ed25519 key has 32 bytes"));
            }
            let x = URL_SAFE_NO_PAD.encode(point);
            return Ok(Self::new(kind, format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)));
        };
        match point.split_first() {
            Some((4, coordinates)) if coordinates.len() == 2 * length => {
                let (x, y) = coordinates.split_at(length);
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                let jwk = format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#);
                Ok(Self::new(kind, jwk))
            }
            Some((2 | 3, x)) if x.len() == length => {
                Err(KeyError::Unsupported("a compressed point"))
            }
            _ => Err(KeyError::Malformed("the point does not fit the curve")),
        }
    }

    /// An RSA key in the DER of PKCS#1.
    pub(crate) fn of_rsa(kind: Kind, der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPublicKeyRef::from_der(der).map_err(der::broken)?;
        let (n, e) = (key.modulus, key.public_exponent);
        rsa_size(n, RSA_MAX_BITS)?;
        let (n, e) = (URL_SAFE_NO_PAD.encode(n.as_bytes()), URL_SAFE_NO_PAD.encode(e.as_bytes()));
        Ok(Self::new(kind, format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)))
    }

    fn of_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        match jwk.kty.as_deref() {
            // Azure Key Vault's keys in hardware have names of their own.
            Some("EC" | "EC-HSM") => {
                let (kind, point) = ec_point(jwk)?;
                Self::of_point(kind, &point)
            }
            Some("OKP") => {
                ed25519(jwk)?;
                Self::of_point(Kind::Ed25519, needed(jwk.x.as_ref())?)
            }
            Some("RSA" | "RSA-HSM") => {
                let (n, e) = (needed(jwk.n.as_ref())?, needed(jwk.e.as_ref())?);
                let uint = |bytes| UintRef::new(bytes).map_err(der::broken);
                let key = RsaPublicKeyRef { modulus: uint(n)?, public_exponent: uint(e)? };
                Self::of_rsa(Kind::Rsa, &der::encode(&key)?)
            }
            Some("oct") => Err(KeyError::PrivateKey),
            Some(_) => Err(KeyError::Unsupported("a key of this kty")),
            None => Err(KeyError::NoKey),
        }
    }
}

/// The curve and the point of a JWK, as SEC1 has it.
pub(crate) fn ec_point(jwk: &Jwk) -> Result<(Kind, Vec<u8>), KeyError> {
    let (kind, length) = ec_curve(jwk)?;
    let mut point = vec![4];
    for coordinate in [&jwk.x, &jwk.y] {
        point.extend_from_slice(&of_length(needed(coordinate.as_ref())?, length)?);
    }
    Ok((kind, point))
}

/// The curve of a JWK, and the length of a coordinate.
pub(crate) fn ec_curve(jwk: &Jwk) -> Result<(Kind, usize), KeyError> {
    let name = jwk.crv.as_deref().ok_or(KeyError::Malformed("the JWK has no crv"))?;
    let kind = Kind::by_curve(name).ok_or(KeyError::Unsupported("a key on this curve"))?;
    let (_, length) = kind.curve().ok_or(KeyError::Unsupported("a key on this curve"))?;
    Ok((kind, length))
}

/// That an octet key pair is on the one curve for signatures that is known.
pub(crate) fn ed25519(jwk: &Jwk) -> Result<(), KeyError> {
    match jwk.crv.as_deref() {
        Some("Ed25519") => Ok(()),
        Some("X25519" | "X448") => Err(KeyError::NotForSigning),
        Some(_) => Err(KeyError::Unsupported("a key on this curve")),
        None => Err(KeyError::Malformed("the JWK has no crv")),
    }
}

/// That an RSA key has a size that can be used.
pub(crate) fn rsa_size(modulus: UintRef<'_>, max: usize) -> Result<(), KeyError> {
    let bytes = modulus.as_bytes();
    let zeros = bytes.first().map_or(8, |first| first.leading_zeros() as usize);
    let bits = bytes.len() * 8 - zeros;
    if (RSA_MIN_BITS..=max).contains(&bits) {
        return Ok(());
    }
    Err(KeyError::RsaSize { bits, min: RSA_MIN_BITS, max })
}

/// That a key's own `alg`, if it has one, is what was asked for. Ed25519 has two names.
pub(crate) fn same_algorithm(
    asked: SigningAlgorithm,
    of_key: Option<SigningAlgorithm>,
) -> Result<(), KeyError> {
    match of_key {
        Some(of_key)
            if of_key != asked
                && !(Kind::Ed25519.serves(of_key) && Kind::Ed25519.serves(asked)) =>
        {
            Err(KeyError::OtherAlgorithm { asked, of_key })
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("kind", &self.kind)
            .field("thumbprint", &self.thumbprint())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
