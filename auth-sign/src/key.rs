//! A key that signs.

use std::{fmt, path::Path};

use auth_core::{CredentialError, CredentialErrorKind, KeyInfo, Signer, SigningAlgorithm};
use sha2::{Digest as _, Sha256};

use crate::{
    KeyError,
    account::Account,
    crypto::Pair,
    file,
    private::{Chosen, Parts, Private, choose},
};

/// For whoever has a text in the path's place.
const INSTEAD: &str = "a key, or of something else; use `Key::from_pem` or `Key::from_jwk`";

/// A private key, or a secret that is shared with the server, in memory.
///
/// It is a [`Signer`], and becomes a [`SigningKey`](auth_core::SigningKey) by `into()`: that
/// is what one clones to use the key in several places.
/// `Debug` shows what is public. What was read of the key is wiped; the copy that signs
/// is the library's, see [the front page](crate#what-is-wiped).
///
/// ```
/// use auth_core::{SigningAlgorithm, SigningKey};
/// use auth_sign::Key;
///
/// # fn main() -> Result<(), auth_sign::KeyError> {
/// # let new = auth_sign::NewKey::es256()?;
/// # let pem = new.expose_pem();
/// let key = Key::from_pem(SigningAlgorithm::Es256, pem)?.key_id("2026-11");
/// let key = SigningKey::from(key);
/// assert_eq!(key.info().get_key_id(), Some("2026-11"));
/// # Ok(())
/// # }
/// ```
pub struct Key {
    info: KeyInfo,
    pair: Pair,
}

