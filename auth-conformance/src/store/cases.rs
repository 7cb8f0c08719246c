//! The cases. Each has accounts of its own, so that one place serves them all.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant, SystemTime},
};

use auth_accounts::{
    AccountId, Begun, Fingerprint, Lease, Record, Setback, StoreError, StoreErrorKind, TokenStore,
    Version,
};
use auth_core::{AccessToken, Backoff, Now, Refresh, RefreshToken, Step, TokenEndpoint, TokenSet};

use super::{Damage, Suite};
use auth_testkit::CannedResponse;

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) does: &'static str,
    pub(super) run: for<'a> fn(&'a Suite) -> Running<'a>,
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

macro_rules! cases {
    ($($name:ident: $does:literal,)*) => {
        pub(super) const CASES: &[Case] = &[$(Case {
            name: stringify!($name),
            does: $does,
            run: |suite| Box::pin($name(suite)),
        }),*];
    };
}

cases! {
    nothing_there: "an account that was never saved has no record",
    round_trip: "what was saved is loaded, every member of it, with its version",
    version_of_equals: "saving the same again makes another version",
    create_once: "a record is not created over another",
    stale_version: "an old version is refused, and changes nothing",
    version_of_nothing: "a version is refused where there is no record",
    create_race: "of many that create a record, one succeeds",
    counting: "many that load and save lose nothing of each other's",
    odd_names: "accounts of any name are kept apart",
    durable: "what was saved is there for whoever opens the store anew",
    lease_exclusive: "a lease that is held is refused, and free when dropped",
    lease_apart: "leases of different accounts have nothing to do with each other",
    lease_waits: "who waits for a lease gets it when it is freed",
    lease_given_up: "who gives up waiting leaves no lease behind",
    lease_contention: "of many that want the lease, one at a time has it",
    lease_and_save: "saving needs no lease, and a lease makes no record",
    lease_of_the_dead: "a lease ends with the process that holds it",
    damaged: "what cannot be read is an error for load and save, and left alone",
    silent: "no error holds a token",
}

/// Long and odd, so that finding one in an error is no accident.
const ACCESS_TOKEN: &str = "at-conformance-Q1wE8rTy3Ui";
const REFRESH_TOKEN: &str = "rt-conformance-7Yq2pL9sVx4";
const ID_TOKEN: &str = "it-conformance-M4nB7vCx2Za";

/// Longer than any honest store takes.
const PATIENCE: Duration = Duration::from_secs(60);
const MANY: usize = 8;

async fn nothing_there(suite: &Suite) -> Result<(), String> {
    let found = suite.load(&*suite.open(), &"nothing there".into()).await?;
    ensure(found.is_none(), || "there is a record".to_owned())
}

async fn round_trip(suite: &Suite) -> Result<(), String> {
    let (store, account) = (suite.open(), AccountId::from("round trip"));
    let mut version = None;
    for record in [full_record("1"), record("2"), full_record("3")] {
        let saved = suite.save(&*store, &account, &record, version.as_ref()).await?;
        suite.expect(&*store, &account, &record, &saved).await?;
        version = Some(saved);
    }
    Ok(())
}

async fn version_of_equals(suite: &Suite) -> Result<(), String> {
    let (store, account) = (suite.open(), AccountId::from("version of equals"));
    let mut seen = vec![suite.save(&*store, &account, &record("1"), None).await?];
    for _ in 0..3 {
        let next = suite.save(&*store, &account, &record("1"), seen.last()).await?;
        ensure(!seen.contains(&next), || "the version is one that there was".to_owned())?;
        seen.push(next);
    }
    Ok(())
}

async fn create_once(suite: &Suite) -> Result<(), String> {
    let (store, account) = (suite.open(), AccountId::from("create once"));
    let version = suite.save(&*store, &account, &record("1"), None).await?;
    suite.refuses(&*store, &account, &record("2"), None).await?;
    suite.expect(&*store, &account, &record("1"), &version).await
}

async fn stale_version(suite: &Suite) -> Result<(), String> {
    let (store, account) = (suite.open(), AccountId::from("stale version"));
    let first = suite.save(&*store, &account, &record("1"), None).await?;
    let second = suite.save(&*store, &account, &record("2"), Some(&first)).await?;
    suite.refuses(&*store, &account, &record("3"), Some(&first)).await?;
    suite.expect(&*store, &account, &record("2"), &second).await?;
    // Back to an earlier content is not back to its version.
    let third = suite.save(&*store, &account, &record("1"), Some(&second)).await?;
    suite.refuses(&*store, &account, &record("3"), Some(&first)).await?;
    suite.expect(&*store, &account, &record("1"), &third).await
}

