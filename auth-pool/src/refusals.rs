//! Which tokens replaced one that an API refused with 401.

use std::{collections::HashMap, time::SystemTime};

use auth_core::AccessToken;

use crate::index::Index;

/// For each account whose token was refused with 401: the token that replaced
/// it. Until the given time, a refusal of that token too is not blamed on the
/// token, and so does not lead to a second refresh.
#[derive(Default)]
pub(crate) struct Refusals {
    replaced: HashMap<Index, (AccessToken, SystemTime)>,
    /// The token that was refused and is to be replaced when the account is picked next.
    marked: HashMap<Index, AccessToken>,
}

impl Refusals {
    /// Records the token that the account has after a 401.
    pub(crate) fn replaced(&mut self, index: Index, by: &AccessToken, until: SystemTime) {
        self.marked.remove(&index);
        match self.replaced.get_mut(&index) {
            Some((token, known)) if token == by => *known = until.max(*known),
            _ => {
                self.replaced.insert(index, (by.clone(), until));
            }
        }
    }

    /// Whether this token has just replaced a refused one.
    pub(crate) fn is_replacement(
        &mut self,
        index: Index,
        token: &AccessToken,
        now: SystemTime,
    ) -> bool {
        let Some((known, until)) = self.replaced.get(&index) else { return false };
        if *until <= now {
            self.replaced.remove(&index);
            return false;
        }
        known == token
    }

    /// Records that the account is suspended until then, because its new token
    /// was refused too. Reports that arrive before are about older requests;
    /// the first one after is about a new one.
    pub(crate) fn suspended(&mut self, index: Index, suspended: SystemTime, now: SystemTime) {
        if let Some((_, until)) = self.replaced.get_mut(&index)
            && *until > now
        {
            *until = suspended.max(*until);
        }
    }

    /// Records a refused token that is not replaced yet.
    pub(crate) fn mark(&mut self, index: Index, token: &AccessToken) {
        self.marked.insert(index, token.clone());
    }

    pub(crate) fn marked(&self, index: Index) -> Option<&AccessToken> {
        self.marked.get(&index)
    }

    pub(crate) fn forget(&mut self, index: Index) {
        self.replaced.remove(&index);
        self.marked.remove(&index);
    }

    pub(crate) fn forget_all(&mut self) {
        self.replaced.clear();
        self.marked.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn token(name: &str) -> AccessToken {
        AccessToken::new(name)
    }

    #[test]
    fn the_last_token_counts_until_its_time_is_over() {
        let mut refusals = Refusals::default();
        refusals.replaced(0, &token("a"), at(100));
        assert!(refusals.is_replacement(0, &token("a"), at(99)));
        assert!(!refusals.is_replacement(0, &token("b"), at(99)));
        assert!(!refusals.is_replacement(1, &token("a"), at(99)));
        refusals.replaced(0, &token("b"), at(50));
        assert!(refusals.is_replacement(0, &token("b"), at(10)));
        assert!(!refusals.is_replacement(0, &token("a"), at(10)));
        assert!(!refusals.is_replacement(0, &token("b"), at(50)));
    }

    #[test]
    fn a_suspension_lengthens_the_time_and_a_late_report_does_not_shorten_it() {
        let mut refusals = Refusals::default();
        refusals.replaced(0, &token("a"), at(100));
        refusals.suspended(0, at(500), at(10));
        refusals.suspended(0, at(200), at(10));
        refusals.replaced(0, &token("a"), at(100));
        assert!(refusals.is_replacement(0, &token("a"), at(499)));
    }

    #[test]
    fn a_suspension_does_not_bring_back_what_is_over() {
        let mut refusals = Refusals::default();
        refusals.replaced(0, &token("a"), at(100));
        refusals.suspended(0, at(500), at(100));
        assert!(!refusals.is_replacement(0, &token("a"), at(200)));
    }

    #[test]
    fn what_is_forgotten_counts_no_more() {
        let mut refusals = Refusals::default();
        for index in 0..3 {
            refusals.replaced(index, &token("a"), at(100));
        }
        refusals.forget(0);
        assert!(!refusals.is_replacement(0, &token("a"), at(10)));
        assert!(refusals.is_replacement(1, &token("a"), at(10)));
        refusals.forget_all();
        assert!(!refusals.is_replacement(1, &token("a"), at(10)));
    }
}
