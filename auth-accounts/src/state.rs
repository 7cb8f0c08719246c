//! How an account is doing, in one word.

use std::fmt;

use auth_core::{Advice, FailureKind};
use http::StatusCode;
use serde::{Serialize, Serializer};

/// How an account is doing, in one word: the same in its
/// [status](crate::AccountStatus::state), its [errors](crate::AccountError::state)
/// and its [events](crate::AccountEvent::state).
///
/// It says what becomes of the account's refreshes. An access token may outlive
/// them: with `login_needed` or `set_back`, the old token is handed out for as
/// long as it is valid.
///
/// The [crate's documentation](crate#watching-it) has a table of all of it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// A token can be had without a person.
    Ready,
    /// The last refresh failed, or the store does now. It is tried again, at the
    /// time that is known as `retry_at`, if one is.
    SetBack,
    /// A new login is needed: the server has rejected the refresh token, or there is
    /// none and the access token has expired or was refused, or this process knows that
    /// the refresh token was spent and knows none after it.
    LoginNeeded,
    /// There is no record.
    NotLoggedIn,
    /// A person must change the set-up: of the client, of the endpoint, or of the
    /// store.
    Misconfigured,
    /// The program is ending, and begins no more refreshes. Only an error has this
    /// state, never a status or an event.
    Closed,
}

impl AccountState {
    const ALL: [Self; 6] = [
        Self::Ready,
        Self::SetBack,
        Self::LoginNeeded,
        Self::NotLoggedIn,
        Self::Misconfigured,
        Self::Closed,
    ];

    /// The state after a failure of this kind, or with one on record.
    pub(crate) fn after(kind: FailureKind) -> Self {
        Self::told_by(kind.advice())
    }

    /// The state in which this is what to do.
    pub(crate) fn told_by(advice: Advice) -> Self {
        match advice {
            Advice::LogIn => Self::LoginNeeded,
            Advice::FixSetup => Self::Misconfigured,
            _ => Self::SetBack,
        }
    }

    /// What to do when there is no token.
    pub(crate) fn advice(self) -> Advice {
        match self {
            Self::LoginNeeded | Self::NotLoggedIn => Advice::LogIn,
            Self::Misconfigured => Advice::FixSetup,
            Self::Ready | Self::SetBack | Self::Closed => Advice::TryLater,
        }
    }

    /// The name in lower case, for logs, metrics and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::SetBack => "set_back",
            Self::LoginNeeded => "login_needed",
            Self::NotLoggedIn => "not_logged_in",
            Self::Misconfigured => "misconfigured",
            Self::Closed => "closed",
        }
    }

    /// The state that [`as_str`](Self::as_str) gives this name, or `None`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing helps but a login.
    pub fn needs_login(self) -> bool {
        matches!(self, Self::LoginNeeded | Self::NotLoggedIn)
    }

    /// The status with which a server answers its own client for whom it has no
    /// token. 503 goes with `Retry-After`, from
    /// [`AccountError::retry_after`](crate::AccountError::retry_after).
    pub fn http_status(self) -> StatusCode {
        match self {
            Self::Ready => StatusCode::OK,
            Self::LoginNeeded | Self::NotLoggedIn => StatusCode::UNAUTHORIZED,
            Self::SetBack | Self::Closed => StatusCode::SERVICE_UNAVAILABLE,
            Self::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The exit code of a command-line tool that has no token. 1 and 2 are left
    /// to the tool, for any other failure and for bad usage.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::LoginNeeded | Self::NotLoggedIn => 3,
            Self::SetBack | Self::Closed => 4,
            Self::Misconfigured => 5,
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As [`AccountState::as_str`].
impl Serialize for AccountState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_name_of_its_own() {
        for state in AccountState::ALL {
            assert_eq!(AccountState::from_name(state.as_str()), Some(state));
            assert_eq!(state.to_string(), state.as_str());
        }
        assert_eq!(AccountState::from_name("Ready"), None);
    }

    #[test]
    fn what_to_do_is_said_alike_in_every_form() {
        for (state, advice, status, code) in [
            (AccountState::SetBack, Advice::TryLater, 503, 4),
            (AccountState::LoginNeeded, Advice::LogIn, 401, 3),
            (AccountState::NotLoggedIn, Advice::LogIn, 401, 3),
            (AccountState::Misconfigured, Advice::FixSetup, 500, 5),
            (AccountState::Closed, Advice::TryLater, 503, 4),
        ] {
            assert_eq!(state.advice(), advice, "{state}");
            assert_eq!(state.http_status().as_u16(), status, "{state}");
            assert_eq!(state.exit_code(), code, "{state}");
            assert_eq!(state.needs_login(), advice == Advice::LogIn, "{state}");
        }
    }
}
