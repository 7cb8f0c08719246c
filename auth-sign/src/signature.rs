//! Signatures of others, in the form of a JSON Web Signature.

use auth_core::{CredentialError, CredentialErrorKind, SigningAlgorithm};
use pkcs8::der::{self, Decode as _, DecodeValue, FixedTag, Header, Reader, Tag, asn1::UintRef};

use crate::{KeyError, kind::Kind};

/// An ECDSA signature in DER (RFC 3279 section 2.2.3), in the form that a
/// [`Signer`](auth_core::Signer) returns: `r` and `s`, each of full length (RFC 7518
/// section 3.4).
///
/// The services of AWS and Google return DER. Azure Key Vault and PKCS#11 return the
/// other form, which is passed on as it is.
///
/// # Errors
///
/// [`CredentialErrorKind::WrongKey`] if the algorithm is not ECDSA or its numbers are
/// shorter than those of the signature, which is another curve's then;
/// [`CredentialErrorKind::Other`] if it is no such signature.
pub fn raw_ecdsa_signature(
    algorithm: SigningAlgorithm,
    der: &[u8],
) -> Result<Vec<u8>, CredentialError> {
    let length = match algorithm {
        SigningAlgorithm::Es256 => Kind::P256,
        SigningAlgorithm::Es384 => Kind::P384,
        SigningAlgorithm::Es512 => Kind::P521,
        _ => return Err(KeyError::WrongKind { algorithm, found: "an ECDSA signature" }.into()),
    };
    let length = length.curve().map_or(0, |(_, length)| length);
    let no_signature =
        |detail: &str| CredentialError::new(CredentialErrorKind::Other).with_detail(detail);
    let Numbers { r, s } = Numbers::from_der(der)
        .map_err(|_| no_signature("what was signed is no ECDSA signature in DER"))?;
    let mut raw = Vec::with_capacity(2 * length);
    for number in [r.as_bytes(), s.as_bytes()] {
        if number == [0] {
            return Err(no_signature("a number of the ECDSA signature is zero"));
        }
        let Some(missing) = length.checked_sub(number.len()) else {
            let found = "an ECDSA signature on a larger curve";
            return Err(KeyError::WrongKind { algorithm, found }.into());
        };
        raw.resize(raw.len() + missing, 0);
        raw.extend_from_slice(number);
    }
    Ok(raw)
}

/// `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3).
struct Numbers<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

impl<'a> DecodeValue<'a> for Numbers<'a> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _: Header) -> der::Result<Self> {
        Ok(Self { r: UintRef::decode(reader)?, s: UintRef::decode(reader)? })
    }
}

impl FixedTag for Numbers<'_> {
    const TAG: Tag = Tag::Sequence;
}
