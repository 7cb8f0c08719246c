//! What the model depends on.

use std::time::Duration;

use auth_core::BodyFormat;

use super::{
    fault::Fault,
    proofs::{AssertionRule, FakeDpop},
    wording::Wording,
};
use crate::RecordedRequest;

/// What happens to a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// It stays valid. The response contains no refresh token.
    Off,
    /// It is spent, and the response contains its successor.
    EachUse,
    /// As `EachUse`, but the spent token returns the same new tokens again for this
    /// long, until the successor is used. Servers grant 5 to 60 seconds, so that a
    /// lost response does not end a session.
    WithGrace(Duration),
}

/// What the revocation endpoint does (RFC 7009).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revokes {
    /// It ends the session of a refresh token: its whole family, and the access
    /// tokens.
    Family,
    /// It ends the refresh token alone. Access tokens live on.
    Token,
    /// It revokes no refresh tokens: `unsupported_token_type`.
    Nothing,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) seed: u64,
    pub(super) client: Client,
    pub(super) format: BodyFormat,
    pub(super) scope: Option<String>,
    pub(super) access_lifetime: Duration,
    pub(super) rotation: Rotation,
    pub(super) reuse_detection: bool,
    pub(super) revoke_old_access: bool,
    pub(super) idle_limit: Option<Duration>,
    pub(super) absolute_limit: Option<Duration>,
    pub(super) rate_limit: Option<(u32, Duration)>,
    pub(super) at_random: Vec<(Fault, u8)>,
    pub(super) wording: Wording,
    pub(super) revokes: Option<Revokes>,
    pub(super) dpop: Option<FakeDpop>,
    pub(super) authorizes: Option<Authorizes>,
}

/// What the authorization endpoint does.
#[derive(Debug, Clone)]
pub(super) struct Authorizes {
    pub(super) subject: String,
    /// None: any.
    pub(super) redirect_uris: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) basic_secret: Option<String>,
    pub(super) post_secret: Option<String>,
    /// Of Basic: the server decodes nothing.
    pub(super) is_raw: bool,
    pub(super) client_id_beside_basic: ClientIdRule,
    /// Instead of a secret.
    pub(super) assertion: Option<AssertionRule>,
}

/// Whether `client_id` is in the body beside an `Authorization: Basic` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClientIdRule {
    /// As the client likes.
    #[default]
    Allowed,
    /// It must be, as at the Model Context Protocol's Python SDK.
    Demanded,
    /// It must not be, as at `workers-oauth-provider`.
    Refused,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Time {
    Virtual,
    Real,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            client: Client {
                id: "my-client".to_owned(),
                basic_secret: None,
                post_secret: None,
                is_raw: false,
                client_id_beside_basic: ClientIdRule::Allowed,
                assertion: None,
            },
            format: BodyFormat::Form,
            scope: None,
            access_lifetime: Duration::from_secs(3600),
            rotation: Rotation::EachUse,
            reuse_detection: true,
            revoke_old_access: false,
            idle_limit: None,
            absolute_limit: None,
            rate_limit: None,
            at_random: Vec::new(),
            wording: Wording::Rfc,
            revokes: None,
            dpop: None,
            authorizes: None,
        }
    }
}

impl Client {
    /// Whether it is a confidential client (RFC 6749 section 2.1).
    pub(super) fn authenticates(&self) -> bool {
        self.basic_secret.is_some() || self.post_secret.is_some() || self.assertion.is_some()
    }

    /// Whether the request shows the identifier and the secret of the client.
    pub(super) fn is_authenticated_by(&self, request: &RecordedRequest) -> bool {
        let basic = if self.is_raw { request.raw_basic_auth() } else { request.basic_auth() };
        let by_basic = self.basic_secret.as_ref().is_some_and(|secret| {
            basic.as_ref().is_some_and(|(id, given)| *id == self.id && given == secret)
        });
        let named = request.param("client_id") == Some(&self.id);
        let by_basic = by_basic
            && match self.client_id_beside_basic {
                ClientIdRule::Allowed => true,
                ClientIdRule::Demanded => named,
                ClientIdRule::Refused => request.param("client_id").is_none(),
            };
        let by_post = self
            .post_secret
            .as_deref()
            .is_some_and(|secret| named && request.param("client_secret") == Some(secret));
        let public = self.basic_secret.is_none() && self.post_secret.is_none() && named;
        by_basic || by_post || public
    }
}

/// Without the secrets.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}
