//! All that is known of a run, and the judgement of what the workers tell.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::TokenSet;
use auth_testkit::{FakeAuthServer, Rotation};

use super::{
    counts::Counts,
    history::History,
    ledger::Ledger,
    messages::{Call, HandedOut, Order, Report, Tally, Time, Who, hash},
    options::Options,
};

/// The client, as the server knows it.
pub(super) const CLIENT: &str = "torture";

/// A caller that joins what others wait for may hear for so long, in seconds,
/// what was so when it began.
const JOINS: f64 = 1.0;

pub(super) struct Book {
    pub(super) options: Options,
    pub(super) ledger: Ledger,
    pub(super) history: History,
    pub(super) counts: Counts,
    pub(super) accounts: Vec<Account>,
    /// Access tokens by their hash: whose, and until when, by the server's clock.
    access: HashMap<u64, (usize, Time)>,
    /// When each worker was stopped.
    stops: Vec<Vec<(Time, Option<Time>)>>,
    /// What callers were told last, by worker and account.
    told: HashMap<(Who, usize), String>,
    /// No fault strikes any more.
    pub(super) calm: bool,
}

pub(super) struct Account {
    pub(super) server: FakeAuthServer,
    /// The lifetime of its access tokens, in seconds.
    lifetime: f64,
    /// The last login, counted from 1.
    pub(super) session: usize,
    /// When the session was over, until the next login was on the disk.
    over: Vec<(Time, Option<Time>)>,
    /// Who was told of the last login, and when.
    pub(super) logging_in: Option<(Who, Time)>,
}

impl Account {
    /// Whether a login is needed.
    pub(super) fn is_over(&self) -> bool {
        self.over.last().is_some_and(|(_, until)| until.is_none())
    }

    fn ends(&mut self, at: Time) {
        if !self.is_over() {
            self.over.push((at, None));
        }
    }
}

pub(super) type SharedBook = Arc<Mutex<Book>>;

