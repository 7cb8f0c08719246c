//! What tells one set-up from another.

use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::TokenEndpoint;
use crate::{
    Grant,
    client_auth::{Identity, Stored},
    credential::{Credential, Source},
};

impl TokenEndpoint {
    /// Has the [identity](Self::identity) tell apart what is done by this grant, too.
    #[doc(hidden)]
    #[must_use]
    pub fn told_apart_by(mut self, grant: Grant) -> Self {
        self.told_apart_by = Some(grant);
        self
    }

    /// Where the client's credential is read, or else that of the grant, if one is read
    /// anew for each attempt.
    #[doc(hidden)]
    pub fn credential_source(&self) -> Option<&Source> {
        let of_grant = || self.told_apart_by.as_ref().and_then(Grant::credential_source);
        self.auth.method().source().or_else(of_grant)
    }

    /// Whether the client shows nothing that only it knows. The refresh tokens of such a
    /// client are bound to its DPoP key, if it has one; those of others need not be (RFC
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
        let (of_client, of_grant) = match self.auth.method().source() {
            Some(_) => (read, None),
            None => (None, read),
        };
        self.auth.method().identify(of_client, &mut identity);
        if let Some(grant) = &self.told_apart_by {
            identity.add(grant.identity(of_grant));
        }
        identity.add(self.dpop.as_ref().map_or("", |dpop| dpop.thumbprint()));
        identity.into_bytes()
    }
}
