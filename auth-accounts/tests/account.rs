//! What an account is asked for beside a token: for longer, for a newer one,
//! for another one, with a new login, how it is doing.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::Duration;

use auth_accounts::{Accounts, MemoryStore, Reason, Settings, StoreErrorKind, store::Record};
use auth_core::{AccessToken, Advice, FailureKind, TokenSet};
use auth_testkit::{CannedResponse, Expect, Script};
use pollster::block_on;
use support::{ADA, World, endpoint, record, refresh_token, tokens};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

#[test]
fn who_wants_a_token_for_longer_gets_one_that_lasts() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(600);
    let account = world.account();
    for (wanted, access) in [(5, "at-1"), (9, "at-1"), (10, "at-2"), (44, "at-2")] {
        let token = block_on(account.token_valid_for(minutes(wanted))).unwrap();
        assert_eq!(token.access_token().expose(), access, "{wanted} min");
    }
    world.script.finish();
}

#[test]
fn no_more_is_asked_of_a_token_than_it_can_live() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(1800);
    let account = world.account();
    // Of an hour, three quarters.
    for _ in 0..10 {
        let token = block_on(account.token_valid_for(minutes(600))).unwrap();
        assert_eq!(token.access_token().expose(), "at-2");
    }
    world.script.finish();
}

#[test]
fn a_newer_token_is_one_newer_than_that_on_record() {
    let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
    let world = World::new(script).with_record(3600);
    let account = world.account();
    assert_eq!(block_on(account.refresh_now()).unwrap().access_token().expose(), "at-2");
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
    assert_eq!(block_on(account.refresh_now()).unwrap().access_token().expose(), "at-3");
    world.script.finish();

    // What somebody else obtains after the call began is newer as well.
    let world = World::new(Script::new()).with_record(3600);
    let now = world.now();
    world.store.before("load", 1, move |store| {
        store.put(ADA, record("at-9", "rt-9", now, 3600));
    });
    let token = block_on(world.account().refresh_now()).unwrap();
    assert_eq!(token.access_token().expose(), "at-9");
    assert_eq!(world.store.log.take(), "load lease load free");
}

#[test]
fn a_setback_binds_who_wants_a_newer_token_too() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(3600);
    let account = world.account();
    for _ in 0..3 {
        let error = block_on(account.refresh_now()).unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::Rejected));
        // The access token is none the worse for it.
        assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
    }
    world.script.finish();
}

#[test]
fn a_refused_token_is_replaced_once() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let account = world.account();
    let old = block_on(account.token()).unwrap();
    for _ in 0..5 {
        // Many requests with the old token may have been under way.
        let new = block_on(account.token_refused(old.access_token())).unwrap();
        assert_eq!(new.access_token().expose(), "at-2");
    }
    world.script.finish();

    // Another process has it replaced already.
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    let old = block_on(account.token()).unwrap();
    world.store.inner.put(ADA, record("at-9", "rt-9", world.now(), 3600));
    let new = block_on(account.token_refused(old.access_token())).unwrap();
    assert_eq!(new.access_token().expose(), "at-9");
}

#[test]
fn who_has_not_logged_in_is_told_so() {
    let world = World::new(Script::new());
    let account = world.account();
    let error = block_on(account.token()).unwrap_err();
    assert!(matches!(error.reason(), Reason::NotLoggedIn));
    assert_eq!(error.advice(), Advice::LogIn);
    assert_eq!(
        error.to_string(),
        "account ada: there are no tokens on record; the user must log in"
    );
    assert_eq!(world.store.log.take(), "load");
}

#[test]
fn without_a_refresh_token_there_is_an_end() {
    let world = World::new(Script::new());
    let mut tokens = TokenSet::new(AccessToken::new("at-1"));
    tokens.expires_at = Some(world.now() + minutes(10));
    world.store.inner.put(ADA, Record::new(tokens));
    let account = world.account();
    assert!(block_on(account.token()).is_ok());
    world.pass(601);
    let error = block_on(account.token()).unwrap_err();
    assert!(matches!(error.reason(), Reason::NoRefreshToken));
    assert_eq!(error.advice(), Advice::LogIn);
}

#[test]
fn a_token_of_which_no_expiry_is_known_is_used_until_it_is_refused() {
    let mut world = World::new(Script::new().then(CannedResponse::tokens("at-2")));
    world.settings = world.settings.default_lifetime(None);
    let mut first = tokens("at-1", "rt-1", world.now(), 1);
    first.expires_at = None;
    world.store.inner.put(ADA, Record::new(first));
    let account = world.account();
    let token = block_on(account.token()).unwrap();
    assert_eq!((token.access_token().expose(), token.expires_at()), ("at-1", None));
    world.pass(100 * 365 * 24 * 3600);
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
    assert!(block_on(account.token_valid_for(Duration::MAX)).is_ok());
    let token = block_on(account.token_refused(&AccessToken::new("at-1"))).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(refresh_token(&world.record()), "rt-1");
}

