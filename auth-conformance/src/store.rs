//! The suite for token stores.

mod cases;
mod concurrency;
mod samples;
mod subject;

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use auth_accounts::{
    AccountId,
    internal::Blocking,
    store::{BlockingTokenStore, TokenStore},
};

pub use self::subject::Damage;
use self::{
    cases::{CASES, Case},
    concurrency::Concurrency,
    subject::Subject,
};
use crate::report::{CaseReport, CaseResult, SuiteReport};

/// Checks a store. `open` opens it, always at the same place.
///
/// Await the suite, or [`run`](StoreSuite::run) it, on the runtime that the store
/// needs.
pub fn store<S>(open: impl Fn() -> S + Send + Sync + 'static) -> StoreSuite
where
    S: TokenStore + 'static,
{
    StoreSuite(Suite::new(Subject::new(Concurrency::Tasks, move || Arc::new(open()))))
}

/// Checks a blocking store from several threads. `open` opens it, always at the
/// same place.
pub fn blocking_store<S>(open: impl Fn() -> S + Send + Sync + 'static) -> BlockingStoreSuite
where
    S: BlockingTokenStore + 'static,
{
    BlockingStoreSuite(Suite::new(Subject::new(Concurrency::Threads, move || {
        Arc::new(Blocking(open()))
    })))
}

/// All cases for a store: the name, and what happens.
pub fn store_cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    CASES.iter().map(|case| (case.name, case.does))
}

/// The suite for a [`TokenStore`]; from [`store`].
#[derive(Debug)]
#[must_use = "nothing runs until it is awaited"]
pub struct StoreSuite(Suite);

/// The suite for a [`BlockingTokenStore`]; from [`blocking_store`].
#[derive(Debug)]
#[must_use = "nothing runs until `run` is called"]
pub struct BlockingStoreSuite(Suite);

macro_rules! choosing {
    ($suite:ident) => {
        impl $suite {
            /// Sets how a holder dies with the lease of an account, for example as
            /// a process that is killed. The function returns when that is over.
            pub fn die_with_lease(
                mut self,
                die: impl Fn(&AccountId) + Send + Sync + 'static,
            ) -> Self {
                self.0.subject.die_with_lease = Some(Box::new(die));
                self
            }

            /// Sets how to damage what is stored for an account, and how to read the
            /// stored bytes.
            pub fn raw(
                mut self,
                damage: impl Fn(&AccountId, Damage) + Send + Sync + 'static,
                read: impl Fn(&AccountId) -> Vec<u8> + Send + Sync + 'static,
            ) -> Self {
                self.0.subject.raw = Some((Box::new(damage), Box::new(read)));
                self
            }

            /// Sets how to read what the store has moved aside of an account: all of it,
            /// one after the other. A store needs it that names the version of what is
            /// [damaged](auth_accounts::StoreError::damaged_version).
            pub fn moved_aside(
                mut self,
                read: impl Fn(&AccountId) -> Vec<u8> + Send + Sync + 'static,
            ) -> Self {
                self.0.subject.moved_aside = Some(Box::new(read));
                self
            }

            /// Excuses a case that the store cannot pass by its nature. The case
            /// does not run.
            pub fn excuse(mut self, case: impl Into<String>, reason: impl Into<String>) -> Self {
                self.0.excuses.push((case.into(), reason.into()));
                self
            }

            /// Runs only this case, to look into a failure. Further calls add
            /// further cases.
            pub fn only(mut self, case: impl Into<String>) -> Self {
                self.0.only.push(case.into());
                self
            }
        }
    };
}
choosing!(StoreSuite);
choosing!(BlockingStoreSuite);

impl StoreSuite {
    /// Runs the cases one after the other.
    pub async fn run(self) -> SuiteReport {
        self.0.run().await
    }
}

impl BlockingStoreSuite {
    /// Runs the cases one after the other.
    pub fn run(self) -> SuiteReport {
        concurrency::block_on(self.0.run())
    }
}

impl IntoFuture for StoreSuite {
    type Output = SuiteReport;
    type IntoFuture = Pin<Box<dyn Future<Output = SuiteReport>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The cases that run, and the store that they run on.
struct Suite {
    subject: Subject,
    excuses: Vec<(String, String)>,
    only: Vec<String>,
}

impl Suite {
    fn new(subject: Subject) -> Self {
        Self { subject, excuses: Vec::new(), only: Vec::new() }
    }

    async fn run(self) -> SuiteReport {
        let chosen =
            |case: &&Case| self.only.is_empty() || self.only.iter().any(|n| n == case.name);
        let mut reports = Vec::new();
        for case in CASES.iter().filter(chosen) {
            reports.push(self.judge(case).await);
        }
        let named = self.only.iter().chain(self.excuses.iter().map(|(name, _)| name));
        let unknown = named.filter(|name| CASES.iter().all(|case| case.name != **name));
        SuiteReport::new(
            reports,
            unknown.map(|name| format!("there is no case {name:?}")).collect(),
        )
    }

    async fn judge(&self, case: &Case) -> CaseReport {
        let report = |result, observed: &str| CaseReport {
            name: case.name,
            does: case.does,
            result,
            observed: observed.to_owned(),
        };
        // What cannot be damaged has nothing to be replaced either.
        let excuses =
            |name: &str| name == case.name || name == "damaged" && case.name == "damaged_replaced";
        if let Some((_, reason)) = self.excuses.iter().find(|(name, _)| excuses(name)) {
            return report(CaseResult::Excused { reason: reason.clone() }, "not run");
        }
        match (case.run)(&self.subject).await {
            Ok(()) => report(CaseResult::Passed, case.does),
            Err(complaint) => {
                if let Some(what_to_do) = self.subject.take_lack() {
                    return report(CaseResult::NotSetUp { what_to_do }, "not run to its end");
                }
                report(CaseResult::Failed { complaints: vec![complaint] }, "it does not hold")
            }
        }
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("excuses", &self.excuses)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
