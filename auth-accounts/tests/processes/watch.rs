//! A store and a transport that know all processes, and object at once to what
//! none of them may do. Waiting for the end of a story would be too late: the
//! next event may well repair what a bug has broken.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, MemoryStore, StoreError, StoreErrorKind,
    store::{Fingerprint, Lease, Record, TokenStore, Version},
};
use auth_core::{
    AccessToken, Delivery, FailureKind, RefreshToken, Request, Response, TokenSet, Transport,
    TransportError,
};
use auth_testkit::FakeAuthServer;

use super::{
    bodies::{Busy, refresh_token, successor},
    leases::Leases,
    support::{ADA, lock, save_name, yield_once},
};

/// When a fault of the store strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strikes {
    Before,
    /// A save takes effect, and is said to have failed.
    After,
}

/// What has happened so far, in all processes.
pub struct Watch {
    pub server: FakeAuthServer,
    pub store: MemoryStore,
    pub leases: Leases,
    busy: Busy,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    faults: HashMap<&'static str, VecDeque<(StoreErrorKind, Strikes)>>,
    /// Who was told of the successor of which spent refresh token.
    told: HashMap<String, Told>,
    /// The processes that have died.
    dead: HashSet<usize>,
    died_with_tokens: bool,
    /// The refresh token of each process to an attempt with which a response was
    /// lost.
    doubted: HashMap<usize, String>,
    /// The processes that have made an attempt with such a token, and have not
    /// read the store since.
    unread: HashSet<usize>,
    /// The access tokens that were on record at some time.
    stored: HashSet<String>,
    /// The refresh tokens on record, in this order.
    history: Vec<Fingerprint>,
    logins: Vec<Login>,
    now: usize,
}

struct Told {
    process: usize,
    successor: String,
    durable: bool,
}

struct Login {
    process: usize,
    access: AccessToken,
    begun: usize,
    /// When it was over; one that was dropped may go on.
    ended: Option<usize>,
    returned: bool,
    /// What its record is known by, once it is saved.
    login: Option<Fingerprint>,
    /// When it was.
    saved: usize,
}

impl Watch {
    /// Watches from the first login on.
    pub fn new(server: FakeAuthServer, record: Record) -> Arc<Self> {
        let watch = Self {
            server,
            store: MemoryStore::new(),
            leases: Leases::default(),
            busy: Busy::default(),
            books: Mutex::default(),
        };
        watch.books().took_effect(&record);
        watch.store.put(ADA, record);
        Arc::new(watch)
    }

    pub fn fail(&self, name: &'static str, kind: StoreErrorKind, strikes: Strikes) {
        self.books().faults.entry(name).or_default().push_back((kind, strikes));
    }

    pub fn mend(&self) {
        self.books().faults.clear();
    }

    pub fn died(&self, process: usize) {
        let mut books = self.books();
        books.dead.insert(process);
        books.died_with_tokens |=
            books.told.values().any(|told| !told.durable && told.process == process);
    }

    /// Whether new tokens died with a process, or with a response.
    pub fn has_lost_tokens(&self) -> bool {
        self.books().died_with_tokens || self.server.report().lost_responses > 0
    }

    /// A login begins; its number.
    pub fn logging_in(&self, process: usize, tokens: &TokenSet) -> usize {
        let mut books = self.books();
        let access = tokens.access_token.clone();
        let begun = books.tick();
        books.logins.push(Login {
            process,
            access,
            begun,
            ended: None,
            returned: false,
            login: None,
            saved: 0,
        });
        books.logins.len() - 1
    }

    pub fn login_over(&self, number: usize, returned: bool) {
        let mut books = self.books();
        let now = books.tick();
        let login = &mut books.logins[number];
        login.returned |= returned;
        login.ended.get_or_insert(now);
    }

    /// Where the history of records stands.
    pub fn moment(&self) -> usize {
        self.books().history.len()
    }

