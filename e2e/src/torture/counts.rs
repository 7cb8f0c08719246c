//! What is counted, and the table of it.

use std::{collections::BTreeMap, fmt};

use super::{ledger::Lost, messages::Call, options::Options};

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(super) handed_out: u64,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) requests: u64,
    pub(super) exchanges: u64,
    pub(super) unavoidable: BTreeMap<Lost, u64>,
    pub(super) avoidable: u64,
    /// Tokens that were sent and that the server had never given.
    pub(super) unknown: u64,
    /// Sessions that ended because a response was lost.
    pub(super) ended: u64,
    /// Sessions that an avoidable replay ended.
    pub(super) ended_falsely: u64,
    /// Callers that were told to log in though the session went on.
    pub(super) told_falsely: u64,
    pub(super) late: u64,
    /// Seconds after its expiry.
    pub(super) latest: f64,
    /// The longest call, in seconds, without the time for which its process was
    /// stopped.
    pub(super) longest: Option<(f64, Call)>,
    pub(super) panics: u64,
    pub(super) lost_records: u64,
    pub(super) peak_kib: u64,
    pub(super) files: BTreeMap<&'static str, u64>,
    pub(super) torments: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub(super) fn torment(&mut self, name: &'static str) {
        *self.torments.entry(name).or_default() += 1;
    }

    fn false_logouts(&self) -> u64 {
        self.ended_falsely + self.told_falsely
    }

    /// Refreshes that gave new tokens.
    pub(crate) fn exchanges(&self) -> u64 {
        self.exchanges
    }

    /// What does not hold. No call may take `longest` seconds.
    pub(crate) fn missed(&self, longest: f64) -> Vec<String> {
        let longest_call = self.longest.as_ref().map_or(0.0, |(seconds, _)| *seconds);
        let mut missed: Vec<String> = [
            ("avoidable replays", self.avoidable),
            ("false logouts", self.false_logouts()),
            ("unknown tokens", self.unknown),
            ("late tokens", self.late),
            ("panics", self.panics),
            ("lost records", self.lost_records),
        ]
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
        if longest_call >= longest {
            missed.push(format!("longest call: {longest_call:.1} s"));
        }
        if self.handed_out == 0 || self.exchanges == 0 {
            missed.push("nothing was handed out".to_owned());
        }
        missed
    }

    pub(crate) fn table(&self, options: &Options) -> String {
        let list = |counts: &BTreeMap<String, u64>| {
            let all: Vec<String> =
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            all.join(", ")
        };
        let named = |counts: &BTreeMap<&'static str, u64>| {
            list(&counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect())
        };
        let lost = self.unavoidable.iter().map(|(lost, count)| (lost.to_string(), *count));
        let longest = match &self.longest {
            None => "0.0 s".to_owned(),
            Some((seconds, call)) => {
                let whole = call.ended.seconds_since(call.began);
                format!(
                    "{seconds:.1} s  ({} of a{}, {whole:.1} s with its process's stops)",
                    call.name, call.account
                )
            }
        };
        let rows = [
            ("tokens handed out", self.handed_out.to_string(), String::new()),
            ("errors", self.errors.values().sum::<u64>().to_string(), list(&self.errors)),
            ("requests", self.requests.to_string(), String::new()),
            ("exchanges", self.exchanges.to_string(), String::new()),
            (
                "unavoidable replays",
                self.unavoidable.values().sum::<u64>().to_string(),
                list(&lost.collect()),
            ),
            ("avoidable replays", self.avoidable.to_string(), "target 0".to_owned()),
            ("sessions ended, unavoidably", self.ended.to_string(), String::new()),
            (
                "false logouts",
                self.false_logouts().to_string(),
                format!(
                    "target 0; ended by an avoidable replay {}, told and not so {}",
                    self.ended_falsely, self.told_falsely
                ),
            ),
            (
                "late tokens",
                self.late.to_string(),
                format!(
                    "target 0; the latest {:.1} s after its expiry, allowed {:.1} s",
                    self.latest, options.clock_skew
                ),
            ),
            ("longest call", longest, format!("target below {:.0} s", options.longest)),
            ("unknown tokens sent", self.unknown.to_string(), "target 0".to_owned()),
            ("panics", self.panics.to_string(), "target 0".to_owned()),
            ("lost records", self.lost_records.to_string(), "target 0".to_owned()),
            ("peak memory of a worker", format!("{} MiB", self.peak_kib >> 10), String::new()),
            (
                "files in the store",
                self.files.values().sum::<u64>().to_string(),
                named(&self.files),
            ),
            ("torments", self.torments.values().sum::<u64>().to_string(), named(&self.torments)),
        ];
        let mut table = String::new();
        for (name, value, more) in rows {
            let line = format!("{name:<28} {value:>9}  {more}");
            table.push_str(line.trim_end());
            table.push('\n');
        }
        table
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tokens, {} exchanges, {} torments",
            self.handed_out,
            self.exchanges,
            self.torments.values().sum::<u64>()
        )
    }
}
