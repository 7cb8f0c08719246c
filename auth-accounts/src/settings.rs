//! The settings of accounts.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::LazyLock,
    time::Duration,
};

/// The shortest life that is guessed. A token that is refused earlier was not
/// refused for its age.
pub(crate) const SHORTEST_GUESS: Duration = Duration::from_secs(60);

/// The settings of accounts. The defaults suit tokens with a lifetime of minutes
/// to days.
///
/// ```
/// use std::time::Duration;
/// use auth_accounts::Settings;
///
/// let settings = Settings::default()
///     .min_ttl(Duration::from_secs(120))
///     .refresh_ahead(Duration::from_secs(600));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub(crate) min_ttl: Duration,
    pub(crate) clock_skew: Duration,
    pub(crate) refresh_ahead: Duration,
    pub(crate) lease_wait: Duration,
    pub(crate) credential_wait: Duration,
    pub(crate) setback_base: Duration,
    pub(crate) setback_max: Duration,
    pub(crate) retry_after_max: Duration,
    pub(crate) default_lifetime: Option<Duration>,
    pub(crate) refresh_at_least_every: Option<Duration>,
    /// How many exchanges, and within what time.
    pub(crate) refusals: (usize, Duration),
    pub(crate) dpop_key_may_change: bool,
    pub(crate) seed: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_ttl: Duration::from_secs(60),
            clock_skew: Duration::from_secs(10),
            refresh_ahead: Duration::from_secs(300),
            lease_wait: Duration::from_secs(60),
            credential_wait: Duration::from_secs(5),
            setback_base: Duration::from_secs(1),
            setback_max: Duration::from_secs(300),
            retry_after_max: Duration::from_secs(24 * 3600),
            default_lifetime: Some(Duration::from_secs(3600)),
            refresh_at_least_every: None,
            refusals: (2, Duration::from_secs(10)),
            dpop_key_may_change: false,
            seed: None,
        }
    }
}

impl Settings {
    /// The shortest time for which a token must still be good when it is handed
    /// out. 60 s by default. A quarter of the token's lifetime is always enough,
    /// so that short-lived tokens are not refreshed at every call.
    #[must_use]
    pub fn min_ttl(mut self, ttl: Duration) -> Self {
        self.min_ttl = ttl;
        self
    }

