//! Pools as what gives the tokens for calls.

use std::{sync::Arc, time::SystemTime};

use auth_accounts::{
    AccountState, Token,
    calls::{About, AsyncTokens, BlockingTokens, Refused, Replaced, Tokens},
};
use http::StatusCode;

use crate::{
    blocking::BlockingAccountPool, error::PoolError, outcome::ReportOutcome, pool::AccountPool,
    shared::Blame, token::PoolToken,
};

/// The tokens of a pool for one session of your program: see
/// [`AccountPool::token_for_session`]. Cloning shares the pool.
///
/// ```
/// use auth_pool::{AccountPool, PoolSession, auth_accounts::calls::Calls};
///
/// # fn example(pool: AccountPool) -> Result<(), Box<dyn std::error::Error>> {
/// let session = PoolSession::new(pool, "customer 17");
/// let calls = Calls::new(session, ["https://api.example.com"])?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct PoolSession<P = AccountPool> {
    pool: P,
    session: Arc<str>,
}

impl<P> PoolSession<P> {
    /// The tokens of this pool for this session.
    pub fn new(pool: P, session: impl Into<Arc<str>>) -> Self {
        Self { pool, session: session.into() }
    }
}

/// An API did not take this token: replaces it, or moves on to another account.
async fn replace(
    pool: &AccountPool,
    session: Option<&str>,
    used: &PoolToken,
    why: &Refused,
) -> Result<Replaced<PoolToken, PoolError>, PoolError> {
    let blame = blame(why);
    let mut last = None;
    if let Some(index) = pool.index(used) {
        let token = used.token.access_token();
        let outcome = pool.blame(index, Some(token), blame, why.retry_after).await;
        if let ReportOutcome::MovedOn { error, .. } = outcome {
            last = error;
        }
    }
    match (pool.pick(session, last).await, blame) {
        (Ok(other), _) => Ok(Replaced::By(other)),
        (Err(error), Blame::Token(_)) => Err(error),
        // The token is good, and the API says best what is wrong.
        (Err(error), Blame::Account) => Ok(Replaced::No(error)),
    }
}

fn blame(why: &Refused) -> Blame<'_> {
    match &why.about {
        About::Account => Blame::Account,
        _ => Blame::Token(why.claims()),
    }
}

/// All of them are tokens of a pool. Those for threads have futures that block, and are
/// polled to their end at once.
macro_rules! tokens_of_pool {
    ($this:ty, $kind:ident, |$that:ident| $pool:expr, $session:expr) => {
        impl Tokens for $this {
            type Held = PoolToken;
            type Error = PoolError;

            fn token(held: &PoolToken) -> &Token {
                &held.token
            }

            fn state(error: &PoolError) -> AccountState {
                error.state()
            }

            fn peek(&self) -> Option<PoolToken> {
                let $that = self;
                $pool.peek($session)
            }

            async fn obtain(&self) -> Result<PoolToken, PoolError> {
                let $that = self;
                $pool.pick($session, None).await
            }

            fn is_refusal(&self, status: StatusCode) -> bool {
                status == StatusCode::UNAUTHORIZED && self.moves_on_at(status)
            }

            fn moves_on_at(&self, status: StatusCode) -> bool {
                let $that = self;
                $pool.moves_on_at(status)
            }

            fn wall(&self) -> SystemTime {
                let $that = self;
                $pool.wall()
            }

            async fn replace(
                &self,
                held: &PoolToken,
                why: &Refused,
            ) -> Result<Replaced<PoolToken, PoolError>, PoolError> {
                let $that = self;
                replace(&$pool, $session, held, why).await
            }

            fn mark(&self, held: &PoolToken, why: &Refused) {
                let $that = self;
                $pool.mark(held, blame(why), why.retry_after);
            }
        }

        impl $kind for $this {}
    };
}

tokens_of_pool!(AccountPool, AsyncTokens, |this| (*this), None);
tokens_of_pool!(PoolSession, AsyncTokens, |this| this.pool, Some(&this.session));
tokens_of_pool!(BlockingAccountPool, BlockingTokens, |this| this.pool, None);
tokens_of_pool!(
    PoolSession<BlockingAccountPool>,
    BlockingTokens,
    |this| this.pool.pool,
    Some(&this.session)
);
