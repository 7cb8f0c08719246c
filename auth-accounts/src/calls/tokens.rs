//! Where calls have their tokens from.

use std::{error::Error, future::Future};

use auth_core::TokenRequest;
use http::StatusCode;

use super::refusal::Refused;
use crate::{
    account::Account,
    blocking::BlockingAccount,
    error::{AccountError, Reason},
    token::Token,
};

/// What gives the tokens for calls: an [`Account`], a token of it for a request of its own
/// ([`TokensFor`]), or a pool of accounts (`auth-pool`); each for threads, too.
pub trait Tokens: Clone + Send + Sync + 'static {
    /// A token as it is handed out.
    type Held: Clone + Send + Sync + 'static;
    /// Why there is none.
    type Error: Error + Clone + Send + Sync + 'static;

    /// The token.
    fn token(held: &Self::Held) -> &Token;

    /// A token that may be used at once, if there is one. It does no I/O.
    fn peek(&self) -> Option<Self::Held>;

    /// A token.
    fn obtain(&self) -> impl Future<Output = Result<Self::Held, Self::Error>> + Send;

    /// Whether a response with this status may say that another token is needed.
    fn is_refusal(&self, status: StatusCode) -> bool {
        status == StatusCode::UNAUTHORIZED
    }

    /// Whether this status is about the account rather than its token: another scope of
    /// rights or a limit, which another account may not have. Then what the response's
    /// challenge says does not matter.
    fn moves_on_at(&self, status: StatusCode) -> bool {
        let _ = status;
        false
    }

    /// Reports that an API did not take this token, and obtains another.
    fn replace(
        &self,
        held: &Self::Held,
        why: &Refused,
    ) -> impl Future<Output = Result<Replaced<Self::Held, Self::Error>, Self::Error>> + Send;

    /// Reports that an API did not take this token. It does no I/O: the next call for a
    /// token obtains another.
    fn mark(&self, held: &Self::Held, why: &Refused);
}

/// What comes of a token that an API did not take.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Replaced<H, E> {
    /// Another token.
    By(H),
    /// There is to be no other for now. The API's response says best what is wrong.
    No(E),
}

/// Tokens whose futures do not block: what asynchronous clients ask for.
#[diagnostic::on_unimplemented(
    message = "the futures of `{Self}` block the thread; an asynchronous client needs `Account` or `AccountPool`"
)]
pub trait AsyncTokens: Tokens {}

/// Tokens for threads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is for asynchronous clients; a blocking client needs `BlockingAccount` or `BlockingAccountPool`"
)]
pub trait BlockingTokens: Tokens {}

impl Tokens for Account {
    type Held = Token;
    type Error = AccountError;

    fn token(held: &Token) -> &Token {
        held
    }

    fn peek(&self) -> Option<Token> {
        Self::peek(self)
    }

    async fn obtain(&self) -> Result<Token, AccountError> {
        self.token().await
    }

    async fn replace(
        &self,
        held: &Token,
        why: &Refused,
    ) -> Result<Replaced<Token, AccountError>, AccountError> {
        let refused = held.access_token();
        let other = match &why.claims {
            Some(claims) => self.claims_challenged(&TokenRequest::new(), refused, claims).await?,
            None => self.token_refused(refused).await?,
        };
        Ok(replaced(held, other))
    }

    fn mark(&self, held: &Token, why: &Refused) {
        self.mark_refused(&TokenRequest::new(), held.access_token(), why.claims.as_ref());
    }
}

/// An account that has to do without a new token says why.
fn replaced(held: &Token, other: Token) -> Replaced<Token, AccountError> {
    let again =
        other.refresh_error().filter(|error| matches!(error.reason(), Reason::RefusedAgain));
    match again.filter(|_| other.access_token() == held.access_token()).cloned() {
        Some(error) => Replaced::No(error),
        None => Replaced::By(other),
    }
}

impl AsyncTokens for Account {}

/// Tokens of an account for a request of its own: see [`Account::token_for`].
#[derive(Debug, Clone)]
pub struct TokensFor<A = Account> {
    account: A,
    request: TokenRequest,
}

impl<A> TokensFor<A> {
    /// The tokens of this account for this request.
    pub fn new(account: A, request: TokenRequest) -> Self {
        Self { account, request }
    }
}

impl Tokens for TokensFor<Account> {
    type Held = Token;
    type Error = AccountError;

    fn token(held: &Token) -> &Token {
        held
    }

    fn peek(&self) -> Option<Token> {
        None
    }

    async fn obtain(&self) -> Result<Token, AccountError> {
        self.account.token_for(&self.request).await
    }

    async fn replace(
        &self,
        held: &Token,
        why: &Refused,
    ) -> Result<Replaced<Token, AccountError>, AccountError> {
        let refused = held.access_token();
        let other = match &why.claims {
            Some(claims) => self.account.claims_challenged(&self.request, refused, claims).await?,
            None => self.account.token_for_refused(&self.request, refused).await?,
        };
        Ok(replaced(held, other))
    }

    fn mark(&self, held: &Token, why: &Refused) {
        self.account.mark_refused(&self.request, held.access_token(), why.claims.as_ref());
    }
}

impl AsyncTokens for TokensFor<Account> {}

/// The same account for threads: its futures block, and are polled to their end by
/// `pollster`.
macro_rules! for_threads {
    ($this:ty, $inner:expr) => {
        impl Tokens for $this {
            type Held = Token;
            type Error = AccountError;

            fn token(held: &Token) -> &Token {
                held
            }

            fn peek(&self) -> Option<Token> {
                Tokens::peek(&$inner(self))
            }

            async fn obtain(&self) -> Result<Token, AccountError> {
                let inner = $inner(self);
                inner.obtain().await
            }

            async fn replace(
                &self,
                held: &Token,
                why: &Refused,
            ) -> Result<Replaced<Token, AccountError>, AccountError> {
                let inner = $inner(self);
                inner.replace(held, why).await
            }

            fn mark(&self, held: &Token, why: &Refused) {
                $inner(self).mark(held, why);
            }
        }

        impl BlockingTokens for $this {}
    };
}

for_threads!(BlockingAccount, |this: &BlockingAccount| Account::from(this.clone()));
for_threads!(TokensFor<BlockingAccount>, |this: &TokensFor<BlockingAccount>| TokensFor {
    account: Account::from(this.account.clone()),
    request: this.request.clone(),
});
