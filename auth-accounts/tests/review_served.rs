//! Which access token is handed out, and when a renewal is tried, while
//! something is out of order.

mod support;

use std::time::Duration;

use auth_accounts::Reason;
use auth_core::FailureKind;
use auth_testkit::{Answer, Script};
use pollster::block_on;
use support::{ADA, World, record};

#[test]
fn an_access_token_that_an_api_refused_is_not_handed_out_again() {
    let script = Script::new()
        .status(503)
        .status(503)
        .status(503)
        .reply(Answer::tokens("at-2").refresh_token("rt-2").expires_in(3600));
    let world = World::new(script).with_record(3000);
    let account = world.account();
    let refused = block_on(account.token()).unwrap();
    let error = block_on(account.rejected(refused.access_token())).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    for _ in 0..3 {
        let error = block_on(account.token()).unwrap_err();
        assert!(matches!(error.reason(), Reason::Setback(_)), "{error}");
        block_on(account.token_valid_for(Duration::from_secs(60))).unwrap_err();
    }
    // Another process knows nothing of it.
    assert_eq!(block_on(world.account().token()).unwrap(), refused);

    world.pass(60);
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");

    // And another token on record does.
    let script = Script::new().status(503).status(503).status(503);
    let world = World::new(script).with_record(3000);
    let account = world.account();
    block_on(account.rejected(block_on(account.token()).unwrap().access_token())).unwrap_err();
    world.store.inner.put(ADA, record("at-9", "rt-9", world.now(), 3600));
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-9");
}

/// Some servers answer with the same token for as long as it lives.
#[test]
fn an_access_token_that_the_server_gives_again_is_handed_out_again() {
    let same = || Answer::tokens("at-1").refresh_token("rt-1").expires_in(3600);
    let world = World::new(Script::new().reply(same())).with_record(3000);
    let account = world.account();
    let refused = block_on(account.token()).unwrap();
    let again = block_on(account.rejected(refused.access_token())).unwrap();
    assert_eq!(again.access_token(), refused.access_token());
    block_on(account.token()).unwrap();
    world.script.finish();
}
