//! Grants that can be repeated, and need no login.

use std::sync::Arc;

use auth_core::{Assertion, Grant, TokenExchange};

use super::Accounts;
use crate::shared::GrantKind;

impl Accounts {
    /// Obtains tokens with an assertion (RFC 7523 section 2.1) instead of refresh
    /// tokens, as service accounts do. No login is needed.
    ///
    /// ```
    /// use auth_accounts::Accounts;
    /// use auth_core::{SignedAssertion, SigningKey};
    ///
    /// # fn example(accounts: Accounts, key: SigningKey) {
    /// let robot = SignedAssertion::new(key, "robot@project.iam.gserviceaccount.com")
    ///     .scope("https://www.googleapis.com/auth/cloud-platform");
    /// let account = accounts.jwt_bearer(robot).account("robot");
    /// # }
    /// ```
    #[must_use]
    pub fn jwt_bearer(self, assertion: impl Into<Assertion>) -> Self {
        self.repeating(Grant::jwt_bearer(assertion))
    }

    /// Exchanges another token (RFC 8693), which is read or signed anew for each
    /// attempt, instead of refresh tokens. No login is needed. If the response brings a
    /// refresh token, it is not used.
    ///
    /// ```
    /// use auth_accounts::Accounts;
    /// use auth_core::{Source, TokenExchange};
    ///
    /// # fn example(accounts: Accounts, federated: Source) {
    /// let exchange = TokenExchange::new(federated, TokenExchange::JWT)
    ///     .audience("https://files.example.com/");
    /// let account = accounts.token_exchange(exchange).account("files");
    /// # }
    /// ```
    #[must_use]
    pub fn token_exchange(self, exchange: TokenExchange) -> Self {
        self.repeating(exchange.into())
    }

    pub(super) fn repeating(mut self, grant: Grant) -> Self {
        let shared = self.shared();
        if grant != Grant::ClientCredentials {
            // A setback is about this grant, and not about another.
            let endpoint = (*shared.endpoint).clone().told_apart_by(grant.clone());
            shared.endpoint = Arc::new(endpoint);
        }
        shared.repeatable = grant;
        shared.grant = GrantKind::Repeatable;
        self
    }
}