async fn version_of_nothing(suite: &Suite) -> Result<(), String> {
    let (store, account) = (suite.open(), AccountId::from("version of nothing"));
    let other = suite.save(&*store, &"another account".into(), &record("1"), None).await?;
    suite.refuses(&*store, &account, &record("1"), Some(&other)).await?;
    let found = suite.load(&*store, &account).await?;
    ensure(found.is_none(), || "a refused save made a record".to_owned())
}

async fn create_race(suite: &Suite) -> Result<(), String> {
    let work = (0..MANY).map(|number| {
        let store = suite.open();
        work(async move {
            let record = record(&number.to_string());
            store.save(&"create race".into(), &record, None).await.map_err(|error| error.kind())
        })
    });
    let results = suite.crew.together(work.collect()).await;
    let made = results.iter().filter(|result| result.is_ok()).count();
    ensure(made == 1 && results.len() == MANY, || format!("{made} succeeded"))?;
    let conflicts = results.iter().filter(|result| **result == Err(StoreErrorKind::Conflict));
    ensure(conflicts.count() == MANY - 1, || format!("the others got {results:?}"))
}

async fn counting(suite: &Suite) -> Result<(), String> {
    const TIMES: usize = 10;
    let account = AccountId::from("counting");
    suite.save(&*suite.open(), &account, &record("0"), None).await?;
    let work = (0..MANY).map(|_| {
        let (store, account) = (suite.open(), account.clone());
        work(async move {
            let mut done = 0;
            // In each round of conflicts somebody succeeds.
            for _ in 0..TIMES * MANY * 100 {
                let Ok(Some((found, version))) = store.load(&account).await else { break };
                let next = count(&found) + 1;
                match store.save(&account, &record(&next.to_string()), Some(&version)).await {
                    Ok(_) => done += 1,
                    Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                    Err(_) => break,
                }
                if done == TIMES {
                    break;
                }
            }
            done
        })
    });
    let done: usize = suite.crew.together(work.collect()).await.into_iter().sum();
    let found = suite.load(&*suite.open(), &account).await?;
    let counted = found.map_or(0, |(record, _)| count(&record));
    ensure(done == TIMES * MANY, || format!("{done} of {} saves came through", TIMES * MANY))?;
    ensure(counted == done, || format!("{done} saves made {counted}"))
}

async fn odd_names(suite: &Suite) -> Result<(), String> {
    let store = suite.open();
    let long = "n".repeat(1_000);
    let longer = format!("{long}n");
    let names = [
        "odd",
        "Odd",
        "odd ",
        " odd",
        "odd/name",
        "odd\\name",
        "../odd",
        "odd..",
        "odd.json",
        ".",
        "..",
        "",
        "\0",
        "odd\nname",
        "%6fdd",
        "odd%",
        "öd",
        "o\u{308}d",
        "CON",
        "odd:name",
        "🔑",
        &long,
        &longer,
    ];
    for (number, name) in names.into_iter().enumerate() {
        let found = suite.load(&*store, &name.into()).await?;
        ensure(found.is_none(), || format!("{name:?} has the record of another"))?;
        suite.save(&*store, &name.into(), &record(&number.to_string()), None).await?;
    }
    for (number, name) in names.into_iter().enumerate() {
        let found = suite.load(&*store, &name.into()).await?;
        let found = found.map(|(record, _)| count(&record));
        ensure(found == Some(number), || format!("{name:?} has the record {found:?}"))?;
    }
    Ok(())
}

async fn durable(suite: &Suite) -> Result<(), String> {
    let account = AccountId::from("durable");
    let store = suite.open();
    let first = suite.save(&*store, &account, &record("1"), None).await?;
    let second = suite.save(&*store, &account, &full_record("2"), Some(&first)).await?;
    drop(store);
    let store = suite.open();
    suite.expect(&*store, &account, &full_record("2"), &second).await?;
    suite.refuses(&*store, &account, &record("3"), Some(&first)).await?;
    suite.save(&*store, &account, &record("3"), Some(&second)).await.map(drop)
}

async fn lease_exclusive(suite: &Suite) -> Result<(), String> {
    let (one, other) = (suite.open(), suite.open());
    let account = AccountId::from("lease exclusive");
    for _ in 0..3 {
        let lease = suite.lease(&*one, &account).await?;
        for (store, wait) in [(&one, 0), (&other, 0), (&other, 30)] {
            suite.refuses_lease(&**store, &account, Duration::from_millis(wait)).await?;
        }
        drop(lease);
        drop(suite.lease(&*other, &account).await?);
    }
    Ok(())
}

async fn lease_apart(suite: &Suite) -> Result<(), String> {
    let store = suite.open();
    let _one = suite.lease(&*store, &"lease apart 1".into()).await?;
    let _two = suite.lease(&*store, &"lease apart 2".into()).await?;
    suite.refuses_lease(&*suite.open(), &"lease apart 1".into(), Duration::ZERO).await
}