#[test]
fn a_login_takes_the_place_of_everything() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(1);
    world.pass(2);
    let account = world.account();
    assert_eq!(block_on(account.token()).unwrap_err().kind(), Some(FailureKind::Rejected));
    world.store.log.take();

    let token = block_on(account.store_login(tokens("at-2", "rt-2", world.now(), 3600))).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(world.store.log.take(), "load tokens");
    let stored = world.record();
    assert_eq!((refresh_token(&stored), &stored.setback), ("rt-2", &None));
    assert_eq!(stored.obtained_at, Some(world.now()));
    assert_eq!(block_on(account.token()).unwrap(), token);
    // And in another process.
    assert_eq!(block_on(world.account().token()).unwrap(), token);
}

#[test]
fn a_first_login_makes_the_record() {
    let world = World::new(Script::new());
    let account = world.account();
    block_on(account.token()).unwrap_err();
    block_on(account.store_login(tokens("at-1", "rt-1", world.now(), 3600))).unwrap();
    assert_eq!(refresh_token(&world.record()), "rt-1");
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
}

#[test]
fn a_login_goes_before_a_refresh_that_is_under_way_elsewhere() {
    // The refresh of another process notes something between load and save.
    let world = World::new(Script::new()).with_record(10);
    let now = world.now();
    world.store.before("tokens", 0, move |store| {
        store.put(ADA, record("at-8", "rt-8", now, 3600));
    });
    block_on(world.account().store_login(tokens("at-2", "rt-2", now, 3600))).unwrap();
    assert_eq!(world.store.log.take(), "load tokens load tokens");
    assert_eq!(refresh_token(&world.record()), "rt-2");

    // A refresh finds a login when it comes to save, and gives way.
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(10);
    world.store.before("tokens", 0, move |store| {
        store.put(ADA, record("at-9", "rt-9", now, 3600));
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-9");
    assert_eq!(refresh_token(&world.record()), "rt-9");
}

#[test]
fn a_login_over_what_cannot_be_read_is_refused() {
    for kind in [StoreErrorKind::Damaged, StoreErrorKind::NewerSchema, StoreErrorKind::Permissions]
    {
        let world = World::new(Script::new()).with_record(3600);
        let account = world.account();
        let old = block_on(account.token()).unwrap();
        world.store.fail("load", [Some(kind)]);
        let error =
            block_on(account.store_login(tokens("at-2", "rt-2", world.now(), 3600))).unwrap_err();
        assert_eq!(error.advice(), Advice::FixSetup);
        assert_eq!(block_on(account.token()).unwrap(), old);
        assert_eq!(refresh_token(&world.record()), "rt-1");
    }
}

#[test]
fn a_login_that_cannot_be_saved_is_used_and_saved_later() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    world.store.fail("tokens", [Some(StoreErrorKind::Full), Some(StoreErrorKind::Full)]);
    let token = block_on(account.store_login(tokens("at-2", "rt-2", world.now(), 3600))).unwrap();
    assert_eq!(token.unsaved().unwrap().kind(), StoreErrorKind::Full);
    assert_eq!(refresh_token(&world.record()), "rt-1");
    world.pass(2);
    assert!(block_on(account.token()).unwrap().unsaved().is_some());
    world.pass(2);
    let token = block_on(account.token()).unwrap();
    assert_eq!((token.access_token().expose(), token.unsaved().is_some()), ("at-2", false));
    assert_eq!(refresh_token(&world.record()), "rt-2");
}

#[test]
fn what_a_server_says_once_it_need_not_say_again() {
    let script = Script::new().then(
        CannedResponse::tokens("at-2")
            .expires_in(3600)
            .member("instance_url", "https://b.example.com"),
    );
    let world = World::new(script);
    let mut first = tokens("at-1", "rt-1", world.now(), 10);
    first.scope = Some("read write".into());
    first.extra.insert("instance_url", "https://a.example.com".into());
    first.extra.insert("team", "blue".into());
    world.store.inner.put(ADA, Record::obtained(first, world.now() - minutes(59)));

    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.scope(), Some("read write"));
    assert_eq!(token.extra().get("instance_url").unwrap(), "https://b.example.com");
    assert_eq!(token.extra().get("team").unwrap(), "blue");
    assert_eq!(refresh_token(&world.record()), "rt-1");
}

#[test]
fn a_server_that_says_something_new_every_time_fills_nothing() {
    let long = "x".repeat(10_000);
    let response = |at: u32| {
        let response = CannedResponse::tokens(format!("at-{at}")).expires_in(3600);
        response.member("team", "blue").member(format!("new-{at}"), long.as_str())
    };
    let script = (2..50).fold(Script::new(), |script, at| script.then(response(at)));
    let world = World::new(script).with_record(0);
    let account = world.account();
    for at in 2..50 {
        block_on(account.token()).unwrap();
        let extra = world.record().tokens.extra;
        assert!(extra.get("team").is_some() && extra.get(&format!("new-{at}")).is_some());
        assert!(extra.iter().count() <= 7, "what a server says now, and 64 KiB of before");
        world.pass(3600);
    }
    assert_eq!(world.record().tokens.extra.iter().count(), 7);
}

