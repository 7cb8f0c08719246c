//! The key files of Google's service accounts.

use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

/// What such a file says of the key.
pub(crate) struct Account {
    /// PEM.
    pub(crate) private_key: Zeroizing<String>,
    pub(crate) private_key_id: Option<String>,
}

impl Account {
    /// `None` if the text is no JSON object with the member `private_key`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Members {
            private_key: Secret,
            private_key_id: Option<String>,
        }

        /// Wiped, too, where a member after it is wrong.
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Secret(String);

        impl Drop for Secret {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        if !text.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let mut members: Members = serde_json::from_slice(text).ok()?;
        let private_key = Zeroizing::new(std::mem::take(&mut members.private_key.0));
        Some(Self { private_key, private_key_id: members.private_key_id })
    }
}
