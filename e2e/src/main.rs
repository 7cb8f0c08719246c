//! Renewals at servers and over networks that this project did not write.
//!
//! ```sh
//! e2e/run                 # every scenario
//! e2e/run restart clock   # those whose name holds one of these words
//! ```
//!
//! A scenario that does not hold panics, with what it saw. What was counted is
//! printed for each: exchanges at the server, sessions lost though they need
//! not have been (`logouts`, must be 0), and refresh tokens used again though
//! the client could have known better (`replays`, must be 0).

// A program that reports to its terminal, and fails by panicking.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

mod child;
mod clients;
mod ledger;
mod message;
mod provider;
mod proxy;
mod report;
mod scenarios;
mod tls;
mod worker;

use std::{env, panic, process::ExitCode, time::Instant};

use crate::report::Report;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "worker") {
        worker::run(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    let wanted = |name: &str| {
        arguments.is_empty() || arguments.iter().any(|word| name.contains(word.as_str()))
    };
    let mut report = Report::default();
    for (name, scenario) in scenarios::ALL.iter().filter(|(name, _)| wanted(name)) {
        let started = Instant::now();
        let result = panic::catch_unwind(scenario);
        report.add(name, started.elapsed(), result.ok());
    }
    report.finish()
}
