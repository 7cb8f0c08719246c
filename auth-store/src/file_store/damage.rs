//! Damaged records: they are moved aside for a login or a logout that has seen them,
//! and kept.

use auth_accounts::store::Version;

use super::{Found, form};
use crate::{
    content::MAX_SIZE,
    error::{FileError, Problem},
    events,
    json::is_blank,
    names::Names,
    sys::Dir,
};

/// What a save or a removal finds under the lock.
pub(super) enum Stored {
    Nothing,
    Record(Version),
    /// It is damaged as whoever asks has seen it.
    Damaged,
}

impl Stored {
    /// What was found, for whoever expects this version.
    pub(super) fn of(
        found: Result<Option<Found>, FileError>,
        expected: Option<&Version>,
    ) -> Result<Self, FileError> {
        match found {
            Ok(None) => Ok(Self::Nothing),
            Ok(Some(found)) => Ok(Self::Record(found.version)),
            Err(error) if error.damaged.is_some() && error.damaged.as_ref() == expected => {
                Ok(Self::Damaged)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether that is what whoever asks expects.
    pub(super) fn is(&self, expected: Option<&Version>) -> bool {
        match self {
            Self::Nothing => expected.is_none(),
            Self::Record(version) => expected == Some(version),
            Self::Damaged => true,
        }
    }
}

/// The same error, with the version of what is damaged, if `error` is about that.
pub(super) fn identified(
    dir: &Dir,
    name: &str,
    content: Option<&[u8]>,
    error: FileError,
) -> FileError {
    let state = match (&error.problem, content) {
        (Problem::Damaged { .. }, Some(content)) => Some(content.to_vec()),
        (Problem::TooLarge { .. }, None) => dir.state_of(name).ok(),
        _ => None,
    };
    FileError { damaged: state.as_deref().map(form::damaged_version), ..error }
}

/// Moves a damaged record aside, to a name that nothing has, if there is anything to keep.
/// The caller holds the lock of a save.
pub(super) fn move_aside(dir: &Dir, names: &Names) -> Result<(), FileError> {
    let path = dir.path_of(&names.record);
    // Each crash may leave another one that is empty, or padded with NUL.
    if dir.read(&names.record, MAX_SIZE).is_ok_and(|it| it.is_none_or(|it| is_blank(&it))) {
        return Ok(());
    }
    for aside in names.aside() {
        if dir.set_aside(&names.record, &aside)? {
            events::moved_aside(&path, &dir.path_of(aside));
            return Ok(());
        }
    }
    let first = names.aside().next().map(|first| dir.path_of(first)).unwrap_or_default();
    Err(FileError::new(path, Problem::TooManyAside { first, count: names.aside().count() }))
}

/// Removes what was moved aside. Returns whether there was any.
pub(super) fn remove_aside(dir: &Dir, names: &Names) -> Result<bool, FileError> {
    let mut any = false;
    for aside in names.aside() {
        any |= dir.remove(&aside)?;
    }
    Ok(any)
}
