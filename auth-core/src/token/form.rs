//! The JSON form of the tokens, as it is written and read. The module
//! `serde_exposed` describes it.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

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
    /// [`TokenFormError`] if it is anything else, or if it is redacted.
    pub fn from_json(json: &[u8]) -> Result<Self, TokenFormError> {
        serde_json::from_slice(json).map_err(|error| TokenFormError {
            reason: problem(&error),
            line: error.line(),
            column: error.column(),
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
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> TokenSet {
        TokenSet::new(AccessToken::new("at-\u{1F511}\"\n"))
            .token_type("Bearer")
            .refresh_token(RefreshToken::new("rt"))
            .expires_at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_999))
            .refresh_expires_at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_999))
            .scope("a b")
            .extra("id_token", json!("secret-id"))
    }

    #[test]
    fn the_documented_form_round_trips() {
        let tokens = full();
        let json = tokens.to_json_exposed();
        assert_eq!(
            serde_json::from_slice::<Value>(&json).unwrap(),
            json!({
                "access_token": "at-\u{1F511}\"\n",
                "token_type": "Bearer",
                "refresh_token": "rt",
                "expires_at": 1_700_000_000,
                "refresh_expires_at": 1_800_000_000,
                "scope": "a b",
                "extra": {"id_token": "secret-id"},
            })
        );
        let read = TokenSet::from_json(&json).unwrap();
        assert_eq!(read.to_json_exposed(), json);
        assert_eq!(read.refresh_token, tokens.refresh_token);
        assert_eq!(
            read.refresh_expires_at,
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
        );

        let bare = TokenSet::new(AccessToken::new("at"));
        assert_eq!(&bare.to_json_exposed()[..], br#"{"access_token":"at"}"#);
        assert_eq!(TokenSet::from_json(&bare.to_json_exposed()).unwrap(), bare);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_without_its_text() {
        for (json, reason) in [
            (&br#"{"access_token":"sec"#[..], "ends too early"),
            (br#"secret"#, "not JSON"),
            (br#"{"access_token":["secret"]}"#, "wrong type"),
            (br#"{"access_token":"secret","expires_at":"secret"}"#, "wrong type"),
            (br#"{"access_token":"secret","expires_at":18446744073709551615}"#, "wrong type"),
            (br#"{"access_token":"secret","refresh_expires_at":"secret"}"#, "wrong type"),
            (
                br#"{"access_token":"secret","refresh_expires_at":18446744073709551615}"#,
                "wrong type",
            ),
            (br#"{"access_token":""}"#, "missing, redacted"),
            (br#"{"access_token":"[redacted]"}"#, "redacted"),
            (br#"{"refresh_token":"secret"}"#, "missing"),
        ] {
            let error = TokenSet::from_json(json).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    /// Wherever a server repeats it.
    #[test]
    fn plain_serde_shows_no_echo() {
        let mut tokens = full();
        tokens.refresh_token = Some(RefreshToken::new("v1.MjQ1NzYwODQ3Q0FG"));
        for echo in ["v1.MjQ1NzYwODQ3Q0FG", "x_MjQ1NzYw"] {
            tokens.token_type = Some(echo.to_owned());
            tokens.scope = Some(format!("read {echo} write"));
            tokens.extra = Extra::default();
            tokens.extra.insert("id_token", json!(1));
            tokens.extra.insert(echo, json!(1));
            tokens.extra.insert(format!("{echo}!"), json!(1));
            assert_eq!(
                serde_json::to_string(&tokens).unwrap(),
                r#"{"access_token":"[redacted]","token_type":"[redacted]","#.to_owned()
                    + r#""refresh_token":"[redacted]","expires_at":1700000000,"#
                    + r#""refresh_expires_at":1800000000,"#
                    + r#""scope":"read [redacted] write","#
                    + r#""extra":{"[redacted]":"[redacted]","id_token":"[redacted]"}}"#
            );
        }
    }

    #[test]
    fn plain_serde_redacts() {
        let json = serde_json::to_string(&full()).unwrap();
        assert!(!json.contains("at-") && !json.contains("\"rt\"") && !json.contains("secret"));
        let redacted = json!({
            "access_token": "[redacted]",
            "token_type": "Bearer",
            "refresh_token": "[redacted]",
            "expires_at": 1_700_000_000,
            "refresh_expires_at": 1_800_000_000,
            "scope": "a b",
            "extra": {"id_token": "[redacted]"},
        });
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), redacted);
        assert_eq!(serde_json::to_string(&RefreshToken::new("rt")).unwrap(), "\"[redacted]\"");
    }
}