impl Key {
    /// From PEM (RFC 7468): `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or
    /// `EC PRIVATE KEY` (SEC1). Text and other blocks around it, such as certificates
    /// and `EC PARAMETERS`, are skipped. Line breaks may be missing, or be written as
    /// `\n`.
    ///
    /// The JSON file of a service account of Google is taken, too: its `private_key` is the
    /// key, and its `private_key_id` becomes the header's `kid`.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn from_pem(algorithm: SigningAlgorithm, pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let pem = pem.as_ref();
        match Account::parse(pem) {
            Some(account) => Self::of_account(algorithm, &account),
            None => Self::new(algorithm, &Private::from_pem(pem)?),
        }
    }

    /// From DER: PKCS#8, PKCS#1 or SEC1, whichever it is.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn from_der(algorithm: SigningAlgorithm, der: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        Self::new(algorithm, &Private::from_der(der.as_ref())?)
    }

    /// From a JSON Web Key (RFC 7517) with its private members, or from a set in which
    /// only one key can sign. The algorithm is the key's `alg`; where it has none, that
    /// of its curve. The key's `kid` becomes the header's.
    ///
    /// # Errors
    ///
    /// [`KeyError`]. [`KeyError::AlgorithmMissing`] of RSA keys and secrets without
    /// `alg`: see [`from_jwk_as`](Self::from_jwk_as).
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        Self::chosen(choose(json, None, None)?)
    }

    /// As [`from_jwk`](Self::from_jwk), for this algorithm. The key's `alg`, if it has
    /// one, has to be the same.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn from_jwk_as(algorithm: SigningAlgorithm, json: &str) -> Result<Self, KeyError> {
        Self::chosen(choose(json, Some(algorithm), None)?)
    }

    /// The key of this `kid` from a set of JSON Web Keys (RFC 7517 section 5). Without
    /// an algorithm, it is chosen as in [`from_jwk`](Self::from_jwk).
    ///
    /// # Errors
    ///
    /// [`KeyError`]. [`KeyError::UnknownKeyId`] if no key has this `kid`.
    pub fn from_jwks(
        algorithm: impl Into<Option<SigningAlgorithm>>,
        json: &str,
        key_id: &str,
    ) -> Result<Self, KeyError> {
        Self::chosen(choose(json, algorithm.into(), Some(key_id))?)
    }

    /// From a file, as [`from_file`](Self::from_file), for the algorithm that the key says
    /// by its `alg` or its curve. That of an RSA key in PEM or DER has to be named.
    ///
    /// ```
    /// use auth_sign::{Key, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("key.pem");
    /// # std::fs::write(&path, auth_sign::NewKey::es256()?.expose_pem())?;
    /// let key = SigningKey::from(Key::open(&path)?);
    /// // Shares the key.
    /// let for_dpop = key.clone();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_file`](Self::from_file).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CredentialError> {
        Self::from_file(None, path)
    }

    /// From a file with any of these: PEM, DER, a JWK or a set, or the JSON file of a
    /// service account of Google. The algorithm may be left out (`None`) where the key says
    /// it by its `alg` or its curve; a service account's is RS256.
    ///
    /// The file is read once, now, up to 64 KiB, and has to be a regular file or a link
    /// to one. What is read of it is wiped.
    ///
    /// # Errors
    ///
    /// [`CredentialError`], which names the file and what is wrong with it. What is wrong
    /// with the key is [`KeyError::of`] the error. One that [is temporary](CredentialError::is_temporary) may be
    /// that of a file which is being written.
    pub fn from_file(
        algorithm: impl Into<Option<SigningAlgorithm>>,
        path: impl AsRef<Path>,
    ) -> Result<Self, CredentialError> {
        let path = path.as_ref();
        let bytes = file::read(path, INSTEAD)?;
        Self::from_any(algorithm.into(), &bytes).map_err(|error| file::key_trouble(path, error))
    }

    /// A secret that the server knows, too: for HMAC. The bytes are taken exactly, with
    /// a line break at their end if there is one.
    ///
    /// A secret shorter than the hash (32 bytes with HS256) is taken, though RFC 7518
    /// section 3.2 forbids it: it is the server that has chosen it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`], [`KeyError::WrongKind`].
    pub fn from_secret(
        algorithm: SigningAlgorithm,
        secret: impl AsRef<[u8]>,
    ) -> Result<Self, KeyError> {
        Self::new(algorithm, &Private::from_secret(secret.as_ref())?)
    }

    /// Sets the name under which the server knows the key: `kid` in the header. It
    /// replaces that of a JWK.
    #[must_use]
    pub fn key_id(mut self, key_id: impl Into<String>) -> Self {
        self.info = self.info.key_id(key_id.into());
        self
    }

    /// What is public about it.
    pub fn info(&self) -> &KeyInfo {
        &self.info
    }

    fn of_account(algorithm: SigningAlgorithm, account: &Account) -> Result<Self, KeyError> {
        let key = Self::new(algorithm, &Private::from_pem(account.private_key.as_bytes())?)?;
        Ok(match &account.private_key_id {
            Some(key_id) => key.key_id(key_id.as_str()),
            None => key,
        })
    }

    fn from_any(algorithm: Option<SigningAlgorithm>, bytes: &[u8]) -> Result<Self, KeyError> {
        if let Some(account) = Account::parse(bytes) {
            return Self::of_account(algorithm.unwrap_or(SigningAlgorithm::Rs256), &account);
        }
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
            return Self::chosen(choose(text, algorithm, None)?);
        }
        // DER begins with a character that text may begin with, too.
        let private = match Private::from_pem(bytes) {
            Err(KeyError::NoKey | KeyError::Malformed(_)) if bytes.first() == Some(&0x30) => {
                Private::from_der(bytes)?
            }
            read => read?,
        };
        let algorithm = algorithm.or(private.kind.usual()).ok_or(KeyError::AlgorithmMissing)?;
        Self::new(algorithm, &private)
    }

    fn chosen(chosen: Chosen) -> Result<Self, KeyError> {
        let key = Self::new(chosen.algorithm, &chosen.private)?;
        Ok(match chosen.key_id {
            Some(key_id) => key.key_id(key_id),
            None => key,
        })
    }

    fn new(algorithm: SigningAlgorithm, private: &Private) -> Result<Self, KeyError> {
        let (pair, public) = Pair::new(algorithm, private)?;
        let info = match (public, &private.parts) {
            (Some(public), _) => public.info(algorithm)?,
            (None, Parts::Secret(secret)) => KeyInfo::of_secret(algorithm, identity(secret)),
            (None, _) => return Err(KeyError::Unsupported("this key")),
        };
        Ok(Self { info, pair })
    }
}

/// Enough of a hash to notice another secret, and useless for trying out secrets: many
/// have the same 16 bits.
fn identity(secret: &[u8]) -> String {
    let hash = Sha256::new().chain_update(b"auth-sign: which secret\0").chain_update(secret);
    let hash = hash.finalize();
    format!("{:02x}{:02x}", hash[0], hash[1])
}

impl Signer for Key {
    fn key(&self) -> &KeyInfo {
        &self.info
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError> {
        // The library's error says nothing.
        self.pair.sign(message).map_err(|_| {
            CredentialError::new(CredentialErrorKind::Other)
                .with_detail("the library made no signature")
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.info).finish()
    }
}
