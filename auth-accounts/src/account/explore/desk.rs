//! Where a process asks for things, and is given them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use auth_core::{
    AccessToken, Clock, Now, RefreshToken, Request, Response, TimeSource, TokenSet, Transport,
    TransportError, TransportErrorKind,
};

use crate::{
    AccountId, StoreError, StoreErrorKind,
    store::{Lease, Record, TokenStore, Version},
};

/// A pair of tokens: of which login, and how many refreshes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) login: u8,
    pub(super) number: u8,
}

impl Pair {
    pub(super) fn tokens(self, expires_at: SystemTime) -> TokenSet {
        let Self { login, number } = self;
        let mut tokens = TokenSet::new(AccessToken::new(format!("at-{login}-{number}")));
        tokens.refresh_token = Some(RefreshToken::new(format!("rt-{login}-{number}")));
        tokens.expires_at = Some(expires_at);
        tokens
    }

    pub(super) fn parse(token: &str) -> Self {
        let mut parts = token.split('-').skip(1).map(|part| part.parse().expect("a number"));
        let mut next = || parts.next().expect("two numbers");
        Self { login: next(), number: next() }
    }

    pub(super) fn of(record: &Record) -> Self {
        Self::parse(record.tokens.access_token.expose())
    }
}

/// What somebody wants of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Token,
    LogIn,
}

/// What a process waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Load,
    Lease,
    Save { record: RecordId, expected: Option<u8> },
    Send(Pair),
    Sleep,
}

/// What it is given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Given {
    Call(Call),
    Loaded(Option<(RecordId, u8)>),
    Leased,
    Saved(u8),
    Failed(StoreErrorKind),
    Received(Received),
    Slept,
    /// Nothing: its caller is dropped.
    Dropped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Received {
    Tokens(Pair, u32),
    Refusal,
    Status(u16),
    NotSent,
    Reset,
    Half,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RecordId(pub(super) usize);

#[derive(Default)]
pub(super) struct Records {
    pub(super) list: Vec<Record>,
    ids: HashMap<String, RecordId>,
}

impl Records {
    pub(super) fn id(&mut self, record: &Record) -> RecordId {
        let json = String::from_utf8(record.to_json_exposed().to_vec()).expect("JSON");
        // Which has whole seconds only.
        let key = format!("{json} {record:?}");
        let list = &mut self.list;
        *self.ids.entry(key).or_insert_with(|| {
            list.push(record.clone());
            RecordId(list.len() - 1)
        })
    }
}

/// What goes in and out.
pub(super) struct Desk {
    pub(super) now: u32,
    pub(super) operation: Option<Operation>,
    pub(super) given: Option<Given>,
    pub(super) waker: Option<Waker>,
    pub(super) leases: usize,
    records: Arc<Mutex<Records>>,
}

impl Desk {
    pub(super) fn new(records: &Arc<Mutex<Records>>) -> Self {
        let records = Arc::clone(records);
        Self { now: 0, operation: None, given: None, waker: None, leases: 0, records }
    }
}

/// How long access tokens live, in seconds.
pub(super) const LIFETIME: u32 = 3600;

/// So many seconds after the start.
pub(super) fn wall(seconds: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + u64::from(seconds))
}

/// The process's side of the desk.
pub(super) struct Side(pub(super) Arc<Mutex<Desk>>);

impl Side {
    /// Asks for something, and waits for what comes of it.
    async fn ask(&self, operation: Operation) -> Given {
        let mut operation = Some(operation);
        std::future::poll_fn(|context| {
            let mut desk = lock(&self.0);
            if let Some(asked) = operation.take() {
                desk.operation = Some(asked);
            } else if let Some(given) = desk.given.take() {
                return Poll::Ready(given);
            }
            desk.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}

fn failed<T>(given: &Given) -> Result<T, StoreError> {
    match given {
        Given::Failed(kind) => Err(StoreError::new(*kind, "told to fail")),
        given => panic!("not asked for: {given:?}"),
    }
}

#[async_trait]
impl TokenStore for Side {
    async fn load(&self, _: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        match self.ask(Operation::Load).await {
            Given::Loaded(found) => Ok(found.map(|(record, version)| {
                let records = Arc::clone(&lock(&self.0).records);
                let record = lock(&records).list[record.0].clone();
                (record, Version::new([version]))
            })),
            given => failed(&given),
        }
    }

    async fn save(
        &self,
        _: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let records = Arc::clone(&lock(&self.0).records);
        let record = lock(&records).id(record);
        let expected = expected.map(|version| version.as_bytes()[0]);
        match self.ask(Operation::Save { record, expected }).await {
            Given::Saved(version) => Ok(Version::new([version])),
            given => failed(&given),
        }
    }

    async fn remove(&self, _: &AccountId, _: &Version) -> Result<(), StoreError> {
        unreachable!("nobody logs out here")
    }

    async fn list(&self, _: Option<&AccountId>, _: usize) -> Result<Vec<AccountId>, StoreError> {
        unreachable!("an account does not list")
    }

    async fn lease(&self, _: &AccountId, _: Duration) -> Result<Lease, StoreError> {
        match self.ask(Operation::Lease).await {
            Given::Leased => {
                lock(&self.0).leases += 1;
                Ok(Lease::new(Guard(Arc::clone(&self.0))))
            }
            given => failed(&given),
        }
    }

    async fn extend(&self, _: &AccountId, _: &Lease) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Guard(Arc<Mutex<Desk>>);

impl Drop for Guard {
    fn drop(&mut self) {
        lock(&self.0).leases -= 1;
    }
}

#[async_trait]
impl Transport for Side {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let body = String::from_utf8(request.body().to_vec()).expect("a form");
        let token = body.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
        let given = self.ask(Operation::Send(Pair::parse(token.expect("a token")))).await;
        let Given::Received(received) = given else { panic!("not asked for: {given:?}") };
        let (status, body) = match received {
            Received::Tokens(pair, lifetime) => (200, pair.json(lifetime)),
            Received::Refusal => (400, r#"{"error":"invalid_grant"}"#.to_owned()),
            Received::Status(status) => (status, "<html></html>".to_owned()),
            Received::Half => (200, r#"{"access_token":"at-"#.to_owned()),
            Received::NotSent => {
                return Err(TransportError::not_sent(TransportErrorKind::Refused));
            }
            Received::Reset => return Err(TransportError::unknown(TransportErrorKind::Reset)),
        };
        let response = http::Response::builder().status(status);
        let response = match status {
            429 => response.header("retry-after", "5"),
            _ => response,
        };
        Ok(response.body(body.into_bytes()).expect("a response"))
    }
}

impl Pair {
    fn json(self, lifetime: u32) -> String {
        let Self { login, number } = self;
        format!(
            r#"{{"access_token":"at-{login}-{number}","refresh_token":"rt-{login}-{number}","expires_in":{lifetime}}}"#
        )
    }
}

impl TimeSource for Side {
    fn now(&self) -> Now {
        static START: OnceLock<Instant> = OnceLock::new();
        let now = lock(&self.0).now;
        let start = *START.get_or_init(Instant::now);
        Now { monotonic: start + Duration::from_secs(now.into()), wall: wall(now) }
    }
}

#[async_trait]
impl Clock for Side {
    async fn sleep(&self, _: Duration) {
        self.ask(Operation::Sleep).await;
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
