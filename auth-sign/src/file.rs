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

use crate::{KeyError, name};

/// No credential is larger, and a file that is was not meant.
const LIMIT: u64 = 64 * 1024;

/// What is wrong with a file. Nothing of its content.
#[derive(Debug)]
struct Trouble {
    line: String,
    /// What the line does not say.
    cause: Option<io::Error>,
    /// What the line says of the key.
    key: Option<KeyError>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl Error for Trouble {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// An error about this file. `what` goes on where its name ends.
pub(crate) fn trouble(
    path: &Path,
    kind: CredentialErrorKind,
    what: &'static str,
) -> CredentialError {
    let line = format!("the file {} {what}", name::of(path, true));
    CredentialError::transparent(kind, Trouble { line, cause: None, key: None })
}

/// An error about the key in this file.
pub(crate) fn key_trouble(path: &Path, error: KeyError) -> CredentialError {
    let kind = CredentialError::from(error.clone()).kind();
    let line = format!("the file {} holds no key that can be used: {error}", name::of(path, true));
    CredentialError::transparent(kind, Trouble { line, cause: None, key: Some(error) })
}

/// The file cannot be opened or read. `instead` is what somebody wants who has a text in
/// the path's place.
fn io_trouble(path: &Path, instead: &str, cause: io::Error, exists: bool) -> CredentialError {
    let (kind, what) = match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            (CredentialErrorKind::Missing, "is not there".to_owned())
        }
        io::ErrorKind::PermissionDenied => {
            (CredentialErrorKind::Forbidden, "may not be read".to_owned())
        }
        _ => (CredentialErrorKind::Other, format!("cannot be read: {cause}")),
    };
    let line = match name::is_text(path) && !exists {
        true => format!("what was given is no path, but the text of {instead}"),
        false => format!("the file {} {what}", name::of(path, exists)),
    };
    let cause = (kind != CredentialErrorKind::Other).then_some(cause);
    CredentialError::transparent(kind, Trouble { line, cause, key: None })
}

impl KeyError {
    /// What is wrong with the key, if that is what the error is about.
    pub fn of(error: &CredentialError) -> Option<&Self> {
        let cause = error.get_ref()?;
        match cause.downcast_ref::<Trouble>() {
            Some(trouble) => trouble.key.as_ref(),
            None => cause.downcast_ref(),
        }
    }
}

/// The text of a file, without a byte-order mark. Links are followed.
pub(crate) fn read_text(path: &Path, instead: &str) -> Result<Zeroizing<String>, CredentialError> {
    let malformed = |what| trouble(path, CredentialErrorKind::Malformed, what);
    let bytes = read(path, instead)?;
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
pub(crate) fn read(path: &Path, instead: &str) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let failed = |cause| io_trouble(path, instead, cause, true);
    let regular = |metadata: &fs::Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(trouble(path, CredentialErrorKind::Other, "is no regular file")),
    };
    // Before it is opened, since to open a device may do something; and once more of
    // what was opened, which may be another file by then.
    regular(&fs::metadata(path).map_err(|cause| io_trouble(path, instead, cause, false))?)?;
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
        // A secret is not named so, if somebody has it in the name's place.
        let is_name = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_');
        let line = match variable.to_str().filter(|name| name.as_bytes().iter().all(is_name)) {
            Some(name) => format!("the environment variable {name} {what}"),
            None => format!("the environment variable that was named {what}"),
        };
        CredentialError::transparent(kind, line)
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
