//! What an account remembers between renewals, beside the token itself.

use auth_core::AccessToken;

use crate::{
    Token,
    renewal::{Saving, Unsaved},
};

/// What lies between renewals, beside the token itself.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) unsaved: Option<Box<Unsaved>>,
    /// How many logins there were. A renewal that began before the last one
    /// has nothing to say.
    pub(super) logins: u32,
    /// The access token that an API refused, until there is another.
    pub(super) refused: Option<AccessToken>,
}

impl Memory {
    pub(super) fn next_login(&mut self) -> u32 {
        self.logins = self.logins.wrapping_add(1);
        self.refused = None;
        self.logins
    }

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

    /// Keeps tokens that are about to be saved. If there was a login since, it
    /// is told that they may come before it.
    pub(super) fn keep(&mut self, saving: &Saving, logins: u32) {
        if self.logins == logins {
            if let Some(ahead) = saving.ahead() {
                self.unsaved.get_or_insert_default().ahead = Some(ahead.clone());
            }
        } else if let Some(ahead) = self.unsaved.as_mut().and_then(|one| one.ahead.as_mut()) {
            ahead.follow(saving);
        }
    }

    pub(super) fn replace(&mut self, mut unsaved: Unsaved) {
        let old = self.unsaved.take().and_then(|unsaved| unsaved.ahead);
        if let (Some(ahead), Some(old)) = (&mut unsaved.ahead, old) {
            ahead.inherit(old);
        }
        self.unsaved = unsaved.boxed();
    }
}
