//! How an account is doing.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use auth_core::{CredentialErrorKind, FailureKind};
use http::StatusCode;
use serde::{Serialize, Serializer};

use crate::{
    dates::Dates,
    id::AccountId,
    record::{Fingerprint, FurtherToken, Record, Setback},
    record_form::{credential_name, seconds, status},
    state::AccountState,
    store_error::StoreError,
};

/// How an account is doing according to its record. `Display` is for people.
/// `serde` writes the fields, times as whole seconds since the Unix epoch.
/// `obtained_at` is written as `renewed_at`, `noted_at` as `begun_at`, and
/// `possibly_spent` as `after_unknown`. It contains no secret.
///
/// ```text
/// ada: the access token expires in 43 min; refreshed 17 min ago
/// ada: the access token expired 2 min ago; refreshed 62 min ago; 3 refreshes in a row failed, the last with HTTP 503 (unavailable), next try in 25 s
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Serialize)]
pub struct AccountStatus {
    /// The account.
    pub account: AccountId,
    /// How it is doing, in one word. `serde` writes [`AccountState::as_str`].
    pub state: AccountState,
    /// Whether there is a login, and no other one is needed.
    pub logged_in: bool,
    /// Whether only a new login can help. The access token may be good for a time
    /// all the same.
    pub login_needed: bool,
    /// Whether there is a refresh token on record. Without one the account ends
    /// with its access token, unless it obtains tokens by itself (see
    /// [`Accounts::client_credentials`](crate::Accounts::client_credentials)).
    pub has_refresh_token: bool,
    /// When the access token expires. `None` if unknown.
    #[serde(serialize_with = "seconds::optional::serialize")]
    pub expires_at: Option<SystemTime>,
    /// Whether `expires_at` is a guess, since the server has not said how long the
    /// access token lives.
    pub expiry_guessed: bool,
    /// When the refresh token expires. `None` if unknown.
    #[serde(serialize_with = "seconds::optional::serialize")]
    pub refresh_expires_at: Option<SystemTime>,
    /// How many access tokens in a row had expired when they came, or soon after.
    /// From the second on each is used for 30 s all the same, lest every call
    /// bring a refresh.
    pub born_expired: u32,
    /// The thumbprint of the key (DPoP) that the tokens were obtained with, if they were
    /// and it is known. It is no secret. `serde` leaves it out if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_thumbprint: Option<String>,
    /// When the tokens were obtained. `None` if unknown.
    #[serde(rename = "renewed_at", serialize_with = "seconds::optional::serialize")]
    pub obtained_at: Option<SystemTime>,
    /// When a refresh began that has no outcome yet: it is under way, or a crash
    /// ended it.
    #[serde(rename = "begun_at", serialize_with = "seconds::optional::serialize")]
    pub noted_at: Option<SystemTime>,
    /// Why the last refresh failed, if it did.
    pub setback: Option<SetbackStatus>,
    /// The further tokens on record: see
    /// [`Account::token_for`](crate::Account::token_for). `serde` leaves the list out if it
    /// is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<FurtherStatus>,
    /// The store's error if newer tokens are in memory only. If the record cannot be
    /// read either, this says so, and the rest is about the tokens in memory.
    pub unsaved: Option<String>,
    #[serde(skip)]
    now: SystemTime,
}

/// How a further token is doing.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize)]
pub struct FurtherStatus {
    /// What it was asked for: a hash of the request.
    pub request: Fingerprint,
    /// When it expires. `None` if unknown, or if there is none.
    #[serde(serialize_with = "seconds::optional::serialize")]
    pub expires_at: Option<SystemTime>,
    /// When it was obtained. `None` if there is none.
    #[serde(rename = "renewed_at", serialize_with = "seconds::optional::serialize")]
    pub obtained_at: Option<SystemTime>,
    /// Why the last attempt failed, if that concerns this token alone.
    pub setback: Option<SetbackStatus>,
}

impl FurtherStatus {
    fn new(further: &FurtherToken) -> Self {
        Self {
            request: further.request,
            expires_at: further.tokens.as_ref().and_then(|tokens| tokens.expires_at),
            obtained_at: further.obtained_at,
            setback: further.setback.as_ref().map(SetbackStatus::new),
        }
    }
}

/// The states of some accounts of a store, in the order of their names. An error
/// is that of a record that cannot be read.
pub type StatusPage = Vec<(AccountId, Result<AccountStatus, StoreError>)>;

