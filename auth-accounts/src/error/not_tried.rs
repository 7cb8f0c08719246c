//! Why nothing was sent after a refresh that failed before, in words.

use std::fmt;

use auth_core::{CredentialError, FailureKind};

use crate::{record::Setback, registration::Registration};

pub(super) struct NotTried<'a> {
    pub(super) setback: &'a Setback,
    /// Why the client's credential could not be read since. It says more than the
    /// setback of the client does.
    pub(super) unread: Option<&'a CredentialError>,
    pub(super) registration: Option<&'a Registration>,
}

impl fmt::Display for NotTried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setback, unread, registration } = self;
        match unread {
            Some(error) => write!(f, "not tried: {error}")?,
            None => write!(f, "not tried: {setback}")?,
        }
        let is_of_credential = unread.is_some() || setback.credential.is_some();
        match registration {
            Some(one) if is_of_credential => write!(f, " ({one}); "),
            Some(one) if setback.kind == FailureKind::Misconfigured => write!(f, ", by {one}; "),
            _ => f.write_str("; "),
        }
    }
}
