//! The JSON form of a setback.

use std::time::SystemTime;

use auth_core::{CredentialErrorKind, ErrorCode, FailureKind};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{seconds, status};
use crate::record::{Fingerprint, Setback};

#[derive(Serialize, Deserialize)]
pub(super) struct SetbackForm {
    refresh_token: Fingerprint,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, with = "status", skip_serializing_if = "Option::is_none")]
    status: Option<StatusCode>,
    #[serde(rename = "after_unknown", default)]
    possibly_spent: bool,
    #[serde(with = "seconds")]
    since: SystemTime,
    #[serde(with = "seconds")]
    failed_at: SystemTime,
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    retry_at: Option<SystemTime>,
    count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

impl SetbackForm {
    pub(super) fn new(setback: &Setback) -> Self {
        Self {
            refresh_token: setback.refresh_token,
            kind: setback.kind.as_str().to_owned(),
            code: setback.code.as_ref().map(|code| code.as_str().to_owned()),
            status: setback.status,
            possibly_spent: setback.possibly_spent,
            since: setback.since,
            failed_at: setback.failed_at,
            // Not before the server allows it.
            retry_at: setback.retry_at.map(seconds::rounded_up),
            count: setback.count,
            client: setback.client,
            credential: setback.credential.map(|kind| credential_name(kind).to_owned()),
        }
    }

    pub(super) fn read(self) -> Setback {
        Setback {
            refresh_token: self.refresh_token,
            kind: FailureKind::from_name(&self.kind).unwrap_or(FailureKind::Unavailable),
            code: self.code.as_deref().and_then(ErrorCode::new),
            status: self.status,
            possibly_spent: self.possibly_spent,
            since: self.since,
            failed_at: self.failed_at,
            retry_at: self.retry_at,
            count: self.count,
            client: self.client,
            credential: self.credential.as_deref().map(credential_named),
        }
    }
}

const CREDENTIALS: [(CredentialErrorKind, &str); 7] = [
    (CredentialErrorKind::Missing, "missing"),
    (CredentialErrorKind::Forbidden, "forbidden"),
    (CredentialErrorKind::Empty, "empty"),
    (CredentialErrorKind::Malformed, "malformed"),
    (CredentialErrorKind::WrongKey, "wrong_key"),
    (CredentialErrorKind::Unavailable, "unavailable"),
    (CredentialErrorKind::Asynchronous, "asynchronous"),
];

/// What it is called on record and in a status.
pub(crate) fn credential_name(kind: CredentialErrorKind) -> &'static str {
    CREDENTIALS.iter().find(|one| one.0 == kind).map_or("other", |one| one.1)
}

fn credential_named(name: &str) -> CredentialErrorKind {
    CREDENTIALS.iter().find(|one| one.1 == name).map_or(CredentialErrorKind::Other, |one| one.0)
}

#[cfg(test)]
mod tests {
    use auth_core::CredentialErrorKind as Kind;

    use super::{credential_name, credential_named};

    #[test]
    fn what_is_wrong_with_a_credential_has_a_name() {
        let kinds = [
            Kind::Missing,
            Kind::Forbidden,
            Kind::Empty,
            Kind::Malformed,
            Kind::WrongKey,
            Kind::Unavailable,
            Kind::Asynchronous,
            Kind::Other,
        ];
        for kind in kinds {
            assert_eq!(credential_named(credential_name(kind)), kind);
        }
        assert_eq!(credential_named("of a later version"), Kind::Other);
    }
}
