//! What a pool hands out.

use auth_accounts::{AccountId, Token};

/// A token, and the account that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolToken {
    pub(crate) account: AccountId,
    pub(crate) token: Token,
}

impl PoolToken {
    /// The account's id.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }
}
