//! Leases that are lost, as the files of leases can be, and what comes of that.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use auth_accounts::{
    Account, AccountError, AccountId, Accounts, MemoryStore, Settings, StoreError, StoreErrorKind,
    Token,
    store::{Lease, Note, Record, TokenStore, Version},
};
use auth_core::{Backoff, Request, Response, Transport, TransportError, TransportErrorKind};
use auth_testkit::VirtualClock;
use pollster::block_on;
use support::{ADA, endpoint, poll_once, record, run};

type Hook = Box<dyn FnMut() + Send>;
/// Leases that can be deleted, as files can.
#[derive(Clone, Default)]
struct Files {
    inner: MemoryStore,
    /// How often they were deleted.
    generation: Arc<AtomicU64>,
    /// The last one that was extended.
    marked: Arc<AtomicU64>,
    /// What happens before the next one is extended.
    hook: Arc<Mutex<Option<Hook>>>,
    extends: Arc<AtomicUsize>,
    /// Which call does not answer.
    hangs_at: Arc<AtomicUsize>,
    /// From which call on it fails.
    fails_from: Arc<AtomicUsize>,
}

/// The generation, and what keeps others from it.
struct Guard(u64, #[allow(dead_code, reason = "it is dropped")] Lease);

#[async_trait]
impl TokenStore for Files {
    async fn load(&self, a: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        TokenStore::load(&self.inner, a).await
    }
    async fn save(
        &self,
        a: &AccountId,
        r: &Record,
        e: Option<&Version>,
    ) -> Result<Version, StoreError> {
        TokenStore::save(&self.inner, a, r, e).await
    }
    async fn remove(&self, a: &AccountId, e: &Version) -> Result<(), StoreError> {
        TokenStore::remove(&self.inner, a, e).await
    }
    async fn list(&self, a: Option<&AccountId>, m: usize) -> Result<Vec<AccountId>, StoreError> {
        TokenStore::list(&self.inner, a, m).await
    }
    async fn lease(&self, a: &AccountId, w: Duration) -> Result<Lease, StoreError> {
        let g = self.generation.load(Ordering::SeqCst);
        let name: AccountId = format!("{a}#{g}").into();
        let lease = TokenStore::lease(&self.inner, &name, w).await?;
        let anew = self.marked.load(Ordering::SeqCst) != g + 1;
        Ok(Lease::new(Guard(g, lease)).made_anew(anew))
    }
    async fn extend(&self, _: &AccountId, l: &Lease) -> Result<(), StoreError> {
        let hook = self.hook.lock().unwrap().take();
        if let Some(mut hook) = hook {
            hook();
        }
        let n = self.extends.fetch_add(1, Ordering::SeqCst) + 1;
        if self.hangs_at.load(Ordering::SeqCst) == n {
            std::future::pending::<()>().await;
        }
        if (1..=n).contains(&self.fails_from.load(Ordering::SeqCst)) {
            return Err(StoreError::new(StoreErrorKind::Io, "extend"));
        }
        let g = l.guard::<Guard>().unwrap().0;
        if g != self.generation.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::LeaseLost, "lost"));
        }
        self.marked.store(g + 1, Ordering::SeqCst);
        Ok(())
    }
}
/// When requests were sent, and to how many of them the response is lost.
#[derive(Clone, Default)]
struct Count(Arc<Mutex<Vec<Instant>>>, Arc<AtomicUsize>);

type Call = Pin<Box<dyn Future<Output = Result<Token, AccountError>> + Send>>;

fn account(store: &Files, sent: &Count, clock: &VirtualClock) -> Account {
    let accounts =
        Accounts::without_runtime(endpoint(), sent.clone(), store.clone(), clock.clone());
    accounts.settings(Settings::default().seed(1)).account(ADA)
}

#[async_trait]
impl Transport for Count {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        let mut sent = self.0.lock().unwrap();
        sent.push(Instant::now());
        if sent.len() <= self.1.load(Ordering::SeqCst) {
            return Err(TransportError::unknown(TransportErrorKind::Timeout));
        }
        let n = sent.len() + 1;
        let body =
            format!(r#"{{"access_token":"at-{n}","refresh_token":"rt-{n}","expires_in":3600}}"#);
        Ok(http::Response::builder()
            .status(200)
            .header("content-type", "application/json")
            .body(body.into_bytes())
            .unwrap())
    }
}

#[test]
fn a_wait_without_end_is_none_of_a_clock() {
    let clock = VirtualClock::manual();
    let store = Files::default();
    let mut r = record("at-1", "rt-1", clock.now().wall, 0);
    r.note = Some(Note::new(r.fingerprint().unwrap(), clock.now().wall));
    store.inner.put(ADA, r);
    let accounts = Accounts::without_runtime(endpoint(), Count::default(), store, clock.clone());
    let account =
        accounts.settings(Settings::default().seed(1).lease_wait(Duration::MAX)).account(ADA);
    let mut call = Box::pin(account.token());
    let _ = poll_once(&mut call);
}

