//! How a store is opened.

use std::path::PathBuf;

use auth_accounts::{StoreError, internal::OffThread};
use etcetera::BaseStrategy;

use super::{FileStore, leases::Leases, tidying};
use crate::{
    environment::{absolute, below_home},
    error::{FileError, Problem},
    sys::{Dir, Modes},
};

impl FileStore {
    /// Opens the store as [`open`](Self::open) does, where modes do not keep others away:
    ///
    /// - below a directory that everybody may write to and that has no sticky bit, such as
    ///   the root of a volume `emptyDir` in Kubernetes;
    /// - on a file system that does not keep modes, where chmod changes nothing: Windows'
    ///   disks in WSL, unless they are mounted with `metadata`, and CIFS, exFAT and some
    ///   others, unless their options say who has access (`uid=`, `umask=`, `dir_mode=`,
    ///   `file_mode=`).
    ///
    /// Then everybody who can reach the directory, from this machine or another that has
    /// it, can read the tokens in it, log their owners out, and plant a login of their own,
    /// which the program takes for its user's. So this is for where nobody else is: a
    /// container, a machine with one user.
    ///
    /// Nothing else is given up. The directory and its files still have to belong to this
    /// user, links are not followed, and where the file system does keep modes, those of the
    /// directory and of its files count as ever. It is tried out with an empty file.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), but for what is said here.
    pub fn insecure_modes(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Ok(Self::open_with(directory.into(), Modes::Ignored)?)
    }

    /// The directory that [`for_application`](Self::for_application) opens. It need not
    /// exist.
    ///
    /// # Errors
    ///
    /// If `application` is not the plain name of one directory, or if this user has no
    /// home directory, or a relative one.
    pub fn application_directory(application: &str) -> Result<PathBuf, StoreError> {
        let plain = !application.is_empty()
            && application != "."
            && application != ".."
            && !application.contains(['/', '\\', ':', '\0']);
        if !plain {
            return Err(FileError::new(application, Problem::InvalidName).into());
        }
        let platform = etcetera::base_strategy::choose_native_strategy()
            .map_err(|_| FileError::new(application, Problem::NoStateDirectory))?;
        let state = if cfg!(windows) {
            // Not the roaming directory: tokens stay on this machine.
            platform.cache_dir()
        } else {
            platform.state_dir().unwrap_or_else(|| platform.data_dir())
        };
        Ok(below_home(state)?.join(application))
    }

    pub(super) fn open_with(directory: PathBuf, modes: Modes) -> Result<Self, FileError> {
        let directory = absolute(&directory)?;
        // `link/` and `link/.` are what the link points to.
        let directory: PathBuf = directory.components().collect();
        Dir::check_above_with(&directory, modes)?;
        if directory.symlink_metadata().is_err() {
            Dir::create(&directory)?;
            // Somebody else may have been first, with what was missing above it.
            Dir::check_above_with(&directory, modes)?;
        }
        let modes = match modes {
            // What is above is all that has to be accepted.
            Modes::Ignored if Dir::keeps_modes(&directory) == Some(true) => Modes::Enforced,
            modes => modes,
        };
        let (calls, leases) = (OffThread::default(), Leases::default());
        let store = Self { directory: directory.into(), modes, calls, leases };
        let busy = tidying::sweep(&store.dir()?);
        if store.leases.put_off(busy) {
            store.start_tidying();
        }
        Ok(store)
    }
}
