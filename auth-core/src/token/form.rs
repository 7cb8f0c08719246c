//! The JSON form of the tokens, as it is written and read. The module
//! `serde_exposed` describes it.

mod refused;

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

pub use self::refused::looks_like_a_response;
use self::refused::{IS_RESPONSE, Nothing};
use super::{AccessToken, Extra, RefreshToken, TokenSet};
use crate::{
    json::{object, problem, to_json},
    redact::{REDACTED, Shown},
};

/// A stored token set that cannot be read. The message contains no part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the JSON form of a token set ({reason}, line {line}, column {column})")]
#[non_exhaustive]
pub struct TokenFormError {
    reason: &'static str,
    line: usize,
    column: usize,
    is_response: bool,
}

impl TokenFormError {
    /// Whether it looks like the response of a token endpoint. Those are read by
    /// [`read_response`](crate::read_response).
    pub fn is_response(&self) -> bool {
        self.is_response
    }
}

impl TokenSet {
    /// The [JSON form](crate::serde_exposed) with its secrets. The buffer is
    /// wiped when it is dropped.
    pub fn to_json_exposed(&self) -> Zeroizing<Vec<u8>> {
        to_json(&Form::exposed(self))
    }

    /// Reads the output of [`to_json_exposed`](Self::to_json_exposed).
    ///
    /// # Errors
    ///
    /// [`TokenFormError`] if it is anything else, or if it is redacted. Also if it
    /// looks like the response of a token endpoint, whose `expires_in` has no meaning
    /// without the time of its request: [`read_response`](crate::read_response) reads
    /// those.
    pub fn from_json(json: &[u8]) -> Result<Self, TokenFormError> {
        serde_json::from_slice(json).map_err(|error| {
            let is_response = looks_like_a_response(json);
            let reason = match error.classify() {
                serde_json::error::Category::Data if is_response => IS_RESPONSE,
                _ => problem(&error),
            };
            TokenFormError { reason, line: error.line(), column: error.column(), is_response }
        })
    }
}

/// The JSON form, as it is written.
#[derive(Serialize)]
pub(crate) struct Form<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<ExtraForm<'a>>,
}

enum ExtraForm<'a> {
    Exposed(&'a Map<String, Value>),
    /// The names that may be shown.
    Redacted(Vec<&'a str>),
}

impl Serialize for ExtraForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exposed(members) => members.serialize(serializer),
            Self::Redacted(names) => {
                serializer.collect_map(names.iter().map(|name| (name, REDACTED)))
            }
        }
    }
}

impl<'a> Form<'a> {
    /// With the tokens themselves.
    pub(crate) fn exposed(tokens: &'a TokenSet) -> Self {
        Self {
            access_token: tokens.access_token.expose(),
            token_type: tokens.token_type.as_deref(),
            refresh_token: tokens.refresh_token.as_ref().map(RefreshToken::expose),
            expires_at: tokens.expires_at.map(unix_seconds),
            refresh_expires_at: tokens.refresh_expires_at.map(unix_seconds),
            scope: tokens.scope.as_deref().map(Cow::Borrowed),
            extra: (!tokens.extra.is_empty()).then_some(ExtraForm::Exposed(&tokens.extra.0)),
        }
    }

    fn redacted(tokens: &'a TokenSet) -> Self {
        let Shown { token_type, scope, mut extra } = tokens.shown();
        // No name stands twice in an object.
        extra.sort_unstable();
        extra.dedup();
        Self {
            access_token: REDACTED,
            token_type,
            refresh_token: tokens.refresh_token.as_ref().map(|_| REDACTED),
            scope: scope.map(|words| Cow::Owned(words.join(" "))),
            extra: (!extra.is_empty()).then_some(ExtraForm::Redacted(extra)),
            ..Self::exposed(tokens)
        }
    }
}

/// The JSON form, as it is read.
#[derive(Deserialize)]
struct OwnedForm {
    access_token: AccessToken,
    token_type: Option<String>,
    refresh_token: Option<RefreshToken>,
    expires_at: Option<u64>,
    refresh_expires_at: Option<u64>,
    scope: Option<String>,
    #[serde(default, deserialize_with = "extra")]
    extra: Extra,
    /// What only a response has: to leave it out would lose it.
    #[serde(
        default,
        rename = "expires_in",
        alias = "expires_in_sec",
        alias = "expires_on",
        alias = "expires",
        alias = "expiry",
        alias = "expiresAt",
        alias = "accessTokenExpiresAt",
        alias = "expire_in",
        alias = "expiresIn",
        alias = "expireIn",
        alias = "accessTokenExpiresIn",
        alias = "accessTokenExpireIn",
        alias = "access_token_expire_in",
        alias = "refresh_token_expires_in",
        alias = "refresh_expires_in",
        alias = "refreshTokenExpiresIn",
        alias = "refreshExpiresIn",
        alias = "refreshTokenExpireIn",
        alias = "x_refresh_token_expires_in",
        alias = "refresh_token_expire_in",
        alias = "refresh_token_expires_at",
        alias = "refreshTokenExpiresAt",
        alias = "refreshExpiresAt",
        alias = "id_token"
    )]
    _of_a_response: Nothing,
}

impl<'de> Deserialize<'de> for TokenSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = OwnedForm::deserialize(deserializer)?;
        Ok(Self {
            access_token: form.access_token,
            token_type: form.token_type,
            refresh_token: form.refresh_token,
            expires_at: form.expires_at.map(time::<D::Error>).transpose()?,
            refresh_expires_at: form.refresh_expires_at.map(time::<D::Error>).transpose()?,
            scope: form.scope,
            extra: form.extra,
        })
    }
}

fn time<E: serde::de::Error>(seconds: u64) -> Result<SystemTime, E> {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .ok_or_else(|| E::custom("a time is out of range"))
}

/// Wiped when another member cannot be read.
fn extra<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Extra, D::Error> {
    object(deserializer).map(Extra)
}

impl Serialize for TokenSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::redacted(self).serialize(serializer)
    }
}

impl Serialize for AccessToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl Serialize for RefreshToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for AccessToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        secret(deserializer).map(Self::new)
    }
}

impl<'de> Deserialize<'de> for RefreshToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        secret(deserializer).map(Self::new)
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "" => Err(D::Error::custom("a token is empty")),
        REDACTED => Err(D::Error::custom(
            "a token was redacted when it was written; use auth_core::serde_exposed",
        )),
        _ => Ok(text),
    }
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
