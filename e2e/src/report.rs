//! What was counted.

use std::{process::ExitCode, time::Duration};

/// What one scenario came to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    /// Refresh tokens that the server traded for new ones.
    pub(crate) exchanges: u64,
    /// Sessions that were reported as over though the server would have gone
    /// on with them.
    pub(crate) false_logouts: u64,
    /// Refresh tokens that were sent again though the answer to their first
    /// use had been delivered, or was still being waited for.
    pub(crate) avoidable_replays: u64,
    /// Refresh tokens that were sent again because the answer was lost.
    pub(crate) unavoidable_replays: u64,
    /// Sessions that the server ended because an answer was lost and it knows
    /// no grace.
    pub(crate) unavoidable_logouts: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        self.false_logouts += other.false_logouts;
        self.avoidable_replays += other.avoidable_replays;
        self.unavoidable_replays += other.unavoidable_replays;
        self.unavoidable_logouts += other.unavoidable_logouts;
    }
}

#[derive(Default)]
pub(crate) struct Report {
    total: Counts,
    scenarios: usize,
    failed: Vec<&'static str>,
}

impl Report {
    /// `counts` is `None` if the scenario panicked.
    pub(crate) fn add(&mut self, name: &'static str, took: Duration, counts: Option<Counts>) {
        if self.scenarios == 0 {
            println!(
                "{:<44} {:>7} {:>9} {:>7} {:>7} {:>13}",
                "scenario", "seconds", "exchanges", "logouts", "replays", "unavoidable"
            );
        }
        self.scenarios += 1;
        let seconds = took.as_secs_f64();
        let Some(counts) = counts else {
            println!("{name:<44} {seconds:>7.1} FAILED");
            self.failed.push(name);
            return;
        };
        let Counts { exchanges, false_logouts, avoidable_replays, .. } = counts;
        let unavoidable =
            format!("{} / {}", counts.unavoidable_logouts, counts.unavoidable_replays);
        println!(
            "{name:<44} {seconds:>7.1} {exchanges:>9} {false_logouts:>7} {avoidable_replays:>7} {unavoidable:>13}"
        );
        if false_logouts + avoidable_replays > 0 {
            self.failed.push(name);
        }
        self.total.add(&counts);
    }

    pub(crate) fn finish(self) -> ExitCode {
        let Counts {
            exchanges,
            false_logouts,
            avoidable_replays,
            unavoidable_replays,
            unavoidable_logouts,
        } = self.total;
        println!(
            "\n{} scenarios, {exchanges} exchanges, {false_logouts} false logouts, \
             {avoidable_replays} avoidable replays",
            self.scenarios
        );
        println!(
            "unavoidable, because the network lost an answer: {unavoidable_logouts} logouts, \
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
