//! Refreshes at servers and over networks that this project did not write.
//!
//! ```sh
//! e2e/run                 # every scenario
//! e2e/run restart clock   # those whose name holds one of these words
//! e2e/run torture         # everything at once, for ten minutes: see `torture`
//! ```
//!
//! A scenario that does not hold panics and shows what it saw. For each scenario
//! the suite prints what it counted: refreshes at the server, sessions that were
//! reported as over and were not (`logouts`, must be 0), and refresh tokens that
//! were used again although the client could have known better (`replays`, must
//! be 0).
//!
//! The faults on the way to the authorization server are played by
//! `fault-server`. It does not take the place of the servers in `provider`, which
//! are there because this project did not write them: oidc-provider decides about
//! tokens, OpenSSL speaks TLS (1.1 too, which rustls does not), and the forward
//! proxy is Node's. It cannot reserve a port for another process either, which
//! `port` does.

// A program that reports to its terminal, and fails by panicking.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

mod child;
mod clients;
mod counts;
mod ledger;
mod patience;
mod port;
mod provider;
mod proxy;
mod report;
mod scenarios;
mod tally;
mod timing;
mod tls;
#[cfg(target_os = "linux")]
mod torture;
mod worker;
mod world;

use std::{
    env,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{patience::within, report::Report, tally::Tally};

/// How much longer than [`timing::seconds`] a scenario may take, on the
/// busiest machine.
const LIMIT: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let Some((mode @ ("worker" | "once"), arguments)) =
        arguments.split_first().map(|(first, rest)| (first.as_str(), rest))
    {
        worker::run(mode, arguments);
        return ExitCode::SUCCESS;
    }
    #[cfg(target_os = "linux")]
    match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("torture", arguments)) => return torture::main(arguments),
        Some(("torture-worker", _)) => {
            torture::work();
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let wanted = |name: &str| {
        arguments.is_empty() || arguments.iter().any(|word| name.contains(word.as_str()))
    };
    report::panics_on_a_line_of_their_own();
    let limit = LIMIT + Duration::from_secs(timing::seconds());
    let mut report = Report::default();
    for (name, scenario) in scenarios::ALL.iter().filter(|(name, _)| wanted(name)) {
        report.begins(name);
        let started = Instant::now();
        let tally = Tally::default();
        let result =
            within(limit, name, || panic::catch_unwind(AssertUnwindSafe(|| scenario.run(&tally))));
        report.ended(name, started.elapsed(), &tally, result.is_ok());
    }
    report.finish()
}
