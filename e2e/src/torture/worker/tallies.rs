//! What the callers of a worker came to.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use auth_accounts::{AccountError, Token};

use crate::torture::messages::{Call, HandedOut, Report, Tally, Time, hash};

/// A call that takes longer is told by itself.
const LONG: f64 = 1.0;

/// That only a login helps is told this often at most, for each account.
const TOLD_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Tallies(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    tally: Tally,
    tokens: HashMap<u64, HandedOut>,
    /// What each caller is doing.
    calls: Vec<Option<Call>>,
    told: HashMap<usize, Instant>,
}

impl Tallies {
    pub(super) fn new(callers: usize) -> Self {
        Self(Mutex::new(Inner { calls: vec![None; callers], ..Inner::default() }))
    }

    /// The caller calls. Returns when.
    pub(super) fn begins(&self, caller: usize, name: &str, account: usize) -> Time {
        let began = Time::now();
        self.lock().calls[caller] =
            Some(Call { name: name.to_owned(), account, began, ended: began });
        began
    }

    /// The call is over. `read` is when the account last read its clock.
    pub(super) fn ends(
        &self,
        caller: usize,
        result: &Result<Token, AccountError>,
        read: Time,
    ) -> Option<Report> {
        let mut inner = self.lock();
        let mut call = inner.calls[caller].take()?;
        call.ended = Time::now();
        if call.ended.seconds_since(call.began) > LONG {
            inner.tally.long.push(call.clone());
        }
        match result {
            Ok(token) => {
                inner.tally.handed_out += 1;
                let account = call.account;
                let hash = hash(token.access_token().expose());
                let new = HandedOut { hash, account, times: 0, first: read, last: read };
                let known = inner.tokens.entry(hash).or_insert(new);
                known.times += 1;
                known.first = known.first.min(read);
                known.last = known.last.max(read);
                None
            }
            Err(error) => {
                let state = error.state();
                *inner.tally.errors.entry(state.to_string()).or_default() += 1;
                let account = call.account;
                let now = Instant::now();
                let due = |at: &Instant| now.duration_since(*at) >= TOLD_EVERY;
                if !state.needs_login() || !inner.told.get(&account).is_none_or(due) {
                    return None;
                }
                inner.told.insert(account, now);
                Some(Report::Told { account, call, words: format!("{state}: {error}") })
            }
        }
    }

    /// What came since the last time.
    pub(super) fn take(&self) -> Tally {
        let mut inner = self.lock();
        let mut tally = mem::take(&mut inner.tally);
        tally.tokens = mem::take(&mut inner.tokens).into_values().collect();
        let oldest = inner.calls.iter().flatten().min_by_key(|call| call.began);
        tally.under_way = oldest.cloned().map(|call| Call { ended: Time::now(), ..call });
        tally
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
