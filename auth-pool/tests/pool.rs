//! Pools: which account is used, which is suspended, and when it is back.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "../../auth-accounts/tests/support/mod.rs"]
mod support;

use std::{error::Error as _, time::Duration};

use auth_accounts::StoreErrorKind;
use auth_pool::{AccountPool, PoolError, PoolSettings, PoolToken, ReportOutcome, Routing};
use auth_testkit::{CannedResponse, Expect, Script};
use http::StatusCode;
use pollster::block_on;
use support::{World, record, tokens};

const NAMES: [&str; 3] = ["main", "second", "third"];

/// A pool of accounts, each with tokens `at-NAME` and `rt-NAME` for an hour.
fn pool(script: Script, settings: PoolSettings) -> (AccountPool, World) {
    let world = World::new(script);
    for name in NAMES {
        let (access, refresh) = (format!("at-{name}"), format!("rt-{name}"));
        world.store.inner.put(name, record(&access, &refresh, world.now(), 3600));
    }
    let accounts = world.accounts();
    (AccountPool::new(NAMES.map(|name| accounts.account(name)), settings), world)
}

fn name(token: &PoolToken) -> &str {
    token.account().as_str()
}

fn next(pool: &AccountPool) -> String {
    name(&block_on(pool.token()).unwrap()).to_owned()
}

fn report(pool: &AccountPool, token: &PoolToken, status: u16, after: Option<u64>) -> ReportOutcome {
    let status = StatusCode::from_u16(status).unwrap();
    block_on(pool.report(token, status, after.map(Duration::from_secs)))
}

fn routed(routing: Routing) -> PoolSettings {
    PoolSettings::default().routing(routing)
}

#[test]
fn the_first_that_can_be_used_is_used() {
    let (pool, world) = pool(Script::new(), PoolSettings::default());
    for (expected, rest) in [("main", 100), ("second", 50), ("third", 200)] {
        let token = block_on(pool.token()).unwrap();
        assert_eq!(name(&token), expected);
        assert_eq!(token.token().access_token().expose(), format!("at-{expected}"));
        let ReportOutcome::MovedOn { until, .. } = report(&pool, &token, 429, Some(rest)) else {
            panic!("it does not rest")
        };
        assert_eq!(until, world.now() + Duration::from_secs(rest));
    }
    let error = block_on(pool.token()).unwrap_err();
    assert_eq!((error.waiting(), error.login_needed(), error.disabled()), (3, 0, 0));
    assert_eq!(error.first_back().unwrap().as_str(), "second");
    assert_eq!(error.retry_at(), Some(world.now() + Duration::from_secs(50)));
    assert_eq!(
        error.to_string(),
        "none of the 3 accounts can be used: 3 wait; second is back in 50 s"
    );
    world.pass(50);
    assert_eq!(next(&pool), "second");
    world.pass(50);
    assert_eq!(next(&pool), "main");
}

#[test]
fn the_main_one_can_be_spared() {
    let (pool, world) = pool(Script::new(), routed(Routing::FallbackFirst));
    for expected in ["second", "third", "main"] {
        let token = block_on(pool.token()).unwrap();
        assert_eq!(name(&token), expected);
        report(&pool, &token, 403, None);
    }
    block_on(pool.token()).unwrap_err();
    world.pass(60);
    assert_eq!(next(&pool), "second");
}

#[test]
fn a_key_keeps_its_account_while_that_can_be_used() {
    let (pool, world) = pool(Script::new(), routed(Routing::Sticky));
    let of = |key| block_on(pool.token_for_session(key)).unwrap();
    assert_eq!(name(&of("early")), "main");
    report(&pool, &of("early"), 429, Some(100));
    assert_eq!(name(&of("early")), "second");
    assert_eq!(name(&of("late")), "second");
    world.pass(100);
    // The main one is back, for those that have none yet.
    assert_eq!(name(&of("early")), "second");
    assert_eq!(name(&of("late")), "second");
    assert_eq!(name(&of("new")), "main");
    assert_eq!(next(&pool), "main");
    report(&pool, &of("late"), 429, Some(10));
    assert_eq!(name(&of("early")), "main");
}

#[test]
fn without_sticky_routing_a_key_means_nothing() {
    let (pool, world) = pool(Script::new(), PoolSettings::default());
    let token = block_on(pool.token_for_session("key")).unwrap();
    report(&pool, &token, 429, Some(10));
    assert_eq!(name(&block_on(pool.token_for_session("key")).unwrap()), "second");
    world.pass(10);
    assert_eq!(name(&block_on(pool.token_for_session("key")).unwrap()), "main");
}

