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
    /// Whether there is a token to hand out all the same.
    pub(crate) is_served: bool,
    /// Whether that is no more than that somebody else had the lease for a moment.
    pub(crate) was_busy: bool,
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
    /// The tokens that were in use then.
    tokens: Option<Fingerprint>,
    /// Whether the old token was handed out since.
    was_served: bool,
    /// Whether it was told last that the lease was busy.
    was_busy: bool,
    /// The tokens for which it was told that a login is needed.
    ended: Option<Option<Fingerprint>>,
    unsaved: bool,
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) kind: EventKind,
    /// Whether somebody else has done it, or met it first.
    pub(crate) was_on_record: bool,
}

impl Told {
    /// Whether there is nothing to remember.
    pub(crate) fn is_empty(&self) -> bool {
        self.trouble.is_none()
            && self.ended.is_none()
            && !(self.unsaved || self.was_busy || self.was_served)
    }

    /// Whether it was told last that tokens are in memory only.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// What is news.
    pub(crate) fn update(&mut self, found: &Found) -> Vec<News> {
        let before = self.tokens;
        let kinds = self.kinds(found);
        let was_on_record = |kind: EventKind| match kind {
            // The record is gone, and this process has not removed it.
            EventKind::LoggedOut => true,
            // There are other tokens, and this process has not obtained them.
            EventKind::Recovered => !found.is_new && before.is_some() && before != found.tokens,
            kind => kind.is_trouble() && found.was_on_record,
        };
        let news = |kind| News { kind, was_on_record: was_on_record(kind) };
        kinds.into_iter().map(news).collect()
    }

    fn kinds(&mut self, found: &Found) -> Vec<EventKind> {
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
        if found.was_busy {
            // It is as it was, and the old token does.
            if !std::mem::replace(&mut self.was_busy, true) {
                news.push(EventKind::LeaseBusy);
            }
            self.was_served = true;
            return news;
        }
        self.was_busy = false;
        let ran_out = self.was_served && !found.is_served;
        let trouble = (state, found.error.as_ref().and_then(AccountError::kind));
        match state {
            AccountState::Ready => {
                self.was_served = false;
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
            self.tokens = found.tokens;
        }
        if ran_out {
            news.push(EventKind::RanOut);
        }
        self.was_served = found.is_served;
        news
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use auth_core::RefreshToken;

    use super::*;
    use crate::{error::Reason, store_error::StoreErrorKind};

    fn error(reason: Reason) -> Option<AccountError> {
        Some(AccountError::new(&"ada".into(), reason, None, SystemTime::UNIX_EPOCH))
    }

    fn tokens(name: &str) -> Option<Fingerprint> {
        Some(Fingerprint::of(&RefreshToken::new(name)))
    }

    /// The store fails, and there is a token to hand out, or none.
    fn trouble(is_served: bool) -> Found {
        let io = StoreError::new(StoreErrorKind::Io, "a test");
        let error = error(Reason::Store(io));
        Found { error, is_served, tokens: tokens("rt-1"), ..Found::default() }
    }

    fn ready(name: &str) -> Found {
        Found { is_served: true, tokens: tokens(name), ..Found::default() }
    }

    fn busy() -> Found {
        Found { was_busy: true, ..trouble(true) }
    }

    fn needs_login(is_served: bool) -> Found {
        Found { error: error(Reason::RecordWentBack), ..trouble(is_served) }
    }

    fn told(all: &[Found]) -> String {
        let mut told = Told::default();
        let news: Vec<_> = all.iter().flat_map(|found| told.update(found)).collect();
        let name = |news: &News| {
            format!("{}{}", news.kind, if news.was_on_record { " by others" } else { "" })
        };
        news.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_has_been_told_is_not_told_again() {
        let new = |name| Found { is_new: true, ..ready(name) };
        let gone =
            Found { error: error(Reason::NotLoggedIn), was_in_use: true, ..Found::default() };
        for (all, expected) in [
            // The old token runs out: once.
            (vec![trouble(true), trouble(true)], "set_back"),
            (vec![trouble(true), trouble(false), trouble(false)], "set_back, ran_out"),
            (
                vec![needs_login(true), needs_login(false), needs_login(false)],
                "login_needed, ran_out",
            ),
            (vec![trouble(false), trouble(false)], "set_back"),
            (vec![trouble(true), ready("rt-1"), trouble(false)], "set_back, recovered, set_back"),
            // Somebody else has the lease for a moment.
            (vec![ready("rt-1"), busy(), busy(), ready("rt-2")], "lease_busy"),
            (vec![busy(), ready("rt-2"), busy()], "lease_busy, lease_busy"),
            (vec![busy(), trouble(true)], "lease_busy, set_back"),
            (vec![busy(), trouble(false)], "lease_busy, set_back, ran_out"),
            (vec![trouble(true), busy(), ready("rt-1")], "set_back, lease_busy, recovered"),
            // Who has ended it.
            (vec![trouble(true), ready("rt-1")], "set_back, recovered"),
            (vec![trouble(true), ready("rt-2")], "set_back, recovered by others"),
            (vec![trouble(true), new("rt-2")], "set_back, refreshed, recovered"),
            (vec![ready("rt-1"), gone], "logged_out by others"),
        ] {
            assert_eq!(told(&all), expected, "{all:?}");
        }
    }
}
