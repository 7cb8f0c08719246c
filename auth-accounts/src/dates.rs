//! When tokens were obtained and when they end: what was said, and what is
//! guessed where nothing was.
//!
//! The life of an access token comes from the first of these that says
//! anything:
//!
//! 1. the response, by a member or by the token itself (`auth-core` reads it);
//! 2. the life that the tokens before it had, unless those were born expired;
//! 3. [`Settings::default_lifetime`].
//!
//! The last two are guesses, and made only where the account can obtain new
//! tokens by itself. A guess is noted in the record, so that it is one for
//! everybody. A record without expiry that was not written by us is dated when
//! it is read, from when its tokens were obtained. If that is unknown too, the
//! tokens are refreshed once, when they are first used. From then on their age
//! is on record.

use std::time::{Duration, SystemTime};

use crate::{
    record::{Guess, Record},
    seen::{Seen, between},
    settings::{SHORTEST_GUESS, Settings},
};

/// A token that was obtained for less than this was born expired: no server
/// means it, but some say it, and clocks differ.
const SHORTEST_LIFE: Duration = Duration::from_millis(1_500);

/// How long the second and every further one in a row of those is used.
const USED_FOR: Duration = Duration::from_secs(30);

/// How long a refusal shortens the guess: it may have had another reason.
const CORRECTION_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// The dates of a record's tokens, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dates {
    pub(crate) obtained_at: Option<SystemTime>,
    pub(crate) expires_at: Option<SystemTime>,
    /// Whether nobody said when the access token expires, and it is taken to
    /// expire all the same. Without `expires_at` its age is unknown as well.
    pub(crate) guessed: bool,
    pub(crate) has_refresh_token: bool,
    pub(crate) refresh_expires_at: Option<SystemTime>,
    /// Until when a token that was born expired is used.
    pub(crate) used_until: Option<SystemTime>,
    /// When this process first saw the tokens. `None` is at the time at which the
    /// dates are judged.
    pub(crate) seen: Option<Seen>,
}

impl Dates {
    /// Those of `record`. Guesses what it does not say, if its tokens can be
    /// replaced (`renews`).
    pub(crate) fn of(record: &Record, renews: bool, settings: &Settings) -> Self {
        let mut dates = Self::on_record(record);
        if !renews {
            // Nothing would come of a guess but the loss of a good token.
            if dates.guessed {
                (dates.expires_at, dates.guessed) = (None, false);
            }
        } else if let (None, Some(life)) = (dates.expires_at, settings.default_lifetime) {
            dates.expires_at = dates.obtained_at.and_then(|at| at.checked_add(life));
            // What would end after the end of time does not.
            dates.guessed = dates.expires_at.is_some() || dates.obtained_at.is_none();
        }
        dates
    }

    /// Those that `record` says.
    pub(crate) fn on_record(record: &Record) -> Self {
        let Record { tokens, obtained_at, guess, born_expired, .. } = record;
        let used_until = obtained_at.filter(|_| *born_expired > 1);
        Self {
            obtained_at: *obtained_at,
            expires_at: tokens.expires_at,
            guessed: guess.is_some() && tokens.expires_at.is_some(),
            has_refresh_token: tokens.refresh_token.is_some(),
            refresh_expires_at: tokens.refresh_expires_at,
            used_until: used_until.and_then(|at| at.checked_add(USED_FOR)),
            seen: None,
        }
    }

    /// From when they were obtained to when the access token expires.
    pub(crate) fn life(&self) -> Option<Duration> {
        self.expires_at.zip(self.obtained_at).map(|(end, at)| between(at, end))
    }
}

/// Guesses when the access token of `record` expires, if nobody said so. It was
/// obtained just now, and comes after that of `old`, which an API refused at
/// `refused_at`.
pub(crate) fn guess_expiry(
    record: &mut Record,
    old: Option<&Record>,
    refused_at: Option<SystemTime>,
    settings: &Settings,
) {
    let (None, Some(now)) = (record.tokens.expires_at, record.obtained_at) else { return };
    let before = old.map(|old| (Dates::of(old, true, settings), old.guess.clone()));
    let guessed = guess(before, refused_at, now, settings);
    let dated = guessed.and_then(|(life, guess)| Some((now.checked_add(life)?, guess)));
    (record.tokens.expires_at, record.guess) = dated.unzip();
}

/// Notes in `record`, which comes of a refresh of `old`, whether its access token
/// was born expired.
pub(crate) fn count_born_expired(record: &mut Record, old: Option<&Record>) {
    if Dates::on_record(record).life().is_some_and(is_none) {
        record.born_expired = old.map_or(0, |old| old.born_expired).saturating_add(1);
    }
}

/// Whether a life of this length is none.
fn is_none(life: Duration) -> bool {
    life < SHORTEST_LIFE
}

/// How long the tokens that were obtained at `now` are taken to live, given the
/// dates of those `before` and what their guess was.
fn guess(
    before: Option<(Dates, Option<Guess>)>,
    refused_at: Option<SystemTime>,
    now: SystemTime,
    settings: &Settings,
) -> Option<(Duration, Guess)> {
    let (dates, guess) = before.unwrap_or_default();
    let mut guess = guess.unwrap_or_default();
    let mut life = dates.life().filter(|life| !is_none(*life)).or(settings.default_lifetime)?;
    if guess.corrected_at.is_some_and(|at| between(at, now) > CORRECTION_HOLDS) {
        guess = Guess::default();
        life = life.max(settings.default_lifetime.unwrap_or(life));
    }
    if let (true, Some(at), Some(refused_at)) = (dates.guessed, dates.obtained_at, refused_at) {
        let age = between(at, refused_at);
        if (SHORTEST_GUESS..life).contains(&age) {
            life = age;
            guess.corrected_at = Some(refused_at);
        }
    }
    Some((life, guess))
}

#[cfg(test)]
mod tests;
