//! All accounts that a store has.

use std::{
    convert::Infallible,
    future::pending,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::Accounts;
use crate::{
    account::{Account, keep_fresh::LOOK_UP_EVERY},
    checks::{Queue, refresh_each, refresh_each_blocking},
    due_refreshes::DueRefreshes,
    id::AccountId,
    shared::Shared,
    silence::Question,
    status::StatusPage,
    store_error::StoreError,
};

/// How many names the store is asked for at once.
const PAGE: usize = 1_000;

/// How soon [`Accounts::keep_all_fresh`] looks at the accounts again at the
/// earliest, so that it does not wake up for each of many.
const SOONEST: Duration = Duration::from_secs(1);

impl Accounts {
    /// Refreshes all accounts of the store that are due for a refresh ahead of
    /// their expiry, at most `limit` at the same time (at least one). Call it at
    /// [`DueRefreshes::next_at`], and at least once a minute, for that is how new
    /// accounts are noticed; also if `next_at` is `None`.
    /// [`keep_all_fresh`](Self::keep_all_fresh) is that loop.
    ///
    /// The store's [`list`](crate::store::TokenStore::list) is read in pages, once a
    /// minute, or more seldom if that takes more than a twentieth of the time. So
    /// accounts that log in later, and those whose record was removed, are noticed
    /// within that time. The first check of an account reads its record; later
    /// ones happen only when the account is due.
    ///
    /// What is kept of an account between checks is its name and a time: about
    /// 130 bytes and the name. The future may be dropped at any time; the next
    /// call does what was left undone. After [`close`](Self::close) there is
    /// nothing to do.
    pub async fn refresh_due(&self, limit: usize) -> DueRefreshes {
        if self.registry.is_closed() {
            return DueRefreshes::default();
        }
        let not_listed = self.list(Duration::ZERO).await.err();
        let outcome = refresh_each(self.round(), limit).await;
        DueRefreshes { not_listed, next_at: self.shared.roster.lock().next_at(), ..outcome }
    }

    /// Refreshes all accounts of the store ahead of their expiry, at most `limit`
    /// at the same time. It never returns; drop the future to end it. What happens
    /// meanwhile is told by [`on_event`](Self::on_event).
    ///
    /// An account that is new to it is looked at within a minute, at a random
    /// moment, so that a program that starts with many accounts does not ask for
    /// all of them at once. Whoever needs a token meanwhile gets one.
    /// Each account is then refreshed as by
    /// [`Account::keep_fresh`](crate::Account::keep_fresh). See
    /// [`refresh_due`](Self::refresh_due) for what it reads and keeps. After
    /// [`close`](Self::close) it does nothing more.
    ///
    /// ```
    /// # use auth_accounts::Accounts;
    /// # fn example(accounts: Accounts) {
    /// # fn spawn(_: impl Future<Output = ()> + Send + 'static) {}
    /// spawn(async move {
    ///     accounts.keep_all_fresh(16).await;
    /// });
    /// # }
    /// ```
    pub async fn keep_all_fresh(&self, limit: usize) -> Infallible {
        while !self.registry.is_closed() {
            // What could not be listed is tried again with the next look.
            let _ = self.list(LOOK_UP_EVERY).await;
            refresh_each(self.round(), limit).await;
            self.shared.clock.sleep(self.pause()).await;
        }
        pending().await
    }

    /// Returns the states of accounts of the store, a page at a time: those after
    /// `after`, or all if that is `None`, in the order of their names, at most
    /// `most` of them. An empty page is the end. Each record is read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot list its accounts. A record that cannot
    /// be read is an error of its account only.
    pub async fn statuses(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<StatusPage, StoreError> {
        let mut statuses = Vec::new();
        for id in self.page(after, most).await? {
            let status = self.account(&id).status().await;
            statuses.push((id, status));
        }
        Ok(statuses)
    }

    /// See [`BlockingAccounts::refresh_due`](crate::BlockingAccounts::refresh_due).
    pub(crate) fn refresh_due_blocking(&self, limit: usize) -> DueRefreshes {
        if self.registry.is_closed() {
            return DueRefreshes::default();
        }
        let not_listed = pollster::block_on(self.list(Duration::ZERO)).err();
        let outcome = refresh_each_blocking(&self.round(), limit);
        DueRefreshes { not_listed, next_at: self.shared.roster.lock().next_at(), ..outcome }
    }

    /// The same as [`keep_all_fresh`](Self::keep_all_fresh), with somebody to ask
    /// every second whether to end.
    pub(crate) fn keep_all_fresh_blocking(&self, limit: usize, ended: impl Fn() -> bool) {
        let ended = || ended() || self.registry.is_closed();
        while !ended() {
            let _ = pollster::block_on(self.list(LOOK_UP_EVERY));
            refresh_each_blocking(&self.round(), limit);
            let mut pause = self.pause();
            while !pause.is_zero() && !ended() {
                let slice = pause.min(Duration::from_secs(1));
                pollster::block_on(self.shared.clock.sleep(slice));
                pause -= slice;
            }
        }
    }

    /// Reads the store's list, if it is time. Accounts that are new are looked at
    /// within the time `spread`.
    async fn list(&self, spread: Duration) -> Result<(), StoreError> {
        let began = self.shared.clock.now();
        if !self.shared.roster.lock().is_outdated(began.monotonic) {
            return Ok(());
        }
        let settings = &self.shared.settings;
        let first = |id: &AccountId| {
            let pause = spread.mul_f64(settings.random((id, "first")));
            began.wall.checked_add(pause).unwrap_or(began.wall)
        };
        let mut after: Option<AccountId> = None;
        loop {
            let page = self.page(after.as_ref(), PAGE).await?;
            self.shared.roster.lock().read(after.as_ref(), &page, first);
            match page.last() {
                Some(last) if after.as_ref().is_none_or(|after| after < last) => {
                    after = Some(last.clone());
                }
                _ => break,
            }
        }
        self.shared.roster.lock().listed(began.monotonic, self.shared.clock.now().monotonic);
        Ok(())
    }

    async fn page(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let Shared { store, silence, settings, .. } = &*self.shared;
        let question = Question::new("listing the accounts", settings.lease_wait);
        silence.ask(silence.list(), question, store.list(after, most)).await
    }

    fn round(&self) -> Arc<Round> {
        Arc::new(Round { accounts: self.clone(), now: self.shared.clock.wall() })
    }

    /// How long until the next check.
    fn pause(&self) -> Duration {
        let next_at = self.shared.roster.lock().next_at();
        let pause =
            next_at.map(|at| at.duration_since(self.shared.clock.wall()).unwrap_or_default());
        pause.unwrap_or(LOOK_UP_EVERY).clamp(SOONEST, LOOK_UP_EVERY)
    }
}

/// The accounts that are due at one moment.
struct Round {
    accounts: Accounts,
    now: SystemTime,
}

impl Queue for Round {
    type Key = AccountId;

    fn next(&self) -> Option<(AccountId, Account)> {
        let id = self.accounts.shared.roster.lock().take(self.now)?;
        let account = self.accounts.account(&id);
        Some((id, account))
    }

    fn put_back(&self, id: AccountId, at: SystemTime) {
        self.accounts.shared.roster.lock().put_back(id, at);
    }
}
