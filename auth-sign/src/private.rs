//! The parts of a private key, out of all the forms that keys are kept in.

use auth_core::SigningAlgorithm;
use pkcs1::RsaPrivateKey;
use pkcs8::{
    PrivateKeyInfoRef,
    der::{
        Decode as _,
        asn1::{OctetStringRef, UintRef},
    },
};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use crate::{
    KeyError, der,
    jwk::{Jwk, Octets, needed, of_length},
    kind::Kind,
    pem,
    public::{ec_curve, ec_point, ed25519, same_algorithm},
};

/// A private key, or a shared secret. It is wiped.
pub(crate) struct Private {
    pub(crate) kind: Kind,
    pub(crate) parts: Parts,
}

pub(crate) enum Parts {
    /// The number, of full length, and the point as SEC1 has it, if it is known.
    Ec {
        d: Zeroizing<Vec<u8>>,
        point: Option<Vec<u8>>,
    },
    /// The 32 bytes, and the public key if it is known.
    Ed25519 {
        seed: Zeroizing<Vec<u8>>,
        public: Option<Vec<u8>>,
    },
    /// The DER of PKCS#1.
    Rsa(Zeroizing<Vec<u8>>),
    Secret(Zeroizing<Vec<u8>>),
}

/// A key of a JWK, with what that says about it.
pub(crate) struct Chosen {
    pub(crate) private: Private,
    pub(crate) algorithm: SigningAlgorithm,
    pub(crate) key_id: Option<String>,
}

impl Private {
    /// The one private key of a text.
    pub(crate) fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let blocks = match pem::blocks(text) {
            // A file with bytes was taken for one with text.
            Err(KeyError::Malformed(_)) if der::form(text).is_ok() => {
                return Err(match der::form(text)? {
                    der::Form::Pkcs12 => KeyError::Unsupported("a PKCS#12 file"),
                    _ => KeyError::Malformed("it is DER, not PEM"),
                });
            }
            blocks => blocks?,
        };
        let private: Vec<_> = blocks.iter().filter(|block| block.is_private()).collect();
        let usable: Vec<_> =
            private.iter().filter(|block| !block.is_encrypted() && !block.is_openssh()).collect();
        match usable[..] {
            [block] => Self::from_der(&block.decode()?),
            [_, _, ..] => Err(KeyError::Several),
            [] if private.iter().any(|block| block.is_encrypted()) => Err(KeyError::Encrypted),
            [] if !private.is_empty() => Err(KeyError::Unsupported("OpenSSH's own form of a key")),
            [] if blocks.iter().any(pem::Block::is_public) => Err(KeyError::PublicOnly),
            // Less than a label.
            [] if blocks.iter().any(pem::Block::is_cut) => Err(KeyError::Truncated),
            [] => Err(KeyError::NoKey),
        }
    }

    /// PKCS#8, PKCS#1 or SEC1, whichever it is.
    pub(crate) fn from_der(bytes: &[u8]) -> Result<Self, KeyError> {
        match der::form(bytes)? {
            der::Form::Pkcs8 => Self::from_pkcs8(bytes),
            der::Form::Pkcs1 => Self::from_pkcs1(Kind::Rsa, bytes),
            der::Form::Sec1 => Self::from_sec1(None, bytes),
            der::Form::Encrypted => Err(KeyError::Encrypted),
            der::Form::Spki | der::Form::RsaPublic => Err(KeyError::PublicOnly),
            der::Form::Pkcs12 => Err(KeyError::Unsupported("a PKCS#12 file")),
            der::Form::Other => Err(KeyError::NoKey),
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = match PrivateKeyInfoRef::from_der(bytes) {
            Ok(key) => key,
            Err(error) => return Self::from_old_ring(bytes).unwrap_or(Err(der::broken(error))),
        };
        let kind = der::kind(&key.algorithm)?;
        let inner = key.private_key.as_bytes();
        match kind {
            Kind::Rsa | Kind::RsaPss => Self::from_pkcs1(kind, inner),
            Kind::Ed25519 => {
                let seed = <&OctetStringRef>::from_der(inner).map_err(der::broken)?;
                let public = key.public_key.and_then(|public| public.as_bytes());
                Self::ed25519(seed.as_bytes(), public)
            }
            _ => Self::from_sec1(Some(kind), inner),
        }
    }

    /// Up to version 0.16, ring wrote an Ed25519 key with the public part under a tag that
    /// RFC 5958 does not have. Such keys are all alike.
    fn from_old_ring(bytes: &[u8]) -> Option<Result<Self, KeyError>> {
        const BEFORE: &[u8] = b"\x30\x53\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        const BETWEEN: &[u8] = b"\xa1\x23\x03\x21\x00";
        let (seed, public) = bytes.strip_prefix(BEFORE)?.split_at_checked(32)?;
        Some(Self::ed25519(seed, Some(public.strip_prefix(BETWEEN)?)))
    }

    fn from_pkcs1(kind: Kind, bytes: &[u8]) -> Result<Self, KeyError> {
        // Looked at now for an error that says more than the signing library's.
        RsaPrivateKey::<UintRef<'_>>::from_der(bytes).map_err(der::broken)?;
        Ok(Self { kind, parts: Parts::Rsa(Zeroizing::new(bytes.to_vec())) })
    }

    fn from_sec1(kind: Option<Kind>, bytes: &[u8]) -> Result<Self, KeyError> {
        let key = EcPrivateKey::from_der(bytes).map_err(der::broken)?;
        let own = key.parameters.and_then(sec1::EcParameters::named_curve);
        let own = own.map(der::curve_kind).transpose()?;
        let kind = match (kind, own) {
            (Some(kind), Some(own)) if kind != own => {
                return Err(KeyError::Malformed("the key names two curves"));
            }
            (Some(kind), _) | (None, Some(kind)) => kind,
            (None, None) => return Err(KeyError::Malformed("the key names no curve")),
        };
        let (_, length) = kind.curve().ok_or(KeyError::Malformed("the key names no curve"))?;
        let point = key.public_key.map(<[u8]>::to_vec);
        Ok(Self { kind, parts: Parts::Ec { d: of_length(key.private_key, length)?, point } })
    }

    fn ed25519(seed: &[u8], public: Option<&[u8]>) -> Result<Self, KeyError> {
        if seed.len() != 32 {
            return Err(KeyError::Malformed("an Ed25519 key has 32 bytes"));
        }
        let (seed, public) = (Zeroizing::new(seed.to_vec()), public.map(<[u8]>::to_vec));
        Ok(Self { kind: Kind::Ed25519, parts: Parts::Ed25519 { seed, public } })
    }

    /// Bytes that the server knows, too.
    pub(crate) fn from_secret(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(Self { kind: Kind::Secret, parts: Parts::Secret(Zeroizing::new(bytes.to_vec())) })
    }

    fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        match jwk.kty.as_deref() {
            Some("EC") => {
                let (kind, length) = ec_curve(jwk)?;
                let d = of_length(needed(jwk.d.as_ref())?, length)?;
                let point = (jwk.x.is_some() || jwk.y.is_some())
                    .then(|| ec_point(jwk).map(|(_, point)| point))
                    .transpose()?;
                Ok(Self { kind, parts: Parts::Ec { d, point } })
            }
            Some("OKP") => {
                ed25519(jwk)?;
                let public = jwk.x.as_ref().map(Octets::bytes).transpose()?;
                Self::ed25519(needed(jwk.d.as_ref())?, public)
            }
            Some("RSA") => Self::rsa(jwk),
            Some("oct") => Self::from_secret(needed(jwk.k.as_ref())?),
            _ => Err(KeyError::Unsupported("a key of this kty")),
        }
    }

    fn rsa(jwk: &Jwk) -> Result<Self, KeyError> {
        if jwk.oth.is_some() {
            return Err(KeyError::Unsupported("an RSA key of more than two primes"));
        }
        let key = RsaPrivateKey {
            modulus: uint(needed(jwk.n.as_ref())?)?,
            public_exponent: uint(needed(jwk.e.as_ref())?)?,
            private_exponent: uint(needed(jwk.d.as_ref())?)?,
            prime1: of_primes(jwk.p.as_ref())?,
            prime2: of_primes(jwk.q.as_ref())?,
            exponent1: of_primes(jwk.dp.as_ref())?,
            exponent2: of_primes(jwk.dq.as_ref())?,
            coefficient: of_primes(jwk.qi.as_ref())?,
            other_prime_infos: None,
        };
        Ok(Self { kind: Kind::Rsa, parts: Parts::Rsa(der::encode(&key)?) })
    }
}