    /// Whether `token` was on record since that moment, or is known to
    /// `process` only.
    pub fn was_current(&self, token: Fingerprint, since: usize, process: usize) -> bool {
        let books = self.books();
        books.history[since.saturating_sub(1)..].contains(&token)
            || books.told.values().any(|told| {
                told.process == process
                    && Fingerprint::of(&RefreshToken::new(&*told.successor)) == token
            })
            || books.logins.iter().any(|login| login.process == process && login.login.is_none())
    }

    pub fn was_stored(&self, token: &AccessToken) -> bool {
        self.books().stored.contains(token.expose())
    }

    /// Fails the test if the record is of a login although there was one, after
    /// that was saved, which lasted.
    pub fn assert_last_login(&self, record: &Record) {
        let books = self.books();
        let kept = books.logins.iter().find(|login| login.login == record.login);
        let saved = kept.map_or(0, |login| login.saved);
        let later = books.logins.iter().find(|login| login.begun > saved && books.lasts(login));
        assert!(later.is_none(), "a login was lost to an earlier one");
    }

    /// What `process` sees.
    pub fn seen_by(self: &Arc<Self>, process: usize) -> View {
        View { watch: Arc::clone(self), process }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    fn enter(&self, name: &'static str) -> Result<bool, StoreError> {
        let fault = self.books().faults.get_mut(name).and_then(VecDeque::pop_front);
        match fault {
            Some((kind, Strikes::Before)) => Err(error(kind, name)),
            Some((_, Strikes::After)) => Ok(true),
            None => Ok(false),
        }
    }
}

fn error(kind: StoreErrorKind, name: &str) -> StoreError {
    StoreError::new(kind, format!("told to fail, at {name}"))
}

impl Books {
    fn tick(&mut self) -> usize {
        self.now += 1;
        self.now
    }

    /// Whether a login that was reported done has to be found in the store at
    /// the end.
    fn lasts(&self, login: &Login) -> bool {
        login.returned && (login.login.is_some() || !self.dead.contains(&login.process))
    }

    fn took_effect(&mut self, record: &Record) {
        self.stored.insert(record.tokens.access_token.expose().to_owned());
        let Some(token) = &record.tokens.refresh_token else { return };
        if self.history.last() != Some(&Fingerprint::of(token)) {
            self.history.push(Fingerprint::of(token));
        }
        for told in self.told.values_mut().filter(|told| told.successor == token.expose()) {
            told.durable = true;
        }
    }

    /// What may take the place of what.
    fn judge_save(&mut self, old: Option<&Record>, new: &Record, server: &FakeAuthServer) {
        let token = new.tokens.refresh_token.as_ref().expect("all of them have one");
        if let Some(setback) = &new.setback {
            assert_eq!(Some(setback.refresh_token), new.fingerprint(), "another token's setback");
            assert!(
                setback.kind != FailureKind::Rejected || !server.is_live(token),
                "a refresh token that is good goes on record as refused"
            );
        }
        let durable = self.told.get(token.expose()).is_some_and(|told| told.durable);
        assert!(!durable, "a record goes back to a spent refresh token");
        let now = self.tick();
        let old = old.and_then(|old| old.login);
        if new.login == old {
            return;
        }
        let other = self.logins.iter().find(|login| login.login == old);
        let other = other.map_or(0, |login| login.begun);
        let login = self
            .logins
            .iter_mut()
            .find(|login| login.access == new.tokens.access_token && login.login.is_none())
            .expect("a login is overwritten by what is none");
        (login.login, login.saved) = (new.login, now);
        // It was over before the other began, and takes its place all the same.
        let late = login.ended.is_some_and(|ended| ended < other);
        assert!(!late, "an earlier login overwrites a later one, at {now}");
    }

