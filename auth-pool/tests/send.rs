//! The futures of a pool can be spawned: each is `Send`, and borrows nothing
//! that would tie it to a lifetime.

use std::{future::Future, pin::Pin, time::Duration};

use auth_pool::{
    AccountPool, DueRefreshes, PoolError, PoolToken, ReportOutcome, auth_accounts::AccountId,
    http::StatusCode,
};

/// What the `spawn` of a runtime with threads asks for.
fn spawnable<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

const RETRY_AFTER: Option<Duration> = None;

/// Compiled, and never called: the compiler is the judge.
#[allow(dead_code)]
fn every_future_can_be_spawned(
    pool: &AccountPool,
    used: &PoolToken,
    account: &AccountId,
    status: StatusCode,
) {
    let (of_token, of_key, of_report, of_id, of_due) =
        (pool.clone(), pool.clone(), pool.clone(), pool.clone(), pool.clone());
    let (used, account) = (used.clone(), account.clone());
    spawnable::<Result<PoolToken, PoolError>>(async move { of_token.token().await });
    spawnable::<Result<PoolToken, PoolError>>(async move { of_key.token_for_session("key").await });
    spawnable::<ReportOutcome>(async move { of_report.report(&used, status, RETRY_AFTER).await });
    spawnable::<ReportOutcome>(async move { of_id.report_id(&account, status, RETRY_AFTER).await });
    spawnable::<DueRefreshes>(async move { of_due.refresh_due().await });
}

/// As a trait with boxed futures wants it: for any lifetime.
#[allow(dead_code)]
fn every_future_can_be_boxed<'a>(
    pool: &'a AccountPool,
    used: &'a PoolToken,
    account: &'a AccountId,
    status: StatusCode,
) -> [Pin<Box<dyn Future<Output = ()> + Send + 'a>>; 5] {
    [
        Box::pin(async move { drop(pool.token().await) }),
        Box::pin(async move { drop(pool.token_for_session("key").await) }),
        Box::pin(async move { drop(pool.report(used, status, RETRY_AFTER).await) }),
        Box::pin(async move { drop(pool.report_id(account, status, RETRY_AFTER).await) }),
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
