//! Error codes, an open set.

use std::{borrow::Cow, fmt};

/// An error code of a token endpoint.
///
/// The set is open. The constants are the codes of the standards.
///
/// ```
/// use auth_core::ErrorCode;
///
/// assert_eq!(ErrorCode::INVALID_GRANT, "invalid_grant");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorCode(Cow<'static, str>);

impl ErrorCode {
    /// RFC 6749 section 5.2.
    pub const INVALID_REQUEST: Self = Self::known("invalid_request");
    /// RFC 6749 section 5.2.
    pub const INVALID_CLIENT: Self = Self::known("invalid_client");
    /// RFC 6749 section 5.2.
    pub const INVALID_GRANT: Self = Self::known("invalid_grant");
    /// RFC 6749 section 5.2.
    pub const UNAUTHORIZED_CLIENT: Self = Self::known("unauthorized_client");
    /// RFC 6749 section 5.2.
    pub const UNSUPPORTED_GRANT_TYPE: Self = Self::known("unsupported_grant_type");
    /// RFC 6749 section 5.2.
    pub const INVALID_SCOPE: Self = Self::known("invalid_scope");
    /// RFC 6749 section 4.1.2.1, sent by token endpoints too.
    pub const SERVER_ERROR: Self = Self::known("server_error");
    /// RFC 6749 section 4.1.2.1, sent by token endpoints too.
    pub const TEMPORARILY_UNAVAILABLE: Self = Self::known("temporarily_unavailable");
    /// RFC 8628 section 3.5.
    pub const SLOW_DOWN: Self = Self::known("slow_down");
    /// RFC 9449 section 8: the server wants a proof with the nonce that it sent.
    pub const USE_DPOP_NONCE: Self = Self::known("use_dpop_nonce");
    /// RFC 9449 section 5: the proof is invalid, or its time is.
    pub const INVALID_DPOP_PROOF: Self = Self::known("invalid_dpop_proof");
    /// RFC 8707 section 2.
    pub(super) const INVALID_TARGET: Self = Self::known("invalid_target");
    /// Of several providers.
    pub(super) const INVALID_REQUEST_ERROR: Self = Self::known("invalid_request_error");

    const MAX_LEN: usize = 64;

    const fn known(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// Takes a code as the server sent it. `None` unless it has 1 to 64
    /// characters, all of which RFC 6749 section 5.2 allows: anything else is
    /// not a code, and may be an attempt to forge a line of a log.
    pub fn new(code: &str) -> Option<Self> {
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        ((1..=Self::MAX_LEN).contains(&code.len()) && code.bytes().all(allowed))
            .then(|| Self(Cow::Owned(code.to_owned())))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for ErrorCode {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_compares_with_text() {
        let code = ErrorCode::new("slow_down").unwrap();
        assert_eq!(code, ErrorCode::SLOW_DOWN);
        assert_eq!(AsRef::<str>::as_ref(&code), "slow_down");
        assert!(code == *"slow_down" && code != *"slow_up");
        assert!(code == "slow_down" && code != "slow_up");
    }
}
