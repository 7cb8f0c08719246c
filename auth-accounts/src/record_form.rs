//! The JSON form of a record.

mod further;
mod setback;

use std::time::{Duration, SystemTime};

use auth_core::{
    TokenEndpoint, TokenSet,
    internal::{looks_like_a_response, problem, to_json},
    serde_exposed::Expose,
};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

pub(crate) use self::setback::credential_name;
use self::{further::FurtherForm, setback::SetbackForm};
use crate::{
    record::{Fingerprint, Guess, Note, Record},
    registration::Registration,
    set_up::SetUp,
};

/// `serde` for a [`Record`] with its tokens shown, for stores:
/// `#[serde(with = "auth_accounts::store::record_exposed")]`.
///
/// Without it, serializing a record redacts its tokens. Deserializing a redacted
/// record is an error.
///
/// # The JSON form
///
/// | member | value |
/// | --- | --- |
/// | `tokens` | [the form of a `TokenSet`](auth_core::serde_exposed), required |
/// | `renewed_at` | time, left out if unknown |
/// | `login` | fingerprint of the login, left out if there was none |
/// | `guess` | object, left out unless `tokens.expires_at` is a guess |
/// | `guess.corrected_at` | time, left out if no refusal has shortened the guess |
/// | `born_expired` | number of tokens in a row that had expired when they came, left out if 0 |
/// | `refusals` | list of times, rounded up; left out if empty |
/// | `bound_to` | object, left out if unknown or if there is `set_up`: the [registration](crate::Registration) that the tokens were issued to |
/// | `bound_to.token_url` | string: the URL without its query |
/// | `bound_to.client_id` | string |
/// | `set_up` | [the form of a `TokenEndpoint`](auth_core::serde_exposed), left out unless the login [brought one](crate::Login::endpoint); an unknown member in it is an error |
/// | `further` | list of objects, one for each [further token](crate::store::FurtherToken), left out if empty; of more than 16, the last are read |
/// | `further[].request` | fingerprint of what was asked for |
/// | `further[].tokens` | as `tokens`, left out if there were none yet |
/// | `further[].renewed_at`, `.guess`, `.born_expired`, `.refusals`, `.dpop_thumbprint`, `.setback` | as of the record |
/// | `dpop_thumbprint` | string, left out if there was no key or nobody knows: the thumbprint (RFC 7638) of the DPoP key that the tokens were obtained with |
/// | `begun` | object, left out if there is none |
/// | `begun.refresh_token` | fingerprint: 16 hexadecimal digits |
/// | `begun.at` | time |
/// | `setback` | object, left out if there is none |
/// | `setback.refresh_token` | fingerprint |
/// | `setback.kind` | [`FailureKind::as_str`](auth_core::FailureKind::as_str); an unknown one is read as `unavailable` |
/// | `setback.code`, `setback.status` | string and number, left out if there was none; what is no code or no status is read as none |
/// | `setback.after_unknown` | boolean |
/// | `setback.since`, `setback.failed_at` | time |
/// | `setback.retry_at` | time, rounded up; left out if only another refresh token helps |
/// | `setback.count` | number |
/// | `setback.client` | fingerprint of the client's configuration, left out unless that failed |
/// | `setback.credential` | `missing`, `forbidden`, `empty`, `malformed`, `wrong_key`, `unavailable`, `asynchronous` or `other`, as all else is read: what was wrong with the client's credential; left out if nothing was |
///
/// Times are whole seconds since the Unix epoch, rounded down unless stated
/// otherwise. Unknown members are ignored when a record is read, and lost when it
/// is written again, so a newer version may add optional ones. The store writes
/// the version of the form beside it, and checks it.
pub mod record_exposed {
    use super::{Deserialize, Deserializer, Form, Record, Serialize, Serializer};

    /// Writes a record with its tokens shown.
    ///
    /// # Errors
    ///
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(record: &Record, serializer: S) -> Result<S::Ok, S::Error> {
        Form::exposed(record).serialize(serializer)
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// Those of the deserializer. Also if the record was redacted when written.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
        Record::deserialize(deserializer)
    }
}

/// A stored record cannot be read. The message contains no part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the JSON form of a record ({reason}, line {line}, column {column})")]
#[non_exhaustive]
pub struct RecordFormError {
    reason: &'static str,
    line: usize,
    column: usize,
}

impl RecordFormError {
    fn new(error: &serde_json::Error, json: &[u8]) -> Self {
        let reason = match error.classify() {
            serde_json::error::Category::Data if looks_like_a_response(json) => {
                "it is a response: read it by auth_core::read_response"
            }
            _ => problem(error),
        };
        Self { reason, line: error.line(), column: error.column() }
    }
}

impl Record {
    /// The [documented JSON form](record_exposed), with tokens shown. It is wiped
    /// when dropped.
    pub fn to_json_exposed(&self) -> Zeroizing<Vec<u8>> {
        to_json(&Form::exposed(self))
    }

    /// Reads what [`to_json_exposed`](Self::to_json_exposed) wrote.
    ///
    /// # Errors
    ///
    /// [`RecordFormError`] if `json` is anything else, or was redacted.
    pub fn from_json(json: &[u8]) -> Result<Self, RecordFormError> {
        serde_json::from_slice(json).map_err(|error| RecordFormError::new(&error, json))
    }
}

struct Exposed<'a, T>(&'a T);

impl<T: Expose> Serialize for Exposed<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        auth_core::serde_exposed::serialize(self.0, serializer)
    }
}

