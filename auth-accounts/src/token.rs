//! The token that callers get.

mod authorization;

use std::{
    cmp::Ordering,
    fmt,
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_core::{AccessToken, Extra, Now, TokenSet};
use http::HeaderValue;

pub use self::authorization::{Authorization, AuthorizationError};
pub(crate) use self::authorization::{Prover, is_dpop};
use self::authorization::{authorization, is_bearer};
use crate::{
    dates::Dates,
    error::{AccountError, Reason},
    id::AccountId,
    lifetime::{Lifetime, Ttl},
    seen::Seen,
    settings::Settings,
    store_error::{StoreError, StoreErrorKind},
};

/// An access token that may be used now. Cloning shares it.
///
/// It may come with a warning: see [`unsaved`](Self::unsaved) and
/// [`refresh_error`](Self::refresh_error).
#[derive(Clone, PartialEq)]
pub struct Token(pub(crate) Arc<Cached>);

impl Token {
    /// The access token.
    pub fn access_token(&self) -> &AccessToken {
        &self.0.tokens.access_token
    }

    /// When it expires, by the wall clock. `None` if unknown. It may be
    /// [a guess](Self::expiry_is_guessed).
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.dates.expires_at
    }

    /// Whether [`expires_at`](Self::expires_at) is a guess, since the server has
    /// not said how long this token lives. It is refreshed as if the guess were
    /// right. If that fails, it is handed out all the same, with
    /// [`refresh_error`](Self::refresh_error), until an API refuses it
    /// ([`Account::token_refused`](crate::Account::token_refused)).
    pub fn expiry_is_guessed(&self) -> bool {
        self.0.dates.guessed && self.0.dates.expires_at.is_some()
    }

    /// When it was obtained, by the wall clock of the process that obtained it.
    /// `None` if unknown.
    pub fn obtained_at(&self) -> Option<SystemTime> {
        self.0.dates.obtained_at
    }

    /// The type of the token, such as `Bearer`, if the server named it.
    pub fn token_type(&self) -> Option<&str> {
        self.0.tokens.token_type.as_deref()
    }

    /// The granted scope, if the server named it.
    pub fn scope(&self) -> Option<&str> {
        self.0.tokens.scope.as_deref()
    }

    /// The other members of the server's responses, such as `id_token` or the URL
    /// of an instance.
    pub fn extra(&self) -> &Extra {
        &self.0.tokens.extra
    }

    /// The store's error if tokens could not be saved. They are in memory only, and
    /// a restart would lose them. Tell an operator meanwhile.
    ///
    /// Every token says so until they are saved, whatever else goes wrong meanwhile.
    /// They are saved by themselves (see [`Accounts`](crate::Accounts#unsaved-tokens)),
    /// and by the next call for a token a second later or more. Without a runtime or
    /// spawner, the next call for a token, or the next check of a keep-fresh loop, saves
    /// them.
    pub fn unsaved(&self) -> Option<&StoreError> {
        self.0.trouble.as_ref()?.unsaved.as_ref()
    }

    /// The error if a refresh was due and failed. The token itself is still valid,
    /// as far as is known. After [`Reason::RefusedAgain`] it is one that an API has
    /// refused.
    pub fn refresh_error(&self) -> Option<&AccountError> {
        self.0.trouble.as_ref()?.refresh.as_ref()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("access_token", self.access_token())
            .field("expires_at", &self.expires_at())
            .field("unsaved", &self.unsaved())
            .field("refresh_error", &self.refresh_error())
            .finish_non_exhaustive()
    }
}

/// An access token with everything that is decided about it in advance, so
/// that handing it out is a comparison and a count.
#[derive(Clone)]
pub(crate) struct Cached {
    /// Without the refresh token, which nobody here needs.
    tokens: TokenSet,
    authorization: Option<HeaderValue>,
    /// By what the server said, which does not change.
    is_bearer: bool,
    prover: Option<Prover>,
    dates: Dates,
    /// When, by the wall clock, it is handed out without a second thought.
    window: Range<SystemTime>,
    /// When this was decided.
    since: Now,
    /// When to refresh it ahead of need, counted from `since`.
    due_in: Option<Duration>,
    trouble: Option<Box<Trouble>>,
}

#[derive(Clone, Default)]
pub(crate) struct Trouble {
    unsaved: Option<StoreError>,
    refresh: Option<AccountError>,
}

/// How long a new token is handed out at least.
const SHORTEST_USE: Duration = Duration::from_secs(1);

/// How soon a caller tries a failed save again.
const SAVE_AGAIN: Duration = Duration::from_secs(1);

