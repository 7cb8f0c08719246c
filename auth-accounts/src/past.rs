//! What an account remembers of the refresh tokens that it had.
//!
//! A record can go back: a backup is restored, a store says that it has saved what
//! it has not. Then it holds a refresh token that this process has spent, or has
//! seen refused, and to send it again may end the session at a server that detects
//! reuse. So such a token is not sent. If the newest record of the same login is
//! known, it is put back in its place, under the lease.
//!
//! It is remembered for as long as the program has the account. An account whose
//! refresh tokens were never replaced remembers nothing.

use std::sync::Arc;

use crate::{
    record::{Fingerprint, Record, Setback},
    set_up::SetUp,
};

/// How many tokens are remembered.
const MOST: usize = 8;

/// What an account remembers of the refresh tokens that it had.
#[derive(Clone, Default)]
pub(crate) struct Past {
    /// Those that are not to be sent again, the latest last. The others are `None`.
    dead: [Option<Key>; MOST],
    /// The refusal of the last one that was refused.
    refusal: Option<Arc<(Key, Setback)>>,
    /// The newest record, once one of its tokens is dead.
    newest: Option<Arc<Record>>,
}

/// A refresh token, where it belongs. What one registration is refused need not be
/// refused to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(Fingerprint);

impl Key {
    pub(crate) fn new(token: Fingerprint, set_up: Option<&SetUp>) -> Self {
        Self(set_up.map_or(token, |set_up| token.at(set_up.endpoint())))
    }

    fn of(record: &Record) -> Option<Self> {
        Some(Self::new(record.fingerprint()?, record.set_up.as_ref()))
    }
}

impl Past {
    /// A response gave the tokens of `record` for the refresh token `tried`.
    pub(crate) fn exchanged(&mut self, tried: Key, record: &Record) {
        let Some(given) = Key::of(record) else { return };
        // A server may give out one that it had taken back.
        self.revive(given);
        if given != tried {
            self.bury(tried);
        }
    }

    /// The server has refused this one for good.
    pub(crate) fn refused(&mut self, tried: Key) {
        self.bury(tried);
    }

    /// What that was put down as.
    pub(crate) fn set_back(&mut self, tried: Key, setback: &Setback) {
        self.refusal = Some(Arc::new((tried, setback.clone())));
    }

    /// The user logs in with these tokens, whatever became of them before.
    pub(crate) fn logged_in(&mut self, record: &Record) {
        if let Some(key) = Key::of(record) {
            self.revive(key);
        }
    }

    /// The record was logged out.
    pub(crate) fn logged_out(&mut self) {
        self.newest = None;
    }

    /// This record was read, or made.
    pub(crate) fn saw(&mut self, record: Option<&Record>) {
        match record {
            // What is dead is not the newest, nor is anything needed in its place
            // where none died.
            Some(record) if self.is_dead(record) || self.dead == [None; MOST] => {}
            Some(record) if self.newest.as_deref() == Some(record) => {}
            record => self.newest = record.map(|record| Arc::new(record.clone())),
        }
    }

    /// This record was read. A token that comes back may do so again, and is not to
    /// be forgotten before others. But if it was refused, and its record was obtained
    /// after that, the server goes on with it.
    pub(crate) fn met(&mut self, record: &Record) {
        let refusal = self.refusal_of(record).map(|setback| setback.failed_at);
        if let (Some(refused_at), Some(key)) = (refusal, Key::of(record))
            && record.obtained_at.is_some_and(|at| at > refused_at)
        {
            self.revive(key);
        }
        if let Some(key) = Key::of(record).filter(|key| self.holds(*key)) {
            self.bury(key);
        }
    }

    /// Whether the refresh token of `record` is not to be sent again.
    pub(crate) fn is_dead(&self, record: &Record) -> bool {
        self.dead != [None; MOST] && Key::of(record).is_some_and(|key| self.holds(key))
    }

    /// The refusal of the refresh token of `record`, if it was the last one.
    pub(crate) fn refusal_of(&self, record: &Record) -> Option<&Setback> {
        let (key, setback) = self.refusal.as_deref()?;
        (Key::of(record) == Some(*key)).then_some(setback)
    }

    /// The newest record, if it may take the place of `record`.
    pub(crate) fn successor_of(&self, record: &Record) -> Option<&Record> {
        self.newest.as_deref().filter(|newest| self.may_follow(newest, record))
    }

    /// Whether `newer` may take the place of `record`: that has gone back, and both
    /// come from the same login.
    pub(crate) fn may_follow(&self, newer: &Record, record: &Record) -> bool {
        let same_login = newer.login.is_some() && newer.login == record.login;
        same_login && self.is_dead(record) && !self.is_dead(newer)
    }

    fn holds(&self, key: Key) -> bool {
        self.dead.contains(&Some(key))
    }

    fn bury(&mut self, key: Key) {
        self.revive_quietly(key);
        self.dead.rotate_left(1);
        self.dead[MOST - 1] = Some(key);
    }

    fn revive(&mut self, key: Key) {
        self.revive_quietly(key);
        if self.refusal.as_ref().is_some_and(|refusal| refusal.0 == key) {
            self.refusal = None;
        }
    }

    fn revive_quietly(&mut self, key: Key) {
        for dead in &mut self.dead {
            if *dead == Some(key) {
                *dead = None;
            }
        }
    }