    fn judge_attempt(
        &self,
        process: usize,
        token: &RefreshToken,
        record: Option<&Record>,
        server: &FakeAuthServer,
    ) {
        assert!(!self.unread.contains(&process), "a retry without another look at the store");
        if let Some(told) = self.told.get(token.expose()) {
            let known = told.durable || !self.dead.contains(&told.process);
            assert!(!known, "a spent refresh token is used again, though its successor is known");
        }
        let fingerprint = Fingerprint::of(token);
        let Some(record) = record.filter(|record| record.fingerprint() == Some(fingerprint)) else {
            return;
        };
        let noted = record.note.as_ref().is_some_and(|note| note.refresh_token == fingerprint);
        assert!(noted, "an attempt that is not on record");
        if let Some(setback) = &record.setback {
            let now = server.clock().now().wall;
            let over = setback.retry_at.is_some_and(|at| at <= now);
            assert!(over, "an attempt in spite of a setback on record: {setback:?}");
        }
    }
}

/// The store and the server, as one process sees them.
#[derive(Clone)]
pub struct View {
    watch: Arc<Watch>,
    process: usize,
}

#[async_trait]
impl TokenStore for View {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        yield_once().await;
        self.watch.books().unread.remove(&self.process);
        self.watch.enter("load")?;
        let loaded = TokenStore::load(&self.watch.store, account).await;
        yield_once().await;
        loaded
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        yield_once().await;
        let name = save_name(record);
        let fails_after = self.watch.enter(name)?;
        let old = self.watch.store.get(account);
        let saved = TokenStore::save(&self.watch.store, account, record, expected).await;
        if saved.is_ok() {
            let mut books = self.watch.books();
            books.judge_save(old.as_ref(), record, &self.watch.server);
            books.took_effect(record);
        }
        yield_once().await;
        if fails_after && saved.is_ok() { Err(error(StoreErrorKind::Io, name)) } else { saved }
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        yield_once().await;
        let fails_after = self.watch.enter("remove")?;
        let removed = TokenStore::remove(&self.watch.store, account, expected).await;
        yield_once().await;
        if fails_after && removed.is_ok() {
            return Err(error(StoreErrorKind::Io, "remove"));
        }
        removed
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        TokenStore::list(&self.watch.store, after, most).await
    }

    async fn lease(&self, _: &AccountId, _: Duration) -> Result<Lease, StoreError> {
        yield_once().await;
        self.watch.enter("lease")?;
        let lease = self.watch.leases.take().await;
        yield_once().await;
        Ok(lease)
    }

    async fn extend(&self, _: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        yield_once().await;
        self.watch.leases.extend(lease)
    }
}

#[async_trait]
impl Transport for View {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let Watch { server, store, busy, leases, .. } = &*self.watch;
        let token = refresh_token(&request);
        let _busy = busy.with(&token, leases.were_deleted());
        yield_once().await;
        self.watch.books().judge_attempt(self.process, &token, store.get(ADA).as_ref(), server);
        // Nothing is awaited after this: a response that came in and was not
        // handed on would be lost.
        let sent = server.send(request).await;
        let mut books = self.watch.books();
        let delivery = match &sent {
            Ok(response) if response.status().is_server_error() => Delivery::Unknown,
            Ok(response) => {
                let successor = successor(response).filter(|new| new != token.expose());
                if let Some(successor) = successor {
                    let told = Told { process: self.process, successor, durable: false };
                    books.told.insert(token.expose().to_owned(), told);
                }
                Delivery::Answered
            }
            Err(error) => error.delivery(),
        };
        if matches!(&sent, Ok(response) if response.status().is_success()) {
            // Where nothing rotates, the same token is as good as new.
            books.doubted.retain(|_, doubted| doubted != token.expose());
        } else if delivery == Delivery::Unknown {
            books.doubted.insert(self.process, token.expose().to_owned());
        }
        if books.doubted.get(&self.process).is_some_and(|doubted| doubted == token.expose()) {
            books.unread.insert(self.process);
        }
        sent
    }
}
