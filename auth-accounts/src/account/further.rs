//! Further access tokens, and what an API wants of the next one.

use auth_core::{AccessToken, ClaimsChallenge, TokenRequest};

use super::{Account, Failed, patience::Driver};
use crate::{
    counters,
    error::{AccountError, Reason},
    further::Which,
    lifetime::Ttl,
    outcome::Ended,
    refresh::Want,
    shared::GrantKind,
    store_error::StoreErrorKind,
    token::Token,
};

impl Account {
    /// Returns an access token for what `request` asks for, beside the account's own:
    /// for an API of its own, say. It is obtained with the same refresh token.
    ///
    /// Each request has a token of its own, which is kept in memory and on record, and
    /// refreshed by itself when it is asked for and about to expire. All share the
    /// refresh token: there is one refresh at a time for all of them, also among
    /// processes, and a new refresh token is saved before any of them is handed out.
    /// The last 16 or so are kept. A request for nothing in particular is
    /// [`token`](Self::token).
    ///
    /// What the server says about one request (`invalid_scope`, `invalid_target`, no
    /// consent) sets back that one alone; a refresh token that is refused, and a
    /// server that fails, set back all. A login and a logout forget them.
    ///
    /// [`keep_fresh`](Self::keep_fresh) does not refresh them ahead of need.
    ///
    /// ```
    /// use auth_accounts::{Account, AccountError};
    /// use auth_core::TokenRequest;
    ///
    /// # async fn example(account: Account) -> Result<(), AccountError> {
    /// let files = TokenRequest::new().resource("https://files.example.com/").scope("read");
    /// let token = account.token_for(&files).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AccountError`] if there is no valid token and none can be obtained now.
    pub async fn token_for(&self, request: &TokenRequest) -> Result<Token, AccountError> {
        self.token_of(&Which::of_request(request)).await
    }

    /// The same for any of its tokens.
    pub(crate) async fn token_of(&self, which: &Which) -> Result<Token, AccountError> {
        if which.asked().is_none() {
            return self.token().await;
        }
        if let Some(token) = self.peek_of(which) {
            return Ok(token);
        }
        Box::pin(async {
            let want = || Want::Lasting(Ttl::Usual);
            match self.obtain_or_keep(which, want(), Driver::Caller).await {
                Err(error) if self.may_begin(&error) => {
                    // A further token stands beside the account's own.
                    self.token().await?;
                    self.obtain_or_keep(which, want(), Driver::Caller).await
                }
                result => result,
            }
        })
        .await
    }

    /// What [`peek`](Self::peek) is for the account's own token.
    #[inline]
    pub(crate) fn peek_of(&self, which: &Which) -> Option<Token> {
        match which.asked() {
            None => self.peek(),
            Some(_) => self.0.current_of(which).filter(|token| token.0.is_fresh(self.wall())),
        }
    }

    /// What the end of another token's refresh means for this one: nothing, but that the
    /// store did not answer or the lease was busy to the end. If each waited anew, they
    /// would do so one after another.
    pub(super) fn for_another(&self, which: &Which, ended: Ended) -> Option<Failed> {
        let error = ended.result.err().filter(|_| !ended.was_brief && !ended.is_login)?;
        let is_of_all = match error.reason() {
            Reason::Store(error) => {
                matches!(error.kind(), StoreErrorKind::LeaseTimeout | StoreErrorKind::Unanswered)
            }
            _ => false,
        };
        is_of_all.then(|| Failed { fallback: self.despite(which, &error), error })
    }

    /// Whether there is no record, and one can be made without a login.
    fn may_begin(&self, error: &AccountError) -> bool {
        matches!(error.reason(), Reason::NotLoggedIn)
            && self.0.shared.grant == GrantKind::Repeatable
    }

