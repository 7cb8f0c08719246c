//! What can be set of a pool.

use std::time::Duration;

use http::StatusCode;

/// In which order the accounts of a pool are used.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Routing {
    /// The main account while it can be used, then the others in order.
    #[default]
    MainFirst,
    /// The others in order, and the main account last: to spare it.
    FallbackFirst,
    /// As `MainFirst`, but a key that has an account keeps it for as long as
    /// that can be used, even when an earlier one is back.
    Sticky,
}

/// How a pool is kept.
///
/// ```
/// use auth_pool::{PoolSettings, Routing};
/// use http::StatusCode;
///
/// let settings = PoolSettings::default()
///     .routing(Routing::Sticky)
///     .move_on_at([StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    pub(crate) routing: Routing,
    pub(crate) move_on_at: Vec<StatusCode>,
    pub(crate) rest: Duration,
    pub(crate) longest_rest: Duration,
    pub(crate) sticky_keys: usize,
    pub(crate) batch: usize,
    pub(crate) side_by_side: usize,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            routing: Routing::MainFirst,
            move_on_at: vec![
                StatusCode::UNAUTHORIZED,
                StatusCode::FORBIDDEN,
                StatusCode::TOO_MANY_REQUESTS,
            ],
            rest: Duration::from_secs(60),
            longest_rest: Duration::from_secs(24 * 3600),
            sticky_keys: 10_000,
            batch: 1_000,
            side_by_side: 16,
        }
    }
}

impl PoolSettings {
    /// In which order accounts are used; [`Routing::MainFirst`] by default.
    #[must_use]
    pub fn routing(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// The statuses of an API at which an account rests; 401, 403 and 429 by
    /// default. At 401 its token is refreshed first.
    #[must_use]
    pub fn move_on_at(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.move_on_at = statuses.into_iter().collect();
        self
    }

    /// How long an account rests if the API named no time; 60 s by default.
    #[must_use]
    pub fn rest(mut self, rest: Duration) -> Self {
        self.rest = rest;
        self
    }

    /// The longest rest that an API can ask for; a day by default.
    #[must_use]
    pub fn longest_rest(mut self, rest: Duration) -> Self {
        self.longest_rest = rest;
        self
    }

    /// How many keys are remembered with [`Routing::Sticky`]; 10,000 by
    /// default. Those that were not used for the longest time are forgotten.
    #[must_use]
    pub fn sticky_keys(mut self, keys: usize) -> Self {
        self.sticky_keys = keys.max(1);
        self
    }

    /// How many accounts one [`refresh_due`](crate::AccountPool::refresh_due)
    /// looks at, at most; 1,000 by default.
    #[must_use]
    pub fn batch(mut self, accounts: usize) -> Self {
        self.batch = accounts.max(1);
        self
    }

    /// How many of them at the same time; 16 by default. Threads look at one
    /// after the other.
    #[must_use]
    pub fn side_by_side(mut self, accounts: usize) -> Self {
        self.side_by_side = accounts.max(1);
        self
    }
}
