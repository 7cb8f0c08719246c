//! Refresh tokens that end, and those that are dropped if nobody uses them.

use std::time::Duration;

use auth_testkit::Script;
use pollster::block_on;

use super::{Caller, HOUR, silent, support::World, undated};

#[test]
fn a_refresh_token_is_used_before_it_expires() {
    let days = |days: u64| Duration::from_secs(days * 24 * HOUR);
    Caller::both(|caller| {
        // The access token lives for longer, or for ever.
        for expires in [Some(days(365)), None] {
            let script = Script::new().then(silent(2).expires_in(9_999_999));
            let mut world = World::new(script);
            world.settings = world.settings.default_lifetime(None);
            let mut tokens = undated(1).refresh_expires_at(world.now() + days(40));
            tokens.expires_at = expires.map(|expires| world.now() + expires);
            let ada = caller(&world);
            ada.log_in(tokens.into());
            let end = ada.status().refresh_expires_at.unwrap();
            assert_eq!(end.duration_since(world.now()).unwrap(), days(40));
            let words = ada.status().to_string();
            assert!(words.contains("the refresh token expires in 40 days"), "{words}");
            world.clock.advance(days(38));
            assert_eq!(ada.token().unwrap().access_token().expose(), "at-1");
            world.clock.advance(days(1));
            assert_eq!(ada.token().unwrap().access_token().expose(), "at-2");
            // It has rotated, and nothing was said of the new one.
            assert_eq!(ada.status().refresh_expires_at, None);
        }
    });
}

/// It cannot be replaced, and is good yet.
#[test]
fn a_refresh_token_that_has_expired_costs_no_good_token() {
    Caller::both(|caller| {
        let world = World::new(Script::new().oauth_error("invalid_grant"));
        let mut tokens = undated(1).refresh_expires_at(world.now() + Duration::from_secs(HOUR));
        tokens.expires_at = Some(world.now() + Duration::from_secs(100 * HOUR));
        let ada = caller(&world);
        ada.log_in(tokens.into());
        world.pass(2 * HOUR);
        for _ in 0..100 {
            let token = ada.token().unwrap();
            assert!(token.refresh_error().is_some());
            world.pass(1);
        }
        assert_eq!(world.script.calls(), 1);
    });
}

#[test]
fn idle_tokens_are_kept_alive() {
    let month = Duration::from_secs(30 * 24 * HOUR);
    Caller::both(|caller| {
        let script = Script::new().then(silent(2)).then(silent(3));
        let mut world = World::new(script);
        world.settings = world.settings.default_lifetime(None).refresh_at_least_every(month);
        let ada = caller(&world);
        ada.log_in(undated(1).into());
        let account = world.account();
        block_on(account.token()).unwrap();
        // Ahead, within the last tenth of the time.
        world.clock.advance(month.mul_f64(0.89));
        assert!(!block_on(account.refresh_if_due()).result.unwrap());
        let due = block_on(account.refresh_if_due()).next_in;
        assert!(due > Duration::from_secs(3_600) && due <= month.mul_f64(0.11), "{due:?}");
        world.clock.advance(due);
        assert!(block_on(account.refresh_if_due()).result.unwrap());
        // By whoever calls, at its end.
        world.clock.advance(month);
        assert_eq!(ada.token().unwrap().access_token().expose(), "at-3");
        world.script.finish();
    });
}
