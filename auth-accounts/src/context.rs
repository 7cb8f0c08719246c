//! What stays the same while an account is refreshed or logged in.

use std::sync::Arc;

use auth_core::AccessToken;

use crate::{id::AccountId, shared::Shared, token::Token};

pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) account: AccountId,
    /// The token in use before, to fall back on if the store fails.
    pub(crate) cached: Option<Token>,
    /// An access token that an API has refused. It is not handed out again.
    pub(crate) refused: Option<AccessToken>,
}
