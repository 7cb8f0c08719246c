//! Why there is no credential.

use std::{error::Error, fmt, sync::Arc};

use crate::redact::scrub;

/// What is wrong with a credential, or with where it is read.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialErrorKind {
    /// It is not there: no such file, no such variable.
    Missing,
    /// It may not be read.
    Forbidden,
    /// There is nothing in it.
    Empty,
    /// It is not what it should be, such as a file that is half written.
    Malformed,
    /// The key is of another kind than the algorithm needs, or is no key.
    WrongKey,
    /// It cannot be had at the moment: whoever signs or keeps it does not answer.
    Unavailable,
    /// The source or the signer is asynchronous, and whoever asks blocks.
    Asynchronous,
    /// Anything else.
    Other,
}

impl CredentialErrorKind {
    /// Whether it may pass by itself. What is being replaced is empty or half
    /// written for a moment.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Empty | Self::Malformed | Self::Unavailable)
    }
}

impl fmt::Display for CredentialErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the client's credential is not there",
            Self::Forbidden => "the client's credential may not be read",
            Self::Empty => "the client's credential is empty",
            Self::Malformed => "the client's credential is not what it should be",
            Self::WrongKey => "the key does not fit the algorithm",
            Self::Unavailable => "the client's credential cannot be had at the moment",
            Self::Asynchronous => {
                "the client's credential comes asynchronously, and the caller blocks"
            }
            Self::Other => "the client's credential could not be had",
        })
    }
}

/// No credential, so no request was made.
///
/// Its message and its sources hold no credential. Whoever attaches a source must
/// keep it so.
#[derive(Debug, Clone)]
pub struct CredentialError {
    kind: CredentialErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl CredentialError {
    /// An error of this kind.
    pub fn new(kind: CredentialErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Attaches the cause as text: one line of at most 256 characters of
    /// printable ASCII, in which what looks like a token is redacted.
    #[must_use]
    pub fn with_detail(self, detail: impl fmt::Display) -> Self {
        match scrub(&detail.to_string(), &[]) {
            Some(detail) => self.with_source(detail),
            None => self,
        }
    }

    /// What is wrong.
    pub fn kind(&self) -> CredentialErrorKind {
        self.kind
    }

    /// Whether it [may pass by itself](CredentialErrorKind::is_temporary).
    pub fn is_temporary(&self) -> bool {
        self.kind.is_temporary()
    }
}

impl From<CredentialErrorKind> for CredentialError {
    fn from(kind: CredentialErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Error for CredentialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
