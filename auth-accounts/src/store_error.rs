//! How a store fails.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use auth_core::Advice;

use crate::version::Version;

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
    damaged: Option<Version>,
    source: Option<Arc<dyn Error + Send + Sync>>,
    source_says_what_to_do: bool,
}

impl Inner {
    fn copy(&self) -> Self {
        Self {
            kind: self.kind,
            concerns: self.concerns.clone(),
            damaged: self.damaged.clone(),
            source: self.source.clone(),
            source_says_what_to_do: self.source_says_what_to_do,
        }
    }
}

/// How soon whoever has no token asks a store again that has failed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

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
    /// The lease was lost before it was freed: its file was deleted, or its time is
    /// over. Nothing was sent without it after that was noticed. Take it again, and load
    /// the record again.
    LeaseLost,
    /// There is a record, but it cannot be read. It was left as it is. A person
    /// must repair it, or log in again, which
    /// [takes its place](StoreError::damaged_version) where the store can move it
    /// aside.
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
    /// The store has no place for what is in the record: for the [set-up of a
    /// login](crate::Login::endpoint), or it lacks what another program needs to
    /// find there. Nothing was written.
    Unfit,
    /// The store cannot be used where it is, or as it is set up: its file system has
    /// no locks, for example. A person must change that; the error says what.
    Misconfigured,
    /// What this process sees is not what others see any more: a file that is mounted
    /// by itself was replaced where it comes from. Nothing was sent, since its refresh
    /// token may be spent. A person must mount the directory instead of the file.
    Detached,
    /// There is a login, but none that is refreshed: the program whose file it is was
    /// logged in otherwise, by a personal access token for example. It was left as it
    /// is. A new login here would not replace it.
    OtherLogin,
    /// Any other failure of input or output.
    Io,
    /// The store's server cannot be reached, or does not serve now.
    Unavailable,
    /// The store has not answered within
    /// [`Settings::lease_wait`](crate::Settings::lease_wait), or a second if it was
    /// waited for in vain just before: its file system hangs, for example. What was
    /// asked of it may still take effect.
    Unanswered,
    /// Anything else.
    Other,
}

impl StoreError {
    /// An error of this kind about `concerns`: the file, the row, the server.
    /// Its control characters are escaped when it is shown.
    pub fn new(kind: StoreErrorKind, concerns: impl Into<String>) -> Self {
        let concerns = concerns.into();
        let source_says_what_to_do = false;
        Self(Arc::new(Inner {
            kind,
            concerns,
            damaged: None,
            source: None,
            source_says_what_to_do,
        }))
    }

