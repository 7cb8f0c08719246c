//! Several accounts: the first that can be used.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use auth_accounts::{Account, AccountError, AccountId, Token};
use auth_core::{AccessToken, Advice};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use http::StatusCode;

use crate::{
    Index, PoolError, PoolSettings, PoolToken, Refreshed, ReportOutcome, Routing,
    availability::{Availability, Why},
    due::Due,
    refusals::Refusals,
    sticky::StickyKeys,
};

/// Accounts in order, the main one first, of which the first that can be used
/// is handed out. Cloning shares it.
///
/// An account that cannot be used rests: until its setback is over, until the
/// user has logged in again, or for a time after an API has refused it.
///
/// ```
/// use auth_accounts::Accounts;
/// use auth_pool::{AccountPool, PoolSettings};
/// use http::StatusCode;
///
/// # async fn example(accounts: Accounts) -> Result<(), auth_pool::PoolError> {
/// let members = ["main", "fallback"].map(|id| accounts.account(id));
/// let pool = AccountPool::new(members, PoolSettings::default());
///
/// let used = pool.token().await?;
/// // The API answers 429 and asks for two minutes' rest:
/// pool.report(&used, StatusCode::TOO_MANY_REQUESTS, Some(std::time::Duration::from_secs(120))).await;
/// let next = pool.token().await?;
/// assert_ne!(next.account(), used.account());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AccountPool(Arc<Inner>);

struct Inner {
    accounts: Box<[Account]>,
    by_id: HashMap<AccountId, Index>,
    settings: PoolSettings,
    state: Mutex<State>,
}

struct State {
    availability: Availability,
    keys: StickyKeys,
    refusals: Refusals,
    due: Due,
}