#[derive(Serialize, Deserialize)]
struct Form<T, S> {
    tokens: T,
    #[serde(
        rename = "renewed_at",
        default,
        with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    obtained_at: Option<SystemTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guess: Option<GuessForm>,
    #[serde(default, skip_serializing_if = "is_zero")]
    born_expired: u32,
    #[serde(default, with = "seconds::list", skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<SystemTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_to: Option<Registration>,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    set_up: Option<S>,
    #[serde(default = "Vec::default", skip_serializing_if = "Vec::is_empty")]
    further: Vec<FurtherForm<T>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpop_thumbprint: Option<String>,
    #[serde(rename = "begun", default, skip_serializing_if = "Option::is_none")]
    note: Option<NoteForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setback: Option<SetbackForm>,
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
struct GuessForm {
    #[serde(default, with = "seconds::optional", skip_serializing_if = "Option::is_none")]
    corrected_at: Option<SystemTime>,
}

#[derive(Serialize, Deserialize)]
struct NoteForm {
    refresh_token: Fingerprint,
    #[serde(with = "seconds")]
    at: SystemTime,
}

impl<'a> Form<Exposed<'a, TokenSet>, Exposed<'a, TokenEndpoint>> {
    fn exposed(record: &'a Record) -> Self {
        let set_up = record.set_up.as_ref().map(|set_up| Exposed(&**set_up.endpoint()));
        Self::new(Exposed, set_up, record)
    }
}

impl<'a, T, S> Form<T, S> {
    fn new(tokens: fn(&'a TokenSet) -> T, set_up: Option<S>, record: &'a Record) -> Self {
        Self {
            tokens: tokens(&record.tokens),
            further: further::forms(&record.further, tokens),
            set_up,
            obtained_at: record.obtained_at,
            login: record.login,
            guess: record
                .guess
                .as_ref()
                .map(|guess| GuessForm { corrected_at: guess.corrected_at }),
            born_expired: record.born_expired,
            refusals: record.refusals.clone(),
            bound_to: record.bound_to.clone(),
            dpop_thumbprint: record.dpop_thumbprint.clone(),
            note: record
                .note
                .as_ref()
                .map(|note| NoteForm { refresh_token: note.refresh_token, at: note.at }),
            setback: record.setback.as_ref().map(SetbackForm::new),
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::new(|tokens| tokens, self.set_up.as_ref(), self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::<TokenSet, SetUp>::deserialize(deserializer)?;
        Ok(Self {
            tokens: form.tokens,
            obtained_at: form.obtained_at,
            login: form.login,
            guess: form.guess.map(|guess| Guess { corrected_at: guess.corrected_at }),
            born_expired: form.born_expired,
            refusals: form.refusals,
            bound_to: form.bound_to,
            set_up: form.set_up,
            further: further::read(form.further),
            dpop_thumbprint: form.dpop_thumbprint,
            note: form.note.map(|note| Note::new(note.refresh_token, note.at)),
            setback: form.setback.map(SetbackForm::read),
        })
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A status as its number.
pub(crate) mod status {
    use super::{Deserialize, Deserializer, Serialize, Serializer, StatusCode};

    pub(crate) fn serialize<S: Serializer>(
        status: &Option<StatusCode>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        status.map(|status| status.as_u16()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<StatusCode>, D::Error> {
        // What is no status is left out: a record is not unreadable for that.
        let number = Option::<u16>::deserialize(deserializer)?;
        Ok(number.and_then(|number| StatusCode::from_u16(number).ok()))
    }
}

/// Times as whole seconds since the Unix epoch.
pub(crate) mod seconds {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, SystemTime};
    use serde::de::Error as _;

    pub(crate) fn rounded_up(time: SystemTime) -> SystemTime {
        let part = since_epoch(time).subsec_nanos();
        let missing = if part == 0 { 0 } else { 1_000_000_000 - part };
        time.checked_add(Duration::from_nanos(missing.into())).unwrap_or(time)
    }

    fn since_epoch(time: SystemTime) -> Duration {
        time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    pub(crate) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(since_epoch(*time).as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(u64::deserialize(deserializer)?))
            .ok_or_else(|| D::Error::custom("a time is out of range"))
    }

    /// Rounded up.
    pub(super) mod list {
        use super::{Deserializer, Duration, Serializer, SystemTime, rounded_up, since_epoch};
        use serde::{Deserialize, de::Error as _};

        /// The last ones are read: more than any setting asks for.
        const MOST: usize = 16;

        pub(in crate::record_form) fn serialize<S: Serializer>(
            times: &[SystemTime],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer
                .collect_seq(times.iter().map(|time| since_epoch(rounded_up(*time)).as_secs()))
        }

        pub(in crate::record_form) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<SystemTime>, D::Error> {
            let times = Vec::<u64>::deserialize(deserializer)?;
            let times = times[times.len().saturating_sub(MOST)..]
                .iter()
                .map(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(*seconds)));
            times.collect::<Option<_>>().ok_or_else(|| D::Error::custom("a time is out of range"))
        }
    }

    pub(crate) mod optional {
        use super::{Deserializer, Duration, Serialize, Serializer, SystemTime, since_epoch};
        use serde::{Deserialize, de::Error as _};

        pub(crate) fn serialize<S: Serializer>(
            time: &Option<SystemTime>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            time.map(|time| since_epoch(time).as_secs()).serialize(serializer)
        }

        pub(in crate::record_form) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<SystemTime>, D::Error> {
            Option::<u64>::deserialize(deserializer)?
                .map(|seconds| {
                    SystemTime::UNIX_EPOCH
                        .checked_add(Duration::from_secs(seconds))
                        .ok_or_else(|| D::Error::custom("a time is out of range"))
                })
                .transpose()
        }
    }
}
