//! Every public async function can be spawned on a runtime with threads: its
//! future is `Send`, and with owned clones `'static`. The compiler is the judge;
//! `auth-tests` checks that none is missing here.

use std::{future::Future, pin::Pin, time::Duration};

use auth_pool::{
    AccountPool, DueRefreshes, PoolError, PoolToken, ReportOutcome, auth_accounts::AccountId,
    http::StatusCode,
};

/// What the `spawn` of a runtime with threads asks for.
fn spawned<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

const RETRY_AFTER: Option<Duration> = None;
const STATUS: StatusCode = StatusCode::UNAUTHORIZED;

/// Calls a function on values that the future owns.
macro_rules! spawnable {
    ($($owned:ident),*; $holder:ident :: $function:ident ($($argument:expr),*)) => {{
        $(let $owned = $owned.clone();)*
        spawned(async move { let _ = $holder::$function($($argument),*).await; });
    }};
}

/// Compiled, and never called.
#[allow(dead_code)]
fn every_function(pool: &AccountPool, used: &PoolToken, id: &AccountId) {
    spawnable!(pool; AccountPool::token(&pool));
    spawnable!(pool; AccountPool::token_for_session(&pool, "session"));
    spawnable!(pool, used; AccountPool::report(&pool, &used, STATUS, RETRY_AFTER));
    spawnable!(pool, id; AccountPool::report_id(&pool, &id, STATUS, RETRY_AFTER));
    spawnable!(pool; AccountPool::refresh_due(&pool));
}

/// Within functions that borrow, as a program's own are: what a future borrows
/// inside must not tie it to one lifetime.
#[allow(dead_code)]
fn every_function_within_another(pool: AccountPool, used: PoolToken, id: AccountId) {
    async fn within(pool: &AccountPool, used: &PoolToken, id: &AccountId) {
        for session in ["ada", "bob"].map(str::to_owned) {
            drop(pool.token().await);
            drop(pool.token_for_session(&session).await);
            pool.report(used, STATUS, RETRY_AFTER).await;
            pool.report_id(id, STATUS, RETRY_AFTER).await;
            pool.refresh_due().await;
        }
    }
    spawned(async move { within(&pool, &used, &id).await });
}

/// As a trait with boxed futures wants it: for any lifetime.
#[allow(dead_code)]
fn every_future_can_be_boxed<'a>(
    pool: &'a AccountPool,
    used: &'a PoolToken,
    account: &'a AccountId,
) -> [Pin<Box<dyn Future<Output = ()> + Send + 'a>>; 5] {
    [
        Box::pin(async move { drop(pool.token().await) }),
        Box::pin(async move { drop(pool.token_for_session("session").await) }),
        Box::pin(async move { drop(pool.report(used, STATUS, RETRY_AFTER).await) }),
        Box::pin(async move { drop(pool.report_id(account, STATUS, RETRY_AFTER).await) }),
        Box::pin(async move { drop(pool.refresh_due().await) }),
    ]
}

#[test]
fn the_types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<AccountPool>();
    shared::<auth_pool::BlockingAccountPool>();
    shared::<PoolToken>();
    shared::<PoolError>();
    shared::<ReportOutcome>();
    shared::<DueRefreshes>();
}
