//! What a program stores after a login.

use std::sync::Arc;

use auth_core::{TokenEndpoint, TokenSet};

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
    pub(crate) endpoint: Option<Arc<TokenEndpoint>>,
    pub(crate) revoke_replaced: bool,
    pub(crate) dpop_thumbprint: Option<String>,
}

impl Login {
    /// A login that gave these tokens. `tokens.expires_at` is trusted, and the
    /// tokens count as obtained when they are stored.
    pub fn new(tokens: TokenSet) -> Self {
        Self { tokens, endpoint: None, revoke_replaced: false, dpop_thumbprint: None }
    }

    /// The endpoint at which these tokens are refreshed, and the client that they
    /// were issued to, with all that belongs to it: URL, revocation URL, identifier,
    /// client authentication, scope, parameters, headers, rules. It is stored with
    /// the tokens and goes before what [`Accounts`](crate::Accounts) was made with, for
    /// this account, in every process that uses the store. Its secrets are stored
    /// in the same way as the tokens.
    ///
    /// Such a record is nobody else's: every `Accounts` on that store uses it,
    /// whatever endpoint it was made with, and any login replaces it. So name such
    /// accounts by their server too, where servers share a store.
    ///
    /// For programs that register a client at each server (RFC 7591), so that the
    /// accounts of one `Accounts` have many:
    ///
    /// ```
    /// # use auth_accounts::{Account, Login};
    /// # use auth_core::{ClientAuth, TokenEndpoint, TokenSet};
    /// # async fn example(
    /// #     account: Account, tokens: TokenSet, id: String, secret: String,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let endpoint = TokenEndpoint::new("https://mcp.example.com/token", id)?
    ///     .client_auth(ClientAuth::basic(secret))
    ///     .parameter("resource", "https://mcp.example.com/")?;
    /// account.store_login(Login::new(tokens).endpoint(endpoint)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Of keys the record has the thumbprints only: [`Accounts::keys`](crate::Accounts::keys)
    /// has to have them.
    ///
    /// What a store cannot hold is an error of `store_login`: an endpoint with a
    /// credential that is read from a source, or with a key that
    /// [nobody has](auth_core::EndpointError::MissingKey), or made by
    /// [`insecure_plain_http`](TokenEndpoint::insecure_plain_http)
    /// ([`Reason::SetUp`](crate::Reason::SetUp)), and any in a store that has no
    /// place for it ([`StoreErrorKind::Unfit`](crate::StoreErrorKind::Unfit)), such
    /// as the file of another program.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<Arc<TokenEndpoint>>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Says which key (DPoP, RFC 9449) these tokens were obtained with, by its thumbprint
    /// (RFC 7638). Without this it is taken to be
    /// [that of the endpoint](TokenEndpoint::dpop), if it has one.
    ///
    /// If the endpoint has another one, the tokens are stored all the same. They are of
    /// no use until it has that key: see [`Reason::OtherKey`](crate::Reason::OtherKey).
    #[must_use]
    pub fn dpop_thumbprint(mut self, thumbprint: impl Into<String>) -> Self {
        self.dpop_thumbprint = Some(thumbprint.into());
        self
    }

    /// The key that was said.
    pub fn get_dpop_thumbprint(&self) -> Option<&str> {
        self.dpop_thumbprint.as_deref()
    }

    /// Sets whether the refresh token that this login replaces is revoked once the
    /// new one is saved, if the endpoint has a
    /// [`revocation_url`](auth_core::TokenEndpoint::revocation_url). It is tried
    /// once, best effort. The default is `false`.
    ///
    /// `store_login` returns after the request, which may take as long as the
    /// transport's timeout. What came of it goes to the log only (feature
    /// `tracing`). If the new tokens cannot be saved at first, and a later call
    /// saves them, nothing is revoked.
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
