//! What is known of an account's record.

use std::sync::Arc;

use auth_core::{CredentialError, Grant, RefreshToken};

use crate::{
    id::AccountId,
    past::Past,
    record::{Fingerprint, Record, Setback},
    set_up::SetUp,
    shared::GrantKind,
    store::{Lease, Version},
    store_error::StoreError,
    unsaved::{Against, Unsaved, UnsavedTokens, identity},
};

/// What a load gives.
pub(crate) type Loaded = Result<Option<(Record, Version)>, StoreError>;

/// A record that is to be saved, and what is known until it is.
pub(crate) struct Draft {
    pub(crate) record: Record,
    pub(crate) known: Box<Known>,
}

impl Draft {
    /// It was saved. Memory holds nothing more.
    pub(crate) fn saved(self, version: Version) -> Box<Known> {
        let Self { record, mut known } = self;
        known.version = Some(version);
        if known.unsaved.tokens.is_some() {
            // Otherwise the tokens are those that were read.
            known.stored = Some(identity(&record));
        }
        known.past.saw(Some(&record));
        known.record = Some(record);
        known.unsaved = Unsaved::default();
        known.is_damaged = false;
        known
    }
}

/// What is known of an account's record.
pub(crate) struct Known {
    grant: GrantKind,
    /// The record in use: the store's, or that in memory where it is newer.
    pub(crate) record: Option<Record>,
    /// The version in the store when it was last read or written.
    pub(crate) version: Option<Version>,
    /// The identity of the tokens in the store at that time.
    stored: Option<Fingerprint>,
    pub(crate) unsaved: Unsaved,
    /// Whether what the store holds is damaged.
    is_damaged: bool,
    /// What became of the refresh tokens before.
    pub(crate) past: Past,
    /// Why the client's credential could not be read since, if that was tried.
    pub(crate) unread: Option<CredentialError>,
}

impl Known {
    /// Nothing but what memory holds.
    pub(crate) fn new(grant: GrantKind, unsaved: Unsaved) -> Box<Self> {
        let past = Past::default();
        let (record, version, stored, is_damaged) = (None, None, None, false);
        let unread = None;
        Box::new(Self { grant, record, version, stored, unsaved, is_damaged, past, unread })
    }

    /// The same, with what is remembered.
    pub(crate) fn remembering(mut self: Box<Self>, past: &Past) -> Box<Self> {
        self.past = past.clone();
        self
    }

    /// The record was read.
    pub(crate) fn read(&mut self, found: Option<(Record, Version)>) {
        let (found, version) = found.unzip();
        self.version = version;
        self.is_damaged = false;
        self.unread = None;
        self.stored = found.as_ref().map(identity);
        if let (Some(found), Some(setback)) = (&found, &self.unsaved.setback)
            && found.obtained_at.is_some_and(|at| at > setback.failed_at)
        {
            // It could not be recorded, and others have got on without it.
            self.unsaved.setback = None;
        }
        if let Some(found) = &found {
            self.past.met(found);
        }
        let against = self.unsaved.tokens.as_ref().map(|tokens| tokens.against(found.as_ref()));
        self.record = match (against, &mut self.unsaved.tokens) {
            (Some(Against::Replace), Some(tokens)) => {
                tokens.follow(self.stored);
                tokens.see(found.as_ref());
                Some(tokens.record.clone())
            }
            (Some(Against::SaveAgain), Some(tokens)) => {
                tokens.follow(self.stored);
                found.map(|mut found| {
                    found.take_over_further(&tokens.record);
                    tokens.record = found.clone();
                    found
                })
            }
            _ => match found.as_ref().and_then(|found| self.put_back(found)) {
                Some(newer) => Some(newer),
                None => {
                    self.unsaved.tokens = None;
                    found
                }
            },
        };
        self.past.saw(self.record.as_ref());
    }

    /// What the store holds is damaged, in this version. It is in use what memory
    /// holds.
    pub(crate) fn read_damaged(&mut self, version: Version) {
        self.version = Some(version);
        self.is_damaged = true;
        self.stored = None;
        self.record = self.unsaved.tokens.as_ref().map(|tokens| tokens.record.clone());
    }