/// Why the last refresh failed.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize)]
pub struct SetbackStatus {
    /// What kind of failure it was. `serde` writes [`FailureKind::as_str`].
    #[serde(serialize_with = "kind")]
    pub kind: FailureKind,
    /// The error code in the response.
    pub code: Option<String>,
    /// The status of the response.
    #[serde(serialize_with = "status::serialize")]
    pub status: Option<StatusCode>,
    /// Whether the refresh token may be spent: the response to an attempt with it
    /// was lost.
    #[serde(rename = "after_unknown")]
    pub possibly_spent: bool,
    /// How many refreshes failed in a row.
    pub count: u32,
    /// When the first of them failed.
    #[serde(serialize_with = "seconds::serialize")]
    pub since: SystemTime,
    /// When the last of them failed.
    #[serde(serialize_with = "seconds::serialize")]
    pub failed_at: SystemTime,
    /// When a refresh may be tried again; `None` if only a new login helps.
    #[serde(serialize_with = "seconds::optional::serialize")]
    pub retry_at: Option<SystemTime>,
    /// What was wrong with the client's credential, if it could not be had. `serde`
    /// writes the name that stands on [record](Record), and leaves it out if there is
    /// none.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "credential")]
    pub credential: Option<CredentialErrorKind>,
    #[serde(skip)]
    words: String,
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn kind<S: Serializer>(kind: &FailureKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

// As above.
#[allow(clippy::trivially_copy_pass_by_ref, clippy::ref_option)]
fn credential<S: Serializer>(
    kind: &Option<CredentialErrorKind>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    kind.map(credential_name).serialize(serializer)
}

impl SetbackStatus {
    fn new(setback: &Setback) -> Self {
        Self {
            kind: setback.kind,
            code: setback.code.as_ref().map(ToString::to_string),
            status: setback.status,
            possibly_spent: setback.possibly_spent,
            count: setback.count,
            since: setback.since,
            failed_at: setback.failed_at,
            retry_at: setback.retry_at,
            credential: setback.credential,
            words: setback.to_string(),
        }
    }
}

impl AccountStatus {
    pub(crate) fn new(
        account: &AccountId,
        record: Option<(Record, Dates)>,
        state: AccountState,
        unsaved: Option<String>,
        now: SystemTime,
    ) -> Self {
        let (record, dates) = record.unzip();
        let (record, dates) = (record.as_ref(), dates.unwrap_or_default());
        let refresh_token = record.and_then(Record::fingerprint);
        // A setback of another refresh token means nothing.
        let setback = record
            .and_then(|record| record.setback.as_ref())
            .filter(|setback| refresh_token.is_none_or(|token| token == setback.refresh_token));
        Self {
            account: account.clone(),
            state,
            logged_in: record.is_some() && !state.needs_login(),
            login_needed: state.needs_login(),
            has_refresh_token: refresh_token.is_some(),
            expires_at: dates.expires_at,
            expiry_guessed: dates.guessed && dates.expires_at.is_some(),
            refresh_expires_at: dates.refresh_expires_at,
            born_expired: record.map_or(0, |record| record.born_expired),
            dpop_thumbprint: record.and_then(|record| record.dpop_thumbprint.clone()),
            obtained_at: record.and_then(|record| record.obtained_at),
            noted_at: record.and_then(|record| record.note.as_ref()).map(|note| note.at),
            setback: setback.map(SetbackStatus::new),
            further: record
                .map(|record| record.further.iter().map(FurtherStatus::new).collect())
                .unwrap_or_default(),
            unsaved,
            now,
        }
    }
}

impl fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.account)?;
        if self.state == AccountState::NotLoggedIn {
            return f.write_str("not logged in");
        }
        match self.expires_at {
            None => f.write_str("the access token has no known expiry")?,
            Some(at) if at > self.now => {
                write!(f, "the access token expires {}", Relative(at, self.now))?;
            }
            Some(at) => write!(f, "the access token expired {}", Relative(at, self.now))?,
        }
        if self.expiry_guessed {
            f.write_str(" (a guess: the server does not say)")?;
        }
        if self.born_expired > 1 {
            let count = self.born_expired;
            write!(
                f,
                "; the last {count} had expired when they came: the server gives them no time to live, or the clocks differ"
            )?;
        }
        if let Some(at) = self.refresh_expires_at {
            let ends = if at > self.now { "expires" } else { "expired" };
            write!(f, "; the refresh token {ends} {}", Relative(at, self.now))?;
        }
        if let Some(at) = self.obtained_at {
            write!(f, "; refreshed {}", Relative(at, self.now))?;
        }
        if let Some(at) = self.noted_at {
            write!(f, "; a refresh was begun {}", Relative(at, self.now))?;
        }
        if let Some(setback) = &self.setback {
            write!(f, "; {}", setback.words)?;
            match setback.retry_at {
                Some(at) if at > self.now => write!(f, ", next try {}", Relative(at, self.now))?,
                Some(_) => f.write_str(", next try when a token is asked for")?,
                None => {}
            }
        }
        match self.state {
            AccountState::LoginNeeded => f.write_str("; the user must log in again")?,
            AccountState::Misconfigured => f.write_str("; the configuration must be changed")?,
            _ => {}
        }
        match self.further.len() {
            0 => {}
            1 => f.write_str("; one further token")?,
            count => write!(f, "; {count} further tokens")?,
        }
        match &self.unsaved {
            Some(error) => write!(f, "; newer tokens are not saved: {error}"),
            None => Ok(()),
        }
    }
}

/// A moment as seen from another: `in 5 min`, `17 s ago`.
struct Relative(SystemTime, SystemTime);

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.duration_since(self.1) {
            Ok(Duration::ZERO) => f.write_str("just now"),
            Ok(ahead) => write!(f, "in {}", Rough(ahead)),
            Err(error) => write!(f, "{} ago", Rough(error.duration())),
        }
    }
}

struct Rough(Duration);

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ ..=119 => write!(f, "{seconds} s"),
            seconds @ ..=7_199 => write!(f, "{} min", seconds / 60),
            seconds @ ..=172_799 => write!(f, "{} h", seconds / 3_600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}
