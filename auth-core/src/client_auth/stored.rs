//! The part of a method that is stored with an endpoint.

use super::ClientAssertion;
use crate::credential::Credential;

/// A method as it is stored: its name, its secret, its settings.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) method: &'static str,
    pub(crate) secret: Option<Credential>,
    /// Of Basic: nothing is encoded.
    pub(crate) is_raw: bool,
    /// Of Basic: `client_id` is in the body, too.
    pub(crate) names_client: bool,
    /// All of it, with its key, of which only the thumbprint is stored.
    pub(crate) assertion: Option<ClientAssertion>,
}

impl Stored {
    pub(crate) const NONE: &'static str = "none";
    pub(crate) const BASIC: &'static str = "client_secret_basic";
    pub(crate) const POST: &'static str = "client_secret_post";
    /// Of both kinds of keys.
    pub(crate) const ASSERTION: &'static str = "signed_assertion";
    pub(crate) const MUTUAL_TLS: &'static str = "tls_client_auth";

    pub(super) fn plain(method: &'static str) -> Self {
        Self { method, secret: None, is_raw: false, names_client: false, assertion: None }
    }

    pub(super) fn secret(method: &'static str, secret: &Credential) -> Self {
        Self { secret: Some(secret.clone()), ..Self::plain(method) }
    }
}
