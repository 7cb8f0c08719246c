//! Small files that somebody else writes.

use std::{
    error::Error,
    ffi::OsStr,
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use auth_core::{CredentialError, CredentialErrorKind};
use zeroize::Zeroizing;

use crate::KeyError;

/// No credential is larger, and a file that is was not meant.
const LIMIT: u64 = 64 * 1024;

/// What is wrong with a file. Nothing of its content.
#[derive(Debug)]
struct Trouble {
    path: PathBuf,
    what: &'static str,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file {} {}", self.path.display(), self.what)
    }
}

impl Error for Trouble {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// An error about this file. `what` goes on where its name ends.
pub(crate) fn trouble(
    path: &Path,
    kind: CredentialErrorKind,
    what: &'static str,
) -> CredentialError {
    CredentialError::new(kind).with_source(Trouble { path: path.into(), what, cause: None })
}

/// An error about the key in this file.
pub(crate) fn key_trouble(path: &Path, error: KeyError) -> CredentialError {
    let kind = CredentialError::from(error.clone()).kind();
    let (what, cause) = ("holds no key that can be used", Some(error.into()));
    CredentialError::new(kind).with_source(Trouble { path: path.into(), what, cause })
}

/// The text of a file, without a byte-order mark. Links are followed.
pub(crate) fn read_text(path: &Path) -> Result<Zeroizing<String>, CredentialError> {
    let malformed = |what| trouble(path, CredentialErrorKind::Malformed, what);
    let bytes = read(path)?;
    // UTF-16 has them, too, which some shells write.
    if bytes.contains(&0) {
        return Err(malformed("has a NUL in it: it is no text, or not in UTF-8"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed("is not in UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(trouble(path, CredentialErrorKind::Empty, "is empty"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// All that is in a file. Links are followed.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let failed = |cause: io::Error| {
        let (kind, what) = match cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                (CredentialErrorKind::Missing, "is not there")
            }
            io::ErrorKind::PermissionDenied => (CredentialErrorKind::Forbidden, "may not be read"),
            _ => (CredentialErrorKind::Other, "cannot be read"),
        };
        CredentialError::new(kind).with_source(Trouble {
            path: path.into(),
            what,
            cause: Some(cause.into()),
        })
    };
    let regular = |metadata: &fs::Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(trouble(path, CredentialErrorKind::Other, "is no regular file")),
    };
    // Before it is opened, since to open a device may do something; and once more of
    // what was opened, which may be another file by then.
    regular(&fs::metadata(path).map_err(failed)?)?;
    let file = open(path).map_err(failed)?;
    regular(&file.metadata().map_err(failed)?)?;
    // Of full size from the start, so that no copy is left where it has grown.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(trouble(path, CredentialErrorKind::Other, "has more than 64 KiB"));
    }
    Ok(bytes)
}

/// A FIFO that took the file's place is opened at once, and refused then.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<fs::File> {
    use rustix::fs::{Mode, OFlags};

    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<fs::File> {
    fs::File::open(path)
}

/// The path that an environment variable holds.
pub(crate) fn of_variable(variable: &OsStr) -> Result<PathBuf, CredentialError> {
    let error = |kind, what| {
        CredentialError::new(kind).with_detail(format_args!("{} {what}", variable.display()))
    };
    let path = std::env::var_os(variable)
        .ok_or_else(|| error(CredentialErrorKind::Missing, "is not set"))?;
    if path.is_empty() {
        return Err(error(CredentialErrorKind::Missing, "is empty"));
    }
    let path = PathBuf::from(path);
    // Else it would depend on where the program was started.
    if !path.is_absolute() {
        return Err(error(CredentialErrorKind::Other, "holds no absolute path"));
    }
    Ok(path)
}
