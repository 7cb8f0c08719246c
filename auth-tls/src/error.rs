//! Why TLS cannot be set up.

use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::text;

/// What an adapter makes its own error of.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The root certificates are no PEM, or hold no certificate.
    #[error("{}", text::ROOT_CERTIFICATES)]
    Roots,
    /// A variable names trusted roots, and there are none that can be used.
    #[error("{variable} names {path:?}, {}", text::HOLDS_NO_ROOT)]
    RootsVariable {
        /// The name of the variable.
        variable: &'static str,
        /// The file, or the first of the directories.
        path: PathBuf,
        /// Why it cannot be read, if that is the reason.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// rustls does not take it.
    #[error("{}", text::TLS)]
    Rustls(#[source] rustls::Error),
    /// There is no crypto provider.
    #[error("{}", text::NO_CRYPTO_PROVIDER)]
    NoCryptoProvider,
    /// The client certificate cannot be used.
    #[error("{}", text::CLIENT_CERTIFICATE)]
    ClientCertificate(#[source] ClientCertificateError),
}

/// What is wrong with a client certificate or its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientCertificateErrorKind {
    /// The file cannot be read: it does not exist, may not be read, is no regular file,
    /// or has more than 1 MiB.
    Unreadable,
    /// The file or text is empty.
    Empty,
    /// The PEM breaks off, or cannot be decoded. Perhaps somebody is writing it.
    Malformed,
    /// There is no certificate.
    NoCertificate,
    /// The first certificate cannot be read.
    BadCertificate,
    /// There is no private key.
    NoKey,
    /// The private key is encrypted. There is nobody to ask for the passphrase.
    EncryptedKey,
    /// The key is of a kind that the crypto provider does not know, is in the form of
    /// another program (OpenSSH), or is damaged; or it is a public key.
    WrongKey,
    /// The key does not belong to the first certificate, which has to be the client's
    /// own.
    Mismatch,
}

impl fmt::Display for ClientCertificateErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "it cannot be read",
            Self::Empty => "it is empty",
            Self::Malformed => "the PEM breaks off or cannot be decoded",
            Self::NoCertificate => "there is no certificate in it",
            Self::BadCertificate => "its first certificate cannot be read",
            Self::NoKey => "there is no private key in it",
            Self::EncryptedKey => "the private key is encrypted; decrypt it first",
            Self::WrongKey => {
                "the key is not usable; a private key in PEM is needed (PKCS#8, PKCS#1 or SEC1)"
            }
            Self::Mismatch => {
                "the key does not belong to the first certificate, \
                 which has to be the client's own"
            }
        })
    }
}

/// A client certificate or a key that cannot be used. It holds nothing of the key.
#[derive(Debug, Clone)]
pub struct ClientCertificateError {
    kind: ClientCertificateErrorKind,
    path: Option<PathBuf>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ClientCertificateError {
    pub(crate) fn new(kind: ClientCertificateErrorKind) -> Self {
        Self { kind, path: None, source: None }
    }

    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> ClientCertificateErrorKind {
        self.kind
    }

    /// The file that it is about. `None` for what came from memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl fmt::Display for ClientCertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{path:?}: ")?;
        }
        self.kind.fmt(f)
    }
}

impl Error for ClientCertificateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
