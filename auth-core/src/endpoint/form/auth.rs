//! The form of a method of client authentication. Keys are named by their thumbprints,
//! and never written.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Secret, is_false};
use crate::{
    client_auth::{Audience, BasicAuth, ClientAssertion, ClientAuth, Stored},
    credential::Credential,
    json::NEWER,
    signing::SigningKey,
};

#[derive(Serialize)]
pub(super) struct AuthForm<'a> {
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "is_false")]
    raw: bool,
    #[serde(skip_serializing_if = "is_false")]
    client_id_in_body: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    assertion: Option<AssertionForm>,
}

/// A [`ClientAssertion`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssertionForm {
    key: String,
    audience: AudienceForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    in_client_secret: bool,
    lifetime: u64,
    backdated: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AudienceForm {
    Issuer(String),
    TokenEndpoint,
    Other(String),
}

impl<'a> AuthForm<'a> {
    pub(super) fn of(auth: &'a ClientAuth) -> Self {
        let none = Self {
            // That is shown, and never stored.
            method: "not_stored",
            client_secret: None,
            raw: false,
            client_id_in_body: false,
            assertion: None,
        };
        let Some(stored) = auth.stored() else { return none };
        Self {
            method: stored.method,
            client_secret: stored.secret.as_ref().map(Credential::expose),
            raw: stored.is_raw,
            client_id_in_body: stored.names_client,
            assertion: stored.assertion.as_ref().map(AssertionForm::of),
        }
    }
}

impl AssertionForm {
    fn of(assertion: &ClientAssertion) -> Self {
        // By name, so that whoever adds a field decides here what becomes of it.
        let ClientAssertion {
            key,
            audience,
            issuer,
            in_client_secret,
            lifetime,
            backdated,
            headers,
        } = assertion;
        Self {
            key: key.info().thumbprint().to_owned(),
            audience: match audience.clone() {
                Audience::Issuer(issuer) => AudienceForm::Issuer(issuer),
                Audience::TokenEndpoint => AudienceForm::TokenEndpoint,
                Audience::Other(other) => AudienceForm::Other(other),
            },
            issuer: issuer.clone(),
            in_client_secret: *in_client_secret,
            lifetime: lifetime.as_secs(),
            backdated: backdated.as_secs(),
            headers: headers.clone(),
        }
    }

    fn read(self) -> ClientAssertion {
        ClientAssertion {
            key: SigningKey::named(self.key),
            audience: match self.audience {
                AudienceForm::Issuer(issuer) => Audience::Issuer(issuer),
                AudienceForm::TokenEndpoint => Audience::TokenEndpoint,
                AudienceForm::Other(other) => Audience::Other(other),
            },
            issuer: self.issuer,
            in_client_secret: self.in_client_secret,
            lifetime: Duration::from_secs(self.lifetime),
            backdated: Duration::from_secs(self.backdated),
            headers: self.headers,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnedAuth {
    method: String,
    client_secret: Option<Secret>,
    #[serde(default)]
    raw: bool,
    #[serde(default)]
    client_id_in_body: bool,
    assertion: Option<AssertionForm>,
}

impl OwnedAuth {
    pub(super) fn read<E: serde::de::Error>(self) -> Result<ClientAuth, E> {
        let secret = self.client_secret.map(|secret| Credential::new(secret.take()));
        let is_of_basic = self.raw || self.client_id_in_body;
        let is_of_assertion = self.assertion.is_some();
        let is_assertion = self.method == Stored::ASSERTION;
        if is_of_basic && self.method != Stored::BASIC || is_of_assertion && !is_assertion {
            return Err(E::custom(NEWER));
        }
        match (self.method.as_str(), secret, self.assertion) {
            (Stored::NONE, None, None) => Ok(ClientAuth::none()),
            (Stored::MUTUAL_TLS, None, None) => Ok(ClientAuth::mutual_tls()),
            (Stored::BASIC, Some(secret), None) => {
                let mut basic = BasicAuth::new(secret);
                if self.raw {
                    basic = basic.raw();
                }
                if self.client_id_in_body {
                    basic = basic.client_id_in_body();
                }
                Ok(basic.into())
            }
            (Stored::POST, Some(secret), None) => Ok(ClientAuth::post(secret)),
            (Stored::ASSERTION, None, Some(assertion)) => Ok(assertion.read().into()),
            (
                Stored::NONE
                | Stored::MUTUAL_TLS
                | Stored::BASIC
                | Stored::POST
                | Stored::ASSERTION,
                ..,
            ) => Err(E::custom("a secret or an assertion that is missing, or one too many")),
            _ => Err(E::custom(NEWER)),
        }
    }
}