    /// How much earlier than its date a token counts as expired, to allow for
    /// clocks that differ between machines. 10 s by default. For a refresh ahead
    /// of need, at most a tenth of the token's lifetime. Together with
    /// [`min_ttl`](Self::min_ttl), at most a quarter of it. After a failed refresh
    /// it does not count: the old token is handed out until its date.
    #[must_use]
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = skew;
        self
    }

    /// The latest moment of a refresh ahead of need, counted back from the
    /// expiry. 5 min by default, and at most a quarter of the token's lifetime.
    /// The earliest is twice as long before the expiry. A random moment between
    /// the two is used, so that a fleet does not refresh in step.
    #[must_use]
    pub fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.refresh_ahead = ahead;
        self
    }

    /// How long to wait while somebody else refreshes the same account. 60 s by
    /// default. It should exceed the longest refresh, which is 34.5 s with the
    /// default timeouts and policy (three attempts of 10 s and at most 1 s more, waits
    /// of 1.5 s), the store's time not counted, nor that of
    /// [sources and signers](Self::credential_wait). A caller whose old token is still good
    /// waits for a second at most.
    ///
    /// Whoever finds a lease lost waits as long for whoever may be under way.
    ///
    /// Each call to a store that does not answer is waited for as long, and at least a
    /// second; for taking the lease that comes on top of its own wait. After a wait in
    /// vain the next calls wait for a second.
    #[must_use]
    pub fn lease_wait(mut self, wait: Duration) -> Self {
        self.lease_wait = wait;
        self
    }

    /// How long a credential source or a signer is waited for, in real time: a secret
    /// store, a key management service. 5 s by default. After that the attempt has
    /// failed with [`CredentialErrorKind::Unavailable`], and nothing was sent. The lease
    /// is held meanwhile, so that this adds to the longest refresh, for each attempt: see
    /// [`lease_wait`](Self::lease_wait).
    ///
    /// It bounds asynchronous ones. One that blocks holds up the thread that calls it
    /// for as long as it takes.
    ///
    /// [`CredentialErrorKind::Unavailable`]: auth_core::CredentialErrorKind::Unavailable
    #[must_use]
    pub fn credential_wait(mut self, wait: Duration) -> Self {
        self.credential_wait = wait;
        self
    }

    /// The wait after the first failed refresh if it was `Unreachable` or
    /// `Interrupted`. 1 s by default. It is 5 times as long after `Unavailable`,
    /// 30 times after `Throttled` without a `Retry-After`, and 60 times after
    /// `Misconfigured`. It doubles with each failure in a row. The actual wait is
    /// random, between half of this and all of it.
    #[must_use]
    pub fn setback_base(mut self, delay: Duration) -> Self {
        self.setback_base = delay;
        self
    }

    /// The longest wait after a failed refresh. 5 min by default. `Retry-After`
    /// has a [bound of its own](Self::retry_after_max).
    #[must_use]
    pub fn setback_max(mut self, delay: Duration) -> Self {
        self.setback_max = delay;
        self
    }

    /// The longest `Retry-After` that is honoured. A day by default.
    #[must_use]
    pub fn retry_after_max(mut self, delay: Duration) -> Self {
        self.retry_after_max = delay;
        self
    }

    /// How long an access token is taken to live if nothing says so: neither the
    /// response, nor the token, nor the life of the tokens before it. An hour by
    /// default, and at least a minute. `None` is for ever: such a token is used
    /// until an API refuses it.
    ///
    /// It applies where new tokens can be obtained without a login: there is a
    /// refresh token, or the grant is
    /// [client credentials](crate::Accounts::client_credentials). A token on record
    /// without expiry counts from when it was obtained. If that is unknown too, it
    /// is refreshed when it is first used.
    ///
    /// See [`Token::expiry_is_guessed`](crate::Token::expiry_is_guessed).
    #[must_use]
    pub fn default_lifetime(mut self, lifetime: Option<Duration>) -> Self {
        self.default_lifetime = lifetime.map(|lifetime| lifetime.max(SHORTEST_GUESS));
        self
    }

    /// Refreshes tokens that are older than this, however long the access token
    /// lives, since many providers drop a refresh token that is not used. Off by
    /// default; at least a minute. Half of what the provider allows is a good
    /// value.
    ///
    /// [`Account::keep_fresh`](crate::Account::keep_fresh) refreshes at a random
    /// moment in the last tenth of this time, and
    /// [`Account::token`](crate::Account::token) at its end. It does not apply where
    /// there is no refresh token. Tokens of unknown age are refreshed once.
    ///
    /// Without this setting too, a refresh token that is
    /// [known to expire](auth_core::TokenSet::refresh_expires_at) is used before it
    /// does: at the latest an eighth of its life before the end, or a day if that is
    /// shorter.
    #[must_use]
    pub fn refresh_at_least_every(mut self, every: Duration) -> Self {
        self.refresh_at_least_every = Some(every.max(SHORTEST_GUESS));
        self
    }

    /// How many exchanges [`Account::token_refused`](crate::Account::token_refused)
    /// makes at most within a time, lest an API that refuses every token be answered
    /// by an exchange each time. 2 in 10 s by default. 1 to 16 exchanges; others
    /// count as the nearest of these. Without time there is no limit.
    ///
    /// While each new token is refused within 10 s, each exchange beyond these doubles
    /// the time, up to 64 times as long: 2 in about 11 minutes.
    #[must_use]
    pub fn refusals(mut self, exchanges: usize, within: Duration) -> Self {
        self.refusals = (exchanges.clamp(1, 16), within);
        self
    }

    /// Whether a client that authenticates may refresh with another DPoP key than the one
    /// on record, or without one. Off by default: then it is
    /// [`Reason::OtherKey`](crate::Reason::OtherKey), and nothing is sent.
    ///
    /// Set it only where the server leaves the refresh tokens of such clients unbound, as
    /// RFC 9449 section 5 has it and `oidc-provider` does, and where the key changes: one
    /// that is made anew at each start, say. Other servers bind them all. That of Bluesky
    /// (`@atproto/oauth-provider`) ends the session when another key shows up.
    ///
    /// It does nothing for public clients, whose refresh tokens are always bound.
    #[must_use]
    pub fn dpop_key_may_change(mut self, may_change: bool) -> Self {
        self.dpop_key_may_change = may_change;
        self
    }

    /// Makes every random choice repeatable. For tests: a fleet that shares a
    /// seed acts in step.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// A number in `0.0..1.0`; with a seed, the same one for the same `about`.
    pub(crate) fn random(&self, about: impl Hash) -> f64 {
        match self.seed {
            None => fastrand::f64(),
            Some(seed) => {
                let salt = Fixed.hash_one(about);
                fastrand::Rng::with_seed(seed ^ salt).f64()
            }
        }
    }

    /// The same, but always the same one for the same `about` in this process:
    /// an account that is looked at anew keeps its moment.
    pub(crate) fn steady(&self, about: impl Hash) -> f64 {
        match self.seed {
            None => fastrand::Rng::with_seed(PROCESS.hash_one(about)).f64(),
            Some(_) => self.random(about),
        }
    }
}

/// Another one in each process.
static PROCESS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The standard library's hash with its default keys.
struct Fixed;

impl BuildHasher for Fixed {
    type Hasher = std::hash::DefaultHasher;

    fn build_hasher(&self) -> Self::Hasher {
        Self::Hasher::new()
    }
}
