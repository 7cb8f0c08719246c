//! Events of an account, through `tracing` with the feature of that name, and
//! nothing without it. They hold facts and never a secret.

#[cfg(feature = "tracing")]
mod on {
    use std::time::Duration;

    use tracing::{Instrument, debug, info, info_span, warn};

    use crate::{
        closed::{Unfinished, WhyUnfinished},
        error::Reason,
        id::AccountId,
        outcome::Ended,
    };

    const TARGET: &str = "auth_accounts::account";

    /// Puts all that happens on the way into a span that names the account.
    pub(crate) fn within<F: Future>(
        account: &AccountId,
        login: bool,
        work: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        let account = account.as_str();
        work.instrument(if login {
            info_span!(target: TARGET, "login", account)
        } else {
            info_span!(target: TARGET, "refresh", account)
        })
    }

    pub(crate) fn leasing(account: &AccountId, wait: Duration) {
        let account = account.as_str();
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        debug!(target: TARGET, account, wait_ms, "taking the lease");
    }

    pub(crate) fn gave_way(account: &AccountId) {
        debug!(target: TARGET, account = account.as_str(), "gave way to a login");
    }

    pub(crate) fn login_without_refresh_token(account: &AccountId) {
        let account = account.as_str();
        warn!(
            target: TARGET,
            account,
            "a login without a refresh token: it ends when its access token does"
        );
    }

    /// Work was dropped before its end, by a runtime that ends for example.
    pub(crate) fn broken_off(account: &AccountId, possibly_spent: bool, unsaved: bool) {
        let account = account.as_str();
        warn!(target: TARGET, account, possibly_spent, unsaved, "broken off before its end");
    }

    pub(crate) fn unfinished(unfinished: &Unfinished) {
        let account = unfinished.account.as_str();
        let unsaved = matches!(unfinished.why, WhyUnfinished::Unsaved(_));
        warn!(target: TARGET, account, unsaved, "closed before its end: {unfinished}");
    }

    pub(crate) fn ended(account: &AccountId, ended: &Ended) {
        let account = account.as_str();
        let fallback = ended.fallback.is_some();
        match &ended.result {
            Ok(token) => match token.unsaved() {
                Some(error) => {
                    warn!(target: TARGET, account, "new tokens could not be saved yet: {error}");
                }
                None if ended.is_login => {
                    info!(target: TARGET, account, "new tokens of a login saved");
                }
                None if ended.is_new => info!(target: TARGET, account, "new tokens saved"),
                None => debug!(target: TARGET, account, "the token on record does"),
            },
            Err(error) if matches!(error.reason(), Reason::Store(_)) => {
                warn!(target: TARGET, account, fallback, "{error}");
            }
            // What the token endpoint said has been reported by `auth-core`.
            Err(error) => debug!(target: TARGET, account, fallback, "{error}"),
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::time::Duration;

    use crate::{closed::Unfinished, id::AccountId, outcome::Ended};

    pub(crate) fn within<F: Future>(_: &AccountId, _: bool, work: F) -> F {
        work
    }

    pub(crate) fn leasing(_: &AccountId, _: Duration) {}
    pub(crate) fn gave_way(_: &AccountId) {}
    pub(crate) fn login_without_refresh_token(_: &AccountId) {}
    pub(crate) fn broken_off(_: &AccountId, _: bool, _: bool) {}
    pub(crate) fn unfinished(_: &Unfinished) {}
    pub(crate) fn ended(_: &AccountId, _: &Ended) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::{
    broken_off, ended, gave_way, leasing, login_without_refresh_token, unfinished, within,
};
#[cfg(feature = "tracing")]
pub(crate) use on::{
    broken_off, ended, gave_way, leasing, login_without_refresh_token, unfinished, within,
};