    /// Why nothing may be noted in the store: what it holds is damaged, and the login
    /// in memory could not take its place.
    pub(crate) fn damage(&self, account: &AccountId) -> Option<StoreError> {
        self.is_damaged.then(|| self.save_error(account))?
    }

    /// What is to be put in the place of `found`, which has gone back.
    fn put_back(&mut self, found: &Record) -> Option<Record> {
        match &mut self.unsaved.tokens {
            Some(tokens) if self.past.may_follow(&tokens.record, found) => {
                tokens.put_back(self.stored);
            }
            tokens => {
                let newest = self.past.successor_of(found)?.clone();
                *tokens = Some(UnsavedTokens::of_before(newest, self.stored));
            }
        }
        self.unsaved.tokens.as_ref().map(|tokens| tokens.record.clone())
    }

    /// Whether the refresh token in use was spent or refused before, and nothing is
    /// known that could take its place.
    pub(crate) fn has_gone_back(&self) -> bool {
        self.record.as_ref().is_some_and(|record| self.past.is_dead(record))
    }

    /// Whether what is known may replace what somebody else saved since: the
    /// tokens are the same, a login in memory replaces them, or they have gone back.
    pub(crate) fn may_replace(&self, found: Option<&Record>) -> bool {
        let may_follow = |(newer, found)| self.past.may_follow(newer, found);
        found.map(identity) == self.stored
            || self.record.as_ref().zip(found).is_some_and(may_follow)
            || self.unsaved.tokens.as_ref().is_some_and(|tokens| tokens.replaces_login_of(found))
    }

    /// What somebody else saved counts, whatever memory holds.
    pub(crate) fn give_way(&mut self, found: Option<(Record, Version)>) {
        self.unsaved = Unsaved::default();
        self.read(found);
    }

    /// A refresh has given new tokens, which are not saved yet.
    pub(crate) fn refreshed(&mut self, record: Record, lease: &Arc<Lease>) {
        let before = self.unsaved.tokens.as_ref();
        let tokens = UnsavedTokens::of_refresh(record.clone(), self.stored, before, lease);
        self.unsaved = Unsaved { tokens: Some(tokens), setback: None };
        self.past.saw(Some(&record));
        self.record = Some(record);
    }

    /// A login replaces what the store holds, and is not saved yet.
    pub(crate) fn logged_in(&mut self, record: Record, lease: Option<Arc<Lease>>) {
        self.past.logged_in(&record);
        let replaced = self.record.as_ref().and_then(|record| record.login);
        let tokens = UnsavedTokens::of_login(record, self.stored, replaced, lease);
        self.unsaved = Unsaved { tokens: Some(tokens), setback: None };
    }

    /// The same, where what the store holds is damaged. `before` is what memory
    /// held.
    pub(crate) fn logged_in_blindly(
        &mut self,
        record: Record,
        before: Option<&UnsavedTokens>,
        lease: Option<Arc<Lease>>,
    ) {
        self.past.logged_in(&record);
        let tokens = UnsavedTokens::of_blind_login(record, before, lease);
        self.unsaved = Unsaved { tokens: Some(tokens), setback: None };
    }

    /// The tokens in memory could not be saved.
    pub(crate) fn not_saved(&mut self, error: StoreError) {
        if let Some(tokens) = &mut self.unsaved.tokens {
            tokens.error = Some(error);
        }
    }

    /// Why there are tokens in memory only, if there are.
    pub(crate) fn save_error(&self, account: &AccountId) -> Option<StoreError> {
        Some(self.unsaved.tokens.as_ref()?.why(account))
    }

    /// The setback on record, the one in memory that could not be recorded, and the
    /// refusal of this very refresh token, whether or not it is still on record.
    pub(crate) fn setbacks(&self) -> impl Iterator<Item = &Setback> {
        let recorded = self.record.as_ref().and_then(|record| record.setback.as_ref());
        let refusal = self.record.as_ref().and_then(|record| self.past.refusal_of(record));
        recorded.into_iter().chain(&self.unsaved.setback).chain(refusal)
    }