async fn lease_waits(suite: &Suite) -> Result<(), String> {
    let account = AccountId::from("lease waits");
    let lease = suite.lease(&*suite.open(), &account).await?;
    let freed = Arc::new(AtomicBool::new(false));
    let (store, seen, crew) = (suite.open(), Arc::clone(&freed), suite.crew);
    let waiter = work(async move {
        let lease = store.lease(&account, PATIENCE).await;
        let in_time = seen.load(Ordering::SeqCst);
        lease.map(|_| in_time)
    });
    let holder = work(async move {
        crew.pause().await;
        freed.store(true, Ordering::SeqCst);
        drop(lease);
        Ok(true)
    });
    for result in suite.crew.together(vec![waiter, holder]).await {
        ensure(suite.noted(result)?, || "it was given while another held it".to_owned())?;
    }
    Ok(())
}

async fn lease_given_up(suite: &Suite) -> Result<(), String> {
    let (store, account) = (suite.open(), AccountId::from("lease given up"));
    let lease = suite.lease(&*store, &account).await?;
    suite.refuses_lease(&*suite.open(), &account, Duration::from_millis(1)).await?;
    if matches!(suite.crew, super::Crew::Tasks) {
        // Polled, and dropped while it waits; before and after the lease is
        // free.
        let mut waiting = store.lease(&account, PATIENCE);
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            let pending = waiting.as_mut().poll(context).is_pending();
            if pending && polls < 3 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        drop(lease);
        drop(waiting);
    } else {
        drop(lease);
    }
    suite.lease(&*suite.open(), &account).await.map(drop)
}

