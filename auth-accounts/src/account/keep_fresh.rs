//! Refresh ahead of need.

use std::{convert::Infallible, time::Duration};

use super::Account;
use crate::{error::AccountError, late_saves, refresh::Want};

/// How long [`Account::keep_fresh`] sleeps at most: the clock may be set, and
/// the machine put to sleep, meanwhile.
pub(crate) const LOOK_UP_EVERY: Duration = Duration::from_secs(60);

/// How soon an account is looked at again at the earliest: a token that is due
/// and cannot be refreshed stays due.
const SOONEST: Duration = Duration::from_secs(1);

/// How soon a token that does not expire is looked at again.
const SELDOM: Duration = Duration::from_secs(3600);

/// What [`Account::refresh_if_due`] did.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct DueCheck {
    /// `true` if a refresh was due and succeeded, `false` if none was due.
    pub result: Result<bool, AccountError>,
    /// How long to wait before the next check, at least 1 s. After a failure it
    /// is the time until the next try. At most 30 s while tokens are
    /// [unsaved](crate::Token::unsaved).
    pub next_in: Duration,
}

impl Account {
    /// Refreshes ahead of expiry, at a random moment (see
    /// [`Settings::refresh_ahead`](crate::Settings::refresh_ahead)). It never
    /// returns; drop the future to end it. Once the accounts are
    /// [closed](crate::Accounts::close) it does nothing more.
    ///
    /// After a failure it tries again later; callers who ask for a token meanwhile
    /// learn of it. Tokens with a lifetime of less than 30 s are refreshed only
    /// when they are needed.
    ///
    /// ```
    /// # use auth_accounts::Account;
    /// # fn example(account: Account) {
    /// # fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    /// spawn(async move {
    ///     account.keep_fresh().await;
    /// });
    /// # }
    /// ```
    pub async fn keep_fresh(&self) -> Infallible {
        loop {
            let pause = self.freshen().await;
            if self.0.flight.is_closed() {
                std::future::pending::<()>().await;
            }
            self.0.shared.clock.sleep(pause).await;
        }
    }

    /// The same, with somebody to ask every second whether to end.
    pub(crate) async fn keep_fresh_until(&self, ended: impl Fn() -> bool) {
        let ended = || ended() || self.0.flight.is_closed();
        while !ended() {
            let mut pause = self.freshen().await;
            while !pause.is_zero() && !ended() {
                let slice = pause.min(Duration::from_secs(1));
                self.0.shared.clock.sleep(slice).await;
                pause -= slice;
            }
        }
    }

    /// Refreshes if that is due ahead of need, and says how long to wait before
    /// looking again.
    async fn freshen(&self) -> Duration {
        self.refresh_if_due().await.next_in.min(LOOK_UP_EVERY)
    }

    /// Refreshes if a refresh ahead of expiry is due. A loop over many accounts
    /// calls this for each of them. [`keep_fresh`](Self::keep_fresh) is that loop
    /// for one account.
    pub async fn refresh_if_due(&self) -> DueCheck {
        let result = self.try_if_due().await;
        let next_in = self.due_after(result.as_ref().err()).max(SOONEST);
        DueCheck { result, next_in }
    }

    async fn try_if_due(&self) -> Result<bool, AccountError> {
        let token = match self.cached() {
            Some(token) => token,
            // Not loaded yet, not saved, or not valid any more.
            None => match self.obtain(Want::Ahead(None)).await? {
                (_, true) => return Ok(true),
                (token, false) => token,
            },
        };
        let now = self.0.shared.clock.now();
        if token.0.due_after(now).is_some_and(|due| due.is_zero()) {
            let unwanted = token.access_token().clone();
            return Ok(self.obtain(Want::Ahead(Some(unwanted))).await?.1);
        }
        Ok(false)
    }

    /// How long to wait before looking at it again, after this error if there
    /// was one.
    fn due_after(&self, failed: Option<&AccountError>) -> Duration {
        let now = self.0.shared.clock.now();
        let retry_at = failed.and_then(AccountError::retry_at);
        match (&*self.0.cached.load(), retry_at) {
            (Some(cached), _) => {
                let due = cached.due_after(now).unwrap_or(SELDOM);
                // Where nobody else tries to save them.
                if cached.is_unsaved() { due.min(late_saves::LONGEST) } else { due }
            }
            (None, Some(at)) => at.duration_since(now.wall).unwrap_or_default(),
            (None, None) => LOOK_UP_EVERY,
        }
    }
}
