//! What a program is told when an account changes.

use std::{fmt, time::SystemTime};

use auth_core::{ErrorCode, FailureKind};

use crate::{error::AccountError, id::AccountId, state::AccountState, store_error::StoreError};

/// What happened to an account.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// This process has obtained new tokens by a refresh.
    Refreshed,
    /// From now on a new login is needed. Told once for each login.
    LoginNeeded,
    /// A refresh failed, or the store did. It is tried again by itself. Told once
    /// until the account has recovered, and again if the failure's kind changes.
    SetBack,
    /// A person must change the set-up. Told like [`SetBack`](Self::SetBack).
    Misconfigured,
    /// What was told last is over, be it by a refresh here, or by a refresh or a
    /// login of another process.
    Recovered,
    /// New tokens could not be saved. They are in memory only.
    Unsaved,
    /// No more tokens are in memory only: they were saved, or others replaced
    /// them.
    SavedAgain,
    /// This process has stored the tokens of a login. If they could not be saved,
    /// they are in memory, and [`Unsaved`](Self::Unsaved) is told too, or was before.
    LoggedIn,
    /// The account has no record any more.
    LoggedOut,
    /// The old token, which was handed out while there was no new one, is not any
    /// more: it has expired, or an API has refused it. From now on there is none. Told
    /// once, when somebody asks for a token.
    RanOut,
    /// Somebody else had the lease for longer than is waited while the old token is
    /// good: about a second. The old token was handed out, and nothing is wrong. Told
    /// once until the account was met without that.
    LeaseBusy,
}

impl EventKind {
    /// The name in lower case, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refreshed => "refreshed",
            Self::LoginNeeded => "login_needed",
            Self::SetBack => "set_back",
            Self::Misconfigured => "misconfigured",
            Self::Recovered => "recovered",
            Self::Unsaved => "unsaved",
            Self::SavedAgain => "saved_again",
            Self::LoggedIn => "logged_in",
            Self::LoggedOut => "logged_out",
            Self::RanOut => "ran_out",
            Self::LeaseBusy => "lease_busy",
        }
    }
}

impl EventKind {
    /// Whether the account has no new token.
    pub(crate) fn is_trouble(self) -> bool {
        matches!(self, Self::LoginNeeded | Self::SetBack | Self::Misconfigured)
    }

    /// Whether it is told with an error.
    pub(crate) fn has_error(self) -> bool {
        self.is_trouble() || matches!(self, Self::RanOut | Self::LeaseBusy)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change of an account, as [`Accounts::on_event`](crate::Accounts::on_event)
/// tells it. It contains no token. `Display` is one line for an operator.
#[derive(Debug, Clone)]
pub struct AccountEvent {
    pub(crate) account: AccountId,
    pub(crate) kind: EventKind,
    pub(crate) error: Option<AccountError>,
    pub(crate) unsaved: Option<StoreError>,
    pub(crate) was_on_record: bool,
}

impl AccountEvent {
    /// Which account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// What happened.
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// How the account is doing from now on. [`Unsaved`](EventKind::Unsaved) and
    /// [`SavedAgain`](EventKind::SavedAgain) say nothing of that, and count as
    /// ready, as [`LeaseBusy`](EventKind::LeaseBusy) does.
    pub fn state(&self) -> AccountState {
        match self.kind {
            EventKind::LoggedOut => AccountState::NotLoggedIn,
            EventKind::LeaseBusy => AccountState::Ready,
            _ => self.error.as_ref().map_or(AccountState::Ready, AccountError::state),
        }
    }

    /// Whether this was on record when it was met: another process met it first,
    /// or this program before it was started anew. Whoever was to be told of it
    /// has been told, if an event was listened for there.
    ///
    /// So it is for a [`LoggedOut`](EventKind::LoggedOut) where somebody else has
    /// removed the record, and for a [`Recovered`](EventKind::Recovered) that comes of
    /// tokens that somebody else has obtained.
    pub fn was_on_record(&self) -> bool {
        self.was_on_record
    }

    /// Why there is no new token, for [`LoginNeeded`](EventKind::LoginNeeded),
    /// [`SetBack`](EventKind::SetBack), [`Misconfigured`](EventKind::Misconfigured),
    /// [`RanOut`](EventKind::RanOut) and [`LeaseBusy`](EventKind::LeaseBusy).
    pub fn error(&self) -> Option<&AccountError> {
        self.error.as_ref()
    }

    /// When a refresh may be tried again. See [`AccountError::retry_at`].
    pub fn retry_at(&self) -> Option<SystemTime> {
        self.error.as_ref()?.retry_at()
    }

    /// The kind of the refresh's failure. See [`AccountError::kind`].
    pub fn failure(&self) -> Option<FailureKind> {
        self.error.as_ref()?.kind()
    }

    /// The error code in the response. See [`AccountError::code`].
    pub fn code(&self) -> Option<&ErrorCode> {
        self.error.as_ref()?.code()
    }

    /// Whether a lost response may be the reason. See
    /// [`AccountError::possibly_spent`].
    pub fn possibly_spent(&self) -> bool {
        self.error.as_ref().is_some_and(AccountError::possibly_spent)
    }

    /// Why tokens could not be saved, for [`Unsaved`](EventKind::Unsaved).
    pub fn store_error(&self) -> Option<&StoreError> {
        self.unsaved.as_ref()
    }
}

impl fmt::Display for AccountEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, &self.unsaved) {
            (Some(error), _) => write!(f, "{}: {error}", self.kind),
            (None, Some(error)) => write!(f, "{}: account {}: {error}", self.kind, self.account),
            (None, None) => write!(f, "{}: account {}", self.kind, self.account),
        }
    }
}
