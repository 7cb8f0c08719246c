//! A secret that something else may replace.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
};

use auth_core::{Credential, CredentialError, CredentialSource};

use crate::{file, name};

/// For whoever has a text in the path's place.
const INSTEAD: &str = "a secret, or of something else; `ClientSecret` takes a secret as it is";

/// A file with a client secret. It is read anew for each attempt, so that a secret
/// that was replaced is used at once.
///
/// One line break at its end is no part of the secret; every other character is, and a
/// byte-order mark is not. The file has at most 64 KiB, is text in UTF-8 without NUL,
/// and a regular file, or a link to one.
///
/// Replace it by a rename. While it is written in place, it may be read half.
///
/// ```
/// use auth_core::{CredentialErrorKind, Source};
/// use auth_sign::SecretFile;
///
/// let source = Source::new(SecretFile::new("/run/secrets/no-such-file"));
/// assert_eq!(source.read_blocking().unwrap_err().kind(), CredentialErrorKind::Missing);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SecretFile {
    path: PathBuf,
}

impl SecretFile {
    /// The file at this path. Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file that an environment variable names, now.
    ///
    /// # Errors
    ///
    /// [`CredentialErrorKind::Missing`](auth_core::CredentialErrorKind::Missing) if the
    /// variable is not set or empty,
    /// [`Other`](auth_core::CredentialErrorKind::Other) if the path is not absolute.
    pub fn of_variable(name: impl AsRef<OsStr>) -> Result<Self, CredentialError> {
        file::of_variable(name.as_ref()).map(Self::new)
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What may be a secret instead of a path is not shown.
impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretFile").field("path", &name::debug(&self.path)).finish()
    }
}

impl CredentialSource for SecretFile {
    fn read(&self) -> Result<Credential, CredentialError> {
        let text = file::read_text(&self.path, INSTEAD)?;
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        let secret = secret.strip_suffix('\r').filter(|_| text.ends_with('\n')).unwrap_or(secret);
        Ok(Credential::new(secret))
    }
}
