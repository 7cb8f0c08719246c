//! Several accounts in order, of which the first usable one is handed out.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_accounts::{
    Account, AccountError, AccountId, DueRefreshes, Token, internal::refresh_each,
};
use auth_core::{AccessToken, TokenRequest};
use http::StatusCode;

use crate::{
    availability::Suspension,
    error::PoolError,
    index::Index,
    outcome::ReportOutcome,
    round::Round,
    settings::PoolSettings,
    shared::{Blame, Shared},
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
        self.pick(None, None).await
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
        self.pick(Some(session), None).await
    }

    /// Reports the status of an API's response to a request with this token.
    /// [Calls](crate#calls) do it by themselves.
    ///
    /// At the statuses of [`PoolSettings::move_on_at`] the account is
    /// suspended: for `retry_after` (for a second at least, if there are other accounts), or
    /// for [`PoolSettings::cooldown`] if that is `None`. At 401 its token is refreshed instead, unless that token has
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

    /// The token to use. `last` is the error of the account that was tried before.
    pub(crate) async fn pick(
        &self,
        key: Option<&str>,
        mut last: Option<AccountError>,
    ) -> Result<PoolToken, PoolError> {
        // Each round suspends one account, so more rounds would mean that
        // accounts come back as fast as they fail.
        for _ in 0..=self.0.accounts.len() {
            let picked = self.0.pick(key);
            let Some((index, account, marked)) = picked else { break };
            let asked = self.0.wall();
            let result = account.token().await;
            match self.0.settle(index, marked.as_ref(), result, asked) {
                Ok(token) => return Ok(PoolToken { account: account.id().clone(), token }),
                Err((_, error)) => last = error,
            }
        }
        Err(self.0.none_usable(last))
    }

    /// The token that [`pick`](Self::pick) would return at once.
    pub(crate) fn peek(&self, key: Option<&str>) -> Option<PoolToken> {
        let (_, account, marked) = self.0.pick(key)?;
        // What replaces a marked token is to be noted.
        let token = account.peek().filter(|_| marked.is_none())?;
        Some(PoolToken { account: account.id().clone(), token })
    }

    async fn judge(
        &self,
        index: Index,
        token: Option<&AccessToken>,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        let Some(account) = self.0.at(index) else { return ReportOutcome::Ignored };
        if !self.0.settings.move_on_at.contains(&status) {
            return ReportOutcome::Ignored;
        }
        let current = account.current();
        let token = token.or(current.as_ref().map(Token::access_token));
        let blame = match status {
            StatusCode::UNAUTHORIZED => Blame::Token(None),
            _ => Blame::Account,
        };
        self.blame(index, token, blame, retry_after).await
    }

    /// Replaces the token, or suspends the account.
    pub(crate) async fn blame(
        &self,
        index: Index,
        token: Option<&AccessToken>,
        blame: Blame<'_>,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        let Some(account) = self.0.at(index) else { return ReportOutcome::Ignored };
        let token = match self.0.accuse(index, token, blame, retry_after) {
            Ok(token) => token,
            Err(until) => return ReportOutcome::MovedOn { until, error: None },
        };
        // Whoever picks the account next does the rest if this is dropped.
        self.0.lock().refusals.mark(index, token);
        let asked = self.0.wall();
        let result = match blame.claims() {
            Some(claims) => account.claims_challenged(&TokenRequest::new(), token, claims).await,
            None => account.token_refused(token).await,
        };
        match self.0.settle(index, Some(token), result, asked) {
            Ok(_) => ReportOutcome::Refreshed,
            Err((until, error)) => ReportOutcome::MovedOn { until, error },
        }
    }

    /// The same without I/O: a token that is to be replaced is so at the next pick.
    pub(crate) fn mark(&self, used: &PoolToken, blame: Blame<'_>, retry_after: Option<Duration>) {
        let Some(index) = self.0.index(&used.account) else { return };
        let token = used.token.access_token();
        if self.0.accuse(index, Some(token), blame, retry_after).is_ok()
            && let Some(account) = self.0.at(index)
        {
            account.mark_refused(&TokenRequest::new(), token, blame.claims());
            self.0.lock().refusals.mark(index, token);
        }
    }

    /// Where the account of a token stands.
    pub(crate) fn index(&self, used: &PoolToken) -> Option<Index> {
        self.0.index(&used.account)
    }

    /// Whether an account is left at this status.
    pub(crate) fn moves_on_at(&self, status: StatusCode) -> bool {
        self.0.settings.move_on_at.contains(&status)
    }

    pub(crate) fn wall(&self) -> SystemTime {
        self.0.wall()
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
