//! What was counted.

use std::{
    io::{self, Write},
    panic,
    process::ExitCode,
    time::Duration,
};

use crate::{counts::Counts, tally::Tally};

/// The name of a scenario that runs stands on a line that is not over yet.
pub(crate) fn panics_on_a_line_of_their_own() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        eprintln!();
        hook(info);
    }));
}

#[derive(Default)]
pub(crate) struct Report {
    total: Counts,
    scenarios: usize,
    failed: Vec<&'static str>,
}

impl Report {
    pub(crate) fn begins(&mut self, name: &'static str) {
        if self.scenarios == 0 {
            println!(
                "{:<44} {:>7} {:>9} {:>7} {:>7} {:>13}",
                "scenario", "seconds", "refreshes", "logouts", "replays", "unavoidable"
            );
        }
        self.scenarios += 1;
        print!("{name:<44} ");
        let _ = io::stdout().flush();
    }

    /// `held` is whether it ran to its end.
    pub(crate) fn ended(&mut self, name: &'static str, took: Duration, tally: &Tally, held: bool) {
        let counts = tally.counts();
        let seconds = took.as_secs_f64();
        let Counts { refreshes, false_logouts, avoidable_replays, .. } = counts;
        let unavoidable =
            format!("{} / {}", counts.unavoidable_logouts, counts.unavoidable_replays);
        if !held {
            print!("\n{:<44} ", format!("FAILED: {name}"));
        }
        println!(
            "{seconds:>7.1} {refreshes:>9} {false_logouts:>7} {avoidable_replays:>7} {unavoidable:>13}"
        );
        for note in tally.notes() {
            println!("    {note}");
        }
        if !held || false_logouts + avoidable_replays > 0 {
            self.failed.push(name);
        }
        self.total.add(&counts);
    }

    pub(crate) fn finish(self) -> ExitCode {
        let Counts {
            refreshes,
            false_logouts,
            avoidable_replays,
            unavoidable_replays,
            unavoidable_logouts,
        } = self.total;
        println!(
            "\n{} scenarios, {refreshes} refreshes, {false_logouts} false logouts, \
             {avoidable_replays} avoidable replays",
            self.scenarios
        );
        println!(
            "unavoidable, because the network lost a response: {unavoidable_logouts} logouts, \
             {unavoidable_replays} replays"
        );
        if self.scenarios == 0 {
            println!("no scenario has such a name");
            return ExitCode::FAILURE;
        }
        if self.failed.is_empty() {
            return ExitCode::SUCCESS;
        }
        println!("failed: {}", self.failed.join(", "));
        ExitCode::FAILURE
    }
}