    /// All of it, but what is newest, which says nothing until a record goes back.
    #[cfg(test)]
    pub(crate) fn tell(&self) -> String {
        format!("{:?} {:?}", self.dead, self.refusal)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use auth_core::{AccessToken, FailureKind, RefreshToken, TokenEndpoint, TokenSet};

    use super::*;

    fn record(number: u8, login: Option<u8>) -> Record {
        let mut tokens = TokenSet::new(AccessToken::new(format!("at-{number}")));
        tokens.refresh_token = Some(token(number));
        let login = login.map(|login| Fingerprint::of(&token(100 + login)));
        Record { login, ..Record::new(tokens) }
    }

    fn token(number: u8) -> RefreshToken {
        RefreshToken::new(format!("rt-{number}"))
    }

    fn key(number: u8) -> Key {
        Key::new(Fingerprint::of(&token(number)), None)
    }

    /// One that has exchanged 1 for 2 and so on up to this.
    fn past(last: u8) -> Past {
        let mut past = Past::default();
        for number in 1..last {
            let given = record(number + 1, Some(1));
            past.exchanged(key(number), &given);
            past.saw(Some(&given));
        }
        past
    }

    #[test]
    fn what_was_exchanged_is_followed_by_what_is_newest_of_the_same_login() {
        let past = past(4);
        for (number, login, is_dead, successor) in [
            (1, Some(1), true, Some(4)),
            (3, Some(1), true, Some(4)),
            (4, Some(1), false, None),
            (9, Some(1), false, None),
            // Another login, or nobody knows which.
            (3, Some(2), true, None),
            (3, None, true, None),
        ] {
            let old = record(number, login);
            assert_eq!(past.is_dead(&old), is_dead, "{number} {login:?}");
            let expected = successor.map(|number| record(number, Some(1)));
            assert_eq!(past.successor_of(&old), expected.as_ref(), "{number} {login:?}");
        }
        // Of a login that is not known, neither.
        let mut past = past.clone();
        past.exchanged(key(4), &record(5, None));
        past.saw(Some(&record(5, None)));
        assert_eq!(past.successor_of(&record(4, None)), None);
    }

    #[test]
    fn a_refresh_token_that_stays_is_not_spent() {
        let mut past = Past::default();
        past.exchanged(key(1), &record(1, Some(1)));
        let mut without = record(1, Some(1));
        without.tokens.refresh_token = None;
        past.exchanged(key(1), &without);
        assert!(!past.is_dead(&record(1, Some(1))));
        past.saw(Some(&record(1, Some(1))));
        assert!(past.newest.is_none(), "there is nothing to keep it for");
    }

    #[test]
    fn the_last_few_are_remembered() {
        let past = past(12);
        let dead: Vec<u8> =
            (1..=12).filter(|number| past.is_dead(&record(*number, None))).collect();
        assert_eq!(dead, [4, 5, 6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn one_that_comes_back_is_remembered_for_longer() {
        let mut past = Past::default();
        for number in 1..30 {
            past.exchanged(key(number), &record(number + 1, Some(1)));
            past.met(&record(1, Some(1)));
            past.met(&record(99, Some(1)));
        }
        assert!(past.is_dead(&record(1, None)) && past.is_dead(&record(29, None)));
        assert!(!past.is_dead(&record(2, None)) && !past.is_dead(&record(99, None)));
    }

    #[test]
    fn what_was_refused_lives_if_tokens_came_of_it_since() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (obtained_at, lives) in [(99, false), (100, false), (101, true)] {
            let mut past = Past::default();
            past.refused(key(1));
            past.set_back(key(1), &refusal(at(100)));
            let record = Record { obtained_at: Some(at(obtained_at)), ..record(1, Some(1)) };
            past.met(&record);
            assert_eq!(past.is_dead(&record), !lives, "{obtained_at}");
            assert_eq!(past.refusal_of(&record).is_none(), lives, "{obtained_at}");
        }
    }

    fn refusal(failed_at: SystemTime) -> Setback {
        Setback {
            refresh_token: Fingerprint::of(&token(1)),
            kind: FailureKind::Rejected,
            code: None,
            status: None,
            possibly_spent: false,
            since: failed_at,
            failed_at,
            retry_at: None,
            count: 1,
            client: None,
            credential: None,
        }
    }

    #[test]
    fn what_is_given_again_or_logged_in_with_lives() {
        let mut past = past(3);
        past.exchanged(key(3), &record(1, Some(1)));
        assert!(!past.is_dead(&record(1, None)) && past.is_dead(&record(3, None)));
        past.logged_in(&record(3, Some(2)));
        assert!(!past.is_dead(&record(3, None)) && past.is_dead(&record(2, None)));
    }

    #[test]
    fn what_was_refused_has_no_successor_and_is_none() {
        let mut past = past(3);
        past.refused(key(3));
        past.saw(Some(&record(3, Some(1))));
        assert!(past.is_dead(&record(3, Some(1))));
        assert_eq!(past.successor_of(&record(2, Some(1))), None);
        // After another login there is a newer one, but not of this login.
        past.saw(Some(&record(20, Some(2))));
        assert_eq!(past.successor_of(&record(3, Some(1))), None);
        past.logged_out();
        assert!(past.newest.is_none() && past.is_dead(&record(3, Some(1))));
    }

    /// A login may bring the same tokens to put a wrong endpoint right.
    #[test]
    fn a_token_at_another_endpoint_is_another() {
        let mut past = Past::default();
        past.refused(key(1));
        let mut moved = record(1, Some(1));
        let endpoint = TokenEndpoint::new("https://other.example.com/token", "c").unwrap();
        moved.set_up = Some(SetUp::new(endpoint).unwrap());
        assert!(!past.is_dead(&moved) && past.is_dead(&record(1, Some(1))));
    }
}