fn uint(bytes: &[u8]) -> Result<UintRef<'_>, KeyError> {
    UintRef::new(bytes).map_err(der::broken)
}

/// What RFC 7518 section 6.3.2 lets a key leave out. To compute it takes arithmetic
/// with large numbers.
fn of_primes(member: Option<&Octets>) -> Result<UintRef<'_>, KeyError> {
    uint(member.ok_or(KeyError::PrimesMissing)?.bytes()?)
}

/// The key of a JWK or of a set: the one of this `kid`; else the only one that can be
/// meant.
pub(crate) fn choose(
    json: &str,
    asked: Option<SigningAlgorithm>,
    key_id: Option<&str>,
) -> Result<Chosen, KeyError> {
    let parsed = Jwk::parse(json)?;
    let mut keys = parsed.keys();
    if keys.is_empty() || keys.iter().all(|jwk| jwk.kty.is_none()) {
        return Err(KeyError::NoKey);
    }
    if let Some(key_id) = key_id {
        keys.retain(|jwk| jwk.kid.as_deref() == Some(key_id));
        if keys.is_empty() {
            return Err(KeyError::UnknownKeyId);
        }
    }
    let mut last = match keys.iter().any(|jwk| jwk.x.is_some() || jwk.n.is_some()) {
        true => KeyError::PublicOnly,
        false => KeyError::Malformed("a member of the JWK is missing"),
    };
    keys.retain(|jwk| jwk.is_private());
    let mut usable = Vec::new();
    for jwk in keys {
        match usable_key(jwk, asked) {
            Ok(chosen) => usable.push(chosen),
            Err(error) => last = error,
        }
    }
    match usable.pop() {
        None => Err(last),
        Some(_) if !usable.is_empty() => Err(KeyError::Several),
        Some(chosen) => Ok(chosen),
    }
}

fn usable_key(jwk: &Jwk, asked: Option<SigningAlgorithm>) -> Result<Chosen, KeyError> {
    let own = jwk.algorithm(&["sign"])?;
    let private = Private::from_jwk(jwk)?;
    let algorithm = match asked {
        Some(asked) => {
            private.kind.check(asked)?;
            same_algorithm(asked, own)?;
            asked
        }
        None => own.or(private.kind.usual()).ok_or(KeyError::AlgorithmMissing)?,
    };
    private.kind.check(algorithm)?;
    Ok(Chosen { private, algorithm, key_id: jwk.kid.clone() })
}