    /// Reports that an API refused the token that [`token_for`](Self::token_for) gave
    /// for this request, and returns another one. The rest is as in
    /// [`token_refused`](Self::token_refused).
    ///
    /// # Errors
    ///
    /// [`AccountError`] if there is no other token and none can be obtained now.
    pub async fn token_for_refused(
        &self,
        request: &TokenRequest,
        token: &AccessToken,
    ) -> Result<Token, AccountError> {
        self.refused(&Which::of_request(request), token, None).await
    }

    /// Reports that an API refused a token since it wants these claims in it, and
    /// returns another one: the next refresh for this request asks for them (Microsoft
    /// Entra's [claims challenge](auth_core::StepUp::Claims)). `request` is what the
    /// token was asked for; for the account's own, `TokenRequest::new()`. The rest is as
    /// in [`token_refused`](Self::token_refused).
    ///
    /// The claims are kept in memory until there is a new token. They take the place of
    /// a parameter `claims` of the endpoint: whoever has one merges it into them
    /// ([`ClaimsChallenge::new`]).
    ///
    /// ```
    /// use auth_accounts::{Account, Token};
    /// use auth_core::{StepUp, TokenRequest, http::HeaderMap};
    ///
    /// # async fn example(
    /// #     account: Account,
    /// #     request: TokenRequest,
    /// #     token: Token,
    /// #     headers: HeaderMap,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// // The API has answered with status 401 and these headers.
    /// let refused = token.access_token();
    /// let another = match StepUp::of(&headers)? {
    ///     Some(StepUp::Claims(claims)) => {
    ///         account.claims_challenged(&request, refused, &claims).await?
    ///     }
    ///     // RFC 9470: no refresh helps. The user must log in again, in this way.
    ///     Some(StepUp::LogIn { acr_values, .. }) => return Err(format!("{acr_values:?}").into()),
    ///     _ => account.token_for_refused(&request, refused).await?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AccountError`] if there is no other token and none can be obtained now.
    pub async fn claims_challenged(
        &self,
        request: &TokenRequest,
        token: &AccessToken,
        claims: &ClaimsChallenge,
    ) -> Result<Token, AccountError> {
        self.refused(&Which::of_request(request), token, Some(claims)).await
    }

    pub(crate) async fn refused(
        &self,
        which: &Which,
        token: &AccessToken,
        claims: Option<&ClaimsChallenge>,
    ) -> Result<Token, AccountError> {
        match self.mark(which, token, claims) {
            Some(current) => Ok(current),
            None => {
                let want = Want::Other(token.clone());
                Ok(self.obtain_by(which, want, Driver::Caller).await?.0)
            }
        }
    }

    /// Reports that an API refused a token, without obtaining another: the next call for
    /// one does. It does no I/O. `request` is what the token was asked for; for the
    /// account's own, `TokenRequest::new()`. For clients that cannot send a request again;
    /// the rest is as in [`token_refused`](Self::token_refused) and
    /// [`claims_challenged`](Self::claims_challenged).
    pub fn mark_refused(
        &self,
        request: &TokenRequest,
        token: &AccessToken,
        claims: Option<&ClaimsChallenge>,
    ) {
        self.mark(&Which::of_request(request), token, claims);
    }

    /// Remembers that a token was refused. If there is another already, returns it.
    pub(crate) fn mark(
        &self,
        which: &Which,
        token: &AccessToken,
        claims: Option<&ClaimsChallenge>,
    ) -> Option<Token> {
        if let Some(current) = self.peek_of(which)
            && current.access_token() != token
        {
            return Some(current);
        }
        let current = self.0.current_of(which);
        // Now, for it may join a refresh that began before this.
        let is_news = self.0.memory().refuse(which, token, self.wall(), current.as_ref(), claims);
        if is_news && current.is_some_and(|current| current.access_token() == token) {
            counters::token_refused();
        }
        match which.asked() {
            None => self.0.withhold(token),
            Some(asked) => self.0.memory().further.withhold(asked.fingerprint, token),
        }
        self.0.settle();
        None
    }
}
