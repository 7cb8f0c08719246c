//! The settings of a run.

use std::{fmt, path::PathBuf, time::Duration};

/// How long a run lasts without `--seconds` and `E2E_SECONDS`.
const SECONDS: f64 = 600.0;

/// What is done, and how often. A torment that comes every 0 s never comes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    pub(crate) seconds: f64,
    pub(crate) seed: u64,
    pub(crate) processes: usize,
    pub(crate) callers: usize,
    pub(crate) accounts: usize,
    pub(crate) kill: f64,
    pub(crate) stop: f64,
    pub(crate) full: f64,
    pub(crate) readonly: f64,
    pub(crate) lease: f64,
    pub(crate) lock: f64,
    pub(crate) clock: f64,
    pub(crate) clock_off: f64,
    /// One request in so many fails; 0 is none.
    pub(crate) fault: u64,
    /// How long a response takes on average.
    pub(crate) latency: f64,
    pub(crate) lifetime: f64,
    pub(crate) grace: f64,
    pub(crate) timeout: f64,
    pub(crate) lease_wait: f64,
    pub(crate) clock_skew: f64,
    pub(crate) pause_ms: u64,
    /// No call may take as long as this, in seconds.
    pub(crate) longest: f64,
    pub(crate) log: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seconds: SECONDS,
            seed: 1,
            processes: 6,
            callers: 20,
            accounts: 4,
            kill: 5.0,
            stop: 5.0,
            full: 12.0,
            readonly: 12.0,
            lease: 15.0,
            lock: 15.0,
            clock: 15.0,
            clock_off: 280.0,
            fault: 6,
            latency: 0.1,
            lifetime: 8.0,
            grace: 10.0,
            timeout: 3.0,
            lease_wait: 5.0,
            clock_skew: 10.0,
            pause_ms: 30,
            longest: 30.0,
            log: None,
        }
    }
}

/// Name, what it is, and where it is kept.
type Row = (&'static str, &'static str, fn(&mut Options) -> Field<'_>);

enum Field<'a> {
    Seconds(&'a mut f64),
    Number(&'a mut u64),
    Count(&'a mut usize),
}

const ROWS: &[Row] = &[
    ("seconds", "for how long", |o| Field::Seconds(&mut o.seconds)),
    ("seed", "of every random choice", |o| Field::Number(&mut o.seed)),
    ("processes", "that share the store", |o| Field::Count(&mut o.processes)),
    ("callers", "in each process", |o| Field::Count(&mut o.callers)),
    ("accounts", "in the store", |o| Field::Count(&mut o.accounts)),
    ("kill", "a process is killed, and started again", |o| Field::Seconds(&mut o.kill)),
    ("stop", "a process is stopped, and goes on later", |o| Field::Seconds(&mut o.stop)),
    ("full", "the disk is full for a while", |o| Field::Seconds(&mut o.full)),
    ("readonly", "the directory is read-only for a while", |o| Field::Seconds(&mut o.readonly)),
    ("lease", "a lease file is deleted", |o| Field::Seconds(&mut o.lease)),
    ("lock", "a lock file is deleted", |o| Field::Seconds(&mut o.lock)),
    ("clock", "a clock is set", |o| Field::Seconds(&mut o.clock)),
    ("clock-off", "by how much clocks are off at most", |o| Field::Seconds(&mut o.clock_off)),
    ("fault", "one request in so many fails", |o| Field::Number(&mut o.fault)),
    ("latency", "of a response, on average", |o| Field::Seconds(&mut o.latency)),
    ("lifetime", "of an access token, at most", |o| Field::Seconds(&mut o.lifetime)),
    ("grace", "of every second account's server", |o| Field::Seconds(&mut o.grace)),
    ("timeout", "of an attempt", |o| Field::Seconds(&mut o.timeout)),
    ("lease-wait", "of a refresh", |o| Field::Seconds(&mut o.lease_wait)),
    ("clock-skew", "that accounts allow for", |o| Field::Seconds(&mut o.clock_skew)),
    ("pause-ms", "between two calls of a caller", |o| Field::Number(&mut o.pause_ms)),
    ("longest", "no call may take longer", |o| Field::Seconds(&mut o.longest)),
];

impl Options {
    /// From arguments of the form `--name value`, and from `E2E_SECONDS`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        if let Ok(text) = std::env::var("E2E_SECONDS") {
            options.seconds = number("E2E_SECONDS", &text)?;
        }
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value\n{USAGE}"))?;
            options.set(name.trim_start_matches('-'), value)?;
        }
        if options.processes == 0 || options.callers == 0 || options.accounts == 0 {
            return Err("there must be a process, a caller and an account".to_owned());
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if name == "log" {
            self.log = Some(value.into());
            return Ok(());
        }
        let Some((_, _, field)) = ROWS.iter().find(|(row, ..)| *row == name) else {
            let names: Vec<&str> = ROWS.iter().map(|(row, ..)| *row).collect();
            return Err(format!("no setting is called {name}: {}, log", names.join(", ")));
        };
        match field(self) {
            Field::Seconds(field) => *field = number(name, value)?,
            Field::Number(field) => *field = number(name, value)?,
            Field::Count(field) => *field = number(name, value)?,
        }
        Ok(())
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or_default()
    }
}

const USAGE: &str = "usage: e2e/run torture [--NAME VALUE]...";

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name} is a number, and not {text:?}"))
}

/// As arguments that give the same run.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = self.clone();
        for (position, (name, _, field)) in ROWS.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            match field(&mut options) {
                Field::Seconds(value) => write!(f, "{space}--{name} {value}")?,
                Field::Number(value) => write!(f, "{space}--{name} {value}")?,
                Field::Count(value) => write!(f, "{space}--{name} {value}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Options, String> {
        let arguments: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
        Options::parse(&arguments)
    }

    #[test]
    fn what_is_printed_gives_the_same_run() {
        let options = parse("--seconds 20 --seed 7 --callers 3 --kill 0 --clock-off 1.5").unwrap();
        assert_eq!((options.seed, options.callers, options.kill), (7, 3, 0.0));
        assert_eq!(parse(&options.to_string()).unwrap(), options);
    }

    #[test]
    fn what_is_no_setting_is_said() {
        for wrong in ["--nothing 1", "--seed", "--seed x", "--processes 0", "--callers -1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_readme_names_every_setting() {
        let readme = include_str!("../../README.md");
        for (name, meaning, _) in ROWS {
            assert!(readme.contains(&format!("| `--{name}` | {meaning} |")), "{name}");
        }
    }
}
