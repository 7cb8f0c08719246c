//! What an account remembers of its further tokens.

use auth_core::AccessToken;

use crate::{context::Refused, further::MOST, record::Fingerprint, token::Token};

/// What an account remembers of its further tokens: of the last few that were asked
/// for. The rest is on record.
#[derive(Default)]
pub(super) struct FurtherMemory(Vec<Slot>);

struct Slot {
    request: Fingerprint,
    token: Option<Token>,
    /// The access token that an API refused, until there is another.
    refused: Option<Refused>,
}

impl FurtherMemory {
    fn find(&self, request: Fingerprint) -> Option<&Slot> {
        self.0.iter().find(|slot| slot.request == request)
    }

    /// What is known of this one. It counts as asked for now.
    fn take_place(&mut self, request: Fingerprint) -> &mut Slot {
        let slot = match self.0.iter().position(|slot| slot.request == request) {
            Some(index) => self.0.remove(index),
            None => Slot { request, token: None, refused: None },
        };
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(slot);
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// The token in use, and the one that was refused.
    pub(super) fn of(&self, request: Fingerprint) -> (Option<Token>, Option<Refused>) {
        let slot = self.find(request);
        slot.map(|slot| (slot.token.clone(), slot.refused.clone())).unwrap_or_default()
    }

    /// The token in use.
    pub(super) fn token_of(&self, request: Fingerprint) -> Option<Token> {
        self.find(request)?.token.clone()
    }

    pub(super) fn refuses(&self, request: Fingerprint, token: &Token) -> bool {
        let refused = self.find(request).and_then(|slot| slot.refused.as_ref());
        refused.is_some_and(|refused| refused.token == *token.access_token())
    }

    pub(super) fn refuses_any(&self) -> bool {
        self.0.iter().any(|slot| slot.refused.is_some())
    }

    pub(super) fn refused_mut(&mut self, request: Fingerprint) -> &mut Option<Refused> {
        &mut self.take_place(request).refused
    }

    /// Hands out this token no more without a second thought.
    pub(super) fn withhold(&mut self, request: Fingerprint, token: &AccessToken) {
        let slot = self.take_place(request);
        if let Some(known) = slot.token.take_if(|known| known.0.is(token)) {
            slot.token = Some(Token(known.0.withheld().into()));
        }
    }

    /// The token in use from now on. `is_good` is whether what was refused before it is
    /// of no interest any more.
    pub(super) fn put(&mut self, request: Fingerprint, token: Option<&Token>, is_good: bool) {
        let slot = self.take_place(request);
        slot.token = token.cloned();
        if is_good {
            slot.refused = None;
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
