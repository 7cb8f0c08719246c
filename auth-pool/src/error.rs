//! Why a pool has no token.

use std::{
    error::Error,
    fmt,
    time::{Duration, SystemTime},
};

use auth_accounts::{AccountError, AccountId, AccountState};
use http::StatusCode;

use crate::availability::Counts;

/// No account of the pool can be used now.
///
/// ```text
/// none of the 3 accounts can be used: 1 needs a login, 2 wait; main is back in 25 s
/// ```
#[derive(Debug, Clone)]
pub struct PoolError {
    waiting: usize,
    login_needed: usize,
    disabled: usize,
    first_back: Option<(AccountId, SystemTime, Duration)>,
    last_error: Option<AccountError>,
}

impl PoolError {
    pub(crate) fn new(
        counts: &Counts,
        first_back: Option<(AccountId, SystemTime, Duration)>,
        last_error: Option<AccountError>,
    ) -> Self {
        Self {
            waiting: counts.waiting,
            login_needed: counts.login_needed,
            disabled: counts.disabled,
            first_back,
            last_error,
        }
    }

    /// How many accounts can be used again at a known time.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many accounts need a login.
    pub fn login_needed(&self) -> usize {
        self.login_needed
    }

    /// How many accounts are [disabled](crate::AccountPool::disable).
    pub fn disabled(&self) -> usize {
        self.disabled
    }

    /// The waiting account that can be used again first. `None` if none waits.
    pub fn first_back(&self) -> Option<&AccountId> {
        self.first_back.as_ref().map(|(account, ..)| account)
    }

    /// When that account can be used again, by the wall clock.
    pub fn retry_at(&self) -> Option<SystemTime> {
        self.first_back.as_ref().map(|(_, at, _)| *at)
    }

    /// How long to wait from `now` until that account can be used again, zero if
    /// that time has come. `None` if none waits.
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        self.retry_at().map(|at| at.duration_since(now).unwrap_or_default())
    }

    /// How the pool is doing, in one word: [`SetBack`](AccountState::SetBack) if an
    /// account waits, else [`LoginNeeded`](AccountState::LoginNeeded) if one needs
    /// that, else [`Misconfigured`](AccountState::Misconfigured): all accounts are
    /// disabled, or there are none.
    pub fn state(&self) -> AccountState {
        match self {
            Self { waiting: 1.., .. } => AccountState::SetBack,
            Self { login_needed: 1.., .. } => AccountState::LoginNeeded,
            _ => AccountState::Misconfigured,
        }
    }

    /// The status with which a server answers its own client. See
    /// [`AccountState::http_status`].
    pub fn http_status(&self) -> StatusCode {
        self.state().http_status()
    }

    /// The exit code of a command-line tool. See [`AccountState::exit_code`].
    pub fn exit_code(&self) -> u8 {
        self.state().exit_code()
    }

    /// Finds the pool's error among the causes of another one, as
    /// [`AccountError::find`] finds an account's: that of a library that was given tokens by
    /// the pool, for example.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        auth_core::internal::find_cause(error)
    }

    /// The error of the account that this call tried last. `None` if it tried
    /// none.
    pub fn last_error(&self) -> Option<&AccountError> {
        self.last_error.as_ref()
    }
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.waiting + self.login_needed + self.disabled;
        if all == 0 {
            return f.write_str("the pool has no accounts");
        }
        let plural = if all == 1 { "" } else { "s" };
        write!(f, "none of the {all} account{plural} can be used: ")?;
        let mut comma = "";
        for (count, one, many) in [
            (self.login_needed, "needs a login", "need a login"),
            (self.disabled, "is disabled", "are disabled"),
            (self.waiting, "waits", "wait"),
        ] {
            if count > 0 {
                write!(f, "{comma}{count} {}", if count == 1 { one } else { many })?;
                comma = ", ";
            }
        }
        match &self.first_back {
            Some((account, _, wait)) => {
                write!(f, "; {account} is back in {:.0} s", wait.as_secs_f64().ceil())
            }
            None => Ok(()),
        }
    }
}

impl Error for PoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last_error.as_ref().map(|error| error as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_counts_first() {
        for (waiting, login_needed, disabled, state, status, code) in [
            (1, 1, 1, AccountState::SetBack, 503, 4),
            (0, 1, 1, AccountState::LoginNeeded, 401, 3),
            (0, 0, 1, AccountState::Misconfigured, 500, 5),
            (0, 0, 0, AccountState::Misconfigured, 500, 5),
        ] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
            let first_back = (waiting > 0).then(|| ("ada".into(), at, Duration::from_secs(10)));
            let error = PoolError { waiting, login_needed, disabled, first_back, last_error: None };
            assert_eq!(error.state(), state, "{error}");
            assert_eq!((error.http_status().as_u16(), error.exit_code()), (status, code));
            let wait = error.retry_after(at - Duration::from_secs(7));
            assert_eq!(wait, (waiting > 0).then_some(Duration::from_secs(7)));
            assert_eq!(error.retry_after(at).unwrap_or_default(), Duration::ZERO);
        }
    }
}
