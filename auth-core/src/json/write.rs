//! Writing secrets as JSON without leaving copies behind.

use std::io::{self, Write};

use serde::Serialize;
use zeroize::Zeroizing;

/// Writes `value` as JSON into a buffer that is wiped when it is dropped and that
/// does not grow, so that no copy is left behind. The buffer is empty if `value`
/// cannot be written as JSON (a map whose keys are not strings).
pub fn to_json(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    write_json(usize::MAX, |output| serde_json::to_writer(output, value)).unwrap_or_default()
}

/// As [`to_json`], for the output of `write`, and at most `limit` bytes of it.
///
/// `write` is called twice and must write the same both times: first to measure
/// the output, then to write it into a buffer of that size.
///
/// # Errors
///
/// Those of `write`; an I/O error of kind
/// [`FileTooLarge`](io::ErrorKind::FileTooLarge) if it writes more.
pub fn write_json(
    limit: usize,
    write: impl Fn(&mut dyn Write) -> serde_json::Result<()>,
) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut left = Left(limit);
    write(&mut left)?;
    let mut json = Zeroizing::new(Vec::with_capacity(limit - left.0));
    write(&mut *json)?;
    Ok(json)
}

/// Counts down.
struct Left(usize);

impl Write for Left {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_limit_is_exact_and_the_buffer_does_not_grow() {
        let write = |limit| write_json(limit, |output| serde_json::to_writer(output, "s3cret"));
        let json = write(8).unwrap();
        assert_eq!(&json[..], b"\"s3cret\"");
        assert_eq!(json.capacity(), 8);
        let error = write(7).unwrap_err();
        assert_eq!(error.io_error_kind(), Some(io::ErrorKind::FileTooLarge));
    }

    #[test]
    fn what_cannot_be_json_is_empty() {
        assert_eq!(&to_json(&"a")[..], b"\"a\"");
        assert!(to_json(&BTreeMap::from([(vec![1], 2)])).is_empty());
    }
}
