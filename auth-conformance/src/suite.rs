//! The suites for transports.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{BlockingTransport, Transport};

#[cfg(unix)]
use crate::process;
use crate::{
    case::{Case, Setup},
    cases::all,
    judge::{CallResult, judge},
    report::{CaseReport, CaseResult, SuiteReport},
    settings::TransportSettings,
    watchdog::{within, within_blocking},
};

const ALLOWANCE: Duration = Duration::from_secs(10);

/// All cases for a [`Transport`]: the name, and what happens.
pub fn transport_cases() -> impl Iterator<Item = (&'static str, &'static str)> {
    all().map(|case| (case.name, case.does))
}

/// Checks a transport. `make` makes a new one for each case.
///
/// Await the suite, or [`run`](TransportSuite::run) it, on the runtime that the
/// transport needs.
pub fn transport<T, F>(make: F) -> TransportSuite<F>
where
    T: Transport,
    F: Fn(&TransportSettings) -> T,
{
    TransportSuite { make, choice: Choice::default() }
}

/// Checks a blocking transport. `make` makes a new one for each case.
pub fn blocking_transport<T, F>(make: F) -> BlockingTransportSuite<F>
where
    T: BlockingTransport + 'static,
    F: Fn(&TransportSettings) -> T,
{
    BlockingTransportSuite { make, choice: Choice::default() }
}

/// The suite for a [`Transport`]; from [`transport`].
#[derive(Debug)]
#[must_use = "nothing runs until it is awaited"]
pub struct TransportSuite<F> {
    make: F,
    choice: Choice,
}

/// The suite for a [`BlockingTransport`]; from [`blocking_transport`].
#[derive(Debug)]
#[must_use = "nothing runs until `run` is called"]
pub struct BlockingTransportSuite<F> {
    make: F,
    choice: Choice,
}

/// Which cases run, which are excused, and how long a call may take.
#[derive(Debug)]
struct Choice {
    only: Vec<String>,
    excuses: Vec<(String, String)>,
    allowance: Duration,
    /// The test that makes a call in another process.
    process: Option<String>,
}

impl Default for Choice {
    fn default() -> Self {
        Self { only: Vec::new(), excuses: Vec::new(), allowance: ALLOWANCE, process: None }
    }
}

macro_rules! choosing {
    ($suite:ident) => {
        impl<F> $suite<F> {
            /// Excuses a case that the HTTP library makes impossible. It runs anyway,
            /// and the checks that apply to every case must pass.
            pub fn excuse(mut self, case: impl Into<String>, reason: impl Into<String>) -> Self {
                self.choice.excuses.push((case.into(), reason.into()));
                self
            }

            /// Runs only this case, to look into a failure. Further calls add
            /// further cases.
            pub fn only(mut self, case: impl Into<String>) -> Self {
                self.choice.only.push(case.into());
                self
            }

            /// Names the test of this binary that makes a call in another process,
            /// by its path within the binary: `module::name`. Its only line is the
            /// same suite with [`make_the_call`](Self::make_the_call). The cases in
            /// which the process is stopped need it. Where there are no signals,
            /// they are excused.
            ///
            /// The binary must have the standard test harness: it is started with
            /// `--exact module::name --include-ignored`.
            pub fn another_process(mut self, test: impl Into<String>) -> Self {
                self.choice.process = Some(test.into());
                self
            }

            /// Sets how much longer than its timeout a call may take before the case
            /// fails. The default is 10 s, so that a busy machine fails no case.
            pub fn allowance(mut self, allowance: Duration) -> Self {
                self.choice.allowance = allowance;
                self
            }
        }
    };
}
choosing!(TransportSuite);
choosing!(BlockingTransportSuite);

impl<F> TransportSuite<F> {
    /// Runs the cases one after the other.
    pub async fn run<T>(self) -> SuiteReport
    where
        T: Transport,
        F: Fn(&TransportSettings) -> T,
    {
        let mut reports = Vec::new();
        for case in self.choice.cases() {
            reports.push(match (case.setup)() {
                Ok(setup) if setup.stopped.is_some() => self.choice.stopped(&case, &setup),
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
                Err(error) => not_made(&case, &error),
            });
        }
        self.choice.finish(reports)
    }

    /// Makes the call for which a suite has started this process; see
    /// [`another_process`](Self::another_process). Does nothing if none has.
    pub async fn make_the_call<T>(self)
    where
        T: Transport,
        F: Fn(&TransportSettings) -> T,
    {
        #[cfg(unix)]
        if let Some((setup, reporter)) = process::told()
            && let Ok(request) = setup.request()
        {
            let result = (self.make)(&setup.settings).send(request).await;
            // Whoever asked finds out if this fails.
            let _ = reporter.report(&result);
        }
    }
}

impl<F> BlockingTransportSuite<F> {
    /// Runs the cases one after the other.
    pub fn run<T>(self) -> SuiteReport
    where
        T: BlockingTransport + 'static,
        F: Fn(&TransportSettings) -> T,
    {
        let mut reports = Vec::new();
        for case in self.choice.cases() {
            reports.push(match (case.setup)() {
                Ok(setup) if setup.stopped.is_some() => self.choice.stopped(&case, &setup),
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
                Err(error) => not_made(&case, &error),
            });
        }
        self.choice.finish(reports)
    }

    /// Makes the call for which a suite has started this process; see
    /// [`another_process`](Self::another_process). Does nothing if none has.
    pub fn make_the_call<T>(self)
    where
        T: BlockingTransport,
        F: Fn(&TransportSettings) -> T,
    {
        #[cfg(unix)]
        if let Some((setup, reporter)) = process::told()
            && let Ok(request) = setup.request()
        {
            let result = (self.make)(&setup.settings).send_blocking(request);
            // Whoever asked finds out if this fails.
            let _ = reporter.report(&result);
        }
    }
}

impl<T, F> IntoFuture for TransportSuite<F>
where
    T: Transport + 'static,
    F: Fn(&TransportSettings) -> T + 'static,
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

    /// The report of a case whose call is made in another process.
    #[cfg(unix)]
    fn stopped(&self, case: &Case, setup: &Setup) -> CaseReport {
        let Some(test) = &self.process else {
            let excuse = self.excuses.iter().find(|(name, _)| name == case.name);
            return match excuse {
                Some((_, reason)) => not_run(case, reason),
                None => not_made(case, &"no test makes the call; name one by another_process"),
            };
        };
        match process::stopped_call(setup, test, self.allowance) {
            Ok(result) => self.report(case, setup, &[result]),
            Err(error) => not_made(case, &error),
        }
    }

    /// So that the cases have the same names everywhere, to be chosen or excused.
    #[cfg(not(unix))]
    fn stopped(&self, case: &Case, _: &Setup) -> CaseReport {
        not_run(case, "there are no signals here that stop a process")
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

/// The report of a case that is excused and does not run.
fn not_run(case: &Case, reason: &str) -> CaseReport {
    CaseReport {
        name: case.name,
        does: case.does,
        result: CaseResult::Excused { reason: reason.to_owned() },
        observed: "nothing".to_owned(),
    }
}

/// The report if the machine or the test, not the transport, is at fault.
fn not_made(case: &Case, error: &dyn fmt::Display) -> CaseReport {
    CaseReport {
        name: case.name,
        does: case.does,
        result: CaseResult::Failed {
            complaints: vec![format!("the case could not be set up: {error}")],
        },
        observed: "nothing".to_owned(),
    }
}
