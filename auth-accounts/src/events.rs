//! Events of an account, through `tracing` with the feature of that name, and
//! nothing without it. They hold facts and never a secret. `docs/crate.md` lists
//! them, with their fields, as an interface: a message is the kind of an event.

#[cfg(feature = "tracing")]
mod on {
    use std::time::{Duration, Instant};

    use auth_core::Failure;
    use tracing::{Instrument, debug, info, info_span, warn};

    use crate::{
        closed::{Unfinished, WhyUnfinished},
        error::{AccountError, Reason},
        id::AccountId,
        logout_report::Logout,
        outcome::Ended,
        repeats::{Repeats, Voice, What},
    };

    const TARGET: &str = "auth_accounts::account";

    /// At `WARN` when it begins and once a minute after that, with how often it was
    /// said between; at `DEBUG` between.
    macro_rules! warn_now_and_then {
        ($repeats:expr, $account:expr, $what:expr, $now:expr, $($said:tt)*) => {
            match $repeats.voice($account, $what, $now) {
                Voice::Loud(repeated) => {
                    warn!(target: TARGET, account = $account.as_str(), repeated, $($said)*);
                }
                Voice::Low => debug!(target: TARGET, account = $account.as_str(), $($said)*),
            }
        };
    }

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

    /// Somebody who has lost the lease may be under way, and is waited for.
    pub(crate) fn standing_by(account: &AccountId, wait: Duration) {
        let account = account.as_str();
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        debug!(target: TARGET, account, wait_ms, "another refresh may be under way");
    }

    pub(crate) fn gave_way(account: &AccountId) {
        debug!(target: TARGET, account = account.as_str(), "gave way to a login or logout");
    }

    pub(crate) fn login_without_refresh_token(account: &AccountId) {
        let account = account.as_str();
        warn!(
            target: TARGET,
            account,
            "a login without a refresh token: it ends when its access token does"
        );
    }

    /// The old token was handed out while refreshes failed, and is not any more.
    pub(crate) fn ran_out(account: &AccountId, ended: &Ended) {
        let (account, Err(error)) = (account.as_str(), &ended.result) else { return };
        warn!(target: TARGET, account, %error, "the old token has run out");
    }

    pub(crate) fn put_back(account: &AccountId) {
        let account = account.as_str();
        warn!(target: TARGET, account, "the record had gone back; the newest is put back");
    }

    /// Work was dropped before its end, by a runtime that ends for example.
    pub(crate) fn broken_off(
        account: &AccountId,
        possibly_spent: bool,
        unsaved: bool,
        repeats: &Repeats,
        now: Option<Instant>,
    ) {
        // What was sent may be lost, each time.
        if let Some(now) = now.filter(|_| !possibly_spent) {
            warn_now_and_then!(
                repeats,
                account,
                What::BrokenOff,
                now,
                possibly_spent,
                unsaved,
                "broken off before its end"
            );
            return;
        }
        let account = account.as_str();
        warn!(target: TARGET, account, possibly_spent, unsaved, "broken off before its end");
    }

    pub(crate) fn unfinished(unfinished: &Unfinished) {
        let account = unfinished.account.as_str();
        let unsaved = matches!(unfinished.why, WhyUnfinished::Unsaved(_));
        let why = &unfinished.why;
        warn!(target: TARGET, account, unsaved, error = %why, "closed before its end");
    }

    pub(crate) fn logged_out(
        id: &AccountId,
        result: &Result<Logout, AccountError>,
        repeats: &Repeats,
        now: Instant,
    ) {
        let account = id.as_str();
        match result {
            Ok(logout) => {
                let Logout { revocation, without_lease, newer_login, was_damaged, .. } = logout;
                if logout.may_be_alive() {
                    warn!(
                        target: TARGET, account, %revocation, without_lease, newer_login,
                        was_damaged, "logged out, and a refresh token may be alive"
                    );
                } else {
                    info!(
                        target: TARGET, account, %revocation, without_lease, newer_login,
                        was_damaged, "logged out"
                    );
                }
            }
            Err(error) => warn_now_and_then!(
                repeats, id, What::NotLoggedOut, now,
                %error, "could not log out"
            ),
        }
    }

