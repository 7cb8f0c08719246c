//! Certificates and keys in PEM.

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{PemObject, SectionKind},
};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{ClientCertificateError as Error, ClientCertificateErrorKind as Kind};

/// Certificates of PEM texts, at least one of each.
pub(crate) fn roots(pems: &[Vec<u8>]) -> Option<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    for pem in pems {
        let before = certificates.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            certificates.push(certificate.ok()?);
        }
        if certificates.len() == before {
            return None;
        }
    }
    Some(certificates)
}

/// The chain, of a text that may also hold a key.
pub(crate) fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut chain = Vec::new();
    sections(pem, |kind, der| {
        if kind == SectionKind::Certificate {
            chain.push(CertificateDer::from(std::mem::take(der)));
        }
    })?;
    if chain.is_empty() { Err(Error::new(Kind::NoCertificate)) } else { Ok(chain) }
}

/// The first private key, of a text that may also hold certificates.
pub(crate) fn key(pem: &[u8]) -> Result<Key, Error> {
    let mut key = None;
    sections(pem, |kind, der| {
        if key.is_none()
            && matches!(
                kind,
                SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey
            )
        {
            key = PrivateKeyDer::from_pem(kind, std::mem::take(der)).map(Key);
        }
    })?;
    key.ok_or_else(|| Error::new(why_no_key(pem)))
}

/// A private key, which is wiped when it is dropped.
pub(crate) struct Key(PrivateKeyDer<'static>);

impl Key {
    /// rustls takes one that it does not wipe. The providers do.
    pub(crate) fn for_rustls(&self) -> PrivateKeyDer<'static> {
        self.0.clone_key()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Hands out each section, and wipes what is left of it.
fn sections(pem: &[u8], mut each: impl FnMut(SectionKind, &mut Vec<u8>)) -> Result<(), Error> {
    if pem.trim_ascii().is_empty() {
        return Err(Error::new(Kind::Empty));
    }
    // Such a key has headers, which are no base64.
    if labels(pem).any(|line| line.starts_with(b"Proc-Type:") && contains(line, b"ENCRYPTED")) {
        return Err(Error::new(Kind::EncryptedKey));
    }
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        // Not the source, which quotes the text.
        let (kind, der) = section.map_err(|_| Error::new(Kind::Malformed))?;
        each(kind, &mut Zeroizing::new(der));
    }
    Ok(())
}

/// What stands in the place of a private key that is none, or none that is known.
fn why_no_key(pem: &[u8]) -> Kind {
    let mut why = Kind::NoKey;
    for line in labels(pem).filter(|line| line.starts_with(b"-----BEGIN ")) {
        if contains(line, b"ENCRYPTED PRIVATE KEY") {
            return Kind::EncryptedKey;
        }
        if contains(line, b"PRIVATE KEY") || contains(line, b"PUBLIC KEY") {
            why = Kind::WrongKey;
        }
    }
    why
}

fn labels(pem: &[u8]) -> impl Iterator<Item = &[u8]> {
    pem.split(|byte| matches!(byte, b'\n' | b'\r'))
}

fn contains(line: &[u8], words: &[u8]) -> bool {
    line.windows(words.len()).any(|window| window == words)
}
