//! What memory holds and the store does not, and what may replace what.
//!
//! A save can fail, be dropped halfway, or meet with what somebody else saved.
//! Whether tokens in memory may then be saved depends on what the store holds:
//!
//! | the store holds | tokens in memory |
//! | --- | --- |
//! | the record that they follow | replace it |
//! | an earlier pair of theirs, whose save was thought to have failed | replace it |
//! | for a login: tokens of the login that it replaces, refreshed or not | replace them |
//! | the same tokens, after a save that failed: they may not be durable | are saved again |
//! | the same tokens otherwise | are saved, and forgotten |
//! | tokens that were [spent or refused](crate::past) before, of the same login | replace them, under the lease |
//! | for a login over what was damaged: nothing, or a record that was obtained before it | replace it |
//! | what is damaged, for tokens of a login, refreshed or not | have it moved aside |
//! | what is damaged, for others | stay in memory |
//! | anything else: another login, or a refresh by somebody else | are dropped |
//!
//! "Holds nothing" is a record like any other: tokens that follow no record
//! replace it, and others are dropped. [`UnsavedTokens::against`] is this table.

use std::{sync::Arc, time::Duration};

use auth_core::Now;

use crate::{
    dates::Dates,
    held_lease::HeldLease,
    id::AccountId,
    lifetime::Lifetime,
    record::{Fingerprint, Record, Setback},
    settings::Settings,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

/// What the store was to be told, and could not be.
#[derive(Clone, Default)]
pub(crate) struct Unsaved {
    pub(crate) tokens: Option<UnsavedTokens>,
    pub(crate) setback: Option<Setback>,
}

/// Tokens that are newer than those in the store.
#[derive(Clone)]
pub(crate) struct UnsavedTokens {
    pub(crate) record: Record,
    /// The record that they follow.
    follows: Option<Fingerprint>,
    /// Tokens that followed the same record, and that may be in the store
    /// although their save failed, or was dropped.
    earlier: Option<Fingerprint>,
    /// Of a login: the login that it replaces.
    replaced_login: Option<Fingerprint>,
    /// Whether they come from a login that is in memory only: it may take the place
    /// of what is damaged.
    pub(crate) is_of_login: bool,
    /// Whether that login met what is damaged, and nobody has read since what it
    /// replaces.
    is_blind: bool,
    /// Why they could not be saved. `None` while nobody knows: they are being
    /// saved, or that was broken off. See [`why`](Self::why).
    pub(crate) error: Option<StoreError>,
    /// Whether they are to be put back in the place of a record that has gone back,
    /// under the lease.
    pub(crate) is_put_back: bool,
    /// Kept until they are saved: nobody else should try the refresh token in
    /// the store, which is spent.
    lease: Option<Arc<HeldLease>>,
}

/// What becomes of tokens in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Against {
    Replace,
    SaveAgain,
    Drop,
}

/// How long a lease is held at most for tokens that are not saved.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 3600);

/// How long a lease is held at least for tokens that somebody goes on trying to save.
/// Tokens that live for seconds must not be lost to a disk that is full for a minute.
const TROUBLE: Duration = Duration::from_secs(300);

/// Tells the tokens of records apart, by where they belong as well: a login may
/// bring the same tokens with another set-up, to put a wrong one right.
pub(crate) fn identity(record: &Record) -> Fingerprint {
    let endpoint = record.set_up.as_ref().map(|set_up| &**set_up.endpoint());
    Fingerprint::of_tokens_at(&record.tokens, endpoint)
}

/// The error of a save of which nobody knows how it ended.
pub(crate) fn not_finished(account: &AccountId) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, account.to_string())
        .with_source("the save is not finished")
}

impl Unsaved {
    /// The store holds `found`, which is neither used nor changed. Tokens that may not
    /// replace it never will be saved. Nor will those of a login that would have been
    /// refused, had it read that.
    pub(crate) fn give_way(&mut self, found: &Record) {
        self.tokens.take_if(|tokens| {
            let is_followed = || tokens.follows(Some(identity(found)));
            tokens.against(Some(found)) == Against::Drop || tokens.is_blind && !is_followed()
        });
    }

    /// Itself, if there is anything in it.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        (self.tokens.is_some() || self.setback.is_some()).then(|| Box::new(self))
    }

    /// All of it.
    #[cfg(test)]
    pub(crate) fn tell(&self) -> String {
        let tokens = self.tokens.as_ref().map(|tokens| {
            let UnsavedTokens { record, follows, earlier, replaced_login, error, lease, .. } =
                tokens;
            let exposed = record.to_json_exposed();
            let record = format!("{record:?} {}", String::from_utf8_lossy(&exposed));
            format!("{record} {follows:?} {earlier:?} {replaced_login:?} {error:?} {lease:?}")
        });
        format!("{tokens:?} {:?}", self.setback)
    }
}

impl UnsavedTokens {
    /// The tokens of a refresh of the record whose identity is `follows`.
    pub(crate) fn of_refresh(
        record: Record,
        follows: Option<Fingerprint>,
        before: Option<&Self>,
        lease: &Arc<Lease>,
    ) -> Self {
        Self {
            record,
            follows,
            earlier: None,
            // They come from the same login as those that were refreshed.
            replaced_login: before.and_then(|before| before.replaced_login),
            is_of_login: before.is_some_and(|before| before.is_of_login),
            is_blind: before.is_some_and(|before| before.is_blind),
            error: None,
            is_put_back: false,
            lease: Some(HeldLease::new(Arc::clone(lease))),
        }
    }

