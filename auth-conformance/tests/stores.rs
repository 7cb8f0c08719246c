//! The suite's own test: a store that breaks one promise fails the case that
//! is about it.

use std::time::Duration;

use auth_accounts::{
    AccountId, BlockingTokenStore, Lease, MemoryStore, Record, StoreError, StoreErrorKind, Version,
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
    LosesRecordsWhenClosed,
    MixesUpCase,
    CutsNames,
    LeaseForAll,
    LeaseForNobody,
    LeaseMakesARecord,
    SavingNeedsTheLease,
    TellsTheToken,
}

#[derive(Clone)]
struct Flawed {
    flaw: Flaw,
    inner: MemoryStore,
}

impl Flawed {
    fn name(&self, account: &AccountId) -> AccountId {
        match self.flaw {
            Flaw::MixesUpCase => account.as_str().to_lowercase().into(),
            Flaw::CutsNames => account.as_str().chars().take(255).collect::<String>().into(),
            _ => account.clone(),
        }
    }
}

impl BlockingTokenStore for Flawed {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        let found = BlockingTokenStore::load_blocking(&self.inner, &self.name(account))?;
        Ok(found.map(|(mut record, version)| {
            if self.flaw == Flaw::ForgetsTheNote {
                record.note = None;
            }
            let version = match self.flaw {
                Flaw::VersionsByContent => Version::new(record.to_json_exposed().to_vec()),
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
        if self.flaw == Flaw::LosesUpdates && current == expected {
            // Compared some time before it swaps.
            std::thread::sleep(Duration::from_millis(1));
            return Ok(self.inner.put(account, record.clone()));
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

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
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
        Ok(lease)
    }
}

fn failures(flaw: Flaw) -> Vec<&'static str> {
    let shared = Flawed { flaw, inner: MemoryStore::new() };
    let suite = auth_conformance::blocking_store(move || match flaw {
        Flaw::LosesRecordsWhenClosed => Flawed { inner: MemoryStore::new(), ..shared.clone() },
        _ => shared.clone(),
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
        (Flaw::LosesRecordsWhenClosed, "durable"),
        (Flaw::MixesUpCase, "odd_names"),
        (Flaw::CutsNames, "odd_names"),
        (Flaw::LeaseForAll, "lease_exclusive"),
        (Flaw::LeaseForAll, "lease_waits"),
        (Flaw::LeaseForNobody, "lease_apart"),
        (Flaw::LeaseMakesARecord, "lease_and_save"),
        (Flaw::SavingNeedsTheLease, "lease_and_save"),
        (Flaw::TellsTheToken, "silent"),
    ] {
        let failed = failures(flaw);
        assert!(failed.contains(&case), "{flaw:?} fails {failed:?}");
    }
    assert_eq!(failures(Flaw::None), [""; 0]);
}

/// An async store that waits as a blocking one does.
struct Blocks(MemoryStore);

#[async_trait::async_trait]
impl auth_accounts::TokenStore for Blocks {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.0.load_blocking(account)
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.0.save_blocking(account, record, expected)
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.0.lease_blocking(account, wait)
    }
}

#[test]
fn an_async_store_that_blocks_is_told_so_and_not_waited_for() {
    let place = MemoryStore::new();
    let suite = auth_conformance::store(move || Blocks(place.clone()))
        .excuse("lease_of_the_dead", "one process")
        .excuse("damaged", "memory");
    let report = pollster::block_on(suite.run());
    let failed: Vec<_> = report.failed().map(|case| case.name).collect();
    assert_eq!(failed, ["lease_yields", "lease_waits", "lease_given_up", "lease_contention"]);
    assert!(report.to_string().contains("waits by a timer"), "{report}");
}

#[test]
fn a_hook_that_is_missing_is_a_failure_that_says_so() {
    let place = MemoryStore::new();
    let report = auth_conformance::blocking_store(move || place.clone()).run();
    let failed: Vec<_> = report.failed().collect();
    assert_eq!(failed.len(), 2, "{report}");
    for case in failed {
        let CaseResult::Failed { complaints } = &case.result else { unreachable!() };
        assert!(complaints[0].contains("is not set; set it"), "{complaints:?}");
    }
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
