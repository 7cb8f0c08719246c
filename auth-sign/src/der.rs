//! Which of its forms a key in DER has. Labels and file names are often wrong; the
//! forms differ by what they begin with.

use pkcs8::{
    AlgorithmIdentifierRef, ObjectIdentifier,
    der::{
        self, Decode as _, Encode, ErrorKind, Reader as _, SliceReader, Tag,
        asn1::{AnyRef, SequenceRef},
    },
};
use zeroize::Zeroizing;

use crate::{KeyError, kind::Kind};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
const X448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.111");

/// What a sequence is, by the types of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Pkcs8,
    /// A key and its certificates, under a password.
    Pkcs12,
    Pkcs1,
    Sec1,
    Encrypted,
    Spki,
    RsaPublic,
    Other,
}

/// # Errors
///
/// [`KeyError::Empty`], [`KeyError::Truncated`], [`KeyError::NoKey`] if it is no DER.
pub(crate) fn form(bytes: &[u8]) -> Result<Form, KeyError> {
    if bytes.is_empty() {
        return Err(KeyError::Empty);
    }
    if bytes[0] != 0x30 {
        return Err(KeyError::NoKey);
    }
    let tags = tags(bytes).map_err(broken)?;
    Ok(match tags[..] {
        [Tag::Integer, Tag::Sequence, Tag::OctetString, ..] => Form::Pkcs8,
        [Tag::Integer, Tag::Sequence, ..] => Form::Pkcs12,
        [Tag::Integer, Tag::OctetString, ..] => Form::Sec1,
        [Tag::Integer, Tag::Integer] => Form::RsaPublic,
        [Tag::Integer, Tag::Integer, Tag::Integer, ..] => Form::Pkcs1,
        [Tag::Sequence, Tag::OctetString] => Form::Encrypted,
        [Tag::Sequence, Tag::BitString] => Form::Spki,
        _ => Form::Other,
    })
}

fn tags(bytes: &[u8]) -> der::Result<Vec<Tag>> {
    let sequence = <&SequenceRef>::from_der(bytes)?;
    let mut reader = SliceReader::new(sequence.as_bytes())?;
    let mut tags = Vec::new();
    while !reader.is_finished() {
        tags.push(der::Tagged::tag(&AnyRef::decode(&mut reader)?));
    }
    Ok(tags)
}

/// The kind of key that an algorithm's identifier is of.
pub(crate) fn kind(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Kind, KeyError> {
    match algorithm.oid {
        RSA => Ok(Kind::Rsa),
        RSA_PSS => Ok(Kind::RsaPss),
        ED25519 => Ok(Kind::Ed25519),
        X25519 | X448 => Err(KeyError::NotForSigning),
        EC => match algorithm.parameters.map(ObjectIdentifier::try_from) {
            Some(Ok(curve)) => curve_kind(curve),
            _ => Err(KeyError::Unsupported("a curve that is spelled out instead of named")),
        },
        _ => Err(KeyError::Unsupported("a key of this algorithm")),
    }
}

pub(crate) fn curve_kind(curve: ObjectIdentifier) -> Result<Kind, KeyError> {
    match curve {
        P256 => Ok(Kind::P256),
        P384 => Ok(Kind::P384),
        P521 => Ok(Kind::P521),
        _ => Err(KeyError::Unsupported("a key on this curve")),
    }
}

/// The error of the library, which has no bytes of the key in it, but says little.
pub(crate) fn broken(error: der::Error) -> KeyError {
    match error.kind() {
        ErrorKind::Incomplete { .. } => KeyError::Truncated,
        _ => KeyError::Malformed("it is no DER of a key"),
    }
}

/// The DER of a value, wiped. The buffer has its length from the start, so that no
/// copy is left where it has grown.
pub(crate) fn encode(value: &impl Encode) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let length = value.encoded_len().map_err(broken)?;
    let length = usize::try_from(length).map_err(broken)?;
    let mut bytes = Zeroizing::new(vec![0; length]);
    value.encode_to_slice(&mut bytes).map_err(broken)?;
    Ok(bytes)
}
