//! Token exchange (RFC 8693).

use http::Uri;

use crate::{
    Now,
    assertion::Assertion,
    client_auth::Identity,
    credential::{Credential, Source},
    signing::Demand,
    token_request::TokenRequest,
};

/// An exchange of one token for another (RFC 8693): the subject's token, and the
/// actor's where one acts for another.
///
/// ```
/// use auth_core::{Credential, Grant, Source, TokenExchange};
///
/// let federated = Source::callback(|| Ok(Credential::new("token of the platform")));
/// let exchange = TokenExchange::new(federated, TokenExchange::JWT)
///     .requested_token_type(TokenExchange::ACCESS_TOKEN)
///     .audience("//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p")
///     .scope("https://www.googleapis.com/auth/cloud-platform");
/// let grant = Grant::from(exchange);
/// assert_eq!(grant.grant_type(), "urn:ietf:params:oauth:grant-type:token-exchange");
/// ```
///
/// What was issued is in [`TokenSet::issued_token_type`](crate::TokenSet::issued_token_type).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenExchange {
    subject: Assertion,
    subject_type: String,
    actor: Option<(Assertion, String)>,
    requested_type: Option<String>,
    asked: TokenRequest,
}

impl TokenExchange {
    /// The type of an OAuth 2.0 access token.
    pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    /// The type of an OAuth 2.0 refresh token.
    pub const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
    /// The type of an ID token of OpenID Connect.
    pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
    /// The type of any JSON Web Token.
    pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
    /// The type of a SAML 2.0 assertion.
    pub const SAML2: &str = "urn:ietf:params:oauth:token-type:saml2";

    /// An exchange of `subject`, which is of this type (`subject_token_type`).
    pub fn new(subject: impl Into<Assertion>, subject_type: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            subject_type: subject_type.into(),
            actor: None,
            requested_type: None,
            asked: TokenRequest::new(),
        }
    }

    /// Sets the token of who acts for the subject, and its type.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<Assertion>, actor_type: impl Into<String>) -> Self {
        self.actor = Some((actor.into(), actor_type.into()));
        self
    }

    /// Sets the type of the token to be issued. The server chooses otherwise.
    #[must_use]
    pub fn requested_token_type(mut self, requested: impl Into<String>) -> Self {
        self.requested_type = Some(requested.into());
        self
    }

    /// Adds a resource. See [`TokenRequest::resource`].
    #[must_use]
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.asked = self.asked.resource(uri);
        self
    }

    /// Adds an audience. See [`TokenRequest::audience`].
    #[must_use]
    pub fn audience(mut self, name: impl Into<String>) -> Self {
        self.asked = self.asked.audience(name);
        self
    }

    /// Sets the scope. See [`TokenRequest::scope`].
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.asked = self.asked.scope(scope);
        self
    }

    pub(crate) fn asked(&self) -> &TokenRequest {
        &self.asked
    }

    /// What must be had, after as many as this.
    pub(crate) fn demand(&self, had: usize, token_endpoint: &Uri, now: Now) -> Option<Demand> {
        let token = match had {
            0 => &self.subject,
            1 => &self.actor.as_ref()?.0,
            _ => return None,
        };
        Some(token.demand(token_endpoint, now))
    }

    pub(crate) fn write<'a>(&'a self, had: &'a [Credential], fields: &mut Vec<(&'a str, &'a str)>) {
        let had = |index| had.get(index).map_or("", Credential::expose);
        fields.push(("subject_token", had(0)));
        fields.push(("subject_token_type", &self.subject_type));
        if let Some((_, actor_type)) = &self.actor {
            fields.push(("actor_token", had(1)));
            fields.push(("actor_token_type", actor_type));
        }
        if let Some(requested) = &self.requested_type {
            fields.push(("requested_token_type", requested));
        }
    }

    /// The source of the subject's token, if it is read.
    pub(crate) fn source(&self) -> Option<&Source> {
        self.subject.source()
    }

    pub(crate) fn identify(&self, read: Option<&Credential>, identity: &mut Identity) {
        self.subject.identify(read, identity);
        identity.add(&self.subject_type);
        identity.add(self.requested_type.as_deref().unwrap_or_default());
        if let Some((actor, actor_type)) = &self.actor {
            actor.identify(None, identity);
            identity.add(actor_type);
        }
        identity.add(format!("{:?}", self.asked));
    }
}
