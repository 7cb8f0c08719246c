//! How an account stands. Status, errors and events agree, for all of them ask
//! here or [the error](crate::AccountError::state).

use std::time::SystemTime;

use auth_core::AccessToken;

use crate::{
    error::{AccountError, Reason},
    id::AccountId,
    known::Known,
    lifetime::{Lifetime, Ttl},
    record::{Fingerprint, Setback},
    refusals::braked_until,
    shared::{GrantKind, Shared},
    state::AccountState,
};

/// How an account stands, according to what is known of it.
pub(crate) struct Standing<'a> {
    pub(crate) state: AccountState,
    /// What set it back, if something did.
    setback: Option<&'a Setback>,
    /// Until when the token makes do although an API has refused it.
    makes_do_until: Option<SystemTime>,
}

impl<'a> Standing<'a> {
    /// `refused` is the access token that an API has refused.
    pub(crate) fn of(
        known: &'a Known,
        shared: &Shared,
        refused: Option<&AccessToken>,
        now: SystemTime,
    ) -> Self {
        let is_login = shared.grant == GrantKind::RefreshToken;
        let record = known.record.as_ref();
        if is_login && record.is_none() {
            return Self::plain(AccountState::NotLoggedIn);
        }
        if record.is_some_and(|record| shared.binding.refuses(record).is_some()) {
            return Self::plain(AccountState::Misconfigured);
        }
        let token = known.token().unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        let setback = known
            .setbacks()
            .filter(|setback| setback.concerns(token, shared.endpoint_of(record)))
            .max_by_key(|setback| setback.count);
        if let Some(setback) = setback {
            let state = AccountState::after(setback.kind);
            return Self { setback: Some(setback), ..Self::plain(state) };
        }
        let is_refused = record.is_some_and(|record| refused == Some(&record.tokens.access_token));
        let lasts = record.is_some_and(|record| {
            Lifetime::new(&shared.dates(record), now).lasts(Ttl::Usual, &shared.settings)
        });
        if is_login && known.token().is_none() && (!lasts || is_refused) {
            return Self::plain(AccountState::LoginNeeded);
        }
        let refused = record.filter(|_| is_refused && lasts);
        match refused.and_then(|one| braked_until(&one.refusals, now, &shared.settings)) {
            None => Self::plain(AccountState::Ready),
            until => Self { makes_do_until: until, ..Self::plain(AccountState::SetBack) },
        }
    }

    fn plain(state: AccountState) -> Self {
        Self { state, setback: None, makes_do_until: None }
    }

    /// Why the account is not ready, if it is not.
    pub(crate) fn error(&self, account: &AccountId, now: SystemTime) -> Option<AccountError> {
        let (reason, retry_at) = match (self.state, self.setback) {
            (_, Some(setback)) => (Reason::Setback(setback.clone()), setback.retry_at),
            (AccountState::SetBack, None) => (Reason::RefusedAgain, self.makes_do_until),
            (AccountState::LoginNeeded, None) => (Reason::NoRefreshToken, None),
            (AccountState::NotLoggedIn, None) => (Reason::NotLoggedIn, None),
            _ => return None,
        };
        Some(AccountError::new(account, reason, retry_at, now))
    }
}
