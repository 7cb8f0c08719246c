//! What is said between the program and its workers: one line of JSON each.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A worker, and which of its lives: it has another one each time it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Who {
    pub(super) worker: usize,
    pub(super) life: u32,
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.worker, self.life)
    }
}

impl std::str::FromStr for Who {
    type Err = Box<dyn std::error::Error>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (worker, life) = text.split_once('.').ok_or("no dot")?;
        Ok(Self { worker: worker.parse()?, life: life.parse()? })
    }
}

/// Microseconds since the Unix epoch, by the clock of the machine, which all
/// processes share and no setting puts off.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Time(pub(super) u64);

impl Time {
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    /// Seconds since `earlier`; negative if it is later.
    pub(super) fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 as f64 - earlier.0 as f64) / 1e6
    }

    pub(super) fn plus(self, seconds: f64) -> Self {
        Self((self.0 as f64 + seconds * 1e6).max(0.0) as u64)
    }
}

/// The first line that a worker reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) url: String,
    pub(super) store: PathBuf,
    pub(super) who: Who,
    pub(super) seed: u64,
    pub(super) callers: usize,
    pub(super) accounts: usize,
    pub(super) clock_off_ms: i64,
    pub(super) timeout_ms: u64,
    pub(super) lease_wait_ms: u64,
    pub(super) clock_skew_ms: u64,
    pub(super) pause_ms: u64,
}

/// The name in the store of the account with this number.
pub(super) fn account_name(number: usize) -> String {
    format!("a{number}")
}

/// What a worker is told later on.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Its clock is off by so much from now on.
    Clock { off_ms: i64 },
    /// Somebody has logged in.
    LogIn { account: usize, session: usize, access: String, refresh: String, lifetime_ms: u64 },
    /// It closes its accounts and ends.
    End,
}

/// What a worker tells.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Tally(Tally),
    /// A caller was told that only a login helps.
    Told {
        account: usize,
        call: Call,
        words: String,
    },
    /// An event of an account, as a program hears of it.
    Event {
        account: String,
        words: String,
    },
    /// What became of a login.
    LoggedIn {
        account: usize,
        session: usize,
        words: String,
    },
    Panicked {
        words: String,
    },
    Closed {
        complete: bool,
        words: String,
    },
}

/// One call of an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) account: usize,
    pub(super) began: Time,
    pub(super) ended: Time,
}

/// What the callers of a worker came to since its last tally.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) handed_out: u64,
    /// Calls that ended with an error, by the state that it names.
    pub(super) errors: BTreeMap<String, u64>,
    /// The access tokens that were handed out.
    pub(super) tokens: Vec<HandedOut>,
    /// Calls that took long.
    pub(super) long: Vec<Call>,
    /// The one that has been under way for longest.
    pub(super) under_way: Option<Call>,
}

/// An access token that was handed out, by the [`hash`] of its text.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HandedOut {
    pub(super) hash: u64,
    pub(super) account: usize,
    pub(super) times: u64,
    /// When the account last looked at its clock before it handed it out, the
    /// first and the last time. What passes after that is not the account's.
    pub(super) first: Time,
    pub(super) last: Time,
}

/// The same in each process of this program.
pub(super) fn hash(token: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    token.hash(&mut hasher);
    hasher.finish()
}