/// How soon the store is looked at again for a new login, after a refusal, and
/// for what somebody else did who holds the lease.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Cached {
    /// These tokens, from `now` on.
    pub(crate) fn new(
        account: &AccountId,
        tokens: &TokenSet,
        dates: Dates,
        now: Now,
        settings: &Settings,
    ) -> Self {
        let dates = Dates { seen: dates.seen.or(Some(Seen::at(now))), ..dates };
        let life = Lifetime::new(&dates, now);
        let random = settings.steady((account, tokens.expires_at));
        let spare = life.spare(Ttl::Usual, settings).unwrap_or(FOREVER);
        let mut kept = TokenSet::new(tokens.access_token.clone());
        kept.token_type.clone_from(&tokens.token_type);
        kept.expires_at = dates.expires_at;
        kept.scope.clone_from(&tokens.scope);
        kept.extra.clone_from(&tokens.extra);
        Self {
            tokens: kept,
            authorization: authorization(tokens),
            is_bearer: is_bearer(tokens.token_type.as_deref()),
            prover: None,
            dates,
            window: now.wall..later(now.wall, spare),
            since: now,
            due_in: life.due_in(settings, random).map(|due| due.max(life.rest())),
            trouble: None,
        }
    }

    /// The same, with what makes proofs for it.
    pub(crate) fn proved_by(self, prover: Option<Prover>) -> Self {
        Self { prover, ..self }
    }

    /// What makes proofs for it.
    pub(crate) fn prover(&self) -> Option<Prover> {
        self.prover.clone()
    }

    /// The same, just obtained: handed out for a moment in any case, lest a
    /// server whose tokens do not live be asked at every call.
    pub(crate) fn just_obtained(mut self) -> Self {
        if let Some(at) = self.dates.obtained_at {
            self.window.end = self.window.end.max(later(at, SHORTEST_USE));
        }
        self
    }

    /// The same, but not saved: looked at again soon.
    pub(crate) fn unsaved(mut self, error: StoreError) -> Self {
        self.window.end = self.window.end.min(later(self.window.start, SAVE_AGAIN));
        self.trouble.get_or_insert_default().unsaved = Some(error);
        self
    }

    /// The same, after a refresh failed: handed out for as long as it is valid
    /// and another refresh would be barred anyway.
    pub(crate) fn kept_despite(mut self, error: AccountError) -> Self {
        let now = self.window.start;
        let again = match (error.reason(), error.retry_at()) {
            // Whoever holds the lease for so long will not end at once, and a store
            // that hangs will not answer at once.
            (Reason::Store(error), _) => match error.kind() {
                StoreErrorKind::LeaseTimeout | StoreErrorKind::Unanswered => later(now, LOOK_AGAIN),
                _ => later(now, SAVE_AGAIN),
            },
            (_, Some(retry_at)) => retry_at,
            (_, None) => later(now, LOOK_AGAIN),
        };
        let valid = Lifetime::new(&self.dates, self.since).valid_for().unwrap_or(FOREVER);
        self.window.end = again.min(later(now, valid));
        self.due_in = Some(again.duration_since(now).unwrap_or_default());
        self.trouble.get_or_insert_default().refresh = Some(error);
        self
    }

    /// Whether this is its access token.
    pub(crate) fn is(&self, token: &AccessToken) -> bool {
        self.tokens.access_token == *token
    }

    /// The same, on record by now.
    pub(crate) fn saved(&self) -> Self {
        let mut saved = self.clone();
        if let Some(trouble) = &mut saved.trouble {
            trouble.unsaved = None;
        }
        saved
    }

    /// The same, never handed out without a second thought.
    pub(crate) fn withheld(&self) -> Self {
        let never = later(self.since.wall, FOREVER);
        Self { window: never..never, ..self.clone() }
    }

    /// All of it.
    #[cfg(test)]
    pub(crate) fn tell(&self) -> String {
        let Self { tokens, dates, window, due_in, trouble, .. } = self;
        let trouble =
            trouble.as_ref().map(|trouble| format!("{:?} {:?}", trouble.unsaved, trouble.refresh));
        let token = tokens.access_token.expose();
        format!("{token} {tokens:?} {dates:?} {window:?} {due_in:?} {trouble:?}")
    }

    /// The tokens and their dates.
    pub(crate) fn dated(&self) -> (&TokenSet, Dates) {
        (&self.tokens, self.dates)
    }

    /// Whether an API has refused it, and one before it, and there is to be no
    /// other for now.
    pub(crate) fn is_refused_again(&self) -> bool {
        let error = self.trouble.as_ref().and_then(|trouble| trouble.refresh.as_ref());
        error.is_some_and(|error| matches!(error.reason(), Reason::RefusedAgain))
    }

    /// Whether it says that tokens are in memory only.
    pub(crate) fn is_unsaved(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.unsaved.is_some())
    }

    /// Whether it may be handed out without a second thought.
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        // By `cmp`, which costs fewer instructions than `Range::contains`.
        now.cmp(&self.window.end) == Ordering::Less && now.cmp(&self.window.start) != Ordering::Less
    }

    /// Whether it is good for `ttl`.
    pub(crate) fn lasts(&self, ttl: Ttl, now: Now, settings: &Settings) -> bool {
        match ttl {
            Ttl::Usual => self.is_fresh(now.wall),
            Ttl::AtLeast(_) => {
                // Whatever else calls for a second thought does so here too.
                let settled = now.wall >= self.window.start
                    && (self.trouble.is_none() || self.window.contains(&now.wall));
                settled && Lifetime::new(&self.dates, now).lasts(ttl, settings)
            }
        }
    }

    /// Whether an API may still accept it.
    pub(crate) fn is_valid(&self, now: Now) -> bool {
        Lifetime::new(&self.dates, now).is_valid()
    }

    /// How long until it is to be refreshed ahead of need; `None` is never.
    ///
    /// By whichever clock says so first: the wall clock stands still when it
    /// is set back, the monotonic one while the machine sleeps.
    pub(crate) fn due_after(&self, now: Now) -> Option<Duration> {
        let due_in = self.due_in?;
        let monotonic = now.since(self.since);
        let wall = now.wall.duration_since(self.since.wall).unwrap_or_default();
        Some(due_in.saturating_sub(monotonic.max(wall)))
    }
}

impl PartialEq for Cached {
    fn eq(&self, other: &Self) -> bool {
        self.tokens == other.tokens
    }
}

/// Longer than any token lives and any clock runs.
const FOREVER: Duration = Duration::from_secs(1_000 * 366 * 24 * 3600);

fn later(time: SystemTime, by: Duration) -> SystemTime {
    time.checked_add(by).unwrap_or(time)
}
