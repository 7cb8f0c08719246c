//! Several accounts in order, of which the first usable one is handed out.

use std::{fmt, sync::Arc, time::Duration};

use auth_accounts::{
    Account, AccountError, AccountId, DueRefreshes, Token, internal::refresh_each,
};
use auth_core::AccessToken;
use http::StatusCode;

use crate::{
    availability::Suspension,
    error::PoolError,
    index::Index,
    outcome::ReportOutcome,
    round::Round,
    settings::PoolSettings,
    shared::{Shared, later},
    token::PoolToken,
};

/// Several accounts in order, the main one first. The pool hands out a token of
/// the first one that can be used. Cloning shares the pool.
///
/// An account that cannot be used is suspended: until its setback is over,
/// until the user has logged in again, or for a cooldown after an API refused
/// its token.
///
/// ```
/// use std::time::Duration;
/// use auth_pool::{AccountPool, PoolSettings, auth_accounts::Accounts, http::StatusCode};
///
/// # async fn example(accounts: Accounts) -> Result<(), auth_pool::PoolError> {
/// let members = ["main", "fallback"].map(|id| accounts.account(id));
/// let pool = AccountPool::new(members, PoolSettings::default());
///
/// let used = pool.token().await?;
/// // The API responds with 429 with `Retry-After: 120`:
/// let retry_after = Some(Duration::from_secs(120));
/// pool.report(&used, StatusCode::TOO_MANY_REQUESTS, retry_after).await;
///
/// let next = pool.token().await?;
/// assert_ne!(next.account(), used.account());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AccountPool(Arc<Shared>);

impl AccountPool {
    /// Makes a pool of these accounts, the main one first. If several have the
    /// same id, the first one counts.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX` accounts.
    pub fn new(accounts: impl IntoIterator<Item = Account>, settings: PoolSettings) -> Self {
        Self(Arc::new(Shared::new(accounts, settings)))
    }

    /// Returns a token of the first account that can be used.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if no account can be used. It says which one is back
    /// first, and when.
    pub async fn token(&self) -> Result<PoolToken, PoolError> {
        self.pick(None).await
    }

    /// Like [`token`](Self::token), for a session of your program, under any name
    /// that you give it. With [`Routing::Sticky`](crate::Routing::Sticky) a session
    /// keeps its account for as long as that account can be used. `session` is not
    /// the name of an account: see [`account`](Self::account) for that.
    ///
    /// # Errors
    ///
    /// See [`token`](Self::token).
    pub async fn token_for_session(&self, session: &str) -> Result<PoolToken, PoolError> {
        self.pick(Some(session)).await
    }

    /// Reports the status of an API's response to a request with this token.
    ///
    /// At the statuses of [`PoolSettings::move_on_at`] the account is
    /// suspended: for `retry_after`, or for [`PoolSettings::cooldown`] if that
    /// is `None`. At 401 its token is refreshed instead, unless that token has
    /// just replaced another one that was refused with 401.
    ///
    /// The token may come from another pool, for example from before the
    /// configuration was reloaded. The account is found by its id.
    pub async fn report(
        &self,
        used: &PoolToken,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        match self.0.index(&used.account) {
            Some(index) => {
                self.judge(index, Some(used.token.access_token()), status, retry_after).await
            }
            None => ReportOutcome::Ignored,
        }
    }

    /// Like [`report`](Self::report), for callers that kept only the account's
    /// id. A 401 is taken to be about the account's current token, which may be
    /// wrong: if two requests with an old token both get a 401, the first
    /// report refreshes it, and the second suspends the account although its
    /// new token is good. Only [`report`](Self::report) can tell these cases
    /// apart.
    pub async fn report_id(
        &self,
        account: &AccountId,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        match self.0.index(account) {
            Some(index) => self.judge(index, None, status, retry_after).await,
            None => ReportOutcome::Ignored,
        }
    }

