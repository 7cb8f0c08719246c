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
    shared::{GrantKind, Shared},
    state::AccountState,
};

/// How an account stands, according to what is known of it.
pub(crate) struct Standing<'a> {
    pub(crate) state: AccountState,
    /// What set it back, if something did.
    setback: Option<&'a Setback>,
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
            return Self { state: AccountState::NotLoggedIn, setback: None };
        }
        if record.is_some_and(|record| shared.binding.refuses(record).is_some()) {
            return Self { state: AccountState::Misconfigured, setback: None };
        }
        let token = known.token().unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        let setback = known
            .setbacks()
            .filter(|setback| setback.concerns(token, shared.endpoint_of(record)))
            .max_by_key(|setback| setback.count);
        if let Some(setback) = setback {
            return Self { state: AccountState::after(setback.kind), setback: Some(setback) };
        }
        let lasts = record.is_some_and(|record| {
            refused != Some(&record.tokens.access_token)
                && Lifetime::of(record, now).lasts(Ttl::Usual, &shared.settings)
        });
        let state = match is_login && known.token().is_none() && !lasts {
            true => AccountState::LoginNeeded,
            false => AccountState::Ready,
        };
        Self { state, setback: None }
    }

    /// Why the account is not ready, if it is not.
    pub(crate) fn error(&self, account: &AccountId, now: SystemTime) -> Option<AccountError> {
        let (reason, retry_at) = match (self.state, self.setback) {
            (_, Some(setback)) => (Reason::Setback(setback.clone()), setback.retry_at),
            (AccountState::LoginNeeded, None) => (Reason::NoRefreshToken, None),
            (AccountState::NotLoggedIn, None) => (Reason::NotLoggedIn, None),
            _ => return None,
        };
        Some(AccountError::new(account, reason, retry_at, now))
    }
}