    /// What an attempt is made with: the refresh token in use, or else what can be
    /// repeated.
    pub(crate) fn grant(&self, repeatable: &Grant) -> Grant {
        match (self.grant, self.refresh_token()) {
            (GrantKind::RefreshToken, Some(token)) => Grant::RefreshToken(token.clone()),
            _ => repeatable.clone(),
        }
    }

    /// The fingerprint of the refresh token in use; `None` for a grant without
    /// one.
    pub(crate) fn token(&self) -> Option<Fingerprint> {
        match self.grant {
            GrantKind::RefreshToken => self.refresh_token().map(Fingerprint::of),
            GrantKind::Repeatable => None,
        }
    }

    /// What the login brought whose tokens are in use.
    pub(crate) fn set_up(&self) -> Option<SetUp> {
        self.record.as_ref()?.set_up.clone()
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.record.as_ref()?.tokens.refresh_token.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use auth_core::{AccessToken, RefreshToken, TokenSet};

    use super::*;
    use crate::past::Key;

    fn record(number: u8) -> Record {
        Record::new(TokenSet::new(AccessToken::new(format!("at-{number}"))))
    }

    /// A record with a refresh token, of this login.
    fn of_login(number: u8, login: &str) -> Record {
        let mut record = record(number);
        record.tokens.refresh_token = Some(RefreshToken::new(format!("rt-{number}")));
        Record { login: Some(Fingerprint::of(&RefreshToken::new(login))), ..record }
    }

    fn known(tokens: UnsavedTokens) -> Box<Known> {
        let unsaved = Unsaved { tokens: Some(tokens), setback: None };
        Known::new(GrantKind::RefreshToken, unsaved)
    }

    #[test]
    fn tokens_in_memory_follow_what_was_read_last() {
        let lease = Arc::new(Lease::new(()));
        let follows = Some(identity(&record(1)));
        let tokens = |number| UnsavedTokens::of_refresh(record(number), follows, None, &lease);
        let mut newer = tokens(3);
        newer.take_over(&mut tokens(2));
        let mut known = known(newer);
        known.read(Some((record(2), Version::from(1))));
        assert_eq!(known.record, Some(record(3)));
        known.read(Some((record(1), Version::from(2))));
        assert_eq!(known.record, Some(record(1)));
        assert!(known.unsaved.tokens.is_none());
    }

    #[test]
    fn what_was_saved_is_what_the_store_holds() {
        let lease = Arc::new(Lease::new(()));
        let follows = Some(identity(&record(1)));
        let mut known = known(UnsavedTokens::of_refresh(record(2), follows, None, &lease));
        known.read(Some((record(1), Version::from(1))));
        assert!(known.may_replace(Some(&record(1))));
        let known = Draft { record: record(2), known }.saved(Version::from(2));
        assert_eq!(known.version, Some(Version::from(2)));
        assert!(known.may_replace(Some(&record(2))) && !known.may_replace(Some(&record(1))));
        assert!(known.unsaved.tokens.is_none());
    }

    #[test]
    fn each_reason_to_replace_is_enough() {
        let spent = Key::new(Fingerprint::of(&RefreshToken::new("rt-3")), None);
        let lease = Arc::new(Lease::new(()));
        let follows = Some(identity(&of_login(1, "a")));
        let refreshed = || UnsavedTokens::of_refresh(of_login(4, "a"), follows, None, &lease);
        let logged_in =
            || UnsavedTokens::of_login(of_login(4, "b"), follows, of_login(8, "c").login, None);
        for (what, tokens, found, may) in [
            ("what they follow", refreshed(), of_login(1, "a"), true),
            ("what went back", refreshed(), of_login(3, "a"), true),
            ("another one of the same login", refreshed(), of_login(5, "a"), false),
            ("a refresh of the login that is replaced", logged_in(), of_login(5, "c"), true),
            ("another login", logged_in(), of_login(5, "d"), false),
        ] {
            let mut known = known(tokens);
            known.stored = follows;
            known.record = Some(of_login(4, "a"));
            known.past.refused(spent);
            assert_eq!(known.may_replace(Some(&found)), may, "{what}");
        }
    }

    #[test]
    fn what_a_blind_login_replaces_is_known_when_it_is_read() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let of = |number, seconds| Record { obtained_at: at(seconds), ..record(number) };
        let mut known = known(UnsavedTokens::of_blind_login(of(9, 20), None, None));
        known.read(Some((of(1, 19), Version::from(1))));
        assert_eq!(known.record, Some(of(9, 20)));
        // Somebody has logged out since.
        known.read(None);
        assert!(known.record.is_none() && known.unsaved.tokens.is_none());
    }