    /// Refreshes the accounts that are due for a refresh ahead of their expiry,
    /// several at a time. Call it at [`DueRefreshes::next_at`], or every minute.
    ///
    /// The first check of an account reads its record; later checks happen only
    /// when the account is due. A call checks at most [`PoolSettings::batch`]
    /// accounts, and none that are [disabled](Self::disable). The future may be
    /// dropped at any time; the next call does what was left undone.
    ///
    /// For all accounts of a store, in a pool or not, there is
    /// [`Accounts::refresh_due`](auth_accounts::Accounts::refresh_due).
    pub async fn refresh_due(&self) -> DueRefreshes {
        let mut outcome = refresh_each(Round::new(&self.0), self.0.settings.concurrency).await;
        outcome.next_at = self.0.lock().due.next_at(self.0.wall());
        outcome
    }

    /// Disables an account until [`enable`](Self::enable) is called. The pool
    /// then neither hands out its tokens nor refreshes them, so that another
    /// program may. A refresh in progress is not cancelled. Calls on the
    /// [`Account`] itself still work.
    pub fn disable(&self, account: &AccountId) {
        if let Some(index) = self.0.index(account) {
            self.0.lock().availability.suspend(index, Suspension::Disabled);
        }
    }

    /// Makes an account usable again, whatever it was suspended for. If a check
    /// was left out while it was disabled, the next call of
    /// [`refresh_due`](Self::refresh_due) makes up for it.
    pub fn enable(&self, account: &AccountId) {
        if let Some(index) = self.0.index(account) {
            self.0.lock().enable(index);
        }
    }

    /// The account with this id.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.0.index(id).and_then(|index| self.0.at(index))
    }

    /// All accounts, in order.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.0.accounts.iter()
    }

    /// Where an account stands in the order.
    pub(crate) fn position(&self, id: &AccountId) -> Option<usize> {
        self.0.index(id).map(|index| index as usize)
    }

    async fn pick(&self, key: Option<&str>) -> Result<PoolToken, PoolError> {
        let mut last = None;
        // Each round suspends one account, so more rounds would mean that
        // accounts come back as fast as they fail.
        for _ in 0..=self.0.accounts.len() {
            let picked = self.0.lock().pick(key, self.0.wall(), self.0.settings.routing);
            let Some((index, account)) = picked.and_then(|at| Some((at, self.0.at(at)?))) else {
                break;
            };
            let asked = self.0.wall();
            match account.token().await {
                Ok(token) => {
                    return Ok(PoolToken { account: account.id().clone(), token });
                }
                Err(error) => {
                    self.0.suspend_after(index, &error, asked);
                    last = Some(error);
                }
            }
        }
        Err(self.0.none_usable(last))
    }

    async fn judge(
        &self,
        index: Index,
        token: Option<&AccessToken>,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        let Some(account) = self.0.at(index) else { return ReportOutcome::Ignored };
        let settings = &self.0.settings;
        if !settings.move_on_at.contains(&status) {
            return ReportOutcome::Ignored;
        }
        let current = account.current();
        let token = token.or(current.as_ref().map(Token::access_token));
        if let (StatusCode::UNAUTHORIZED, Some(token)) = (status, token)
            && self.0.lock().may_refresh(index, token, account.wall())
        {
            let asked = self.0.wall();
            return match account.token_refused(token).await {
                Ok(other) if other.access_token() != token => {
                    self.0.replaced(index, &other);
                    ReportOutcome::Refreshed
                }
                // There is to be no other for now.
                Ok(same) => {
                    let error = same.refresh_error().cloned();
                    let until = error.as_ref().and_then(AccountError::retry_at);
                    let until = until.unwrap_or_else(|| later(account.wall(), settings.cooldown));
                    self.0.lock().availability.suspend(index, Suspension::Waiting(until));
                    ReportOutcome::MovedOn { until, error }
                }
                Err(error) => {
                    let until = self.0.suspend_after(index, &error, asked);
                    ReportOutcome::MovedOn { until, error: Some(error) }
                }
            };
        }
        let cooldown = retry_after.unwrap_or(settings.cooldown).min(settings.max_cooldown);
        let now = account.wall();
        let until = later(now, cooldown);
        let mut state = self.0.lock();
        state.availability.suspend(index, Suspension::Waiting(until));
        if status == StatusCode::UNAUTHORIZED {
            state.refusals.suspended(index, until, now);
        }
        ReportOutcome::MovedOn { until, error: None }
    }
}

impl fmt::Debug for AccountPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountPool")
            .field("accounts", &self.0.accounts.len())
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
