//! Runs the cases.

use std::{
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{BlockingTransport, Transport};

use crate::{
    case::{Case, Setup},
    cases::all,
    judge::{CallResult, judge},
    report::{CaseReport, CaseResult, SuiteReport},
    settings::Settings,
    watchdog::{within, within_blocking},
};

const ALLOWANCE: Duration = Duration::from_secs(10);

/// Every case for a [`Transport`]: its name, and what happens in it.
pub fn cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    all().map(|case| (case.name, case.does))
}

/// Judges a transport. `make` is asked for a new one for every case.
///
/// Await it, or [`run`](AsyncSuite::run) it, on the runtime that the transport
/// needs.
pub fn transport<T, F>(make: F) -> AsyncSuite<F>
where
    T: Transport,
    F: Fn(&Settings) -> T,
{
    AsyncSuite { make, choice: Choice::default() }
}

/// Judges a blocking transport. `make` is asked for a new one for every case.
pub fn blocking_transport<T, F>(make: F) -> BlockingSuite<F>
where
    T: BlockingTransport + 'static,
    F: Fn(&Settings) -> T,
{
    BlockingSuite { make, choice: Choice::default() }
}

/// The suite for a [`Transport`]; from [`transport`].
#[derive(Debug)]
#[must_use = "nothing runs until it is awaited"]
pub struct AsyncSuite<F> {
    make: F,
    choice: Choice,
}

/// The suite for a [`BlockingTransport`]; from [`blocking_transport`].
#[derive(Debug)]
#[must_use = "nothing runs until `run` is called"]
pub struct BlockingSuite<F> {
    make: F,
    choice: Choice,
}

/// Which cases run, for which there is an excuse, and how patient one is.
#[derive(Debug)]
struct Choice {
    only: Vec<String>,
    excuses: Vec<(String, String)>,
    allowance: Duration,
}

impl Default for Choice {
    fn default() -> Self {
        Self { only: Vec::new(), excuses: Vec::new(), allowance: ALLOWANCE }
    }
}

macro_rules! choosing {
    ($suite:ident) => {
        impl<F> $suite<F> {
            /// Excuses a case that the library below makes impossible. It runs
            /// all the same, and must keep the invariants.
            pub fn excuse(mut self, case: impl Into<String>, reason: impl Into<String>) -> Self {
                self.choice.excuses.push((case.into(), reason.into()));
                self
            }

            /// Runs this case only; called again, that one too. For looking
            /// into a failure.
            pub fn only(mut self, case: impl Into<String>) -> Self {
                self.choice.only.push(case.into());
                self
            }

            /// How much longer than its timeout a call may take before the case
            /// fails; 10 s by default. It is no measure of speed: a busy
            /// machine must not fail a case.
            pub fn allowance(mut self, allowance: Duration) -> Self {
                self.choice.allowance = allowance;
                self
            }
        }
    };
}
choosing!(AsyncSuite);
choosing!(BlockingSuite);

impl<F> AsyncSuite<F> {
    /// Runs the cases, one after the other.
    pub async fn run<T>(self) -> SuiteReport
    where
        T: Transport,
        F: Fn(&Settings) -> T,
    {
        let mut reports = Vec::new();
        for case in self.choice.cases() {
            reports.push(match (case.setup)() {
                Ok(setup) => {
                    let transport = (self.make)(&setup.settings);
                    let limit = setup.settings.timeout + self.choice.allowance;
                    let mut results = Vec::new();
                    for _ in case.calls {
                        let Ok(request) = setup.request() else { break };
                        let started = Instant::now();
                        let outcome = within(limit, transport.send(request)).await;
                        results.push((outcome, started.elapsed()));
                    }
                    drop(transport);
                    self.choice.report(&case, &setup, &results)
                }
                Err(error) => no_setup(&case, &error),
            });
        }
        self.choice.finish(reports)
    }
}

impl<F> BlockingSuite<F> {
    /// Runs the cases, one after the other.
    pub fn run<T>(self) -> SuiteReport
    where
        T: BlockingTransport + 'static,
        F: Fn(&Settings) -> T,
    {
        let mut reports = Vec::new();
        for case in self.choice.cases() {
            reports.push(match (case.setup)() {
                Ok(setup) => {
                    let transport = Arc::new((self.make)(&setup.settings));
                    let limit = setup.settings.timeout + self.choice.allowance;
                    let mut results = Vec::new();
                    for _ in case.calls {
                        let Ok(request) = setup.request() else { break };
                        let started = Instant::now();
                        let shared = Arc::clone(&transport);
                        let outcome = within_blocking(limit, move || shared.send_blocking(request));
                        results.push((outcome, started.elapsed()));
                    }
                    drop(transport);
                    self.choice.report(&case, &setup, &results)
                }
                Err(error) => no_setup(&case, &error),
            });
        }
        self.choice.finish(reports)
    }
}

impl<T, F> IntoFuture for AsyncSuite<F>
where
    T: Transport + 'static,
    F: Fn(&Settings) -> T + 'static,
{
    type Output = SuiteReport;
    type IntoFuture = Pin<Box<dyn Future<Output = SuiteReport>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl Choice {
    fn cases(&self) -> Vec<Case> {
        all()
            .filter(|case| self.only.is_empty() || self.only.iter().any(|name| name == case.name))
            .collect()
    }

    fn report(&self, case: &Case, setup: &Setup, results: &[(CallResult, Duration)]) -> CaseReport {
        let judgement = judge(case, setup, results);
        let excuse = self.excuses.iter().find(|(name, _)| name == case.name);
        let result = match excuse {
            Some((_, reason)) if judgement.broken.is_empty() => {
                CaseResult::Excused { reason: reason.clone() }
            }
            _ => {
                let mut complaints = judgement.broken;
                complaints.extend(judgement.unexpected);
                if complaints.is_empty() {
                    CaseResult::Passed
                } else {
                    CaseResult::Failed { complaints }
                }
            }
        };
        CaseReport { name: case.name, does: case.does, result, observed: judgement.observed }
    }

    fn finish(&self, reports: Vec<CaseReport>) -> SuiteReport {
        let named = self.only.iter().chain(self.excuses.iter().map(|(name, _)| name));
        let unknown = named.filter(|name| all().all(|case| case.name != **name));
        SuiteReport::new(
            reports,
            unknown.map(|name| format!("there is no case {name:?}")).collect(),
        )
    }
}

/// Nobody's fault but the machine's.
fn no_setup(case: &Case, error: &io::Error) -> CaseReport {
    CaseReport {
        name: case.name,
        does: case.does,
        result: CaseResult::Failed {
            complaints: vec![format!("the case could not be set up: {error}")],
        },
        observed: "nothing".to_owned(),
    }
}
