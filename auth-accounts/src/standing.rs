//! How an account stands. Status, errors and events agree, for all of them ask
//! here or [the error](crate::AccountError::state).

use std::time::SystemTime;

use auth_core::Now;

use crate::{
    context::Context,
    error::{AccountError, Reason},
    id::AccountId,
    known::Known,
    lifetime::Ttl,
    record::{Fingerprint, Setback},
    setback::Client,
    shared::GrantKind,
    state::AccountState,
};

/// How an account stands, according to what is known of it.
pub(crate) struct Standing<'a> {
    pub(crate) state: AccountState,
    /// What set it back, if something did.
    setback: Option<&'a Setback>,
    /// When a refresh may be tried again, after the setback or after an API has
    /// refused one token after another.
    pub(crate) retry_at: Option<SystemTime>,
    /// Whether what is on record was spent before.
    has_gone_back: bool,
    /// The key that its refresh token is not bound to, if it is to another.
    other_key: Option<Reason>,
}

impl<'a> Standing<'a> {
    pub(crate) fn of(known: &'a Known, context: &Context, now: Now) -> Self {
        let shared = &context.shared;
        let is_login = shared.grant == GrantKind::RefreshToken;
        let record = known.record.as_ref();
        if is_login && record.is_none() {
            return Self::plain(AccountState::NotLoggedIn);
        }
        if record.is_some_and(|record| shared.binding.refuses(record).is_some()) {
            return Self::plain(AccountState::Misconfigured);
        }
        if let Some(reason) = shared.refuses_key(record) {
            return Self { other_key: Some(reason), ..Self::plain(AccountState::Misconfigured) };
        }
        let token = known.token().unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        let client = Client { endpoint: shared.endpoint_of(record), read: None };
        let barred = || known.setbacks().any(|one| one.bars(token, client, &context.sights, now));
        // What else set it back does not count any more, as for a refresh.
        if known.has_gone_back() && !barred() {
            return Self { has_gone_back: true, ..Self::plain(AccountState::LoginNeeded) };
        }
        let setback = known
            .setbacks()
            .filter(|setback| setback.concerns(token, client))
            .max_by_key(|setback| setback.count);
        if let Some(setback) = setback {
            let state = AccountState::after(setback.kind);
            let retry_at = context.sights.retry_at(setback, now);
            return Self { setback: Some(setback), retry_at, ..Self::plain(state) };
        }
        let is_refused =
            record.is_some_and(|record| context.refused_at(&record.tokens.access_token).is_some());
        let lasts = record
            .is_some_and(|record| context.life(record, now).lasts(Ttl::Usual, &shared.settings));
        if is_login && known.token().is_none() && (!lasts || is_refused) {
            return Self::plain(AccountState::LoginNeeded);
        }
        let refused = record.filter(|_| is_refused && lasts);
        match refused.and_then(|one| context.braked_until(one, now)) {
            None => Self::plain(AccountState::Ready),
            until => Self { retry_at: until, ..Self::plain(AccountState::SetBack) },
        }
    }

    fn plain(state: AccountState) -> Self {
        Self { state, setback: None, retry_at: None, has_gone_back: false, other_key: None }
    }

    /// Why the account is not ready, if it is not.
    pub(crate) fn error(&self, account: &AccountId, now: SystemTime) -> Option<AccountError> {
        let (reason, retry_at) = match (self.state, self.setback) {
            _ if self.other_key.is_some() => (self.other_key.clone()?, None),
            (_, Some(setback)) => (Reason::Setback(setback.clone()), self.retry_at),
            (AccountState::SetBack, None) => (Reason::RefusedAgain, self.retry_at),
            (AccountState::LoginNeeded, None) if self.has_gone_back => {
                (Reason::RecordWentBack, None)
            }
            (AccountState::LoginNeeded, None) => (Reason::NoRefreshToken, None),
            (AccountState::NotLoggedIn, None) => (Reason::NotLoggedIn, None),
            _ => return None,
        };
        Some(AccountError::new(account, reason, retry_at, now))
    }
}