async fn lease_contention(suite: &Suite) -> Result<(), String> {
    const TIMES: usize = 5;
    let (busy, clashes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let work = (0..MANY).map(|_| {
        let (store, crew) = (suite.open(), suite.crew);
        let (busy, clashes) = (Arc::clone(&busy), Arc::clone(&clashes));
        work(async move {
            for _ in 0..TIMES {
                let lease = store.lease(&"lease contention".into(), PATIENCE).await?;
                if busy.swap(true, Ordering::SeqCst) {
                    clashes.fetch_add(1, Ordering::SeqCst);
                }
                if matches!(crew, super::Crew::Tasks) {
                    crew.pause().await;
                }
                busy.store(false, Ordering::SeqCst);
                drop(lease);
            }
            Ok(())
        })
    });
    for result in suite.crew.together(work.collect()).await {
        suite.noted(result)?;
    }
    let clashes = clashes.load(Ordering::SeqCst);
    ensure(clashes == 0, || format!("two held it at once, {clashes} times"))
}

async fn lease_and_save(suite: &Suite) -> Result<(), String> {
    let (one, other) = (suite.open(), suite.open());
    let account = AccountId::from("lease and save");
    let lease = suite.lease(&*one, &account).await?;
    let found = suite.load(&*other, &account).await?;
    ensure(found.is_none(), || "the lease made a record".to_owned())?;
    let first = suite.save(&*other, &account, &record("1"), None).await?;
    suite.save(&*one, &account, &record("2"), Some(&first)).await?;
    suite.refuses_lease(&*other, &account, Duration::ZERO).await?;
    drop(lease);
    suite.lease(&*other, &account).await.map(drop)
}

async fn lease_of_the_dead(suite: &Suite) -> Result<(), String> {
    let Some(die) = &suite.die_with_lease else {
        return Err("nobody said how; see `die_with_lease`, or excuse it".to_owned());
    };
    let account = AccountId::from("lease of the dead");
    die(&account);
    let lease = suite.open().lease(&account, Duration::from_secs(10)).await;
    suite.noted(lease).map(drop)
}

async fn damaged(suite: &Suite) -> Result<(), String> {
    let Some((damage, read)) = &suite.raw else {
        return Err("nobody said how; see `raw`, or excuse it".to_owned());
    };
    for how in [Damage::Truncated, Damage::Garbage, Damage::Empty, Damage::NewerSchema] {
        let account = AccountId::from(format!("damaged {how:?}"));
        let store = suite.open();
        let version = suite.save(&*store, &account, &full_record("1"), None).await?;
        damage(&account, how);
        let before = read(&account);
        let wanted = match how {
            Damage::NewerSchema => StoreErrorKind::NewerSchema,
            _ => StoreErrorKind::Damaged,
        };
        for store in [store, suite.open()] {
            match store.load(&account).await {
                Ok(_) => return Err(format!("{how:?}: it was loaded")),
                Err(error) => {
                    suite.note(&error);
                    let kind = error.kind();
                    ensure(kind == wanted, || format!("{how:?}: load says {error}"))?;
                    ensure(!error.concerns().is_empty(), || format!("{how:?}: what is?"))?;
                }
            }
            for expected in [None, Some(&version)] {
                let saved = store.save(&account, &record("2"), expected).await;
                ensure(saved.is_err(), || format!("{how:?}: it was written over"))?;
                if let Err(error) = saved {
                    suite.note(&error);
                }
            }
            ensure(read(&account) == before, || format!("{how:?}: it was touched"))?;
        }
    }
    Ok(())
}

async fn silent(suite: &Suite) -> Result<(), String> {
    let errors = suite.errors.lock().unwrap_or_else(PoisonError::into_inner);
    for error in &*errors {
        let secret = [ACCESS_TOKEN, REFRESH_TOKEN, ID_TOKEN].iter().any(|it| error.contains(*it));
        ensure(!secret, || "an error of an earlier case holds one".to_owned())?;
    }
    Ok(())
}

impl Suite {
    async fn load(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
    ) -> Result<Option<(Record, Version)>, String> {
        self.noted(store.load(account).await)
    }

    async fn save(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, String> {
        self.noted(store.save(account, record, expected).await)
    }

    async fn lease(&self, store: &dyn TokenStore, account: &AccountId) -> Result<Lease, String> {
        self.noted(store.lease(account, PATIENCE).await)
    }

    async fn expect(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
        record: &Record,
        version: &Version,
    ) -> Result<(), String> {
        match self.load(store, account).await? {
            Some((found, _)) if found != *record => {
                Err(format!("the record is another one: {found:?}"))
            }
            Some((_, found)) if found != *version => {
                Err("the version is not the one that the save returned".to_owned())
            }
            Some(_) => Ok(()),
            None => Err("there is no record".to_owned()),
        }
    }

    async fn refuses(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<(), String> {
        match store.save(account, record, expected).await {
            Ok(_) => Err("it was saved over another version".to_owned()),
            Err(error) => {
                self.note(&error);
                let kind = error.kind();
                ensure(kind == StoreErrorKind::Conflict, || format!("not a conflict: {error}"))
            }
        }
    }

    async fn refuses_lease(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
        wait: Duration,
    ) -> Result<(), String> {
        match store.lease(account, wait).await {
            Ok(_) => Err("it was given while another held it".to_owned()),
            Err(error) => {
                self.note(&error);
                let kind = error.kind();
                ensure(kind == StoreErrorKind::LeaseTimeout, || format!("no timeout: {error}"))
            }
        }
    }

    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, String> {
        result.map_err(|error| {
            self.note(&error);
            format!("it failed: {error}")
        })
    }
}

fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}

fn work<T>(work: impl Future<Output = T> + Send + 'static) -> super::crew::Work<T> {
    Box::pin(work)
}

/// A record that tells itself apart by its scope.
fn record(mark: &str) -> Record {
    let mut tokens = TokenSet::new(AccessToken::new(ACCESS_TOKEN));
    tokens.refresh_token = Some(RefreshToken::new(REFRESH_TOKEN));
    tokens.scope = Some(mark.to_owned());
    Record::new(tokens)
}

fn count(record: &Record) -> usize {
    record.tokens.scope.as_deref().and_then(|mark| mark.parse().ok()).unwrap_or_default()
}

/// A record with everything in it that there can be, in whole seconds.
fn full_record(mark: &str) -> Record {
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds);
    let mut record = record(mark);
    record.tokens.token_type = Some("Bearer".to_owned());
    record.tokens.expires_at = Some(at(3_600));
    record.tokens.extra.insert("id_token", ID_TOKEN.into());
    record.tokens.extra.insert("nested", serde_json::json!({"list": [1, null, "\u{1F511}\"\n"]}));
    record.obtained_at = Some(at(0));
    let refresh_token = Fingerprint::of(&RefreshToken::new(REFRESH_TOKEN));
    record.begun = Some(Begun::new(refresh_token, at(1)));
    record.setback = setback(refresh_token, at(2), at(60));
    record
}

/// What an exchange that is throttled leaves behind.
fn setback(refresh_token: Fingerprint, now: SystemTime, retry_at: SystemTime) -> Option<Setback> {
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "conformance").ok()?;
    let refresh = Refresh::new(endpoint, RefreshToken::new(REFRESH_TOKEN)).policy(Backoff::never());
    let moment = Now { monotonic: Instant::now(), wall: now };
    let Step::Send(_, pending) = refresh.start(moment) else { return None };
    let response = CannedResponse::oauth_error("slow_down").with_status(429).build();
    let Step::Done(Err(error)) = pending.resolve(Ok(response), moment) else { return None };
    Some(Setback::new(refresh_token, &error, now, Some(retry_at)))
}
