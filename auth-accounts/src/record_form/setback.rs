//! The JSON form of a setback.

use std::time::SystemTime;

use auth_core::{ErrorCode, FailureKind};
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
        }
    }
}
