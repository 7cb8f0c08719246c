//! Events of an account, through `tracing` with the feature of that name, and
//! nothing without it. They hold facts and never a secret.

#[cfg(feature = "tracing")]
mod on {
    use std::time::Duration;

    use tracing::{Instrument, debug, info, info_span, warn};

    use crate::{error::Reason, id::AccountId, outcome::Ended};

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

    pub(crate) fn leasing(wait: Duration) {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        debug!(target: TARGET, wait_ms, "taking the lease");
    }

    pub(crate) fn gave_way() {
        debug!(target: TARGET, "gave way to a login");
    }

    pub(crate) fn login_without_refresh_token(account: &AccountId) {
        let account = account.as_str();
        warn!(
            target: TARGET,
            account,
            "a login without a refresh token: it ends when its access token does"
        );
    }

    pub(crate) fn ended(ended: &Ended) {
        let fallback = ended.fallback.is_some();
        match &ended.result {
            Ok(token) => match token.unsaved() {
                Some(error) => {
                    warn!(target: TARGET, "new tokens could not be saved yet: {error}");
                }
                None if ended.is_login => info!(target: TARGET, "new tokens of a login saved"),
                None if ended.is_new => info!(target: TARGET, "new tokens saved"),
                None => debug!(target: TARGET, "the token on record does"),
            },
            Err(error) if matches!(error.reason(), Reason::Store(_)) => {
                warn!(target: TARGET, fallback, "{error}");
            }
            // What the token endpoint said has been reported by `auth-core`.
            Err(error) => debug!(target: TARGET, fallback, "{error}"),
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::time::Duration;

    use crate::{id::AccountId, outcome::Ended};

    pub(crate) fn within<F: Future>(_: &AccountId, _: bool, work: F) -> F {
        work
    }

    pub(crate) fn leasing(_: Duration) {}
    pub(crate) fn gave_way() {}
    pub(crate) fn login_without_refresh_token(_: &AccountId) {}
    pub(crate) fn ended(_: &Ended) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::{ended, gave_way, leasing, login_without_refresh_token, within};
#[cfg(feature = "tracing")]
pub(crate) use on::{ended, gave_way, leasing, login_without_refresh_token, within};
