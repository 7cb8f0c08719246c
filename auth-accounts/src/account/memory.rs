//! What an account remembers between refreshes, beside the token itself.

use auth_core::AccessToken;

use crate::{
    Token,
    refresh::{Saving, Unsaved},
};

/// What lies between refreshes, beside the token itself.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) unsaved: Option<Box<Unsaved>>,
    /// The access token that an API refused, until there is another.
    pub(super) refused: Option<AccessToken>,
}

impl Memory {
    pub(super) fn unsaved(&self) -> Unsaved {
        self.unsaved.as_deref().cloned().unwrap_or_default()
    }

    pub(super) fn refuses(&self, token: &Token) -> bool {
        self.refused.as_ref() == Some(token.access_token())
    }

    /// Remembers a refused token. A straggler that speaks of an older one than
    /// the current one changes nothing.
    pub(super) fn refuse(&mut self, refused: &AccessToken, current: Option<&Token>) {
        if self.refused.is_none() || current.is_some_and(|one| one.access_token() == refused) {
            self.refused = Some(refused.clone());
        }
    }

    /// Keeps tokens that are about to be saved.
    #[must_use = "what was there may free a lease, which others may hear of"]
    pub(super) fn keep(&mut self, saving: &Saving) -> Option<Box<Unsaved>> {
        let unsaved = saving.unsaved();
        if unsaved.ahead.is_some() { self.replace(unsaved) } else { None }
    }

    #[must_use = "what was there may free a lease, which others may hear of"]
    pub(super) fn replace(&mut self, mut unsaved: Unsaved) -> Option<Box<Unsaved>> {
        let mut old = self.forget();
        let known = old.as_mut().and_then(|old| old.ahead.as_mut());
        if let (Some(ahead), Some(known)) = (&mut unsaved.ahead, known) {
            ahead.inherit(known);
        }
        self.unsaved = unsaved.boxed();
        old
    }

    /// The store has been told all there is.
    #[must_use = "what was there may free a lease, which others may hear of"]
    pub(super) fn forget(&mut self) -> Option<Box<Unsaved>> {
        self.unsaved.take()
    }
}
