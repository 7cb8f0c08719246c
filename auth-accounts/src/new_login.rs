//! What a program stores after a login.

use auth_core::TokenSet;

/// What [`Account::store_login`](crate::Account::store_login) stores: the tokens
/// of a login, and what belongs to them. A [`TokenSet`] converts into one.
///
/// ```
/// use auth_accounts::Login;
/// use auth_core::{AccessToken, RefreshToken, TokenSet};
///
/// let tokens = TokenSet::new(AccessToken::new("at-1")).refresh_token(RefreshToken::new("rt-1"));
/// let login = Login::new(tokens);
/// ```
#[derive(Debug, Clone)]
pub struct Login {
    pub(crate) tokens: TokenSet,
    pub(crate) revoke_replaced: bool,
}

impl Login {
    /// A login that gave these tokens. `tokens.expires_at` is trusted, and the
    /// tokens count as obtained when they are stored.
    pub fn new(tokens: TokenSet) -> Self {
        Self { tokens, revoke_replaced: false }
    }

    /// Sets whether the refresh token that this login replaces is revoked once the
    /// new one is saved, if the endpoint has a
    /// [`revocation_url`](auth_core::TokenEndpoint::revocation_url). It is tried
    /// once, best effort. The default is `false`.
    ///
    /// Only for tokens of another authorization: most servers revoke all tokens of
    /// the old one, and so would end a session whose newer tokens these are. A
    /// refresh token that the login repeats is never revoked.
    #[must_use]
    pub fn revoke_replaced(mut self, revoke: bool) -> Self {
        self.revoke_replaced = revoke;
        self
    }

    /// Whether the refresh token that this login replaces is revoked.
    pub fn get_revoke_replaced(&self) -> bool {
        self.revoke_replaced
    }
}

impl From<TokenSet> for Login {
    fn from(tokens: TokenSet) -> Self {
        Self::new(tokens)
    }
}