    /// Tokens that were on record before it went back to `stored`.
    pub(crate) fn of_before(record: Record, stored: Option<Fingerprint>) -> Self {
        Self {
            record,
            follows: stored,
            earlier: None,
            replaced_login: None,
            is_of_login: false,
            is_blind: false,
            error: None,
            is_put_back: true,
            lease: None,
        }
    }

    /// The record that they follow has gone back to `stored`.
    pub(crate) fn put_back(&mut self, stored: Option<Fingerprint>) {
        self.follow(stored);
        self.is_put_back = true;
    }

    /// The tokens of a login that replaces the tokens of `replaced_login`.
    pub(crate) fn of_login(
        record: Record,
        follows: Option<Fingerprint>,
        replaced_login: Option<Fingerprint>,
        lease: Option<Arc<Lease>>,
    ) -> Self {
        let lease = lease.map(HeldLease::new);
        Self {
            record,
            follows,
            earlier: None,
            replaced_login,
            is_of_login: true,
            is_blind: false,
            error: None,
            is_put_back: false,
            lease,
        }
    }

    /// What becomes of them, given what the store holds.
    pub(crate) fn against(&self, stored: Option<&Record>) -> Against {
        let held = stored.map(identity);
        if self.error.is_some() && held == Some(identity(&self.record)) {
            return Against::SaveAgain;
        }
        if self.follows(held) || self.replaces_login_of(stored) {
            Against::Replace
        } else {
            Against::Drop
        }
    }

    /// The tokens of a login over what is damaged. `before` is what
    /// memory held then.
    pub(crate) fn of_blind_login(
        record: Record,
        before: Option<&Self>,
        lease: Option<Arc<Lease>>,
    ) -> Self {
        let replaced_login = before.and_then(|before| before.record.login);
        let earlier = before.and_then(|before| before.follows);
        Self { earlier, is_blind: true, ..Self::of_login(record, None, replaced_login, lease) }
    }

    fn follows(&self, held: Option<Fingerprint>) -> bool {
        let is_nothing = || self.is_blind && held.is_none();
        held == self.follows || self.earlier.is_some() && held == self.earlier || is_nothing()
    }

    /// Whether the store holds tokens of the login that these replace, or, where that
    /// is not known, older ones.
    pub(crate) fn replaces_login_of(&self, stored: Option<&Record>) -> bool {
        let Some(stored) = stored else { return false };
        let is_older =
            || stored.obtained_at.is_some() && stored.obtained_at < self.record.obtained_at;
        self.replaced_login.is_some() && self.replaced_login == stored.login
            || self.is_blind && is_older()
    }

    /// Why they are in memory only, for people.
    pub(crate) fn why(&self, account: &AccountId) -> StoreError {
        self.error.clone().unwrap_or_else(|| not_finished(account))
    }

    /// They follow what the store holds now.
    pub(crate) fn follow(&mut self, stored: Option<Fingerprint>) {
        self.follows = stored;
    }

    /// That record can be read, and is to be replaced. From now on it is known what a
    /// blind login replaces.
    pub(crate) fn see(&mut self, stored: Option<&Record>) {
        if std::mem::take(&mut self.is_blind) {
            self.replaced_login = stored.and_then(|stored| stored.login);
        }
    }

    /// Takes over from `old` what has been learnt since these were written down.
    pub(crate) fn take_over(&mut self, old: &mut Self) {
        if self.follows == old.follows {
            let same = identity(&self.record) == identity(&old.record);
            self.earlier = if same { old.earlier } else { Some(identity(&old.record)) };
        }
        self.lease = self.lease.take().or(old.lease.take());
    }

    /// The lease that is kept with them, unless it was freed.
    pub(crate) fn lease(&self) -> Option<Arc<Lease>> {
        self.lease.as_ref()?.lease()
    }

    /// The lease that is kept with them, freed or not.
    pub(crate) fn held_lease(&self) -> Option<&Arc<HeldLease>> {
        self.lease.as_ref()
    }

    /// Sets a time at which the lease is freed, for they may never be saved. Then the
    /// note on record tells others what happened. `seen_to` is whether somebody goes on
    /// trying to save them.
    pub(crate) fn free_in_time(&self, now: Option<Now>, settings: &Settings, seen_to: bool) {
        if let Some(held) = &self.lease {
            let hold = self.hold(now, settings, seen_to);
            held.free_after(hold, now.map(|now| now.monotonic));
        }
    }

    /// For how long the lease is held: until the access token expires, and some time
    /// longer where somebody goes on trying. What could not be saved by then may never
    /// be, and others must not be locked out.
    fn hold(&self, now: Option<Now>, settings: &Settings, seen_to: bool) -> Duration {
        // New tokens are on record with their dates.
        let dates = Dates::on_record(&self.record);
        let left = now.and_then(|now| Lifetime::new(&dates, now).left()).unwrap_or_default();
        let least = if seen_to { TROUBLE } else { Duration::ZERO };
        left.min(LONGEST_HOLD).max(settings.lease_wait).max(least)
    }
}

#[cfg(test)]
mod tests;
