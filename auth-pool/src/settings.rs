//! The settings of a pool.

use std::time::Duration;

use http::StatusCode;

/// The order in which a pool uses its accounts.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Routing {
    /// The main account while it can be used, then the others in order.
    #[default]
    MainFirst,
    /// The others in order, and the main account last. Spares the main account.
    FallbackFirst,
    /// Like `MainFirst`, but a key that has an account keeps it for as long as
    /// that account can be used, even if an earlier one is back.
    Sticky,
}

/// The settings of an [`AccountPool`](crate::AccountPool).
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
    pub(crate) cooldown: Duration,
    pub(crate) max_cooldown: Duration,
    pub(crate) sticky_keys: usize,
    pub(crate) batch: usize,
    pub(crate) concurrency: usize,
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
            cooldown: Duration::from_secs(60),
            max_cooldown: Duration::from_secs(24 * 3600),
            sticky_keys: 10_000,
            batch: 1_000,
            concurrency: 16,
        }
    }
}

impl PoolSettings {
    /// The order in which accounts are used. [`Routing::MainFirst`] by default.
    #[must_use]
    pub fn routing(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    /// The statuses of an API's response at which an account is suspended. 401,
    /// 403 and 429 by default. At 401 the account's token is refreshed first.
    #[must_use]
    pub fn move_on_at(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.move_on_at = statuses.into_iter().collect();
        self
    }

    /// How long an account is suspended if the API named no time. 60 s by
    /// default.
    #[must_use]
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// The longest time that an API can have an account suspended for. 24 h by
    /// default.
    #[must_use]
    pub fn max_cooldown(mut self, cooldown: Duration) -> Self {
        self.max_cooldown = cooldown;
        self
    }

    /// How many keys are remembered with [`Routing::Sticky`]. 10,000 by
    /// default. The least recently used ones are forgotten.
    #[must_use]
    pub fn sticky_keys(mut self, keys: usize) -> Self {
        self.sticky_keys = keys.max(1);
        self
    }

    /// How many accounts one call of
    /// [`refresh_due`](crate::AccountPool::refresh_due) checks at most. 1,000 by
    /// default.
    #[must_use]
    pub fn batch(mut self, accounts: usize) -> Self {
        self.batch = accounts.max(1);
        self
    }

    /// How many accounts [`refresh_due`](crate::AccountPool::refresh_due) checks
    /// at the same time. 16 by default.
    /// [`BlockingAccountPool`](crate::BlockingAccountPool) checks one after the
    /// other.
    #[must_use]
    pub fn concurrency(mut self, accounts: usize) -> Self {
        self.concurrency = accounts.max(1);
        self
    }
}
