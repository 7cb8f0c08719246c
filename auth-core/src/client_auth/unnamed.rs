//! A client that does not say which it is.

use super::{About, ClientAuthentication, Credentials};
use crate::credential::Credential;

/// Neither credential nor identifier.
#[derive(Debug)]
pub(super) struct Unnamed;

impl ClientAuthentication for Unnamed {
    fn is_made_anew(&self) -> bool {
        false
    }

    fn write(&self, _: &About<'_>, _: Option<&Credential>, _: &mut Credentials) {}
}
