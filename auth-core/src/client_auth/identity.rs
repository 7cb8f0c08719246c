//! What tells one set-up of a client from another.

use std::fmt;

use zeroize::Zeroizing;

/// What tells one set-up of a client from another, with its secrets. It is hashed,
/// and wiped when it is dropped.
#[derive(Default)]
pub struct Identity(Zeroizing<Vec<u8>>);

impl Identity {
    /// Adds a text.
    pub fn add(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        let text = text.as_ref();
        // Growing would leave a copy behind.
        let mut grown = Zeroizing::new(Vec::with_capacity(self.0.len() + 8 + text.len()));
        grown.extend_from_slice(&self.0);
        grown.extend_from_slice(&(text.len() as u64).to_be_bytes());
        grown.extend_from_slice(text);
        self.0 = grown;
        self
    }

    pub(crate) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity([redacted])")
    }
}
