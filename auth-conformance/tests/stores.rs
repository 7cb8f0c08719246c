//! The suite's own test: a store that breaks one promise fails the case that
//! is about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_accounts::{
    AccountId, MemoryStore, StoreError, StoreErrorKind,
    store::{BlockingTokenStore, Lease, Record, Version},
};
use auth_conformance::CaseResult;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    IgnoresTheVersion,
    CreatesOverAnother,
    LosesUpdates,
    ConflictsWithoutKind,
    VersionsByContent,
    ForgetsTheNote,
    ForgetsTheSetUp,
    LosesRecordsWhenClosed,
    MixesUpCase,
    CutsNames,
    LeaseForAll,
    LeaseForNobody,
    LeaseMakesARecord,
    SavingNeedsTheLease,
    TellsTheToken,
    RemovesAnyVersion,
    RemovesNothing,
    RemovesWhatIsNotThere,
    RemovesSomeTimeAfterALook,
    RemovesNeighbours,
    RemovingNeedsTheLease,
    RemovingIsForThisHandle,
    BeginsVersionsAnew,
    ListsTwice,
    ListsNewestFirst,
    ListsLongPages,
    ListsWhatItWasGiven,
    ListsAfterWhatIsThere,
    ListsTheRemoved,
    ListsInLowerCase,
    ListsTheLeased,
    ExtendingLosesIt,
    ExtendingFreesIt,
    MakesLeasesAnew,
}

