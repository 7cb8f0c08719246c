//! Where calls have their tokens from.

use std::{error::Error, future::Future, time::SystemTime};

use auth_core::TokenRequest;
use http::StatusCode;

use super::refusal::Refused;
use crate::{
    account::Account,
    blocking::BlockingAccount,
    error::{AccountError, Reason},
    further::Which,
    state::AccountState,
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

    /// How it stands where there is no token, for this reason.
    fn state(error: &Self::Error) -> AccountState;

    /// A token that may be used at once, if there is one. It does no I/O.
    fn peek(&self) -> Option<Self::Held>;

    /// A token.
    fn obtain(&self) -> impl Future<Output = Result<Self::Held, Self::Error>> + Send;

    /// Whether a response with this status says that the token is not good, unless its
    /// challenge says otherwise.
    fn is_refusal(&self, status: StatusCode) -> bool {
        status == StatusCode::UNAUTHORIZED
    }

    /// Whether a response with this status means that another account is to be used: its
    /// rights may suffice, or its limit may not be met.
    fn moves_on_at(&self, status: StatusCode) -> bool {
        let _ = status;
        false
    }

    /// The wall clock that its accounts go by.
    fn wall(&self) -> SystemTime;

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

/// An account that has to do without a new token says why.
fn replaced(other: Token) -> Replaced<Token, AccountError> {
    let braked = other.refresh_error();
    match braked.filter(|error| matches!(error.reason(), Reason::RefusedAgain)).cloned() {
        Some(error) => Replaced::No(error),
        None => Replaced::By(other),
    }
}

/// Tokens of an account for a request of its own: see [`Account::token_for`].
#[derive(Debug, Clone)]
pub struct TokensFor<A = Account> {
    account: A,
    which: Which,
}

impl<A> TokensFor<A> {
    /// The tokens of this account for this request.
    pub fn new(account: A, request: TokenRequest) -> Self {
        Self { account, which: Which::of_request(&request) }
    }
}

/// All of them are tokens of an account. Those for threads have futures that block, and are
/// polled to their end at once.
macro_rules! tokens_of_account {
    ($this:ty, $kind:ident, |$that:ident| $account:expr, $which:expr) => {
        impl Tokens for $this {
            type Held = Token;
            type Error = AccountError;

            fn token(held: &Token) -> &Token {
                held
            }

            fn state(error: &AccountError) -> AccountState {
                error.state()
            }

            fn peek(&self) -> Option<Token> {
                let $that = self;
                $account.peek_of($which)
            }

            async fn obtain(&self) -> Result<Token, AccountError> {
                let $that = self;
                $account.token_of($which).await
            }

            fn wall(&self) -> SystemTime {
                let $that = self;
                $account.wall()
            }

            async fn replace(
                &self,
                held: &Token,
                why: &Refused,
            ) -> Result<Replaced<Token, AccountError>, AccountError> {
                let $that = self;
                $account.refused($which, held.access_token(), why.claims()).await.map(replaced)
            }

            fn mark(&self, held: &Token, why: &Refused) {
                let $that = self;
                $account.mark($which, held.access_token(), why.claims());
            }
        }

        impl $kind for $this {}
    };
}

tokens_of_account!(Account, AsyncTokens, |this| this, &Which::Main);
tokens_of_account!(TokensFor, AsyncTokens, |this| this.account, &this.which);
tokens_of_account!(BlockingAccount, BlockingTokens, |this| this.0, &Which::Main);
tokens_of_account!(TokensFor<BlockingAccount>, BlockingTokens, |this| this.account.0, &this.which);
