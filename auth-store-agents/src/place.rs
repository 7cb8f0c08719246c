//! Where an agent's file is: at its path, or where a link there leads.

use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use auth_store::internal::{Dir, FileError, Modes, Privacy, Problem};

/// As many as Linux follows (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// A directory, and the name of a file in it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) name: String,
    /// How far modes count there.
    pub(crate) modes: Modes,
}

impl Place {
    /// The place of `file`, which is absolute, or of what it leads to, if links are
    /// followed: those of this user and of root. What is above is looked at each time,
    /// since somebody else may have made what was missing before.
    pub(crate) fn of(file: &Path, follows_links: bool, modes: Modes) -> Result<Self, FileError> {
        let mut path = file.to_owned();
        for links in 0..=MOST_LINKS {
            check_above(&path, modes)?;
            let metadata = path.symlink_metadata();
            match &metadata {
                Ok(metadata) if follows_links && metadata.is_symlink() => {
                    check_owner(&path, metadata)?;
                }
                // A file that is not there yet is no link that leads nowhere.
                Err(error) if error.kind() == ErrorKind::NotFound && links > 0 => {
                    return Err(FileError::new(file, Problem::DanglingLink { target: path }));
                }
                _ => return Self::at(&path, modes),
            }
            let target = fs::read_link(&path)
                .map_err(|error| FileError::io("read the link", &*path, error))?;
            path = path.parent().map_or(target.clone(), |directory| directory.join(target));
        }
        Err(FileError::new(file, Problem::TooManyLinks { limit: MOST_LINKS }))
    }

    fn at(path: &Path, modes: Modes) -> Result<Self, FileError> {
        match (path.parent(), path.file_name().and_then(OsStr::to_str)) {
            (Some(dir), Some(name)) => Ok(Self { dir: dir.into(), name: name.into(), modes }),
            _ => Err(FileError::new(path, Problem::WrongType { expected: "file name" })),
        }
    }

    /// The file's path.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }

    /// Opens the directory; `None` if there is none, since the agent was never used.
    pub(crate) fn open(&self) -> Result<Option<Dir>, FileError> {
        match Dir::open_with(&self.dir, Privacy::Unwritable, self.modes) {
            Err(FileError { problem: Problem::Io { error, .. }, .. })
                // A dangling link is not a missing directory.
                if error.kind() == ErrorKind::NotFound && self.dir.symlink_metadata().is_err() =>
            {
                Ok(None)
            }
            opened => opened.map(Some),
        }
    }
}

/// What is wrong with the directory of the file itself is said as that.
fn check_above(path: &Path, modes: Modes) -> Result<(), FileError> {
    Dir::check_above_with(path, modes).or_else(|error| match path.parent() {
        Some(dir) if dir == error.path => {
            Dir::open_with(dir, Privacy::Unwritable, modes).and(Err(error))
        }
        _ => Err(error),
    })
}

/// Whoever owns the link decides where it leads.
#[cfg(unix)]
fn check_owner(link: &Path, metadata: &fs::Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt;

    use auth_store::internal::this_user;

    let (owner, user) = (metadata.uid(), this_user());
    match owner == 0 || owner == user {
        true => Ok(()),
        false => Err(FileError::new(link, Problem::LinkOfStranger { owner, user })),
    }
}

/// Without owners none is to be trusted.
#[cfg(not(unix))]
fn check_owner(link: &Path, _metadata: &fs::Metadata) -> Result<(), FileError> {
    Err(FileError::new(link, Problem::Symlink))
}
