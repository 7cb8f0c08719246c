//! What the clones of a pool share: its accounts, its settings, its state.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use auth_accounts::{Account, AccountError, AccountId, Reason, Token};
use auth_core::{AccessToken, Advice, ClaimsChallenge};

use crate::{
    availability::Suspension, error::PoolError, index::Index, settings::PoolSettings, state::State,
};

pub(crate) struct Shared {
    pub(crate) accounts: Box<[Account]>,
    pub(crate) settings: PoolSettings,
    by_id: HashMap<AccountId, Index>,
    state: Mutex<State>,
}

/// What an API finds fault with.
#[derive(Clone, Copy)]
pub(crate) enum Blame<'a> {
    /// The token. The next one is to have these claims.
    Token(Option<&'a ClaimsChallenge>),
    /// The account: its rights or its quota.
    Account,
}

impl<'a> Blame<'a> {
    pub(crate) fn claims(self) -> Option<&'a ClaimsChallenge> {
        match self {
            Self::Token(claims) => claims,
            Self::Account => None,
        }
    }
}

/// How soon an account is tried again that needs a login or whose store
/// failed. A try costs no more than reading a record.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// How long an account is left at least that an API blames, where there are others. An
/// API that asks for no wait at all would have it handed out again at once.
const SHORTEST: Duration = Duration::from_secs(1);

impl Shared {
    /// # Panics
    ///
    /// If there are more than `u32::MAX` accounts.
    pub(crate) fn new(accounts: impl IntoIterator<Item = Account>, settings: PoolSettings) -> Self {
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
        by_id.shrink_to_fit();
        let state = State::new(kept.len() as Index, &settings);
        Self { accounts: kept.into(), settings, by_id, state: Mutex::new(state) }
    }

    pub(crate) fn index(&self, id: &AccountId) -> Option<Index> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn at(&self, index: Index) -> Option<&Account> {
        self.accounts.get(index as usize)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wall clock of the pool: that of its first account.
    pub(crate) fn wall(&self) -> SystemTime {
        self.accounts.first().map_or(SystemTime::UNIX_EPOCH, Account::wall)
    }

    /// Records the token that replaced a refused one. It may have done so long
    /// ago, if the report is late.
    fn replaced(&self, index: Index, by: &Token) {
        let now = self.wall();
        let since = by.obtained_at().map_or(now, |at| at.min(now));
        let until = later(since, self.settings.cooldown.max(TRY_AGAIN));
        self.lock().refusals.replaced(index, by.access_token(), until);
    }

    /// The account to use, and which of its tokens is marked as refused.
    pub(crate) fn pick(&self, key: Option<&str>) -> Option<(Index, &Account, Option<AccessToken>)> {
        let now = self.wall();
        let mut state = self.lock();
        let index = state.pick(key, now, self.settings.routing)?;
        let marked = state.refusals.marked(index).cloned();
        Some((index, self.at(index)?, marked))
    }

    /// Suspends an account that an API blames. If another token may help, returns the one
    /// to replace instead.
    pub(crate) fn accuse<'a>(
        &self,
        index: Index,
        token: Option<&'a AccessToken>,
        blame: Blame<'_>,
        retry_after: Option<Duration>,
    ) -> Result<&'a AccessToken, SystemTime> {
        let now = self.at(index).map_or_else(|| self.wall(), Account::wall);
        let is_of_token = matches!(blame, Blame::Token(_));
        let mut state = self.lock();
        if let Some(token) = token.filter(|_| is_of_token)
            && state.may_refresh(index, token, now)
        {
            return Ok(token);
        }
        let shortest = if self.accounts.len() > 1 { SHORTEST } else { Duration::ZERO };
        let cooldown = retry_after.map_or(self.settings.cooldown, |asked| asked.max(shortest));
        let until = later(now, cooldown.min(self.settings.max_cooldown));
        // The responses to requests at the same time do not all say how long.
        let until = state.availability.waits_until(index).map_or(until, |known| known.max(until));
        state.availability.suspend(index, Suspension::Waiting(until));
        if is_of_token {
            state.refusals.suspended(index, until, now);
        }
        Err(until)
    }

    /// What an account gave that was asked for a token, if need be another than the one
    /// that was refused. If it has none it is suspended.
    pub(crate) fn settle(
        &self,
        index: Index,
        refused: Option<&AccessToken>,
        result: Result<Token, AccountError>,
        asked: SystemTime,
    ) -> Result<Token, (SystemTime, Option<AccountError>)> {
        match (result, refused) {
            (Ok(token), None) => Ok(token),
            (Ok(other), Some(refused)) if other.access_token() != refused => {
                self.replaced(index, &other);
                Ok(other)
            }
            // There is to be no other for now.
            (Ok(same), Some(_)) => {
                let error = same.refresh_error().cloned();
                let until = error.as_ref().and_then(AccountError::retry_at);
                let until = until.unwrap_or_else(|| later(self.wall(), self.settings.cooldown));
                self.lock().availability.suspend(index, Suspension::Waiting(until));
                Err((until, error))
            }
            (Err(error), _) => {
                let until = self.suspend_after(index, &error, asked);
                Err((until, Some(error)))
            }
        }
    }

    /// Suspends an account that had no token to give, asked at `asked`. Returns until
    /// when: if it took long to say so, others need not wait for the same soon.
    fn suspend_after(&self, index: Index, error: &AccountError, asked: SystemTime) -> SystemTime {
        let now = self.wall();
        let took = now.duration_since(asked).unwrap_or_default();
        let again = TRY_AGAIN.max(took.min(self.settings.max_cooldown));
        let (why, until) = match (error.advice(), error.retry_at()) {
            (Advice::LogIn, _) => {
                let until = later(now, TRY_AGAIN);
                (Suspension::LoginNeeded(until), until)
            }
            (advice, retry_at) => {
                // A store says when it is worth asking again, and not how long that took.
                let until = retry_at.filter(|_| !matches!(error.reason(), Reason::Store(_)));
                let until = until.unwrap_or_else(|| match advice {
                    Advice::FixSetup => later(now, self.settings.cooldown),
                    _ => later(now, again),
                });
                (Suspension::Waiting(until), until)
            }
        };
        self.lock().availability.suspend(index, why);
        until
    }

    pub(crate) fn none_usable(&self, last: Option<AccountError>) -> PoolError {
        let now = self.wall();
        let counts = self.lock().availability.counts();
        let first_back = counts.first_back.and_then(|(at, index)| {
            Some((self.at(index)?.id().clone(), at, at.duration_since(now).unwrap_or_default()))
        });
        PoolError::new(&counts, first_back, last)
    }
}

/// A time beyond the end of the clock is no later.
pub(crate) fn later(time: SystemTime, by: Duration) -> SystemTime {
    time.checked_add(by).unwrap_or(time)
}
