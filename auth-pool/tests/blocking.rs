//! Pools for threads: everything that tasks can do.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "../../auth-accounts/tests/support/mod.rs"]
mod support;

use auth_pool::{BlockingAccountPool, PoolSettings};
use auth_testkit::Script;
use support::{ADA, World};

#[test]
fn everything_that_tasks_can_do() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.blocking().account(ADA);
    let pool = BlockingAccountPool::new([account], PoolSettings::default());
    let used = pool.token().unwrap();
    assert_eq!(pool.token_for_session("key").unwrap(), used);
    pool.report(&used, http::StatusCode::TOO_MANY_REQUESTS, None);
    assert!(pool.token().is_err());
    pool.enable(used.account());
    pool.report_id(used.account(), http::StatusCode::FORBIDDEN, None);
    assert!(pool.token().is_err());
    pool.enable(used.account());
    assert!(pool.token().is_ok());
    pool.disable(used.account());
    assert!(pool.token().is_err());
    assert!(pool.refresh_due().failed.is_empty());
    assert!(pool.account(used.account()).is_some());
    world.script.finish();
}

#[test]
fn what_is_due_is_refreshed() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let pool = BlockingAccountPool::new([world.blocking().account(ADA)], PoolSettings::default());
    assert!(pool.refresh_due().refreshed.is_empty());
    world.pass(3500);
    let due = pool.refresh_due();
    assert_eq!(due.refreshed, [ADA.into()]);
    assert!(due.next_at.unwrap() > world.now());
    world.script.finish();
}

#[test]
fn of_several_with_the_same_name_the_first_counts() {
    let world = World::new(Script::new()).with_record(3600);
    let accounts = world.blocking();
    let members = ["other", ADA, "other", ADA].map(|id| accounts.account(id));
    let pool = BlockingAccountPool::new(members, PoolSettings::default());
    for id in ["other", ADA] {
        assert_eq!(pool.account(&id.into()).unwrap().id().as_str(), id);
    }
    assert!(pool.account(&"nobody".into()).is_none());
}
