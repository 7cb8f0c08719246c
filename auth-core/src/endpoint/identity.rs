//! What tells one set-up from another.

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::TokenEndpoint;
use crate::{
    client_auth::{Identity, Stored},
    credential::{Credential, Source},
};

impl TokenEndpoint {
    /// Where the client's credential is read, if it is read anew for each attempt.
    #[doc(hidden)]
    pub fn credential_source(&self) -> Option<&Source> {
        self.auth.method().source()
    }

    /// Whether the client shows nothing that only it knows. The refresh tokens of such a
    /// client are bound to its DPoP key, if it has one, and those of others are not (RFC
    /// 9449 section 5).
    #[doc(hidden)]
    pub fn is_of_public_client(&self) -> bool {
        self.auth.stored().is_some_and(|stored| stored.method == Stored::NONE)
    }

    /// All that a failure of the set-up may be due to, with its secrets: URL, format,
    /// scope, parameters, headers, and the client's credential, which was `read` where
    /// there is a [source](Self::credential_source).
    #[doc(hidden)]
    pub fn identity(&self, read: Option<&Credential>) -> Zeroizing<Vec<u8>> {
        let mut identity = Identity::default();
        identity.add(self.uri.to_string()).add(&self.client_id).add(self.format.content_type());
        identity.add(self.scope.as_deref().unwrap_or_default());
        for (name, value) in &self.parameters {
            identity.add(name).add(value.expose_secret());
        }
        for (name, value) in &self.headers {
            identity.add(name).add(value);
        }
        self.auth.method().identify(read, &mut identity);
        identity.add(self.dpop.as_ref().map_or("", |dpop| dpop.thumbprint()));
        identity.into_bytes()
    }
}