    /// The refresh token that a login replaced was to be revoked.
    pub(crate) fn replaced(account: &AccountId, revoked: Result<(), Failure>) {
        let account = account.as_str();
        match revoked {
            Ok(()) => info!(target: TARGET, account, "replaced refresh token revoked"),
            Err(error) => {
                warn!(target: TARGET, account, %error, "replaced refresh token not revoked");
            }
        }
    }

    pub(crate) fn ended(id: &AccountId, ended: &Ended, repeats: &Repeats, now: Instant) {
        let account = id.as_str();
        let fallback = ended.fallback.is_some();
        let in_order = match &ended.result {
            Ok(token) => token.unsaved().is_none(),
            Err(error) => !matches!(error.reason(), Reason::Store(_)),
        };
        if in_order && repeats.is_over(id) {
            info!(target: TARGET, account, "the store is in order again");
        }
        match &ended.result {
            Ok(token) => match token.unsaved() {
                Some(error) => {
                    if ended.is_new {
                        // Each of these is the first of its tokens.
                        repeats.is_over(id);
                    }
                    warn_now_and_then!(
                        repeats, id, What::Unsaved(error.kind()), now,
                        %error, "new tokens could not be saved yet"
                    );
                }
                None if ended.is_login => {
                    info!(target: TARGET, account, "new tokens of a login saved");
                }
                None if ended.is_new => info!(target: TARGET, account, "new tokens saved"),
                None => debug!(target: TARGET, account, "the token on record does"),
            },
            Err(error) if ended.was_busy() => {
                debug!(target: TARGET, account, %error, "the lease was busy");
            }
            Err(error) => match error.reason() {
                Reason::Store(store) => warn_now_and_then!(
                    repeats, id, What::Failed(store.kind()), now,
                    fallback, %error, "the store failed"
                ),
                // What the token endpoint said has been reported by `auth-core`.
                _ => debug!(target: TARGET, account, fallback, %error, "no new token"),
            },
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::time::{Duration, Instant};

    use auth_core::Failure;

    use crate::{
        closed::Unfinished, error::AccountError, id::AccountId, logout_report::Logout,
        outcome::Ended, repeats::Repeats,
    };

    pub(crate) fn within<F: Future>(_: &AccountId, _: bool, work: F) -> F {
        work
    }

    pub(crate) fn leasing(_: &AccountId, _: Duration) {}
    pub(crate) fn standing_by(_: &AccountId, _: Duration) {}
    pub(crate) fn gave_way(_: &AccountId) {}
    pub(crate) fn login_without_refresh_token(_: &AccountId) {}
    pub(crate) fn ran_out(_: &AccountId, _: &Ended) {}
    pub(crate) fn put_back(_: &AccountId) {}
    pub(crate) fn broken_off(_: &AccountId, _: bool, _: bool, _: &Repeats, _: Option<Instant>) {}
    pub(crate) fn unfinished(_: &Unfinished) {}
    pub(crate) fn logged_out(
        _: &AccountId,
        _: &Result<Logout, AccountError>,
        _: &Repeats,
        _: Instant,
    ) {
    }
    pub(crate) fn replaced(_: &AccountId, _: Result<(), Failure>) {}
    pub(crate) fn ended(_: &AccountId, _: &Ended, _: &Repeats, _: Instant) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::{
    broken_off, ended, gave_way, leasing, logged_out, login_without_refresh_token, put_back,
    ran_out, replaced, standing_by, unfinished, within,
};
#[cfg(feature = "tracing")]
pub(crate) use on::{
    broken_off, ended, gave_way, leasing, logged_out, login_without_refresh_token, put_back,
    ran_out, replaced, standing_by, unfinished, within,
};
