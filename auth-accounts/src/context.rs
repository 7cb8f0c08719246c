//! What stays the same while an account is refreshed or logged in.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_core::{AccessToken, ClaimsChallenge, Now, Refresh};

use crate::{
    dates::Dates,
    error::Reason,
    further::Which,
    id::AccountId,
    lifetime::Lifetime,
    past::Past,
    record::{Note, Record},
    refusals::braked_until,
    seen::{Seen, Sights},
    shared::Shared,
    token::Token,
};

pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) account: AccountId,
    /// Which token it is about. `cached` and `refused` are about the same.
    pub(crate) which: Which,
    /// The token in use before, to fall back on if the store fails.
    pub(crate) cached: Option<Token>,
    /// An access token that an API has refused. It is not handed out again, unless
    /// others after it are refused as well.
    pub(crate) refused: Option<Refused>,
    /// Since when the record has been as it is.
    pub(crate) sights: Sights,
    /// What became of the refresh tokens before.
    pub(crate) past: Past,
}

/// An access token that an API has refused.
#[derive(Clone)]
pub(crate) struct Refused {
    pub(crate) token: AccessToken,
    /// When that was reported.
    pub(crate) at: SystemTime,
    /// What the next one must claim, as that API wants it.
    pub(crate) claims: Option<ClaimsChallenge>,
}

impl Context {
    /// When it was reported that an API has refused `token`, if it was.
    pub(crate) fn refused_at(&self, token: &AccessToken) -> Option<SystemTime> {
        self.refused.as_ref().filter(|refused| refused.token == *token).map(|refused| refused.at)
    }

    /// How much longer the refresh of `note` may be under way, if its process lives.
    pub(crate) fn may_last(&self, note: &Note, now: Now) -> Duration {
        self.sights.may_last(note, self.shared.settings.lease_wait, now)
    }

    pub(crate) fn dates(&self, record: &Record) -> Dates {
        Dates { seen: self.seen(record), ..self.shared.dates(record) }
    }

    /// When the tokens of `record` were first seen, if they were. Of a further token,
    /// memory knows.
    fn seen(&self, record: &Record) -> Option<Seen> {
        self.sights.tokens(record).or_else(|| {
            self.which.asked()?;
            let cached = self.cached.as_ref();
            let same = cached.filter(|one| *one.access_token() == record.tokens.access_token)?;
            same.0.dated().1.seen
        })
    }

    pub(crate) fn life(&self, record: &Record, now: Now) -> Lifetime {
        Lifetime::new(&self.dates(record), now)
    }

    /// Until when a refused token of `record` is not replaced.
    pub(crate) fn braked_until(&self, record: &Record, now: Now) -> Option<SystemTime> {
        let seen = self.seen(record);
        braked_until(&record.refusals, seen, now, &self.shared.settings)
    }
}

impl Context {
    /// The same refresh, for the token that is wanted.
    pub(crate) fn asking(&self, mut refresh: Refresh) -> Refresh {
        if let Some(asked) = self.which.asked() {
            refresh = refresh.token_request(asked.request.clone());
        }
        match self.refused.as_ref().and_then(|refused| refused.claims.as_ref()) {
            // The library writes no such parameter, so none is refused.
            Some(claims) => refresh.clone().parameter("claims", claims.expose()).unwrap_or(refresh),
            None => refresh,
        }
    }

    /// What forbids to use `record`, or to replace it.
    pub(crate) fn refuses(&self, record: &Record) -> Option<Reason> {
        self.shared.binding.refuses(record)
    }
}

/// Counts how often somebody else's save has sent a machine back.
#[derive(Default)]
pub(crate) struct Rounds(u32);

impl Rounds {
    /// Each time somebody got further, so that more than this is the sign of a
    /// broken store.
    const MOST: u32 = 8;

    /// Whether it may be sent back once more.
    pub(crate) fn another(&mut self) -> bool {
        self.0 += 1;
        self.0 <= Self::MOST
    }

    /// Whether it was sent back at all.
    pub(crate) fn any(&self) -> bool {
        self.0 > 0
    }
}
