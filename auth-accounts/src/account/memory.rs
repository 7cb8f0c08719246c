//! What an account remembers between refreshes, beside the token itself.

use std::time::SystemTime;

use auth_core::{AccessToken, ClaimsChallenge};

use super::further_memory::FurtherMemory;
use crate::{
    context::Refused, further::Which, past::Past, record::Fingerprint, seen::Sights, token::Token,
    unsaved::Unsaved,
};

/// What an account remembers between refreshes, beside the token itself.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) unsaved: Option<Box<Unsaved>>,
    /// The access token that an API refused, until there is another.
    pub(super) refused: Option<Refused>,
    /// Since when the record has been as it was last seen.
    pub(super) sights: Sights,
    /// What became of the refresh tokens before.
    pub(super) past: Past,
    /// The further tokens.
    pub(super) further: FurtherMemory,
    /// Which login all of that comes of, if a record said.
    pub(super) login: Option<Fingerprint>,
    /// Whether there was no record when somebody last looked.
    pub(super) is_gone: bool,
}

impl Memory {
    /// Whether it holds what no store does, so that it has to outlive whoever
    /// asks for the account.
    pub(super) fn is_to_be_kept(&self) -> bool {
        // Without a record no token comes back that was refused.
        let refuses = || self.refused.is_some() || self.further.refuses_any();
        self.unsaved.is_some() || (!self.is_gone && refuses())
    }

    /// Whether the record is of another login by now than it was, so that all that came of
    /// that is gone.
    pub(super) fn is_replaced_by(&mut self, login: Option<Fingerprint>) -> bool {
        // Not all stores keep it.
        let before = login.and_then(|login| self.login.replace(login));
        before.is_some() && before != login
    }

    pub(super) fn refuses_of(&self, which: &Which, token: &Token) -> bool {
        match which.asked() {
            None => self.refuses(token),
            Some(asked) => self.further.refuses(asked.fingerprint, token),
        }
    }

    pub(super) fn refuses(&self, token: &Token) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.token == *token.access_token())
    }

    /// Remembers that this one of its tokens was refused, and what the next one must claim.
    /// A late report about a token older than the current one changes nothing, nor does
    /// another report about the same. Returns whether it was news.
    pub(super) fn refuse(
        &mut self,
        which: &Which,
        token: &AccessToken,
        at: SystemTime,
        current: Option<&Token>,
        claims: Option<&ClaimsChallenge>,
    ) -> bool {
        let refused = match which.asked() {
            None => &mut self.refused,
            Some(asked) => self.further.refused_mut(asked.fingerprint),
        };
        refuse(refused, token, at, current, claims)
    }

    /// Remembers this instead.
    #[must_use = "what was there may free a lease, which others may hear of"]
    pub(super) fn replace(&mut self, mut unsaved: Option<Box<Unsaved>>) -> Option<Box<Unsaved>> {
        let mut old = self.unsaved.take();
        if let (Some(unsaved), Some(old)) = (&mut unsaved, &mut old)
            && let (Some(tokens), Some(known)) = (&mut unsaved.tokens, &mut old.tokens)
        {
            tokens.take_over(known);
        }
        self.unsaved = unsaved;
        old
    }
}

fn refuse(
    refused: &mut Option<Refused>,
    token: &AccessToken,
    at: SystemTime,
    current: Option<&Token>,
    claims: Option<&ClaimsChallenge>,
) -> bool {
    match refused {
        Some(known) if known.token == *token => {
            if let Some(claims) = claims {
                known.claims = Some(claims.clone());
            }
            return false;
        }
        Some(_) if current.is_none_or(|current| current.access_token() != token) => return false,
        Some(_) | None => {}
    }
    *refused = Some(Refused { token: token.clone(), at, claims: claims.cloned() });
    true
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, Instant, SystemTime},
    };

    use auth_core::{Now, TokenSet};

    use super::*;
    use crate::{
        dates::Dates, record::Record, settings::Settings, store::Lease, token::Cached,
        unsaved::UnsavedTokens,
    };

    fn token(name: &str) -> Token {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let now = Now { monotonic: Instant::now(), wall };
        let tokens = TokenSet::new(AccessToken::new(name));
        let dates = Dates::default();
        Token(Cached::new(&"ada".into(), &tokens, dates, now, &Settings::default()).into())
    }

    #[test]
    fn a_late_report_about_an_older_token_changes_nothing() {
        let mut memory = Memory::default();
        let refuse = |memory: &mut Memory, name, current: Option<&str>, at| {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
            let current = current.map(token);
            memory.refuse(&Which::Main, &AccessToken::new(name), at, current.as_ref(), None);
        };
        assert!(!memory.refuses(&token("at-1")));
        // There is no other that is known to be refused.
        refuse(&mut memory, "at-1", Some("at-2"), 1);
        assert!(memory.refuses(&token("at-1")));
        refuse(&mut memory, "at-2", Some("at-2"), 2);
        assert!(memory.refuses(&token("at-2")) && !memory.refuses(&token("at-1")));
        refuse(&mut memory, "at-1", Some("at-2"), 3);
        refuse(&mut memory, "at-1", None, 4);
        assert!(memory.refuses(&token("at-2")));
        // The first report says how long it lived.
        refuse(&mut memory, "at-2", Some("at-2"), 5);
        let refused = memory.refused.unwrap();
        assert_eq!(refused.at, SystemTime::UNIX_EPOCH + Duration::from_secs(2));
    }

    #[test]
    fn what_is_remembered_takes_over_from_what_was() {
        let lease = Arc::new(Lease::new(()));
        let record = Record::new(TokenSet::new(AccessToken::new("at-2")));
        let kept = UnsavedTokens::of_refresh(record.clone(), None, None, &lease);
        let login = UnsavedTokens::of_login(record, None, None, None);
        let unsaved = |tokens| Unsaved { tokens: Some(tokens), setback: None }.boxed();

        let mut memory = Memory::default();
        assert!(memory.replace(unsaved(kept)).is_none());
        let old = memory.replace(unsaved(login)).expect("the one before");
        assert!(old.tokens.expect("tokens").lease().is_none());
        let new = memory.replace(None).expect("the one before");
        assert!(new.tokens.expect("tokens").lease().is_some());
        assert!(memory.unsaved.is_none());
    }
}
