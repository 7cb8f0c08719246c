//! What could not be finished when a program ends.

use std::{error::Error, fmt};

use crate::{id::AccountId, store_error::StoreError};

/// What came of closing accounts; see [`Accounts::close`](crate::Accounts::close).
#[must_use = "it says what could not be finished"]
#[non_exhaustive]
#[derive(Debug, Clone, Default)]
pub struct Closed {
    /// What could not be finished, in the order of the accounts' names. Empty if
    /// all is on record.
    pub unfinished: Vec<Unfinished>,
}

/// An account that could not be finished with in time.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Unfinished {
    /// Which account.
    pub account: AccountId,
    /// What there would be to do.
    pub why: WhyUnfinished,
}

/// Why an account could not be finished with.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum WhyUnfinished {
    /// A refresh, login or logout is still under way. If the program ends now, and
    /// the request of a refresh was about to be sent, a note on record tells the
    /// next program that the refresh token may be spent. A login, a logout, and a
    /// refresh that waits for the lease leave no note.
    UnderWay,
    /// Tokens are in memory only, for this reason. They are lost with the program. It may
    /// be that they are just being saved, by a store that has not answered yet.
    Unsaved(StoreError),
}

impl Closed {
    /// Whether all is on record.
    pub fn is_complete(&self) -> bool {
        self.unfinished.is_empty()
    }
}

/// One line without secrets: `all is on record`, or the accounts that are
/// unfinished.
impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.unfinished.split_first() else {
            return f.write_str("all is on record");
        };
        write!(f, "unfinished: {first}")?;
        rest.iter().try_for_each(|one| write!(f, "; {one}"))
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account {}: {}", self.account, self.why)
    }
}

impl fmt::Display for WhyUnfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnderWay => f.write_str("still under way"),
            Self::Unsaved(error) => write!(f, "new tokens are not saved: {error}"),
        }
    }
}

impl Error for Unfinished {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.why {
            WhyUnfinished::UnderWay => None,
            WhyUnfinished::Unsaved(error) => error.source(),
        }
    }
}
