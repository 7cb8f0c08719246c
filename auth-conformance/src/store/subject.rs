//! The store under test, as the cases use it.

use std::{
    error::Error,
    future::Future,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use auth_accounts::{
    AccountId, StoreError, StoreErrorKind,
    store::{Lease, Record, TokenStore, Version},
};

use super::concurrency::{Concurrency, Work};

/// Longer than any honest store takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How many work at the same time where several do.
pub(super) const MANY: usize = 8;

/// How a stored record is damaged.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It ends in the middle.
    Truncated,
    /// It is something else.
    Garbage,
    /// It is empty.
    Empty,
    /// It says that a newer version of the program wrote it.
    NewerSchema,
}

type Open = dyn Fn() -> Arc<dyn TokenStore> + Send + Sync;
type Die = Box<dyn Fn(&AccountId) + Send + Sync>;
type Damager = Box<dyn Fn(&AccountId, Damage) + Send + Sync>;
type Reader = Box<dyn Fn(&AccountId) -> Vec<u8> + Send + Sync>;

/// A store under test, and what its owner has told of it.
pub(super) struct Subject {
    pub(super) concurrency: Concurrency,
    open: Arc<Open>,
    pub(super) die_with_lease: Option<Die>,
    pub(super) raw: Option<(Damager, Reader)>,
    pub(super) moved_aside: Option<Reader>,
    /// What the last case lacked.
    pub(super) lacks: Mutex<Option<String>>,
    /// What every error said, to look for secrets in it.
    pub(super) errors: Arc<Mutex<Vec<String>>>,
    /// Whether waiting for a lease blocks the thread. Then nobody could free it.
    pub(super) blocks: AtomicBool,
}

impl Subject {
    pub(super) fn new<S: TokenStore + 'static>(
        concurrency: Concurrency,
        open: impl Fn() -> Arc<S> + Send + Sync + 'static,
    ) -> Self {
        Self {
            concurrency,
            open: Arc::new(move || -> Arc<dyn TokenStore> { open() }),
            die_with_lease: None,
            raw: None,
            moved_aside: None,
            lacks: Mutex::default(),
            errors: Arc::default(),
            blocks: AtomicBool::new(false),
        }
    }

    /// The store, as another process opens it.
    pub(super) fn open(&self) -> Arc<dyn TokenStore> {
        (self.open)()
    }

    /// What the test has told, by the setter of this name.
    pub(super) fn told<'a, T>(&self, hook: &'a Option<T>, setter: &str) -> Result<&'a T, String> {
        hook.as_ref().ok_or_else(|| {
            let what_to_do = format!("`{setter}` is not set; set it, or excuse the case");
            *self.lacks.lock().unwrap_or_else(PoisonError::into_inner) = Some(what_to_do.clone());
            what_to_do
        })
    }

    /// What the case that has ended lacked.
    pub(super) fn take_lack(&self) -> Option<String> {
        self.lacks.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Remembers what an error says.
    pub(super) fn note(&self, error: &StoreError) {
        let mut text = format!("{error} {error:?}");
        let mut source = Error::source(error);
        while let Some(error) = source {
            text.push_str(&format!(" {error} {error:?}"));
            source = error.source();
        }
        self.errors.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    pub(super) async fn load(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
    ) -> Result<Option<(Record, Version)>, String> {
        self.noted(store.load(account).await)
    }

    pub(super) async fn save(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, String> {
        self.noted(store.save(account, record, expected).await)
    }

    pub(super) async fn remove(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
        expected: &Version,
    ) -> Result<(), String> {
        self.noted(store.remove(account, expected).await)
    }

    pub(super) async fn refuses_removal(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
        expected: &Version,
    ) -> Result<(), String> {
        match store.remove(account, expected).await {
            Ok(()) => Err("it was removed by another version".to_owned()),
            Err(error) => {
                self.note(&error);
                let kind = error.kind();
                ensure(kind == StoreErrorKind::Conflict, || format!("not a conflict: {error}"))
            }
        }
    }

    /// All accounts that the store lists, in pages of this size.
    pub(super) async fn list_all(
        &self,
        store: &dyn TokenStore,
        size: usize,
    ) -> Result<Vec<AccountId>, String> {
        let mut all: Vec<AccountId> = Vec::new();
        loop {
            let page = self.noted(store.list(all.last(), size).await)?;
            ensure(page.len() <= size, || format!("a page of {} for {size}", page.len()))?;
            if page.is_empty() {
                return Ok(all);
            }
            for account in page {
                ensure(all.last().is_none_or(|last| *last < account), || {
                    format!("{account:?} after {:?}, in pages of {size}", all.last())
                })?;
                all.push(account);
            }
        }
    }

    pub(super) async fn lease(
        &self,
        store: &dyn TokenStore,
        account: &AccountId,
    ) -> Result<Lease, String> {
        self.noted(store.lease(account, PATIENCE).await)
    }

    pub(super) async fn expect(
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

    pub(super) async fn refuses(
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

    pub(super) async fn refuses_lease(
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

    pub(super) fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, String> {
        result.map_err(|error| {
            self.note(&error);
            format!("it failed: {error}")
        })
    }
}

pub(super) fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}

pub(super) fn work<T>(work: impl Future<Output = T> + Send + 'static) -> Work<T> {
    Box::pin(work)
}
