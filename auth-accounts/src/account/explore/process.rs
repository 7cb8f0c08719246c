//! What a process does, as a function of what it was given.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use auth_core::{Advice, TokenEndpoint};

use super::desk::{
    Call, Desk, Given, LIFETIME, Operation, Pair, RecordId, Records, Side, lock, wall,
};
use crate::{Account, AccountError, Accounts, Settings, Token, store::Record};

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Ended {
    Token {
        pair: Pair,
        says_unsaved: bool,
    },
    LogIn {
        possibly_spent: bool,
    },
    Error,
    /// There was no call yet, or it was dropped.
    Unheard,
}

/// Where a process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place(usize);

/// Everything about a place.
pub(super) struct About {
    /// What the process was given since it started, and when: of all ways here
    /// the one that was found first.
    given: Vec<(Given, u32)>,
    pub(super) at: At,
    pub(super) holds_lease: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum At {
    Waits(Operation),
    Idle(Ended),
}

/// All places that were found.
pub(super) struct Places {
    places: Vec<About>,
    ways: HashMap<(Place, Given, u32), Place>,
    /// Processes between two calls, by all that they remember.
    idle: HashMap<String, Place>,
    /// Processes that stand there, to go on from.
    running: HashMap<Place, Running>,
    records: Arc<Mutex<Records>>,
}

impl Places {
    pub(super) const START: Place = Place(0);

    pub(super) fn new() -> Self {
        let start = About { given: Vec::new(), at: At::Idle(Ended::Unheard), holds_lease: false };
        Self {
            places: vec![start],
            ways: HashMap::new(),
            idle: HashMap::new(),
            running: HashMap::new(),
            records: Arc::default(),
        }
    }

    pub(super) fn about(&self, place: Place) -> &About {
        &self.places[place.0]
    }

    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    pub(super) fn record(&self, id: RecordId) -> Record {
        lock(&self.records).list[id.0].clone()
    }

    pub(super) fn add_record(&self, record: &Record) -> RecordId {
        lock(&self.records).id(record)
    }

    /// Where a process that stands at `place` gets with what it is given.
    pub(super) fn go(&mut self, place: Place, given: Given, now: u32) -> Place {
        let way = (place, given, now);
        if let Some(known) = self.ways.get(&way) {
            return *known;
        }
        let (_, given, _) = way.clone();
        let mut history = self.places[place.0].given.clone();
        let mut running = self.running.remove(&place).unwrap_or_else(|| {
            let mut running = Running::new(&self.records);
            history.iter().for_each(|(given, now)| running.go(given, *now));
            running
        });
        running.go(&given, now);
        history.push((given, now));
        assert!(history.len() < 200, "it does not end");
        let (at, memory) = running.at();
        let holds_lease = lock(&running.desk).leases > 0;
        let about = About { given: history, at, holds_lease };
        let new = Place(self.places.len());
        let reached = match memory {
            Some(memory) => {
                *self.idle.entry(format!("{:?} {holds_lease} {memory}", about.at)).or_insert(new)
            }
            None => new,
        };
        if reached == new {
            self.places.push(about);
            self.running.insert(new, running);
        }
        self.ways.insert(way, reached);
        reached
    }
}

type Pending = Pin<Box<dyn Future<Output = Result<Token, AccountError>>>>;

/// A process.
struct Running {
    account: Account,
    call: Option<Pending>,
    ended: Ended,
    desk: Arc<Mutex<Desk>>,
}

impl Running {
    fn new(records: &Arc<Mutex<Records>>) -> Self {
        let desk = Arc::new(Mutex::new(Desk::new(records)));
        let side = || Side(Arc::clone(&desk));
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client");
        let endpoint = endpoint.expect("an endpoint");
        let accounts = Accounts::without_runtime(endpoint, side(), side(), side())
            .settings(Settings::default().seed(1));
        Self { account: accounts.account("ada"), call: None, ended: Ended::Unheard, desk }
    }

    fn go(&mut self, given: &Given, now: u32) {
        {
            let mut desk = lock(&self.desk);
            desk.now = now;
            desk.operation = None;
        }
        let account = self.account.clone();
        match given {
            Given::Call(Call::Token) => {
                self.call = Some(Box::pin(async move { account.token().await }));
            }
            Given::Call(Call::LogIn) => {
                let tokens = Pair { login: 1, number: 0 }.tokens(wall(now + LIFETIME));
                self.call = Some(Box::pin(async move { account.store_login(tokens).await }));
            }
            Given::Dropped => {
                self.call = None;
                self.ended = Ended::Unheard;
                return;
            }
            given => {
                let mut desk = lock(&self.desk);
                desk.given = Some(given.clone());
                let waker = desk.waker.take().expect("it waits");
                drop(desk);
                waker.wake();
            }
        }
        let call = self.call.as_mut().expect("a call");
        if let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.call = None;
            self.ended = Ended::of(&result);
        }
    }

    /// Where it stands, and what it remembers if it is between two calls.
    fn at(&self) -> (At, Option<String>) {
        if self.call.is_none() {
            return (At::Idle(self.ended.clone()), Some(self.account.remembers()));
        }
        let operation = lock(&self.desk).operation.clone();
        (At::Waits(operation.expect("it waits for something")), None)
    }
}

impl Ended {
    fn of(result: &Result<Token, AccountError>) -> Self {
        match result {
            Ok(token) => Self::Token {
                pair: Pair::parse(token.access_token().expose()),
                says_unsaved: token.unsaved().is_some(),
            },
            Err(error) if error.advice() == Advice::LogIn => {
                Self::LogIn { possibly_spent: error.possibly_spent() }
            }
            Err(_) => Self::Error,
        }
    }
}
