//! What an account remembers between refreshes, beside the token itself.

use auth_core::AccessToken;

use crate::{token::Token, unsaved::Unsaved};

/// What an account remembers between refreshes, beside the token itself.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) unsaved: Option<Box<Unsaved>>,
    /// The access token that an API refused, until there is another.
    pub(super) refused: Option<AccessToken>,
}

impl Memory {
    pub(super) fn refuses(&self, token: &Token) -> bool {
        self.refused.as_ref() == Some(token.access_token())
    }

    /// Remembers a refused token. A late report about a token older than the
    /// current one changes nothing.
    pub(super) fn refuse(&mut self, refused: &AccessToken, current: Option<&Token>) {
        if self.refused.is_none() || current.is_some_and(|one| one.access_token() == refused) {
            self.refused = Some(refused.clone());
        }
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