#[test]
fn at_other_statuses_nothing_happens() {
    let (pool, _world) = pool(Script::new(), PoolSettings::default());
    let token = block_on(pool.token()).unwrap();
    for status in [200, 204, 302, 400, 404, 418, 500, 503] {
        assert!(
            matches!(report(&pool, &token, status, Some(9)), ReportOutcome::Ignored),
            "{status}"
        );
        assert_eq!(next(&pool), "main");
    }
}

#[test]
fn the_statuses_can_be_set() {
    let settings = PoolSettings::default().move_on_at([StatusCode::SERVICE_UNAVAILABLE]);
    let (pool, _world) = pool(Script::new(), settings);
    let token = block_on(pool.token()).unwrap();
    for status in [401, 403, 429] {
        assert!(matches!(report(&pool, &token, status, None), ReportOutcome::Ignored));
    }
    assert!(matches!(report(&pool, &token, 503, None), ReportOutcome::MovedOn { .. }));
    assert_eq!(next(&pool), "second");
}

#[test]
fn an_api_cannot_send_an_account_to_rest_for_ever() {
    let settings = PoolSettings::default().max_cooldown(Duration::from_secs(1_000));
    let (pool, world) = pool(Script::new(), settings);
    let token = block_on(pool.token()).unwrap();
    report(&pool, &token, 429, Some(u64::MAX));
    assert_eq!(next(&pool), "second");
    world.pass(1_000);
    assert_eq!(next(&pool), "main");
}

#[test]
fn without_a_time_of_the_api_the_cooldown_counts() {
    let settings = PoolSettings::default().cooldown(Duration::from_secs(10));
    let (pool, world) = pool(Script::new(), settings);
    let token = block_on(pool.token()).unwrap();
    report(&pool, &token, 429, None);
    world.pass(9);
    assert_eq!(next(&pool), "second");
    world.pass(1);
    assert_eq!(next(&pool), "main");
}

#[test]
fn only_so_many_keys_are_remembered() {
    let (pool, world) = pool(Script::new(), routed(Routing::Sticky).sticky_keys(1));
    let of = |key| block_on(pool.token_for_session(key)).unwrap();
    report(&pool, &of("first"), 429, Some(10));
    for key in ["first", "second", "third"] {
        assert_eq!(name(&of(key)), "second");
    }
    world.pass(10);
    assert_eq!(name(&of("third")), "second");
    assert_eq!(name(&of("first")), "main");
}

#[test]
fn the_error_holds_that_of_the_account_that_was_tried_last() {
    let (pool, world) = pool(Script::new().oauth_error("invalid_grant"), PoolSettings::default());
    for name in ["second", "third"] {
        pool.disable(&name.into());
    }
    world.pass(3600);
    let error = block_on(pool.token()).unwrap_err();
    assert_eq!(error.last_error().unwrap().account().as_str(), "main");
    let source = error.source().unwrap();
    assert!(source.to_string().contains("invalid_grant"), "{source}");
    // The next call tries none.
    let error = block_on(pool.token()).unwrap_err();
    assert!(error.last_error().is_none() && error.source().is_none());
    world.script.finish();
}

#[test]
fn at_401_the_token_is_refreshed_first() {
    let (pool, world) = pool(Script::new().tokens("at-2", "rt-2"), PoolSettings::default());
    let old = block_on(pool.token()).unwrap();
    assert!(matches!(report(&pool, &old, 401, None), ReportOutcome::Refreshed));
    // Other requests with the old token were under way.
    for _ in 0..3 {
        assert!(matches!(report(&pool, &old, 401, None), ReportOutcome::Refreshed));
    }
    let new = block_on(pool.token()).unwrap();
    assert_eq!((name(&new), new.token().access_token().expose()), ("main", "at-2"));
    // The new one is no better: it is not the token's fault.
    let ReportOutcome::MovedOn { until, error: None, .. } = report(&pool, &new, 401, None) else {
        panic!("it does not rest")
    };
    assert_eq!(until, world.now() + Duration::from_secs(60));
    assert_eq!(next(&pool), "second");
    world.script.finish();
}

#[test]
fn a_401_whose_refresh_fails_moves_on() {
    let (pool, world) = pool(Script::new().oauth_error("invalid_grant"), PoolSettings::default());
    let token = block_on(pool.token()).unwrap();
    let ReportOutcome::MovedOn { error: Some(error), .. } = report(&pool, &token, 401, None) else {
        panic!("it does not rest")
    };
    assert!(error.to_string().contains("invalid_grant"));
    assert_eq!(next(&pool), "second");
    world.script.finish();
}