pub(super) fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    pub(super) fn new(options: &Options) -> Self {
        let accounts = (0..options.accounts)
            .map(|number| {
                // From all of it down to half of it.
                let share = number as f64 / (2 * options.accounts) as f64;
                let lifetime = (options.lifetime * (1.0 - share)).round().max(2.0);
                let lives = std::time::Duration::from_secs_f64(lifetime);
                let grace = std::time::Duration::from_secs_f64(options.grace);
                let graceful = number % 2 == 1 && !grace.is_zero();
                let rotation =
                    if graceful { Rotation::WithGrace(grace) } else { Rotation::EachUse };
                let server = FakeAuthServer::builder()
                    .real_time()
                    .client_id(CLIENT)
                    .seed(options.seed.wrapping_mul(1000) + number as u64)
                    .access_lifetime(lives)
                    .rotation(rotation)
                    .build();
                let over = vec![(Time::now(), None)];
                Account { server, lifetime, session: 0, over, logging_in: None }
            })
            .collect();
        Self {
            options: options.clone(),
            ledger: Ledger::default(),
            history: History::new(options.accounts, options.log.as_deref()),
            counts: Counts::default(),
            accounts,
            access: HashMap::new(),
            stops: vec![Vec::new(); options.processes],
            told: HashMap::new(),
            calm: false,
        }
    }

    /// Somebody logs in, and `who` is to store it.
    pub(super) fn log_in(&mut self, account: usize, who: Who) -> Order {
        let of = &mut self.accounts[account];
        of.session += 1;
        of.logging_in = Some((who, Time::now()));
        let (session, lifetime) = (of.session, of.lifetime);
        let tokens: TokenSet = of.server.log_in(format!("session {session}"));
        let refresh = tokens.refresh_token.as_ref().map(|token| token.expose().to_owned());
        let (access, refresh) =
            (tokens.access_token.expose().to_owned(), refresh.unwrap_or_default());
        self.ledger.logged_in(account, session, &refresh);
        self.gave_access(account, &access, Time::now().plus(lifetime));
        self.history.of(account, &format!("login {session}, which {who} is to store"));
        let lifetime_ms = (lifetime * 1000.0) as u64;
        Order::LogIn { account, session, access, refresh, lifetime_ms }
    }

    /// What is on the disk, seen while a login is under way.
    pub(super) fn sees_disk(&mut self, account: usize, on_disk: Option<&str>) {
        let name = on_disk.and_then(|token| self.ledger.name(token));
        let of = &mut self.accounts[account];
        if of.logging_in.is_some() && name.is_some_and(|name| name.session == of.session) {
            of.logging_in = None;
            if let Some((_, until @ None)) = of.over.last_mut() {
                *until = Some(Time::now());
            }
            let words = format!("login {} is on the disk", of.session);
            self.history.of(account, &words);
        }
    }

    /// The server has given an access token that is good until then.
    pub(super) fn gave_access(&mut self, account: usize, token: &str, until: Time) {
        let known = self.access.entry(hash(token)).or_insert((account, until));
        known.1 = known.1.max(until);
    }

    /// The server ends the session of a token; `avoidable` is whether a replay did
    /// that which somebody could have known to be one.
    pub(super) fn session_ended(&mut self, account: usize, avoidable: bool) {
        let of = &mut self.accounts[account];
        if of.is_over() {
            return;
        }
        of.ends(Time::now());
        self.history.of(account, &format!("the server ends session {}", of.session));
        if avoidable {
            self.counts.ended_falsely += 1;
        } else {
            self.counts.ended += 1;
        }
    }

    pub(super) fn stopped(&mut self, worker: usize) {
        self.stops[worker].push((Time::now(), None));
    }

    pub(super) fn continued(&mut self, worker: usize) {
        if let Some((_, until @ None)) = self.stops[worker].last_mut() {
            *until = Some(Time::now());
        }
    }

    /// For how many seconds of this time the worker was stopped.
    fn stopped_for(&self, worker: usize, from: Time, to: Time) -> f64 {
        let overlap = |(began, ended): &(Time, Option<Time>)| {
            let until = ended.unwrap_or(to).min(to);
            until.seconds_since((*began).max(from)).max(0.0)
        };
        self.stops[worker].iter().map(overlap).sum()
    }

    /// A worker was killed, or has ended by itself. `on_disk` are the tokens in
    /// the store then.
    pub(super) fn died(&mut self, who: Who, on_disk: &[Option<String>]) {
        self.continued(who.worker);
        for (account, on_disk) in on_disk.iter().enumerate() {
            let session = self.accounts[account].session;
            let name = on_disk.as_deref().and_then(|token| self.ledger.name(token));
            let lost = self.ledger.died(who, account, session, on_disk.as_deref());
            let disk = name.map_or("nothing that is known".to_owned(), |name| name.to_string());
            let words = format!("{who} is dead, {lost} rotations with it; the disk has {disk}");
            self.history.of(account, &words);
            let of = &mut self.accounts[account];
            let login_lost = of.logging_in.is_some_and(|(told, _)| told == who)
                && name.is_none_or(|name| name.session != session);
            if login_lost {
                of.logging_in = None;
                of.ends(Time::now());
                self.history.of(account, "the login is lost with it");
            }
        }
    }

    /// A worker said something.
    pub(super) fn hears(&mut self, who: Who, report: Report) {
        match report {
            Report::Tally(tally) => self.adds(who, tally),
            Report::Told { account, call, words } => self.told(who, account, &call, &words),
            Report::Event { account, words } => {
                if let Some(account) = account.strip_prefix('a').and_then(|n| n.parse().ok()) {
                    self.history.of(account, &format!("{who} hears: {words}"));
                }
            }
            Report::LoggedIn { account, session, words } => {
                self.history.of(account, &format!("{who} stored login {session}: {words}"));
            }
            Report::Panicked { words } => {
                self.counts.panics += 1;
                self.history.violation("panic", None, &format!("{who} panicked: {words}"));
            }
            Report::Closed { complete, words } => {
                self.history.of_all(&format!("{who} closed, complete: {complete}: {words}"));
            }
        }
    }

    fn adds(&mut self, who: Who, tally: Tally) {
        self.counts.handed_out += tally.handed_out;
        for (state, count) in tally.errors {
            *self.counts.errors.entry(state).or_default() += count;
        }
        for token in &tally.tokens {
            self.handed_out(who, token);
        }
        for call in tally.long.into_iter().chain(tally.under_way) {
            let stopped = self.stopped_for(who.worker, call.began, call.ended);
            let seconds = call.ended.seconds_since(call.began) - stopped;
            if self.counts.longest.as_ref().is_none_or(|(longest, _)| seconds > *longest) {
                if seconds >= self.options.longest {
                    let words = format!(
                        "{} of {who} takes {seconds:.1} s, since {:.3}",
                        call.name,
                        call.began.seconds_since(self.history.started())
                    );
                    self.history.violation("long call", Some(call.account), &words);
                }
                self.counts.longest = Some((seconds, call));
            }
        }
    }

    fn handed_out(&mut self, who: Who, token: &HandedOut) {
        let Some((_, until)) = self.access.get(&token.hash) else {
            self.counts.unknown += 1;
            let words = format!("{who} was handed a token that the server never gave");
            self.history.violation("unknown token", Some(token.account), &words);
            return;
        };
        let (first, last) = (token.first.seconds_since(*until), token.last.seconds_since(*until));
        self.counts.latest = self.counts.latest.max(last);
        if last > self.options.clock_skew {
            let every = first > self.options.clock_skew;
            self.counts.late += if every { token.times } else { 1 };
            let words = format!("{who} was handed a token {last:.1} s after its expiry");
            self.history.violation("late token", Some(token.account), &words);
        }
    }

    /// A caller was told to log in. Was that so at any time of its call?
    fn told(&mut self, who: Who, account: usize, call: &Call, words: &str) {
        let Call { name, began, ended, .. } = call;
        let stopped = self.stopped_for(who.worker, began.plus(-20.0), *ended);
        let began_or_joined = began.plus(-JOINS - stopped);
        let was_over = self.accounts[account].over.iter().any(|(from, until)| {
            *from <= *ended && until.is_none_or(|until| until >= began_or_joined)
        });
        let told = self.told.insert((who, account), words.to_owned());
        let is_new = told.is_none_or(|told| told != words);
        let took = ended.seconds_since(*began);
        let words = format!("{who} was told by {name} after {took:.3} s: {words}");
        if was_over {
            // Every caller hears it again and again.
            if is_new {
                self.history.of(account, &words);
            }
        } else {
            self.counts.told_falsely += 1;
            self.history.violation("false logout", Some(account), &words);
        }
    }
}