    #[test]
    fn what_has_gone_back_is_followed_by_what_is_newest() {
        let of = |number| {
            let mut tokens = TokenSet::new(AccessToken::new(format!("at-{number}")));
            tokens.refresh_token = Some(RefreshToken::new(format!("rt-{number}")));
            let login = Some(Fingerprint::of(&RefreshToken::new("login")));
            Record { login, ..Record::new(tokens) }
        };
        let (old, new) = (of(1), of(2));
        let mut past = Past::default();
        let key = Key::new(old.fingerprint().unwrap(), None);
        past.exchanged(key, &new);
        past.saw(Some(&new));
        let remembering =
            || Known::new(GrantKind::RefreshToken, Unsaved::default()).remembering(&past);
        let mut known = remembering();
        known.read(Some((old.clone(), Version::from(1))));
        assert_eq!(known.record, Some(new.clone()));
        assert!(known.unsaved.tokens.as_ref().is_some_and(|tokens| tokens.is_put_back));
        assert!(!known.has_gone_back());
        // Of another login, nothing is.
        let other = Record { login: None, ..old };
        let mut known = remembering();
        known.read(Some((other.clone(), Version::from(2))));
        assert_eq!(known.record, Some(other));
        assert!(known.unsaved.tokens.is_none() && known.has_gone_back());
        // What is current needs no successor.
        known.read(Some((new.clone(), Version::from(3))));
        assert_eq!(known.record, Some(new));
        assert!(known.unsaved.tokens.is_none() && !known.has_gone_back());
    }

    /// They are newer than what is newest on record, and keep their lease.
    #[test]
    fn what_has_gone_back_is_followed_by_tokens_in_memory_of_the_same_login() {
        let key = |record: &Record| Key::new(record.fingerprint().unwrap(), None);
        let (old, newest) = (of_login(1, "a"), of_login(2, "a"));
        for (what, newer, is_known, number, keeps) in [
            ("of the same login", of_login(3, "a"), true, 3, true),
            ("and nothing else is known", of_login(3, "a"), false, 3, true),
            ("of another login", of_login(3, "b"), true, 2, false),
            ("of another login, and nothing else is known", of_login(3, "b"), false, 1, false),
            ("refused since", of_login(4, "a"), true, 2, false),
        ] {
            let lease = Arc::new(Lease::new(()));
            let follows = Some(identity(&newest));
            let mut known = known(UnsavedTokens::of_refresh(newer, follows, None, &lease));
            known.past.exchanged(key(&old), &newest);
            known.past.refused(key(&of_login(4, "a")));
            if is_known {
                known.past.saw(Some(&newest));
            }
            known.read(Some((old.clone(), Version::from(1))));
            assert_eq!(
                known.record.as_ref().unwrap().tokens,
                of_login(number, "a").tokens,
                "{what}"
            );
            let tokens = known.unsaved.tokens.as_ref();
            assert_eq!(tokens.is_some_and(|tokens| tokens.is_put_back), number > 1, "{what}");
            assert_eq!(tokens.is_some_and(|tokens| tokens.lease().is_some()), keeps, "{what}");
        }
    }
}
