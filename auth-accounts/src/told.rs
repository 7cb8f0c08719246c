//! What has been told of an account, so that each change is told once.

use auth_core::FailureKind;

use crate::{
    account_event::EventKind, error::AccountError, record::Fingerprint, state::AccountState,
    store_error::StoreError,
};

/// What a refresh or a login found when it ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// Why the account is not ready, if it is not.
    pub(crate) error: Option<AccountError>,
    /// Whether that was on record.
    pub(crate) was_on_record: bool,
    /// The tokens that this is about.
    pub(crate) tokens: Option<Fingerprint>,
    /// Whether there were tokens in this process before.
    pub(crate) was_in_use: bool,
    pub(crate) is_new: bool,
    pub(crate) is_login: bool,
    /// Whether there are tokens in memory only.
    pub(crate) is_unsaved: bool,
    /// Why they could not be saved.
    pub(crate) unsaved: Option<StoreError>,
}

impl Found {
    fn state(&self) -> AccountState {
        self.error.as_ref().map_or(AccountState::Ready, AccountError::state)
    }
}

/// What has been told of an account.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The state that was told last, unless it is ready.
    trouble: Option<(AccountState, Option<FailureKind>)>,
    /// The tokens for which it was told that a login is needed.
    ended: Option<Option<Fingerprint>>,
    unsaved: bool,
}

impl Told {
    /// Whether there is nothing to remember.
    pub(crate) fn is_empty(&self) -> bool {
        self.trouble.is_none() && self.ended.is_none() && !self.unsaved
    }

    /// Whether it was told last that tokens are in memory only.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// What is news.
    pub(crate) fn update(&mut self, found: &Found) -> Vec<EventKind> {
        let mut news = Vec::new();
        match (found.is_login, found.is_new) {
            (true, true) => news.push(EventKind::LoggedIn),
            (false, true) => news.push(EventKind::Refreshed),
            (_, false) => {}
        }
        match (self.unsaved, found.is_unsaved) {
            (false, true) => news.push(EventKind::Unsaved),
            (true, false) => news.push(EventKind::SavedAgain),
            _ => {}
        }
        self.unsaved = found.is_unsaved;
        let is_other = self.ended != Some(found.tokens) && found.tokens.is_some();
        if is_other || found.is_login && found.is_new {
            self.ended = None;
        }
        let state = found.state();
        let trouble = (state, found.error.as_ref().and_then(AccountError::kind));
        match state {
            AccountState::Ready => {
                if self.trouble.take().is_some() && !(found.is_login && found.is_new) {
                    news.push(EventKind::Recovered);
                }
                return news;
            }
            AccountState::LoginNeeded => {
                if self.ended.replace(found.tokens) != Some(found.tokens) {
                    news.push(EventKind::LoginNeeded);
                }
            }
            AccountState::SetBack if self.trouble != Some(trouble) => {
                news.push(EventKind::SetBack);
            }
            AccountState::Misconfigured if self.trouble != Some(trouble) => {
                news.push(EventKind::Misconfigured);
            }
            AccountState::NotLoggedIn if found.was_in_use => {
                *self = Self::default();
                news.push(EventKind::LoggedOut);
                return news;
            }
            // The program ends, which is no change of the account.
            AccountState::Closed => return news,
            AccountState::NotLoggedIn | AccountState::SetBack | AccountState::Misconfigured => {}
        }
        if state != AccountState::NotLoggedIn {
            self.trouble = Some(trouble);
        }
        news
    }
}
