//! How a store fails.

use std::{error::Error, fmt, sync::Arc};

/// Why a store failed. Cloning shares it, so that all callers of one refresh can
/// have the same error.
///
/// The message names the file or the row, and never contains a token:
///
/// ```
/// use auth_accounts::{StoreError, StoreErrorKind};
///
/// let error = StoreError::new(StoreErrorKind::Damaged, "/var/lib/app/ada.json")
///     .with_source("it ends too early (line 3, column 1)");
/// assert_eq!(
///     error.to_string(),
///     "/var/lib/app/ada.json: the record is damaged; it was left as it is: \
///      it ends too early (line 3, column 1)",
/// );
/// ```
#[derive(Clone)]
pub struct StoreError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: StoreErrorKind,
    concerns: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kind of a store's failure.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// The record is not the expected one: somebody else has saved. Load it again
    /// and decide again.
    Conflict,
    /// Somebody else held the lease all the time. Load the record again, since
    /// they may have refreshed the tokens. Otherwise try again.
    LeaseTimeout,
    /// There is a record, but it cannot be read. It was left as it is. A person
    /// must repair it or move it away.
    Damaged,
    /// The record was written by a newer version of the program. It was left
    /// as it is.
    NewerSchema,
    /// Access was denied. Or others can read or change the secrets, and the store
    /// does not trust them. A person must change the permissions.
    Permissions,
    /// No space is left.
    Full,
    /// The store cannot be written to.
    ReadOnly,
    /// Any other failure of input or output.
    Io,
    /// The store's server cannot be reached, or does not serve now.
    Unavailable,
    /// Anything else.
    Other,
}

impl StoreError {
    /// An error of this kind about `concerns`: the file, the row, the server.
    /// Its control characters are escaped when it is shown.
    pub fn new(kind: StoreErrorKind, concerns: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, concerns: concerns.into(), source: None }))
    }

    /// Attaches the cause. Neither its message nor its sources may contain a token
    /// or a part of the record.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let (kind, concerns) = (self.0.kind, self.0.concerns.clone());
        Self(Arc::new(Inner { kind, concerns, source: Some(source.into()) }))
    }

    /// Converts an error of the operating system. Its kind decides the kind.
    pub fn from_io(error: std::io::Error, concerns: impl Into<String>) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::PermissionDenied => StoreErrorKind::Permissions,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => StoreErrorKind::Full,
            Io::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
            _ => StoreErrorKind::Io,
        };
        Self::new(kind, concerns).with_source(error)
    }

    /// The kind.
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }

    /// The file, the row or the server that failed.
    pub fn concerns(&self) -> &str {
        &self.0.concerns
    }
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "the record was changed by somebody else",
            Self::LeaseTimeout => "another caller held the lease for the whole wait",
            Self::Damaged => "the record is damaged; it was left as it is",
            Self::NewerSchema => {
                "the record was written by a newer version of the program; it was left as it is"
            }
            Self::Permissions => "the permissions do not allow it",
            Self::Full => "no space is left",
            Self::ReadOnly => "the store is read-only",
            Self::Io => "reading or writing failed",
            Self::Unavailable => "the store is not available",
            Self::Other => "the store failed",
        })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, concerns, source } = &*self.0;
        write!(f, "{}: {kind}", concerns.escape_debug())?;
        match source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, concerns, source } = &*self.0;
        f.debug_struct("StoreError")
            .field("kind", kind)
            .field("concerns", concerns)
            .field("source", source)
            .finish()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The source's own message is part of ours; the chain goes on below.
        self.0.source.as_deref().and_then(Error::source)
    }
}
