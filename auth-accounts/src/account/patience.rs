//! Threads that wait no longer than they want to.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    thread,
    time::Duration,
};

use futures_timer::Delay;

use super::Account;
use crate::{
    error::{AccountError, Reason},
    lifetime::{Lifetime, Ttl},
    outcome::Ending,
    refresh::Want,
    single_flight::{Caller, Lost},
    token::{Cached, Token},
};

/// Who polls a refresh that a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    /// Whoever waits for it.
    Caller,
    /// A thread of the account's own, so that nobody is held up by what blocks.
    Thread,
}

impl Account {
    /// As [`token`](Self::token), for a thread that waits no longer than
    /// `patience` of real time.
    pub(crate) fn token_within(&self, patience: Duration) -> Result<Token, AccountError> {
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let want = Want::Lasting(Ttl::Usual);
        let waits = within(patience, self.obtain_or_keep(want, Driver::Thread));
        pollster::block_on(waits).unwrap_or_else(|| {
            let error = AccountError::new(self.id(), Reason::UnderWay, None, self.wall());
            self.despite(&error).ok_or(error)
        })
    }

    /// Waits for the work that this caller takes part in.
    pub(super) async fn wait(
        &self,
        caller: Caller<'_, Ending>,
        driver: Driver,
    ) -> Result<Ending, Lost> {
        if driver == Driver::Thread && self.is_seen_to(&caller) {
            return caller.watch().await;
        }
        caller.await
    }

    /// Whether a thread of the account's own polls the work: one that is there
    /// already, or a new one.
    fn is_seen_to(&self, caller: &Caller<'_, Ending>) -> bool {
        let Some(work) = caller.claim(Arc::downgrade(&self.0)) else { return true };
        let thread = thread::Builder::new().name("auth-refresh".into());
        let started = thread.spawn(move || {
            let _ = pollster::block_on(work);
        });
        started.is_ok()
    }

    /// The token in memory, if it may still be handed out after this error.
    pub(super) fn despite(&self, error: &AccountError) -> Option<Token> {
        let current = self.current()?;
        let (tokens, dates) = current.0.dated();
        let now = self.0.shared.clock.now();
        if !Lifetime::new(&dates, now).is_valid() || self.0.memory().refuses(&current) {
            return None;
        }
        let cached = Cached::new(&self.0.id, tokens, dates, now, &self.0.shared.settings);
        let cached = cached.kept_despite(error.clone());
        // What memory keeps no more may never have been saved.
        let unsaved = self.0.save_failure().or_else(|| current.unsaved().cloned());
        let cached = match unsaved {
            Some(unsaved) => cached.unsaved(unsaved),
            None => cached,
        };
        Some(Token(cached.into()))
    }
}

/// What the future comes to, unless that takes longer than `patience` of real
/// time.
async fn within<T>(patience: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut late) = (pin!(future), Delay::new(patience));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => pin!(&mut late).poll(context).map(|()| None),
    })
    .await
}