/// Neither had sent anything.
#[test]
fn nobody_waits_for_who_has_lost_the_lease() {
    let clock = VirtualClock::manual();
    let store = Files::default();
    store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 0));
    let sent = Count::default();
    let (a, b) = (account(&store, &sent, &clock), account(&store, &sent, &clock));
    let call_b: Arc<Mutex<Call>> = Arc::new(Mutex::new(Box::pin(async move { b.token().await })));
    let hooked = call_b.clone();
    let s = store.clone();
    *store.hook.lock().unwrap() = Some(Box::new(move || {
        // Somebody deletes the lease file, and B takes the new one.
        s.generation.fetch_add(1, Ordering::SeqCst);
        assert!(poll_once(&mut *hooked.lock().unwrap()).is_pending());
    }));
    let began = clock.elapsed();
    let mut call_a = Box::pin(a.token());
    for _ in 0..500 {
        let ra = poll_once(&mut call_a).is_ready();
        let rb = poll_once(&mut *call_b.lock().unwrap()).is_ready();
        if ra || rb {
            break;
        }
        clock.advance_to_next();
    }
    let took = clock.elapsed() - began;
    assert!(
        took < Duration::from_secs(2),
        "nothing had been sent, and both waited for {took:?}, sent {}",
        sent.0.lock().unwrap().len()
    );
}

#[test]
fn a_retry_is_prompt_though_the_lease_is_lost() {
    let clock = VirtualClock::manual();
    let store = Files::default();
    store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 0));
    let sent = Count::default();
    sent.1.store(1, Ordering::SeqCst);
    let (a, b) = (account(&store, &sent, &clock), account(&store, &sent, &clock));
    let call_b: Arc<Mutex<Call>> = Arc::new(Mutex::new(Box::pin(async move { b.token().await })));
    let hooked = call_b.clone();
    let s = store.clone();
    let mut second: Option<Hook> = Some(Box::new(move || {
        s.generation.fetch_add(1, Ordering::SeqCst);
        assert!(poll_once(&mut *hooked.lock().unwrap()).is_pending());
    }));
    let s2 = store.clone();
    *store.hook.lock().unwrap() = Some(Box::new(move || {
        *s2.hook.lock().unwrap() = second.take();
    }));
    let began = clock.elapsed();
    let mut call_a = Box::pin(a.token());
    for _ in 0..500 {
        let ra = poll_once(&mut call_a);
        let rb = if store.generation.load(Ordering::SeqCst) == 0 {
            std::task::Poll::Pending
        } else {
            poll_once(&mut *call_b.lock().unwrap())
        };
        if ra.is_ready() || rb.is_ready() {
            break;
        }
        clock.advance_to_next();
    }
    let took = clock.elapsed() - began;
    assert!(
        took < Duration::from_secs(5),
        "the retry came after {took:?}, sent {}",
        sent.0.lock().unwrap().len()
    );
}

/// The lease cannot be confirmed, and nothing is sent.
#[test]
fn nobody_waits_for_itself() {
    let clock = VirtualClock::manual();
    let store = Files::default();
    store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 0));
    store.fails_from.store(1, Ordering::SeqCst);
    let sent = Count::default();
    let a = account(&store, &sent, &clock);
    run(a.token(), &clock).unwrap_err();
    assert!(store.inner.get(ADA).unwrap().note.is_none());
    store.fails_from.store(0, Ordering::SeqCst);
    assert_eq!(sent.0.lock().unwrap().len(), 0);
    let began = clock.elapsed();
    run(a.token(), &clock).unwrap();
    let took = clock.elapsed() - began;
    assert!(took < Duration::from_secs(2), "waited {took:?} for itself");
}

#[test]
fn a_retry_is_prompt_though_the_lease_is_not_confirmed() {
    let clock = VirtualClock::new();
    let store = Files::default();
    store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 0));
    store.hangs_at.store(2, Ordering::SeqCst);
    let sent = Count::default();
    sent.1.store(1, Ordering::SeqCst);
    let a = Accounts::without_runtime(endpoint(), sent.clone(), store.clone(), clock.clone())
        .settings(Settings::default().seed(1).lease_wait(Duration::from_secs(9)))
        .policy(Backoff::default().base_delay(Duration::ZERO))
        .account(ADA);
    let r = block_on(a.token());
    let at = sent.0.lock().unwrap().clone();
    assert_eq!(at.len(), 2, "{r:?}");
    let gap = at[1] - at[0];
    assert!(gap < Duration::from_secs(5), "the retry came after {gap:?}");
}
