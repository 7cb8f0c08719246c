//! What the tests of accounts share: a store and a transport that write down
//! what they are asked, fail when told, and let others in at every await.
#![allow(dead_code, unreachable_pub, reason = "not every test needs all of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "only tests use it")]

pub mod gated;
pub mod keys;
mod spy_store;

use std::{
    collections::{HashMap, VecDeque},
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_accounts::{
    Account, AccountError, Accounts, BlockingAccounts, MemoryStore, Settings, StoreError,
    StoreErrorKind, Token,
    store::{Lease, Record},
};
use auth_core::{
    AccessToken, BlockingTransport, RefreshToken, Request, Response, TokenEndpoint, TokenSet,
    Transport, TransportError,
};
use auth_testkit::{FakeAuthServer, Rotation, Script, VirtualClock};

/// What is asked of store and transport, in the order in which it is asked.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    pub fn add(&self, what: &'static str) {
        lock(&self.0).push(what);
    }

    /// What was written down since the last call, as one line.
    pub fn take(&self) -> String {
        std::mem::take(&mut *lock(&self.0)).join(" ")
    }
}

/// What happens at the next operations of each name.
type Plan<T> = Arc<Mutex<HashMap<&'static str, VecDeque<Option<T>>>>>;

type Hook = Box<dyn FnMut(&MemoryStore) + Send>;

/// A [`MemoryStore`] under observation.
#[derive(Clone, Default)]
pub struct SpyStore {
    pub inner: MemoryStore,
    pub log: Log,
    /// Whether every operation lets others run before and after its effect.
    pub yields: Arc<AtomicBool>,
    /// How often new tokens were saved, but for those of logins.
    pub tokens_saved: Arc<AtomicUsize>,
    /// How often a lease was extended.
    pub extended: Arc<AtomicUsize>,
    /// The access tokens of logins.
    pub logins: Arc<Mutex<Vec<AccessToken>>>,
    faults: Plan<StoreErrorKind>,
    hooks: Plan<Hook>,
}

impl SpyStore {
    /// Lets the next operations of this name fail so; `None` lets one through.
    /// Names are those of the log.
    pub fn fail(
        &self,
        name: &'static str,
        faults: impl IntoIterator<Item = Option<StoreErrorKind>>,
    ) {
        lock(&self.faults).entry(name).or_default().extend(faults);
    }

    /// No more failures.
    pub fn mend(&self) {
        lock(&self.faults).clear();
    }

    /// Lets `hook` change the store just before the operation of this name
    /// after `skipped` others of it.
    pub fn before(
        &self,
        name: &'static str,
        skipped: usize,
        hook: impl FnMut(&MemoryStore) + Send + 'static,
    ) {
        let mut hooks = lock(&self.hooks);
        let queue = hooks.entry(name).or_default();
        queue.extend((0..skipped).map(|_| None));
        queue.push_back(Some(Box::new(hook)));
    }

    fn enter(&self, name: &'static str) -> Result<(), StoreError> {
        self.log.add(name);
        let hook = lock(&self.hooks).get_mut(name).and_then(VecDeque::pop_front).flatten();
        if let Some(mut hook) = hook {
            hook(&self.inner);
        }
        let fault = lock(&self.faults).get_mut(name).and_then(VecDeque::pop_front).flatten();
        fault.map_or(Ok(()), |kind| Err(StoreError::new(kind, format!("spy, at {name}"))))
    }

    async fn pause(&self) {
        if self.yields.load(Ordering::Relaxed) {
            yield_once().await;
        }
    }
}

pub fn save_name(record: &Record) -> &'static str {
    match (&record.note, &record.setback) {
        (Some(_), _) => "note",
        (None, Some(_)) => "setback",
        (None, None) => "tokens",
    }
}

struct Freed {
    log: Log,
    lease: Lease,
}

impl Drop for Freed {
    fn drop(&mut self) {
        self.log.add("free");
    }
}

/// A transport under observation. Two requests at the same time fail the test.
#[derive(Clone)]
pub struct SpyTransport<T> {
    pub inner: T,
    pub log: Log,
    pub yields: Arc<AtomicBool>,
    pub busy: Arc<AtomicBool>,
}

struct Busy<'a>(&'a AtomicBool);

impl<'a> Busy<'a> {
    fn enter(busy: &'a AtomicBool) -> Self {
        assert!(!busy.swap(true, Ordering::SeqCst), "two requests for one account at a time");
        Self(busy)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[async_trait]
impl<T: Transport> Transport for SpyTransport<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let _busy = Busy::enter(&self.busy);
        if self.yields.load(Ordering::Relaxed) {
            yield_once().await;
        }
        self.log.add("send");
        // Nothing after this: a response that came in and was not handed on
        // would be lost.
        self.inner.send(request).await
    }
}

