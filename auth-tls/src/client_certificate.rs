//! The client certificate that a program names.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    Error as RustlsError, InconsistentKeys, crypto::CryptoProvider, pki_types::CertificateDer,
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use crate::{
    error::{ClientCertificateError as Error, ClientCertificateErrorKind as Kind},
    pem::{self, Key},
};

/// No chain and no key is longer.
const MAX_FILE: u64 = 1024 * 1024;

/// A client certificate and its private key, for mutual TLS (RFC 8705).
///
/// Both are PEM: the client's own certificate first, then those of the authorities
/// between it and the root, if the server needs them; and a key as PKCS#8
/// (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`), which is not
/// encrypted. One text or file may hold all of it: name it twice.
///
/// Clones stand for the same certificate. `Debug` shows the paths, and nothing of the
/// key.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Inner>);

struct Inner {
    source: Source,
    problem: Mutex<Option<Error>>,
}

enum Source {
    Memory(Pair),
    Files { certificate: PathBuf, key: PathBuf },
}

/// A chain and a key that have been read, and not compared yet.
pub(crate) struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: Key,
}

/// What the files hold.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Texts {
    certificate: Zeroizing<Vec<u8>>,
    key: Zeroizing<Vec<u8>>,
}

impl ClientCertificate {
    /// A certificate and its key that stay what they are.
    ///
    /// # Errors
    ///
    /// [`ClientCertificateError`](Error) if one of them is not there or cannot be read.
    /// Whether they belong together shows when the transport is built.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let pair = Pair { chain: pem::chain(chain.as_ref())?, key: pem::key(key.as_ref())? };
        Ok(Self::new(Source::Memory(pair)))
    }

    /// A certificate and its key in files that something else renews.
    ///
    /// They are read when the transport is built, which fails if they cannot be used,
    /// and again before each request. What is new in them is used from that request on:
    /// no connection and no TLS session of the one before is used any more. If what is
    /// new cannot be used, say since only one of the files has been replaced yet, or half
    /// of one, the transport goes on with what it has and looks again at the next
    /// request; [`problem`](Self::problem) says so, and with the feature `tracing` an
    /// event.
    ///
    /// A chain that is cut behind a whole certificate looks complete. So replace files
    /// by renaming, as cert-manager, Kubernetes and most others do. They have to be
    /// regular files of at most 1 MiB, and should be local. When the transport is built,
    /// reading has no time limit; before a request it has that of the attempt, which
    /// fails then with nothing sent.
    pub fn from_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        let (certificate, key) = (path(certificate.into()), path(key.into()));
        Self::new(Source::Files { certificate, key })
    }

    /// Why the files could not be used when a transport last looked. `None` if they
    /// were, or if nobody has looked.
    pub fn problem(&self) -> Option<Error> {
        self.0.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it may change.
    pub(crate) fn is_from_files(&self) -> bool {
        matches!(self.0.source, Source::Files { .. })
    }

    /// Notes what came of a look. Returns whether that is news.
    pub(crate) fn note(&self, problem: Option<Error>) -> bool {
        let mut noted = self.0.problem.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = match (&*noted, &problem) {
            (Some(before), Some(now)) => before.to_string() != now.to_string(),
            (before, now) => before.is_some() != now.is_some(),
        };
        *noted = problem;
        is_news
    }

    /// What it is now, for one that stays what it is without texts.
    pub(crate) fn read(&self) -> Result<Option<Texts>, Error> {
        match &self.0.source {
            Source::Memory(_) => Ok(None),
            Source::Files { certificate, key } => {
                Ok(Some(Texts { certificate: read(certificate)?, key: read(key)? }))
            }
        }
    }

    /// What rustls takes, of what was read.
    pub(crate) fn certified(
        &self,
        texts: Option<&Texts>,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, Error> {
        match (&self.0.source, texts) {
            (Source::Memory(pair), _) => pair.certified(provider, None, None),
            (Source::Files { certificate, key }, texts) => {
                let empty = Texts::default();
                let texts = texts.unwrap_or(&empty);
                let pair = Pair {
                    chain: pem::chain(&texts.certificate).map_err(|e| e.in_file(certificate))?,
                    key: pem::key(&texts.key).map_err(|e| e.in_file(key))?,
                };
                pair.certified(provider, Some(certificate), Some(key))
            }
        }
    }

    fn new(source: Source) -> Self {
        Self(Arc::new(Inner { source, problem: Mutex::default() }))
    }
}

impl Pair {
    fn certified(
        &self,
        provider: &CryptoProvider,
        chain: Option<&Path>,
        key: Option<&Path>,
    ) -> Result<CertifiedKey, Error> {
        let about = |kind, path: Option<&Path>| match path {
            Some(path) => Error::new(kind).in_file(path),
            None => Error::new(kind),
        };
        let loaded = provider
            .key_provider
            .load_private_key(self.key.for_rustls())
            .map_err(|error| about(Kind::WrongKey, key).with_source(error))?;
        let certified = CertifiedKey::new(self.chain.clone(), loaded);
        match certified.keys_match() {
            // A provider need not tell the public key.
            Ok(()) | Err(RustlsError::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
            Err(RustlsError::InconsistentKeys(_)) => Err(about(Kind::Mismatch, key)),
            Err(error) => Err(about(Kind::BadCertificate, chain).with_source(error)),
        }
    }
}

/// The whole of a regular file, which is not too long.
/// The path, unless somebody took the text of a key for one. That is never shown, and
/// what takes its place is no file.
fn path(path: PathBuf) -> PathBuf {
    let text = path.to_string_lossy();
    let is_text = text.contains("-----BEGIN") || text.chars().any(char::is_control);
    if is_text { PathBuf::from("a text in the place of a path: use from_pem") } else { path }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let unreadable =
        |error: io::Error| Error::new(Kind::Unreadable).in_file(path).with_source(error);
    // To open a pipe would wait for who writes into it.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err(unreadable(io::Error::other("it is no regular file")));
    }
    if found.len() > MAX_FILE {
        return Err(unreadable(io::Error::other("it has more than 1 MiB")));
    }
    // With room enough that nothing is left behind where a vector grew.
    let room = usize::try_from(found.len()).unwrap_or_default() + 1024;
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    let mut file = File::open(path).map_err(unreadable)?.take(MAX_FILE + 1);
    file.read_to_end(&mut text).map_err(unreadable)?;
    if text.trim_ascii().is_empty() {
        return Err(Error::new(Kind::Empty).in_file(path));
    }
    Ok(text)
}

/// Of the key only where it is from.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("ClientCertificate");
        match &self.0.source {
            Source::Memory(pair) => out.field("certificates", &pair.chain.len()),
            Source::Files { certificate, key } => {
                out.field("certificate", certificate).field("key", key)
            }
        };
        out.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