    /// Attaches the cause. Neither its message nor its sources may contain a token
    /// or a part of the record.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = Some(Arc::from(source.into()));
        Self(Arc::new(Inner { source, ..self.0.copy() }))
    }

    /// The message of the [cause](Self::with_source) says what to do, and more exactly
    /// than [`what_to_do`](Self::what_to_do). So an
    /// [`AccountError`](crate::AccountError) does not say it again.
    #[must_use]
    pub fn source_says_what_to_do(self) -> Self {
        Self(Arc::new(Inner { source_says_what_to_do: true, ..self.0.copy() }))
    }

    /// See [`source_says_what_to_do`](Self::source_says_what_to_do).
    pub fn get_source_says_what_to_do(&self) -> bool {
        self.0.source_says_what_to_do && self.0.source.is_some()
    }

    /// Of a record that is [damaged](StoreErrorKind::Damaged): which state of it that
    /// is. Whoever expects that version in [`save`] or [`remove`] means the damaged
    /// record, and has it moved aside: a login does, and a logout. A refresh never
    /// does. The store makes it so that no record that can be read ever has the same
    /// version, and another damage has another one.
    ///
    /// Without it nobody replaces the record. A store leaves it out for what is not to
    /// be trusted, and for what it cannot move aside.
    ///
    /// [`save`]: crate::store::TokenStore::save
    /// [`remove`]: crate::store::TokenStore::remove
    #[must_use]
    pub fn damaged_version(self, version: Version) -> Self {
        Self(Arc::new(Inner { damaged: Some(version), ..self.0.copy() }))
    }

    /// See [`damaged_version`](Self::damaged_version). `None` unless the kind is
    /// [`Damaged`](StoreErrorKind::Damaged).
    pub fn get_damaged_version(&self) -> Option<&Version> {
        self.0.damaged.as_ref().filter(|_| self.0.kind == StoreErrorKind::Damaged)
    }

    /// Converts an error of the operating system. Its kind decides the kind.
    pub fn from_io(error: std::io::Error, concerns: impl Into<String>) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::PermissionDenied => StoreErrorKind::Permissions,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => StoreErrorKind::Full,
            Io::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
            // What a path or a file system cannot do now, it cannot do later either.
            Io::NotADirectory | Io::InvalidFilename | Io::InvalidInput | Io::Unsupported => {
                StoreErrorKind::Misconfigured
            }
            _ => StoreErrorKind::Io,
        };
        Self::new(kind, concerns).with_source(error)
    }

    /// The kind.
    pub fn kind(&self) -> StoreErrorKind {
        self.0.kind
    }

    /// What to do next: [`TryLater`](Advice::TryLater) where it may pass by itself,
    /// or [`FixSetup`](Advice::FixSetup) where a person has to look at the store.
    pub fn advice(&self) -> Advice {
        match self.0.kind {
            StoreErrorKind::Damaged
            | StoreErrorKind::NewerSchema
            | StoreErrorKind::Permissions
            | StoreErrorKind::ReadOnly
            | StoreErrorKind::Full
            | StoreErrorKind::Unfit
            | StoreErrorKind::Misconfigured
            | StoreErrorKind::Detached
            | StoreErrorKind::OtherLogin => Advice::FixSetup,
            StoreErrorKind::Conflict
            | StoreErrorKind::LeaseTimeout
            | StoreErrorKind::LeaseLost
            | StoreErrorKind::Io
            | StoreErrorKind::Unavailable
            | StoreErrorKind::Unanswered
            | StoreErrorKind::Other => Advice::TryLater,
        }
    }

    /// What to do next, in words: `try again later`, or what a person has to change.
    pub fn what_to_do(&self) -> &'static str {
        match self.0.kind {
            StoreErrorKind::Damaged if self.0.damaged.is_some() => {
                "repair it, or log in again, which moves it aside"
            }
            StoreErrorKind::Damaged => "it must be repaired or moved away",
            StoreErrorKind::NewerSchema => "the program must be updated",
            StoreErrorKind::Permissions => "the permissions must be changed",
            StoreErrorKind::Full => "space must be made",
            StoreErrorKind::ReadOnly => "it must be made writable",
            StoreErrorKind::Unfit => "another store must be used",
            StoreErrorKind::Misconfigured => "the configuration must be changed",
            StoreErrorKind::Detached => "the directory must be mounted instead of the file",
            StoreErrorKind::OtherLogin => {
                "use another store, or log in with an account where the file comes from"
            }
            StoreErrorKind::Conflict
            | StoreErrorKind::LeaseTimeout
            | StoreErrorKind::LeaseLost
            | StoreErrorKind::Io
            | StoreErrorKind::Unavailable
            | StoreErrorKind::Unanswered
            | StoreErrorKind::Other => "try again later",
        }
    }

    /// The number of an error of the operating system whose words say what the kind's do.
    fn code_of_the_same(&self) -> Option<i32> {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
        let error = self.cause()?.downcast_ref::<std::io::Error>()?;
        let is_same = matches!(
            (self.kind(), error.kind()),
            (StoreErrorKind::Permissions, PermissionDenied)
                | (StoreErrorKind::ReadOnly, ReadOnlyFilesystem)
                | (StoreErrorKind::Full, StorageFull)
        );
        error.raw_os_error().filter(|_| is_same)
    }

    /// After what time whoever has no token may ask again, if it may pass by itself.
    pub(crate) fn again_after(&self) -> Option<Duration> {
        (self.advice() == Advice::TryLater).then_some(AGAIN_AFTER)
    }

    /// The error of the operating system, of the database, or of whatever else
    /// failed below the store. Its message is part of this error's. Therefore
    /// [`source`](Error::source) leads on to what is below it, and this is the
    /// way to the error itself.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
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
            Self::LeaseLost => "the lease was lost before it was freed",
            Self::Damaged => "the record is damaged; it was left as it is",
            Self::NewerSchema => {
                "the record was written by a newer version of the program; it was left as it is"
            }
            Self::Permissions => "the permissions do not allow it",
            Self::Full => "no space is left",
            Self::ReadOnly => "the store is read-only",
            Self::Unfit => "the store has no place for the record",
            Self::Misconfigured => "the store cannot be used as it is set up",
            Self::Detached => "what is seen here is not the store that others use",
            Self::OtherLogin => "there is a login of another kind; it was left as it is",
            Self::Io => "reading or writing failed",
            Self::Unavailable => "the store is not available",
            Self::Unanswered => "the store has not answered",
            Self::Other => "the store failed",
        })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, concerns, source, .. } = &*self.0;
        write!(f, "{}: {kind}", concerns.escape_debug())?;
        match (source, self.code_of_the_same()) {
            (Some(_), Some(code)) => write!(f, " (os error {code})"),
            (Some(source), None) => write!(f, ": {source}"),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, concerns, damaged, source, .. } = &*self.0;
        f.debug_struct("StoreError")
            .field("kind", kind)
            .field("concerns", concerns)
            .field("damaged", damaged)
            .field("source", source)
            .finish()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The message of the cause is part of ours; the chain goes on below it.
        self.0.source.as_deref().and_then(Error::source)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// An error with one below it.
    #[derive(Debug, thiserror::Error)]
    #[error("could not write")]
    struct Upper(#[source] io::Error);

    #[test]
    fn every_message_of_the_chain_is_shown_once() {
        let lower = io::Error::new(io::ErrorKind::StorageFull, "the disk is full");
        let error = StoreError::new(StoreErrorKind::Full, "ada.json").with_source(Upper(lower));
        let mut shown = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            shown = format!("{shown}: {source}");
            next = source.source();
        }
        assert_eq!(shown, "ada.json: no space is left: could not write: the disk is full");
    }

    /// The kind's words are not followed by the system's for the same.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_error_of_the_system_is_said_once() {
        for (code, says) in [
            (28, "no space is left (os error 28)"),
            // Another reason than the kind's words give.
            (122, "no space is left: Disk quota exceeded (os error 122)"),
            (27, "no space is left: File too large (os error 27)"),
            (13, "the permissions do not allow it (os error 13)"),
            (1, "the permissions do not allow it (os error 1)"),
            (30, "the store is read-only (os error 30)"),
            (5, "reading or writing failed: Input/output error (os error 5)"),
        ] {
            let error = StoreError::from_io(io::Error::from_raw_os_error(code), "ada.json");
            let text = error.to_string();
            assert_eq!(text, format!("ada.json: {says}"));
        }
        let error = StoreError::new(StoreErrorKind::Other, "ada")
            .with_source(io::Error::from_raw_os_error(28));
        assert!(error.to_string().contains("No space left on device"), "{error}");
    }

    #[test]
    fn what_is_damaged_has_a_version_whoever_shares_the_error() {
        let error = StoreError::new(StoreErrorKind::Damaged, "ada.json");
        assert_eq!(error.get_damaged_version(), None);
        let (shared, version) = (error.clone(), Version::from(1));
        for error in [
            error.clone().damaged_version(version.clone()).with_source("it is empty"),
            error.with_source("it is empty").damaged_version(version.clone()),
        ] {
            assert_eq!(error.get_damaged_version(), Some(&version));
            assert!(error.to_string().ends_with("it is empty"), "{error}");
        }
        assert_eq!(shared.get_damaged_version(), None);
    }

    #[test]
    fn the_cause_can_be_had_itself() {
        let error = StoreError::from_io(io::ErrorKind::ReadOnlyFilesystem.into(), "ada.json");
        let cause = error.cause().and_then(|cause| cause.downcast_ref::<io::Error>());
        assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::ReadOnlyFilesystem));
        assert_eq!(error.advice(), Advice::FixSetup);
        // And with what is said of it later.
        let error = error.clone().damaged_version(Version::from(1));
        assert!(error.cause().and_then(|cause| cause.downcast_ref::<io::Error>()).is_some());
        assert_eq!(error.get_damaged_version(), None, "it is not damaged");
        assert!(StoreError::new(StoreErrorKind::Other, "ada").cause().is_none());
    }
}
