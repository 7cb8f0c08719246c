//! How an account stands. Status, errors and events agree, for all of them ask
//! here or [the error](crate::AccountError::state).

use std::time::SystemTime;

use auth_core::AccessToken;

use crate::{
    known::Known,
    lifetime::{Lifetime, Ttl},
    record::Fingerprint,
    shared::{GrantKind, Shared},
    state::AccountState,
};

/// How an account stands, according to what is known of it.
pub(crate) struct Standing {
    pub(crate) state: AccountState,
}

impl Standing {
    /// `refused` is the access token that an API has refused.
    pub(crate) fn of(
        known: &Known,
        shared: &Shared,
        refused: Option<&AccessToken>,
        now: SystemTime,
    ) -> Self {
        let is_login = shared.grant == GrantKind::RefreshToken;
        let record = known.record.as_ref();
        if is_login && record.is_none() {
            return Self { state: AccountState::NotLoggedIn };
        }
        if record.is_some_and(|record| shared.binding.refuses(record).is_some()) {
            return Self { state: AccountState::Misconfigured };
        }
        let token = known.token().unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        let setback = known
            .setbacks()
            .filter(|setback| setback.concerns(token, &shared.endpoint))
            .max_by_key(|setback| setback.count);
        if let Some(setback) = setback {
            return Self { state: AccountState::after(setback.kind) };
        }
        let lasts = record.is_some_and(|record| {
            refused != Some(&record.tokens.access_token)
                && Lifetime::of(record, now).lasts(Ttl::Usual, &shared.settings)
        });
        let state = match is_login && known.token().is_none() && !lasts {
            true => AccountState::LoginNeeded,
            false => AccountState::Ready,
        };
        Self { state }
    }
}