impl<T: BlockingTransport> BlockingTransport for SpyTransport<T> {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let _busy = Busy::enter(&self.busy);
        self.log.add("send");
        self.inner.send_blocking(request)
    }
}

/// Lets every other task run once.
pub async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Accounts over a script, or over a model of a server.
pub struct World<T = Script> {
    pub script: T,
    pub store: SpyStore,
    pub clock: VirtualClock,
    pub settings: Settings,
    pub busy: Arc<AtomicBool>,
    pub endpoint: TokenEndpoint,
}

/// The account of most tests.
pub const ADA: &str = "ada";

impl World {
    pub fn new(script: Script) -> Self {
        let clock = script.clock().clone();
        Self::with(script, clock)
    }
}

impl World<FakeAuthServer> {
    /// A server at which nobody has logged in.
    pub fn of(server: FakeAuthServer) -> Self {
        let clock = server.clock().clone();
        Self::with(server, clock)
    }

    /// A server at which Ada has just logged in.
    pub fn logged_in(server: FakeAuthServer) -> Self {
        let clock = server.clock().clone();
        let world = Self::with(server, clock);
        let tokens = world.script.log_in(ADA);
        world.store.inner.put(ADA, Record::obtained(tokens, world.now()));
        world
    }
}

impl<T: Transport + BlockingTransport + Clone + 'static> World<T> {
    fn with(script: T, clock: VirtualClock) -> Self {
        let settings = Settings::default().seed(1);
        let (store, busy) = (SpyStore::default(), Arc::default());
        Self { script, store, clock, settings, busy, endpoint: endpoint() }
    }

    /// The same store and script, as another process sees them.
    pub fn accounts(&self) -> Accounts {
        Accounts::without_runtime(
            self.endpoint.clone(),
            self.transport(),
            self.store.clone(),
            self.clock.clone(),
        )
        .settings(self.settings.clone())
    }

    pub fn blocking(&self) -> BlockingAccounts {
        BlockingAccounts::new(
            self.endpoint.clone(),
            self.transport(),
            self.store.clone(),
            self.clock.clone(),
        )
        .settings(self.settings.clone())
    }

    fn transport(&self) -> SpyTransport<T> {
        SpyTransport {
            inner: self.script.clone(),
            log: self.store.log.clone(),
            yields: Arc::clone(&self.store.yields),
            busy: Arc::clone(&self.busy),
        }
    }

    pub fn account(&self) -> Account {
        self.accounts().account(ADA)
    }

    /// Puts tokens `at-1` and `rt-1` on record, obtained for an hour, of which
    /// so many seconds are left.
    pub fn with_record(self, left: u64) -> Self {
        self.store.inner.put(ADA, record("at-1", "rt-1", self.now(), left));
        self
    }

    pub fn record(&self) -> Record {
        self.store.inner.get(ADA).expect("a record")
    }

    pub fn now(&self) -> SystemTime {
        self.clock.now().wall
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub fn endpoint() -> TokenEndpoint {
    TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap()
}

pub fn tokens(access: &str, refresh: &str, now: SystemTime, expires_in: u64) -> TokenSet {
    let mut tokens = TokenSet::new(AccessToken::new(access));
    tokens.refresh_token = Some(RefreshToken::new(refresh));
    tokens.expires_at = Some(now + Duration::from_secs(expires_in));
    tokens
}

/// A record of tokens that were obtained for an hour, of which so many seconds
/// are left.
pub fn record(access: &str, refresh: &str, now: SystemTime, left: u64) -> Record {
    let obtained = now - Duration::from_secs(3600 - left);
    Record::obtained(tokens(access, refresh, now, left), obtained)
}

pub fn refresh_token(record: &Record) -> &str {
    record.tokens.refresh_token.as_ref().unwrap().expose()
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody who wants a token.
pub type Call = Pin<Box<dyn Future<Output = Result<Token, AccountError>>>>;

pub fn call(account: &Account) -> Call {
    let account = account.clone();
    Box::pin(async move { account.token().await })
}

/// Polls once; time passes if that leads to a sleep.
pub fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>, clock: &VirtualClock) -> Poll<F::Output> {
    let polled = poll_once(future);
    clock.advance_to_next();
    polled
}

/// Polls once, and no time passes.
pub fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs to the end; time passes where it is slept.
pub fn run<T>(future: impl Future<Output = T>, clock: &VirtualClock) -> T {
    let mut future = Box::pin(future);
    for _ in 0..100_000 {
        if let Poll::Ready(result) = poll_once(&mut future) {
            return result;
        }
        clock.advance_to_next();
    }
    panic!("it hangs");
}

/// A strict server at which Ada has logged in, so many seconds ago.
pub fn strict(ago: u64) -> World<FakeAuthServer> {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().rotation(Rotation::EachUse).clock(&clock).build();
    let world = World::logged_in(server);
    world.pass(ago);
    world
}
