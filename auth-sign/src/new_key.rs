//! Keys that are made here.

use std::fmt;

use auth_core::{SigningAlgorithm, SigningKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

use crate::{
    Key, KeyError, crypto,
    private::{Parts, Private},
};

/// A key that was just made, and can be stored: for DPoP, where the client chooses its
/// key and registers it nowhere (RFC 9449).
///
/// Store it before it is first used: refresh tokens that are bound to a key are lost
/// with it.
///
/// ```
/// use auth_core::SigningAlgorithm;
/// use auth_sign::{Key, NewKey};
///
/// # fn main() -> Result<(), auth_sign::KeyError> {
/// let new = NewKey::es256()?;
/// let stored = new.expose_pem().to_owned();
/// let key = new.into_key();
/// // The next time:
/// let again = Key::from_pem(SigningAlgorithm::Es256, stored)?;
/// assert_eq!(again.info().thumbprint(), key.info().thumbprint());
/// # Ok(())
/// # }
/// ```
pub struct NewKey {
    key: Key,
    pem: Zeroizing<String>,
    jwk: Zeroizing<String>,
}

impl NewKey {
    /// A key for ES256, which every server with DPoP knows.
    ///
    /// # Errors
    ///
    /// [`KeyError::Generation`] if the system has no random numbers.
    pub fn es256() -> Result<Self, KeyError> {
        let der = crypto::generate_p256()?;
        let key = Key::from_der(SigningAlgorithm::Es256, &*der)?;
        let private = Private::from_der(&der)?;
        let (Parts::Ec { d, .. }, Some(public)) = (&private.parts, key.info().public_jwk()) else {
            return Err(KeyError::Generation);
        };
        let jwk = jwk(public, d);
        Ok(Self { key, pem: pem(&der), jwk })
    }

    /// The private key as PEM, in the form of PKCS#8. Do not log it.
    pub fn expose_pem(&self) -> &str {
        &self.pem
    }

    /// The private key as a JSON Web Key. Do not log it.
    pub fn expose_jwk(&self) -> &str {
        &self.jwk
    }

    /// The key.
    pub fn into_key(self) -> Key {
        self.key
    }
}

impl From<NewKey> for SigningKey {
    fn from(new: NewKey) -> Self {
        new.into_key().into()
    }
}

/// The public members, with the private one before the end.
fn jwk(public: &str, d: &[u8]) -> Zeroizing<String> {
    let members = public.trim_end_matches('}');
    let mut jwk = Zeroizing::new(String::with_capacity(members.len() + 128));
    jwk.push_str(members);
    jwk.push_str(r#","alg":"ES256","d":""#);
    URL_SAFE_NO_PAD.encode_string(d, &mut jwk);
    jwk.push_str("\"}");
    jwk
}

fn pem(der: &[u8]) -> Zeroizing<String> {
    // 48 bytes are the 64 characters of a line (RFC 7468 section 2).
    let lines = der.chunks(48);
    let mut pem = Zeroizing::new(String::with_capacity(64 + lines.len() * 65));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    for line in lines {
        STANDARD.encode_string(line, &mut pem);
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewKey").field(self.key.info()).finish()
    }
}
