//! What an account remembers between renewals, beside the token itself.

use auth_core::AccessToken;

use crate::{
    Token,
    renewal::{Ahead, Saving, Unsaved},
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

    /// Keeps tokens that are about to be saved, unless there was a login since.
    pub(super) fn keep(&mut self, ahead: Option<&Ahead>, logins: u32) -> bool {
        let current = self.logins == logins;
        if let (Some(ahead), true) = (ahead, current) {
            self.unsaved.get_or_insert_default().ahead = Some(ahead.clone());
        }
        current
    }

    /// Takes note that the store holds what was saved. A login meanwhile, which
    /// could not be saved itself, is to replace that too.
    pub(super) fn follow(&mut self, saved: &Saving, logins: Option<u32>) {
        if logins != Some(self.logins)
            && let Some(ahead) = self.unsaved.as_mut().and_then(|unsaved| unsaved.ahead.as_mut())
        {
            ahead.follow(saved);
        }
    }
}
