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
    /// The key cannot be used: it is of another kind than the algorithm needs, is
    /// encrypted, or is no key.
    WrongKey,
    /// It cannot be had at the moment: whoever signs or keeps it does not answer.
    Unavailable,
    /// The source or the signer is asynchronous, and whoever asks does not wait for it.
    /// An asynchronous driver does, and so does `BlockingAccounts`.
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
            Self::Missing => "the credential or key is not there",
            Self::Forbidden => "the credential or key may not be read",
            Self::Empty => "the credential or key is empty",
            Self::Malformed => "the credential or key is not what it should be",
            Self::WrongKey => "the key cannot be used",
            Self::Unavailable => "the credential or key cannot be had at the moment",
            Self::Asynchronous => {
                "the key or the source is asynchronous; an asynchronous driver, or \
                 BlockingAccounts, waits for it"
            }
            Self::Other => "the credential or key could not be had",
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
    cause: Option<Arc<dyn Error + Send + Sync>>,
    /// Whether the cause speaks for it.
    is_transparent: bool,
}

impl CredentialError {
    /// An error of this kind.
    pub fn new(kind: CredentialErrorKind) -> Self {
        Self { kind, cause: None, is_transparent: false }
    }

    /// An error of this kind whose message is that of `error`, which says all by itself:
    /// what is wrong, and with which file or key. Its sources are those of `error`.
    pub fn transparent(
        kind: CredentialErrorKind,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { is_transparent: true, ..Self::new(kind).with_source(error) }
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(Arc::from(source.into()));
        self.is_transparent = false;
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

    /// What was attached, or the error whose message this one has.
    pub fn get_ref(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
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
        match &self.cause {
            Some(cause) if self.is_transparent => cause.fmt(f),
            _ => self.kind.fmt(f),
        }
    }
}

impl Error for CredentialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.cause.as_deref()? {
            cause if self.is_transparent => cause.source(),
            cause => Some(cause),
        }
    }
}