#[test]
fn a_client_gets_tokens_with_its_own_credentials() {
    let script = Script::new()
        .expect(
            Expect::param("grant_type", "client_credentials"),
            CannedResponse::tokens("at-1").refresh_token("rt-1").expires_in(3600),
        )
        .then(CannedResponse::tokens("at-2").expires_in(3600));
    let store = MemoryStore::new();
    let accounts = Accounts::without_runtime(
        endpoint(),
        script.clone(),
        store.clone(),
        script.clock().clone(),
    )
    .client_credentials()
    .settings(Settings::default().seed(1));
    let account = accounts.account("service");
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
    // RFC 6749 section 4.4.3: a refresh token should not be there.
    assert_eq!(store.get("service").unwrap().tokens.refresh_token, None);
    // Shared by whoever opens the store.
    assert!(block_on(accounts.account("service").token()).is_ok());
    assert_eq!(script.calls(), 1);
    script.clock().advance(minutes(60));
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
    script.finish();
}

#[test]
fn a_client_that_cannot_get_its_first_token_waits_too() {
    let script = Script::new().status(503).status(503).status(503).tokens("at-1", "-");
    let accounts = Accounts::without_runtime(
        endpoint(),
        script.clone(),
        MemoryStore::new(),
        script.clock().clone(),
    )
    .client_credentials();
    let account = accounts.account("service");
    let first = block_on(account.token()).unwrap_err();
    let second = block_on(account.token()).unwrap_err();
    assert!(matches!(second.reason(), Reason::Setback(_)), "{second}");
    assert_eq!(second.retry_at(), first.retry_at());
    let wait = first.retry_at().unwrap().duration_since(script.clock().now().wall).unwrap();
    script.clock().advance(wait);
    assert!(block_on(account.token()).is_ok());
    script.finish();
}

#[test]
fn a_look_gives_what_a_call_would_give_at_once() {
    let world = World::new(Script::new().tokens("at-2", "rt-2").oauth_error("invalid_client"))
        .with_record(3600);
    let (account, blocking) = (world.account(), world.blocking().account(ADA));
    assert!(account.peek().is_none(), "nothing is read");
    let first = block_on(account.token()).unwrap();
    assert_eq!(account.peek(), Some(first.clone()));
    world.store.log.take();
    world.pass(3500);
    assert_eq!(account.peek(), Some(first.clone()));
    world.pass(60);
    // It is valid for 40 s, which is less than asked for.
    assert!(account.peek().is_none() && account.current() == Some(first));
    assert_eq!(world.store.log.take(), "", "nothing was read");

    let second = blocking.token().unwrap();
    assert_eq!(blocking.peek(), Some(second.clone()));
    blocking.token_refused(second.access_token()).unwrap_err();
    assert!(blocking.peek().is_none());
}

#[test]
fn status_is_for_a_person_and_for_a_program() {
    let script = Script::new().oauth_error("invalid_client");
    let world = World::new(script).with_record(3600);
    let account = world.account();
    let words = || block_on(account.status()).unwrap().to_string();
    assert_eq!(words(), "ada: the access token expires in 60 min; refreshed just now");

    world.pass(3570);
    assert!(block_on(account.token()).unwrap().refresh_error().is_some());
    let status = block_on(account.status()).unwrap();
    let retry_at = status.setback.as_ref().unwrap().retry_at.unwrap();
    let wait = retry_at.duration_since(world.now()).unwrap();
    assert_eq!(
        status.to_string(),
        format!(
            "ada: the access token expires in 30 s; refreshed 59 min ago; the last refresh failed \
             with invalid_client (HTTP 400), next try in {} s; the configuration must be \
             changed",
            wait.as_secs()
        )
    );
    let since = |time: std::time::SystemTime| {
        time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs()
    };
    assert_eq!(
        serde_json::to_value(&status).unwrap(),
        serde_json::json!({
            "account": "ada",
            "state": "misconfigured",
            "logged_in": true,
            "login_needed": false,
            "has_refresh_token": true,
            "expires_at": since(world.now()) + 30,
            "expiry_guessed": false,
            "refresh_expires_at": null,
            "born_expired": 0,
            "renewed_at": since(world.now()) - 3570,
            "begun_at": null,
            "setback": {
                "kind": "misconfigured",
                "code": "invalid_client",
                "status": 400,
                "after_unknown": false,
                "count": 1,
                "since": since(world.now()),
                "failed_at": since(world.now()),
                "retry_at": since(retry_at),
            },
            "unsaved": null,
        })
    );

    let nobody = block_on(world.accounts().account("eve").status()).unwrap();
    assert_eq!(nobody.to_string(), "eve: not logged in");
    assert!(nobody.login_needed && !nobody.logged_in);
    world.store.fail("load", [Some(StoreErrorKind::Damaged)]);
    assert_eq!(block_on(account.status()).unwrap_err().kind(), StoreErrorKind::Damaged);
}
