//! Which tokens an account was given after a 401, lately.

use std::{collections::HashMap, time::SystemTime};

use auth_core::AccessToken;

use crate::Index;

/// For accounts that were refused with 401: the token they got instead, and
/// until when a refusal of that one is not the token's fault.
#[derive(Default)]
pub(crate) struct Refusals(HashMap<Index, (AccessToken, SystemTime)>);

impl Refusals {
    /// Notes the token that the account has after a 401.
    pub(crate) fn replaced(&mut self, index: Index, by: &AccessToken, until: SystemTime) {
        match self.0.get_mut(&index) {
            Some((token, known)) if token == by => *known = until.max(*known),
            _ => {
                self.0.insert(index, (by.clone(), until));
            }
        }
    }

    /// Whether this token has only just taken the place of a refused one.
    pub(crate) fn is_replacement(
        &mut self,
        index: Index,
        token: &AccessToken,
        now: SystemTime,
    ) -> bool {
        let Some((known, until)) = self.0.get(&index) else { return false };
        if *until <= now {
            self.0.remove(&index);
            return false;
        }
        known == token
    }

    /// The account rests until then, since its new token was refused, too. The
    /// reports that come in meanwhile are not about anything newer; the first
    /// one after that is.
    pub(crate) fn rests(&mut self, index: Index, rest: SystemTime, now: SystemTime) {
        if let Some((_, until)) = self.0.get_mut(&index)
            && *until > now
        {
            *until = rest.max(*until);
        }
    }

    pub(crate) fn forget(&mut self, index: Index) {
        self.0.remove(&index);
    }

    pub(crate) fn forget_all(&mut self) {
        self.0.clear();
    }
}
