//! The textual encoding of keys (RFC 7468), read leniently: a key that came through
//! an environment variable, a YAML file or a spreadsheet has lost its line breaks, or
//! has them as `\n`, and its meaning is not in doubt.
//!
//! Not by a library, since none wipes what it decodes, and none takes the above.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use crate::KeyError;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What stands between a `BEGIN` and an `END`, not yet decoded.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    label: &'a str,
    body: &'a str,
    /// Whether there is an `END`.
    ended: bool,
}

/// The blocks of a text. What is around them is skipped.
///
/// # Errors
///
/// [`KeyError::Empty`], [`KeyError::Malformed`] if it is no text,
/// [`KeyError::NoKey`] if there is no block.
pub(crate) fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, KeyError> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or(KeyError::Malformed("it is no text in UTF-8"))?;
    if text.trim().is_empty() {
        return Err(KeyError::Empty);
    }
    let mut blocks = Vec::new();
    for part in text.split("-----BEGIN ").skip(1) {
        let Some((label, rest)) = part.split_once("-----") else {
            blocks.push(Block { label: part, body: "", ended: false });
            continue;
        };
        let end = rest.find("-----END ");
        let ended = end.is_some_and(|end| rest[end + 9..].contains("-----"));
        blocks.push(Block { label, body: &rest[..end.unwrap_or(rest.len())], ended });
    }
    if blocks.is_empty() {
        // What is left of a first line is a key that is cut off, too.
        let cut = "-----BEGIN ".strip_prefix(text.trim()).is_some();
        return Err(if cut { KeyError::Truncated } else { KeyError::NoKey });
    }
    Ok(blocks)
}

impl Block<'_> {
    pub(crate) fn is_private(&self) -> bool {
        self.label.ends_with("PRIVATE KEY")
    }

    pub(crate) fn is_public(&self) -> bool {
        self.label.ends_with("PUBLIC KEY")
    }

    /// Whether it is a private key that a passphrase protects, in one of both forms.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.label == "ENCRYPTED PRIVATE KEY"
            || self.body.contains("Proc-Type") && self.body.contains("ENCRYPTED")
    }

    /// Whether nobody but OpenSSH reads it.
    pub(crate) fn is_openssh(&self) -> bool {
        self.label == "OPENSSH PRIVATE KEY"
    }

    /// Whether the text ends within its first line.
    pub(crate) fn is_cut(&self) -> bool {
        self.body.is_empty() && !self.ended
    }

    /// The bytes.
    pub(crate) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if !self.ended {
            return Err(KeyError::Truncated);
        }
        let mut clean = Zeroizing::new(Vec::with_capacity(self.body.len()));
        // A header, which only old programs write.
        for line in self.body.lines().filter(|line| !line.contains(':')) {
            let mut chars = line.bytes();
            while let Some(byte) = chars.next() {
                match byte {
                    // `\n` in two characters.
                    b'\\' => drop(chars.next()),
                    byte if byte.is_ascii_whitespace() => {}
                    byte => clean.push(byte),
                }
            }
        }
        let mut bytes = Zeroizing::new(vec![0; clean.len().div_ceil(4) * 3]);
        let length = BASE64
            .decode_slice(&*clean, &mut bytes)
            .map_err(|_| KeyError::Malformed("it is no base64"))?;
        bytes.truncate(length);
        if bytes.is_empty() {
            return Err(KeyError::Truncated);
        }
        Ok(bytes)
    }
}