#[test]
fn who_has_kept_the_name_only_reports_by_name() {
    let (pool, world) = pool(Script::new().tokens("at-2", "rt-2"), PoolSettings::default());
    block_on(pool.token()).unwrap();
    let report = |name: &str, status| block_on(pool.report_id(&name.into(), status, None));
    assert!(matches!(report("nobody", StatusCode::FORBIDDEN), ReportOutcome::Ignored));
    assert!(matches!(report("main", StatusCode::UNAUTHORIZED), ReportOutcome::Refreshed));
    assert!(matches!(report("main", StatusCode::UNAUTHORIZED), ReportOutcome::MovedOn { .. }));
    assert!(matches!(report("second", StatusCode::FORBIDDEN), ReportOutcome::MovedOn { .. }));
    assert_eq!(next(&pool), "third");
    world.script.finish();
}

#[test]
fn accounts_that_cannot_refresh_are_passed_over() {
    let script = Script::new()
        .when(
            Expect::refresh_token("rt-main"),
            CannedResponse::status(429).retry_after(Duration::from_secs(500)),
        )
        .when(Expect::refresh_token("rt-second"), CannedResponse::oauth_error("invalid_grant"))
        .when(
            Expect::refresh_token("rt-third"),
            CannedResponse::tokens("at-3").refresh_token("rt-3").expires_in(100_000),
        );
    let (pool, world) = pool(script, PoolSettings::default());
    world.pass(3600);
    assert_eq!(next(&pool), "third");
    for _ in 0..5 {
        world.pass(60);
        assert_eq!(next(&pool), "third");
    }
    pool.disable(&"third".into());
    let error: PoolError = block_on(pool.token()).unwrap_err();
    assert_eq!((error.waiting(), error.login_needed(), error.disabled()), (1, 1, 1));
    assert_eq!(error.first_back().unwrap().as_str(), "main");
    assert_eq!(
        error.to_string(),
        "none of the 3 accounts can be used: 1 needs a login, 1 is disabled, 1 waits; main is \
         back in 200 s"
    );
    // The user logs in, in another process.
    world.store.inner.put("second", record("at-9", "rt-9", world.now(), 3600));
    world.pass(5);
    assert_eq!(next(&pool), "second");
    world.script.finish();
}

#[test]
fn a_login_through_the_account_brings_it_back() {
    let (pool, world) = pool(Script::new().oauth_error("invalid_grant"), PoolSettings::default());
    world.store.inner.put("main", record("at-main", "rt-main", world.now(), 0));
    assert_eq!(next(&pool), "second");
    let main = pool.account(&"main".into()).unwrap();
    block_on(main.store_login(tokens("at-2", "rt-2", world.now(), 3600))).unwrap();
    world.pass(5);
    assert_eq!(next(&pool), "main");
}

#[test]
fn a_store_that_fails_is_passed_over() {
    for (kind, rest) in [(StoreErrorKind::Damaged, 60), (StoreErrorKind::Unavailable, 5)] {
        let (pool, world) = pool(Script::new(), PoolSettings::default());
        world.store.fail("load", [Some(kind)]);
        assert_eq!(next(&pool), "second");
        world.pass(rest - 1);
        assert_eq!(next(&pool), "second");
        world.pass(1);
        assert_eq!(next(&pool), "main");
    }
}

#[test]
fn an_old_token_is_used_while_it_is_valid() {
    let script = Script::new().status(503).status(503).status(503);
    let (pool, world) = pool(script, PoolSettings::default());
    world.pass(3570);
    let token = block_on(pool.token()).unwrap();
    assert_eq!(name(&token), "main");
    assert!(token.token().refresh_error().is_some());
}

#[test]
fn a_pool_without_accounts_has_no_token() {
    let pool = AccountPool::new([], PoolSettings::default());
    let error = block_on(pool.token()).unwrap_err();
    assert_eq!(error.to_string(), "the pool has no accounts");
    assert_eq!(block_on(pool.refresh_due()).next_at, None);
}

#[test]
fn of_two_accounts_with_one_name_the_first_counts() {
    let world = World::new(Script::new());
    world.store.inner.put("main", record("at-1", "rt-1", world.now(), 3600));
    let accounts = world.accounts();
    let pool = AccountPool::new(
        ["main", "main", "other"].map(|name| accounts.account(name)),
        PoolSettings::default(),
    );
    let names: Vec<_> = pool.accounts().map(|account| account.id().as_str()).collect();
    assert_eq!(names, ["main", "other"]);
}

#[test]
fn a_pool_survives_a_clock_set_back() {
    let world = World::new(Script::new()).with_record(3600);
    let accounts = world.accounts();
    let pool = AccountPool::new([accounts.account(support::ADA)], PoolSettings::default());
    let used = block_on(pool.token()).unwrap();
    block_on(pool.report(&used, StatusCode::TOO_MANY_REQUESTS, Some(Duration::from_secs(3600))));
    block_on(pool.token()).unwrap_err();
    world.clock.set_wall(world.now() - Duration::from_secs(600));
    world.store.inner.put(support::ADA, record("at-2", "rt-2", world.now(), 3600));
    assert!(block_on(pool.token()).is_ok());
}
