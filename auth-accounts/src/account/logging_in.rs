//! Storing a login.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::Account;
use crate::{
    error::{AccountError, Reason},
    events,
    further::Which,
    login,
    new_login::Login,
    outcome::Ending,
    record::Record,
    shared::Shared,
    token::{Cached, Token},
    unsaved::not_finished,
};

impl Account {
    /// Replaces the account's tokens by those of a new login, and ends any
    /// setback.
    ///
    /// Waits for a refresh in progress here unless it is still waiting for the
    /// lease, or for one that may be under way elsewhere; that one is cancelled. (A
    /// blocking refresh cannot be cancelled in a sleep of its clock, which is then
    /// waited for: up to 2 s.) Refreshes in other processes fail compare-and-swap and
    /// are discarded. Whoever asks for a token meanwhile may get an old one; whoever
    /// asks after this has returned gets the new one.
    ///
    /// The expiry in the tokens is trusted, and the tokens count as obtained now. If
    /// they have none, it is [guessed](crate::Settings::default_lifetime), unless
    /// there is no refresh token.
    /// A set without a refresh token is stored with a warning in the log: the
    /// account needs another login when its access token has expired. Its status
    /// says so, with [`has_refresh_token`](crate::AccountStatus::has_refresh_token).
    ///
    /// A record that is [damaged](crate::StoreErrorKind::Damaged) is moved aside, where
    /// [the store can do that](crate::StoreError::damaged_version).
    ///
    /// If the tokens cannot be saved, [`Token::unsaved`] has the store's error.
    /// They are kept in memory, and saved by themselves as
    /// [those of a refresh](crate::Accounts#unsaved-tokens) are. Until then another
    /// process may go on refreshing the old tokens. If those came from a login, this
    /// login replaces them all the same. If they came otherwise and have been refreshed,
    /// this login is dropped. What was damaged and has been mended meanwhile is replaced
    /// if it was obtained before this login, and is nobody else's.
    ///
    /// Once the login has begun, it goes on to its end, even if the future is
    /// dropped. If the future is dropped while the login still waits for what is
    /// under way before it, nothing has changed, unless somebody waits behind it.
    /// [Without a runtime](crate::Accounts::without_runtime), nothing has changed if
    /// it is dropped before the tokens are about to be saved. After that the login
    /// continues with whoever else waits for it, or with the next call.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if the store cannot be read, for example because the
    /// record was written by a newer version, or if the record is
    /// [somebody else's](crate::Reason::OtherEndpoint) and has no endpoint [of its
    /// own](Login::endpoint), or if the store cannot hold what the login brings.
    /// [`Reason::Closed`] after [`close`](crate::Accounts::close), and
    /// [`Reason::Panicked`] if it was lost in the panics of others. Then nothing
    /// has changed, and the tokens are not kept: whoever is to try again with them has
    /// cloned the [`Login`] before.
    pub async fn store_login(&self, login: impl Into<Login> + Send) -> Result<Token, AccountError> {
        self.store(login.into()).await
    }

    async fn store(&self, login: Login) -> Result<Token, AccountError> {
        let shared = &self.0.shared;
        let revoke_replaced = login.revoke_replaced;
        let record = shared
            .record_of(login, shared.clock.wall())
            .map_err(|error| self.failed(Reason::SetUp(Arc::new(error))))?;
        if !shared.grant.renews(&record) {
            events::login_without_refresh_token(&self.0.id);
        }
        let counts = Arc::new(AtomicBool::new(false));
        let mut was_lost = false;
        loop {
            let ending = self.take_turn(None, || {
                let (inner, counts) = (Arc::clone(&self.0), Arc::clone(&counts));
                let record = record.clone();
                Box::pin(async move {
                    let (context, memory) = inner.begin(&Which::Main);
                    let step = login::start(context, record, memory);
                    inner.log_in(step, &counts, revoke_replaced).await
                })
            });
            match ending.await? {
                Ok(Ending::Ended(ended)) => return ended.result,
                // It was lost in somebody else's panic.
                _ if counts.load(Ordering::Acquire) => return Ok(self.broken_off(&record)),
                _ if was_lost => return Err(self.lost()),
                _ => was_lost = true,
            }
        }
    }

    /// The token of a login whose save was broken off by somebody else's panic.
    /// It is in memory until it is saved.
    fn broken_off(&self, record: &Record) -> Token {
        let Shared { clock, settings, .. } = &*self.0.shared;
        let shared = &self.0.shared;
        let dates = shared.dates(record);
        let cached = Cached::new(&self.0.id, &record.tokens, dates, clock.now(), settings)
            .proved_by(shared.prover(Some(record)));
        let error = self.0.save_error().unwrap_or_else(|| not_finished(&self.0.id));
        Token(cached.unsaved(error).into())
    }
}
