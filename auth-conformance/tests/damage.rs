//! The case about damaged records: a store that loses one fails it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_accounts::{
    AccountId, MemoryStore, StoreError, StoreErrorKind,
    store::{BlockingTokenStore, Lease, Record, Version},
};
use auth_conformance::{CaseResult, SuiteReport};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// It is none: damage may have no version.
    NamesNoVersion,
    LosesWhatWasDamaged,
    LosesTheRemoved,
    ReplacesAnyDamage,
    RemovesAnyDamage,
    SavesTwice,
    SavesNothing,
}

/// What is damaged stands before what is in memory.
#[derive(Clone)]
struct Store {
    flaw: Flaw,
    inner: MemoryStore,
    damaged: Arc<Mutex<BTreeMap<AccountId, Vec<u8>>>>,
    aside: Arc<Mutex<BTreeMap<AccountId, Vec<u8>>>>,
    /// The last damage that was replaced.
    replaced: Arc<Mutex<Option<Version>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn version(content: &[u8]) -> Version {
    Version::new([b"damaged ", content].concat())
}

impl Store {
    fn error(&self, content: &[u8]) -> StoreError {
        let error = StoreError::new(StoreErrorKind::Damaged, "memory");
        if self.flaw == Flaw::NamesNoVersion {
            error
        } else {
            error.damaged_version(version(content))
        }
    }

    /// Moves aside what is damaged, if that is expected. Returns whether it was.
    fn get_past(
        &self,
        account: &AccountId,
        expected: Option<&Version>,
        removes: bool,
    ) -> Result<bool, StoreError> {
        let mut damaged = lock(&self.damaged);
        let Some(content) = damaged.get(account).cloned() else { return Ok(false) };
        let any = if removes { Flaw::RemovesAnyDamage } else { Flaw::ReplacesAnyDamage };
        let is_named =
            expected.is_some_and(|expected| expected.as_bytes().starts_with(b"damaged "));
        if expected != Some(&version(&content)) && !(self.flaw == any && is_named) {
            return Err(self.error(&content));
        }
        damaged.remove(account);
        let loses = if removes { Flaw::LosesTheRemoved } else { Flaw::LosesWhatWasDamaged };
        if self.flaw != loses {
            lock(&self.aside).entry(account.clone()).or_default().extend(content);
        }
        *lock(&self.replaced) = expected.cloned();
        if let Some((_, version)) = BlockingTokenStore::load_blocking(&self.inner, account)? {
            self.inner.remove_blocking(account, &version)?;
        }
        Ok(true)
    }
}

impl BlockingTokenStore for Store {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        match lock(&self.damaged).get(account) {
            Some(content) => Err(self.error(content)),
            None => self.inner.load_blocking(account),
        }
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        if self.flaw == Flaw::SavesTwice
            && expected.is_some()
            && *lock(&self.replaced) == expected.cloned()
        {
            return Ok(self.inner.put(account, record.clone()));
        }
        let was_damaged = self.get_past(account, expected, false)?;
        if was_damaged && self.flaw == Flaw::SavesNothing {
            return Ok(Version::from(1));
        }
        self.inner.save_blocking(account, record, expected.filter(|_| !was_damaged))
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        match self.get_past(account, Some(expected), true)? {
            true => Ok(()),
            false => self.inner.remove_blocking(account, expected),
        }
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.inner.list_blocking(after, most)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.inner.lease_blocking(account, wait)
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.inner.extend_blocking(account, lease)
    }
}

fn judge(flaw: Flaw, tells_aside: bool) -> SuiteReport {
    let store = Store {
        flaw,
        inner: MemoryStore::new(),
        damaged: Arc::default(),
        aside: Arc::default(),
        replaced: Arc::default(),
    };
    let (damaging, reading, moving) = (store.clone(), store.clone(), store.clone());
    let suite =
        auth_conformance::blocking_store(move || store.clone()).only("damaged_replaced").raw(
            move |account, how| {
                lock(&damaging.damaged).insert(account.clone(), format!("{how:?}").into());
            },
            move |account| lock(&reading.damaged).get(account).cloned().unwrap_or_default(),
        );
    match tells_aside {
        false => suite.run(),
        true => {
            let aside = move |account: &AccountId| lock(&moving.aside).get(account).cloned();
            suite.moved_aside(move |account| aside(account).unwrap_or_default()).run()
        }
    }
}

#[test]
fn what_is_damaged_must_not_be_lost() {
    for flaw in [
        Flaw::LosesWhatWasDamaged,
        Flaw::LosesTheRemoved,
        Flaw::ReplacesAnyDamage,
        Flaw::RemovesAnyDamage,
        Flaw::SavesTwice,
        Flaw::SavesNothing,
    ] {
        let report = judge(flaw, true);
        assert_eq!(report.failed().count(), 1, "{flaw:?}: {report}");
    }
    judge(Flaw::None, true).assert();
    judge(Flaw::NamesNoVersion, false).assert();
}

#[test]
fn a_store_that_moves_aside_has_to_show_what() {
    let report = judge(Flaw::None, false);
    assert!(!report.passed());
    let Some(case) = report.not_set_up().next() else { panic!("{report}") };
    let CaseResult::NotSetUp { what_to_do } = &case.result else { panic!("{report}") };
    assert!(what_to_do.contains("`moved_aside` is not set"), "{report}");
}