/// How soon an account is looked at again that needs a login or whose store
/// failed: that costs no more than reading a record.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl AccountPool {
    /// A pool of these accounts, the main one first. Of several with the same
    /// name the first counts.
    ///
    /// # Panics
    ///
    /// If there are more than `u32::MAX`.
    pub fn new(accounts: impl IntoIterator<Item = Account>, settings: PoolSettings) -> Self {
        let mut by_id = HashMap::new();
        let mut kept = Vec::new();
        for account in accounts {
            assert!(kept.len() < Index::MAX as usize, "a pool has at most u32::MAX accounts");
            let index = kept.len() as Index;
            by_id.entry(account.id().clone()).or_insert_with(|| {
                kept.push(account);
                index
            });
        }
        let state = State {
            availability: Availability::new(kept.len() as Index),
            keys: StickyKeys::new(settings.sticky_keys),
            refusals: Refusals::default(),
            due: Due::new(kept.len() as Index),
        };
        by_id.shrink_to_fit();
        Self(Arc::new(Inner { accounts: kept.into(), by_id, settings, state: Mutex::new(state) }))
    }

    /// A token of the first account that can be used.
    ///
    /// # Errors
    ///
    /// [`PoolError`] if all rest; it says when the first is back.
    pub async fn token(&self) -> Result<PoolToken, PoolError> {
        self.pick(None).await
    }

    /// The same, for a user or a session of yours. With [`Routing::Sticky`]
    /// the same key keeps its account for as long as that can be used.
    ///
    /// # Errors
    ///
    /// See [`token`](Self::token).
    pub async fn token_for(&self, key: &str) -> Result<PoolToken, PoolError> {
        self.pick(Some(key)).await
    }

    /// Says how an API answered a request with this token. At the statuses of
    /// [`PoolSettings::move_on_at`] the account rests, for `retry_after` if
    /// the API named a time; but at a 401 its token is refreshed instead, unless
    /// it has only just replaced another that was refused with 401.
    ///
    /// The token may be from another pool, say from before the configuration
    /// was read anew: what counts is the account's name.
    pub async fn report(
        &self,
        used: &PoolToken,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        match self.0.find(&used.account, used.index) {
            Some(index) => {
                self.judge(index, Some(used.token.access_token()), status, retry_after).await
            }
            None => ReportOutcome::Ignored,
        }
    }

    /// The same, for who has kept the account's name only. A 401 is taken to
    /// be about the account's current token, which it need not be: if two
    /// requests with an old token are both answered with 401, the first report
    /// refreshes it, and the second lets the account rest although its new token
    /// is good. Only [`report`](Self::report) can tell these cases apart.
    pub async fn report_id(
        &self,
        account: &AccountId,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        match self.0.by_id.get(account) {
            Some(&index) => self.judge(index, None, status, retry_after).await,
            None => ReportOutcome::Ignored,
        }
    }

    /// Refreshes the accounts for which that is due ahead of need, several side
    /// by side. Call it at [`Refreshed::next_at`], or every minute.
    ///
    /// An account is looked at once, which reads its record, and then only
    /// when it is due. No call looks at more than
    /// [`PoolSettings::batch`] accounts, and none at those that are
    /// [disabled](Self::disable). It may be dropped at any time; what it has
    /// not done is left to the next call.
    pub async fn refresh_due(&self) -> Refreshed {
        let Some(first) = self.0.accounts.first() else { return Refreshed::default() };
        let visits = self.lock().take_due(first.wall(), self.0.settings.batch);
        // All at once, before anything is awaited: if this is dropped, those
        // that were not looked at are looked at by the next call.
        let visits: Vec<_> = visits.into_iter().map(|index| Visit::new(&self.0, index)).collect();
        let mut visits = visits.into_iter();
        let mut refreshed = Refreshed::default();
        let mut under_way = FuturesUnordered::new();
        loop {
            let free = self.0.settings.side_by_side.max(1) - under_way.len();
            under_way.extend(visits.by_ref().take(free).map(|visit| self.visit(visit)));
            match under_way.next().await {
                Some((account, Ok(true))) => refreshed.refreshed.push(account),
                Some((_, Ok(false))) => {}
                Some((_, Err(error))) => refreshed.failed.push(error),
                None => break,
            }
        }
        refreshed.next_at = self.lock().due.next_at(first.wall());
        refreshed
    }

    /// Takes an account out of use, until [`enable`](Self::enable): the pool
    /// neither hands out its tokens nor refreshes them, so that another program
    /// may. A refresh that is under way goes on. What is done with the account
    /// past the pool is none of its business.
    pub fn disable(&self, account: &AccountId) {
        if let Some(&index) = self.0.by_id.get(account) {
            self.lock().availability.rest(index, Why::SwitchedOff);
        }
    }

    /// Brings an account back into use, whatever it rested for, and looks at
    /// it again by the next [`refresh_due`](Self::refresh_due) if that was left
    /// out meanwhile.
    pub fn enable(&self, account: &AccountId) {
        if let Some(&index) = self.0.by_id.get(account) {
            let mut state = self.lock();
            state.availability.enable(index);
            state.refusals.forget(index);
            state.due.enable(index);
        }
    }

    /// An account by its name.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.0.by_id.get(id).and_then(|&index| self.0.at(index))
    }

    /// Where an account stands in the order.
    pub(crate) fn position(&self, id: &AccountId) -> Option<usize> {
        self.0.by_id.get(id).map(|&index| index as usize)
    }

    /// All accounts in order.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.0.accounts.iter()
    }

    async fn pick(&self, key: Option<&str>) -> Result<PoolToken, PoolError> {
        let mut last = None;
        // Each round lets one rest, so that more rounds mean that accounts
        // come back as fast as they fail.
        for _ in 0..=self.0.accounts.len() {
            let picked = self.lock().pick(key, self.wall(), self.0.settings.routing);
            let Some((index, account)) = picked.and_then(|at| Some((at, self.0.at(at)?))) else {
                break;
            };
            match account.token().await {
                Ok(token) => {
                    return Ok(PoolToken { account: account.id().clone(), index, token });
                }
                Err(error) => {
                    self.rest_after(index, &error);
                    last = Some(error);
                }
            }
        }
        Err(self.none_usable(last))
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
        if let (StatusCode::UNAUTHORIZED, Some(token)) = (status, token)
            && self.lock().may_refresh(index, token, account.wall())
        {
            return match account.rejected(token).await {
                Ok(other) => {
                    self.replaced(index, &other);
                    ReportOutcome::Refreshed
                }
                Err(error) => {
                    let until = self.rest_after(index, &error);
                    ReportOutcome::MovedOn { until, error: Some(error) }
                }
            };
        }
        let rest = retry_after.unwrap_or(self.0.settings.rest).min(self.0.settings.longest_rest);
        let now = account.wall();
        let until = later(now, rest);
        let mut state = self.lock();
        state.availability.rest(index, Why::Waiting(until));
        if status == StatusCode::UNAUTHORIZED {
            state.refusals.rests(index, until, now);
        }
        ReportOutcome::MovedOn { until, error: None }
    }

    /// Notes that this token took the place of one that was refused. It may
    /// have done so long ago, if the report is late.
    fn replaced(&self, index: Index, by: &Token) {
        let now = self.wall();
        let since = by.obtained_at().map_or(now, |at| at.min(now));
        let until = later(since, self.0.settings.rest.max(LOOK_AGAIN));
        self.lock().refusals.replaced(index, by.access_token(), until);
    }

    /// Lets an account rest that could not give a token.
    fn rest_after(&self, index: Index, error: &AccountError) -> SystemTime {
        let now = self.wall();
        let (why, until) = match (error.advice(), error.retry_at()) {
            (Advice::LogIn, _) => {
                let until = later(now, LOOK_AGAIN);
                (Why::LoginNeeded(until), until)
            }
            (advice, retry_at) => {
                let until = retry_at.unwrap_or_else(|| match advice {
                    Advice::FixSetup => later(now, self.0.settings.rest),
                    _ => later(now, LOOK_AGAIN),
                });
                (Why::Waiting(until), until)
            }
        };
        self.lock().availability.rest(index, why);
        until
    }

    fn none_usable(&self, last: Option<AccountError>) -> PoolError {
        let now = self.wall();
        let counts = self.lock().availability.counts();
        let first_back = counts.first_back.and_then(|(at, index)| {
            Some((self.0.at(index)?.id().clone(), at, at.duration_since(now).unwrap_or_default()))
        });
        PoolError::new(&counts, first_back, last)
    }

    async fn visit(&self, mut visit: Visit<'_>) -> (AccountId, Result<bool, AccountError>) {
        let Some(account) = self.0.at(visit.index) else {
            return (AccountId::from(""), Ok(false));
        };
        // It may have been switched off while it waited for its turn.
        if self.lock().availability.is_off(visit.index) {
            return (account.id().clone(), Ok(false));
        }
        let check = account.refresh_if_due().await;
        // At least a second: what is due and cannot be refreshed stays due.
        visit.again = Some(later(account.wall(), check.next_in.max(Duration::from_secs(1))));
        (account.id().clone(), check.result)
    }

    /// The wall clock of the pool: that of its first account.
    fn wall(&self) -> SystemTime {
        self.0.accounts.first().map_or(SystemTime::UNIX_EPOCH, Account::wall)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl Inner {
    /// Where an account stands, most likely there.
    fn find(&self, id: &AccountId, hint: Index) -> Option<Index> {
        match self.at(hint) {
            Some(account) if account.id() == id => Some(hint),
            _ => self.by_id.get(id).copied(),
        }
    }

    fn at(&self, index: Index) -> Option<&Account> {
        self.accounts.get(index as usize)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pick(&mut self, key: Option<&str>, now: SystemTime, routing: Routing) -> Option<Index> {
        if self.availability.wake(now) {
            self.refusals.forget_all();
        }
        match (routing, key) {
            (Routing::FallbackFirst, _) => self.availability.first_fallback(),
            (Routing::Sticky, Some(key)) => {
                let kept = self.keys.get(key).filter(|&index| self.availability.is_usable(index));
                let index = kept.or_else(|| self.availability.first())?;
                self.keys.set(key, index);
                Some(index)
            }
            (Routing::MainFirst | Routing::Sticky, _) => self.availability.first(),
        }
    }

    /// Whether a 401 is to be met with a refresh of this token.
    fn may_refresh(&mut self, index: Index, token: &AccessToken, now: SystemTime) -> bool {
        !self.availability.is_off(index) && !self.refusals.is_replacement(index, token, now)
    }

    fn take_due(&mut self, now: SystemTime, batch: usize) -> Vec<Index> {
        let Self { availability, due, .. } = self;
        due.take(batch, now, |index| availability.is_off(index))
    }
}

/// A look at an account, after which it is due again at some time.
struct Visit<'a> {
    pool: &'a Inner,
    index: Index,
    /// At once, if it is dropped before it knows better.
    again: Option<SystemTime>,
}

impl<'a> Visit<'a> {
    fn new(pool: &'a Inner, index: Index) -> Self {
        Self { pool, index, again: None }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let at = self.again.unwrap_or(SystemTime::UNIX_EPOCH);
        self.pool.lock().due.put_back(self.index, at);
    }
}

fn later(time: SystemTime, by: Duration) -> SystemTime {
    time.checked_add(by).unwrap_or(time)
}

impl fmt::Debug for AccountPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountPool")
            .field("accounts", &self.0.accounts.len())
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
