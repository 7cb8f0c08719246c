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
}

impl Login {
    /// A login that gave these tokens. `tokens.expires_at` is trusted, and the
    /// tokens count as obtained when they are stored.
    pub fn new(tokens: TokenSet) -> Self {
        Self { tokens }
    }
}

impl From<TokenSet> for Login {
    fn from(tokens: TokenSet) -> Self {
        Self::new(tokens)
    }
}