#[derive(Clone)]
struct Flawed {
    flaw: Flaw,
    inner: MemoryStore,
    /// How often each account was saved since it was made.
    saves: Arc<Mutex<BTreeMap<AccountId, u64>>>,
    /// What this handle has removed.
    gone: Arc<Mutex<BTreeSet<AccountId>>>,
    /// What was ever removed, and leased.
    removed: Arc<Mutex<BTreeSet<AccountId>>>,
    leased: Arc<Mutex<BTreeSet<AccountId>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flawed {
    fn name(&self, account: &AccountId) -> AccountId {
        match self.flaw {
            Flaw::MixesUpCase => account.as_str().to_lowercase().into(),
            Flaw::CutsNames => account.as_str().chars().take(255).collect::<String>().into(),
            _ => account.clone(),
        }
    }

    /// The version by the number of saves.
    fn counted(&self, account: &AccountId) -> Version {
        Version::from(lock(&self.saves).get(account).copied().unwrap_or_default())
    }

    /// What the store within is to expect, where versions are counted.
    fn expected(&self, account: &AccountId, expected: Option<&Version>) -> Option<Version> {
        let expected = expected?;
        if *expected != self.counted(account) {
            return Some(Version::new(*b"another"));
        }
        let found = BlockingTokenStore::load_blocking(&self.inner, account).ok()?;
        found.map(|(_, version)| version)
    }
}

impl BlockingTokenStore for Flawed {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        let account = &self.name(account);
        if lock(&self.gone).contains(account) {
            return Ok(None);
        }
        let found = BlockingTokenStore::load_blocking(&self.inner, account)?;
        Ok(found.map(|(mut record, version)| {
            if self.flaw == Flaw::ForgetsTheNote {
                record.note = None;
            }
            if self.flaw == Flaw::ForgetsTheSetUp {
                record.set_up = None;
            }
            let version = match self.flaw {
                Flaw::VersionsByContent => Version::new(record.to_json_exposed().to_vec()),
                Flaw::BeginsVersionsAnew => self.counted(account),
                _ => version,
            };
            (record, version)
        }))
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let account = &self.name(account);
        let found = BlockingTokenStore::load_blocking(&self.inner, account)?;
        let current = found.as_ref().map(|(_, version)| version);
        let expected = match self.flaw {
            Flaw::IgnoresTheVersion => current,
            Flaw::CreatesOverAnother if expected.is_none() => current,
            Flaw::VersionsByContent => {
                let content = found
                    .as_ref()
                    .map(|(record, _)| Version::new(record.to_json_exposed().to_vec()));
                if content.as_ref() == expected { current } else { expected }
            }
            Flaw::SavingNeedsTheLease => {
                let _lease = self.lease_blocking(account, Duration::from_millis(1))?;
                expected
            }
            _ => expected,
        };
        if self.flaw == Flaw::RemovesSomeTimeAfterALook && account.as_str() == "remove race" {
            // Or all who save could be faster than whoever looks.
            let mut all = 0..5_000;
            while expected.is_some()
                && !lock(&self.removed).contains(account)
                && all.next().is_some()
            {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        if self.flaw == Flaw::LosesUpdates && current == expected {
            // Compared some time before it swaps.
            std::thread::sleep(Duration::from_millis(1));
            return Ok(self.inner.put(account, record.clone()));
        }
        if self.flaw == Flaw::BeginsVersionsAnew {
            let expected = self.expected(account, expected);
            self.inner.save_blocking(account, record, expected.as_ref())?;
            *lock(&self.saves).entry(account.clone()).or_default() += 1;
            return Ok(self.counted(account));
        }
        let saved = BlockingTokenStore::save_blocking(&self.inner, account, record, expected);
        match (saved, self.flaw) {
            (Ok(_), Flaw::VersionsByContent) => Ok(Version::new(record.to_json_exposed().to_vec())),
            (Err(_), Flaw::ConflictsWithoutKind) => {
                Err(StoreError::new(StoreErrorKind::Io, "somewhere"))
            }
            (Err(error), Flaw::TellsTheToken) => {
                Err(error.with_source(record.tokens.access_token.expose()))
            }
            (saved, _) => saved,
        }
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        let account = &self.name(account);
        let found = BlockingTokenStore::load_blocking(&self.inner, account)?;
        let current = found.map(|(_, version)| version);
        match (self.flaw, &current) {
            (Flaw::RemovesNothing, Some(current)) if current == expected => return Ok(()),
            (Flaw::RemovingIsForThisHandle, Some(current)) if current == expected => {
                lock(&self.gone).insert(account.clone());
                return Ok(());
            }
            (Flaw::BeginsVersionsAnew, _) => {
                let expected = self.expected(account, Some(expected));
                let expected = expected.unwrap_or_else(|| Version::new(*b"none"));
                self.inner.remove_blocking(account, &expected)?;
                lock(&self.saves).remove(account);
                return Ok(());
            }
            (Flaw::RemovesWhatIsNotThere, None) => return Ok(()),
            (Flaw::RemovesAnyVersion, Some(current)) => {
                return BlockingTokenStore::remove_blocking(&self.inner, account, current);
            }
            (Flaw::RemovingNeedsTheLease, _) => {
                let _lease = self.lease_blocking(account, Duration::from_millis(1))?;
            }
            (Flaw::RemovesSomeTimeAfterALook, Some(current)) if current == expected => {
                lock(&self.removed).insert(account.clone());
                // Until somebody else was faster, if there is anybody.
                let look = || BlockingTokenStore::load_blocking(&self.inner, account);
                let (mut now, mut all) = (look()?, 0..200);
                while now.as_ref().is_some_and(|now| now.1 == *expected) && all.next().is_some() {
                    std::thread::sleep(Duration::from_millis(1));
                    now = look()?;
                }
                return now.map_or(Ok(()), |(_, now)| self.inner.remove_blocking(account, &now));
            }
            _ => {}
        }
        BlockingTokenStore::remove_blocking(&self.inner, account, expected)?;
        lock(&self.removed).insert(account.clone());
        if self.flaw == Flaw::RemovesNeighbours {
            let neighbour = AccountId::from(account.as_str().trim_end_matches('/'));
            if let Some((_, version)) = BlockingTokenStore::load_blocking(&self.inner, &neighbour)?
            {
                self.inner.remove_blocking(&neighbour, &version)?;
            }
        }
        Ok(())
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let all = BlockingTokenStore::list_blocking(&self.inner, None, usize::MAX)?;
        let is_after = |account: &AccountId| after.is_none_or(|after| account > after);
        let page = |all: Vec<AccountId>| all.into_iter().filter(is_after).take(most).collect();
        Ok(match self.flaw {
            Flaw::ListsTwice => all
                .into_iter()
                .filter(is_after)
                .flat_map(|id| [id.clone(), id])
                .take(most)
                .collect(),
            Flaw::ListsNewestFirst => page(all.into_iter().rev().collect()),
            Flaw::ListsLongPages => all.into_iter().filter(is_after).take(most + 1).collect(),
            Flaw::ListsWhatItWasGiven => {
                let from = |account: &AccountId| after.is_none_or(|after| account >= after);
                all.into_iter().filter(from).take(most).collect()
            }
            Flaw::ListsAfterWhatIsThere if after.is_some_and(|after| !all.contains(after)) => {
                Vec::new()
            }
            Flaw::ListsTheRemoved | Flaw::ListsTheLeased => {
                let removed = self.flaw == Flaw::ListsTheRemoved;
                let others = lock(if removed { &self.removed } else { &self.leased });
                let all: BTreeSet<_> = all.into_iter().chain(others.iter().cloned()).collect();
                page(all.into_iter().collect())
            }
            Flaw::ListsInLowerCase => {
                let lower = all.into_iter().map(|id| id.as_str().to_lowercase().into());
                page(lower.collect::<BTreeSet<AccountId>>().into_iter().collect())
            }
            _ => page(all),
        })
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        lock(&self.leased).insert(account.clone());
        match self.flaw {
            Flaw::LeaseForAll => return Ok(Lease::new(())),
            Flaw::LeaseForNobody => {
                return Err(StoreError::new(StoreErrorKind::LeaseTimeout, "somewhere"));
            }
            _ => {}
        }
        let lease = BlockingTokenStore::lease_blocking(&self.inner, account, wait)?;
        if self.flaw == Flaw::LeaseMakesARecord && self.inner.get(account).is_none() {
            let record = Record::new(auth_core::TokenSet::new(auth_core::AccessToken::new("at")));
            self.inner.put(account, record);
        }
        let lease = match self.flaw {
            Flaw::ExtendingFreesIt => Lease::new(Mutex::new(Some(lease))),
            _ => lease,
        };
        Ok(lease.made_anew(self.flaw == Flaw::MakesLeasesAnew))
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        match self.flaw {
            Flaw::ExtendingLosesIt => Err(StoreError::new(StoreErrorKind::LeaseLost, "somewhere")),
            Flaw::ExtendingFreesIt => {
                drop(lease.guard::<Mutex<Option<Lease>>>().and_then(|held| lock(held).take()));
                Ok(())
            }
            _ => BlockingTokenStore::extend_blocking(&self.inner, account, lease),
        }
    }
}

fn failures(flaw: Flaw) -> Vec<&'static str> {
    let shared = Flawed {
        flaw,
        inner: MemoryStore::new(),
        saves: Arc::default(),
        gone: Arc::default(),
        removed: Arc::default(),
        leased: Arc::default(),
    };
    let suite = auth_conformance::blocking_store(move || match flaw {
        Flaw::LosesRecordsWhenClosed => Flawed { inner: MemoryStore::new(), ..shared.clone() },
        _ => Flawed { gone: Arc::default(), ..shared.clone() },
    })
    .excuse("lease_of_the_dead", "one process")
    .excuse("damaged", "memory");
    let report = suite.run();
    report.failed().map(|case| case.name).collect()
}

#[test]
fn each_flaw_is_caught_by_the_case_that_is_about_it() {
    for (flaw, case) in [
        (Flaw::IgnoresTheVersion, "stale_version"),
        (Flaw::IgnoresTheVersion, "version_of_nothing"),
        (Flaw::LosesUpdates, "counting"),
        (Flaw::CreatesOverAnother, "create_once"),
        (Flaw::CreatesOverAnother, "create_race"),
        (Flaw::ConflictsWithoutKind, "version_of_nothing"),
        (Flaw::VersionsByContent, "version_of_equals"),
        (Flaw::ForgetsTheNote, "round_trip"),
        (Flaw::ForgetsTheSetUp, "set_up"),
        (Flaw::LosesRecordsWhenClosed, "durable"),
        (Flaw::MixesUpCase, "odd_names"),
        (Flaw::CutsNames, "odd_names"),
        (Flaw::LeaseForAll, "lease_exclusive"),
        (Flaw::LeaseForAll, "lease_waits"),
        (Flaw::LeaseForNobody, "lease_apart"),
        (Flaw::LeaseMakesARecord, "lease_and_save"),
        (Flaw::SavingNeedsTheLease, "lease_and_save"),
        (Flaw::ExtendingLosesIt, "lease_extended"),
        (Flaw::ExtendingFreesIt, "lease_extended"),
        (Flaw::MakesLeasesAnew, "lease_made_anew"),
        (Flaw::TellsTheToken, "silent"),
        (Flaw::RemovesAnyVersion, "remove_stale"),
        (Flaw::RemovesNothing, "remove_gone"),
        (Flaw::RemovingIsForThisHandle, "remove_gone"),
        (Flaw::RemovesWhatIsNotThere, "remove_nothing"),
        (Flaw::BeginsVersionsAnew, "remove_and_save"),
        (Flaw::RemovesNeighbours, "remove_apart"),
        (Flaw::RemovesSomeTimeAfterALook, "remove_race"),
        (Flaw::RemovingNeedsTheLease, "remove_and_lease"),
        (Flaw::ListsTwice, "list_order"),
        (Flaw::ListsNewestFirst, "list_order"),
        (Flaw::ListsLongPages, "list_order"),
        (Flaw::ListsWhatItWasGiven, "list_after"),
        (Flaw::ListsAfterWhatIsThere, "list_after"),
        (Flaw::ListsTheRemoved, "list_current"),
        (Flaw::ListsTheLeased, "list_current"),
        (Flaw::ListsInLowerCase, "list_odd_names"),
    ] {
        let failed = failures(flaw);
        assert!(failed.contains(&case), "{flaw:?} fails {failed:?}");
    }
    assert_eq!(failures(Flaw::None), [""; 0]);
}

#[test]
fn a_hook_that_is_missing_is_no_failure_of_the_store_and_says_what_to_do() {
    let place = MemoryStore::new();
    let report = auth_conformance::blocking_store(move || place.clone()).run();
    assert_eq!(report.failed().count(), 0, "{report}");
    assert!(!report.passed(), "{report}");
    let cases: Vec<_> = report.not_set_up().map(|case| case.name).collect();
    assert_eq!(cases, ["lease_of_the_dead", "damaged", "damaged_replaced"], "{report}");
    for case in report.not_set_up() {
        let CaseResult::NotSetUp { what_to_do } = &case.result else { unreachable!() };
        assert!(what_to_do.contains("is not set; set it"), "{what_to_do}");
    }
    let shown = report.to_string();
    assert!(shown.contains("0 failed, 0 excused, 3 not set up"), "{shown}");
    assert!(shown.contains("NOT SET UP  damaged: "), "{shown}");
}

#[test]
fn an_excuse_for_no_case_is_a_problem() {
    let place = MemoryStore::new();
    let report = auth_conformance::blocking_store(move || place.clone())
        .only("round_trip")
        .excuse("no_such_case", "whatever")
        .run();
    assert!(!report.passed());
    assert!(report.to_string().contains("there is no case \"no_such_case\""), "{report}");
}
