//! What happened to each account, in words and without a token: the evidence.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use super::messages::Time;

/// How many lines of an account are kept.
const KEPT: usize = 60;
/// How many violations of a kind are shown with their evidence.
const SHOWN: usize = 3;

pub(super) struct History {
    started: Time,
    lines: Vec<VecDeque<String>>,
    log: Option<BufWriter<File>>,
    /// What kind each is of, and its evidence.
    violations: Vec<(&'static str, String)>,
    more: usize,
}

impl History {
    pub(super) fn new(accounts: usize, log: Option<&Path>) -> Self {
        let log = log.map(|path| BufWriter::new(File::create(path).expect("a file for the log")));
        let lines = vec![VecDeque::new(); accounts];
        Self { started: Time::now(), lines, log, violations: Vec::new(), more: 0 }
    }

    pub(super) fn started(&self) -> Time {
        self.started
    }

    /// Something about this account.
    pub(super) fn of(&mut self, account: usize, words: &str) {
        let line = format!("{:9.3} {words}", Time::now().seconds_since(self.started));
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "a{account} {line}");
        }
        let Some(lines) = self.lines.get_mut(account) else { return };
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Something about all of them.
    pub(super) fn of_all(&mut self, words: &str) {
        for account in 0..self.lines.len() {
            self.of(account, words);
        }
    }

    /// What must not be. With the last events of the account.
    pub(super) fn violation(&mut self, kind: &'static str, account: Option<usize>, words: &str) {
        let words = format!("VIOLATION, {kind}: {words}");
        match account {
            Some(account) => self.of(account, &words),
            None => self.of_all(&words),
        }
        if self.violations.iter().filter(|(of, _)| *of == kind).count() == SHOWN {
            self.more += 1;
            return;
        }
        let mut shown = words;
        let lines = account.and_then(|account| self.lines.get(account));
        for line in lines.into_iter().flatten() {
            shown.push_str("\n    ");
            shown.push_str(line);
        }
        self.violations.push((kind, shown));
    }

    /// The violations with their evidence, and how many more there were.
    pub(super) fn evidence(&mut self) -> String {
        if let Some(log) = &mut self.log {
            let _ = log.flush();
        }
        let shown: Vec<&str> = self.violations.iter().map(|(_, shown)| shown.as_str()).collect();
        let mut text = shown.join("\n\n");
        if self.more > 0 {
            text.push_str(&format!("\n\nand {} more", self.more));
        }
        text
    }
}
