//! Servers that do not say how long a token lives: what is guessed, who knows of
//! it, and what corrects it. Each with tasks and with threads.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod kept_alive;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use auth_accounts::{
    Account, AccountError, AccountStatus, BlockingAccount, Login, Settings, Token, store::Record,
};
use auth_core::{AccessToken, RefreshToken, TokenSet};
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World};

/// An account for tasks or for threads.
enum Caller {
    Tasks(Account),
    Threads(BlockingAccount),
}

impl Caller {
    /// Tells `story` with tasks, and with threads.
    fn both(story: impl Fn(&dyn Fn(&World) -> Self)) {
        story(&|world| Self::Tasks(world.account()));
        story(&|world| Self::Threads(world.blocking().account(ADA)));
    }

    fn token(&self) -> Result<Token, AccountError> {
        match self {
            Self::Tasks(account) => block_on(account.token()),
            Self::Threads(account) => account.token(),
        }
    }

    fn refused(&self, token: &Token) -> Token {
        let token = token.access_token();
        match self {
            Self::Tasks(account) => block_on(account.token_refused(token)),
            Self::Threads(account) => account.token_refused(token),
        }
        .unwrap()
    }

    fn log_in(&self, login: Login) -> Token {
        match self {
            Self::Tasks(account) => block_on(account.store_login(login)),
            Self::Threads(account) => account.store_login(login),
        }
        .unwrap()
    }

    fn status(&self) -> AccountStatus {
        match self {
            Self::Tasks(account) => block_on(account.status()),
            Self::Threads(account) => account.status(),
        }
        .unwrap()
    }

    /// Gets this token, which has so many seconds left.
    #[track_caller]
    fn gets(&self, world: &World, number: u8, left: Option<u64>, is_guess: bool) -> Token {
        let token = self.token().unwrap();
        assert_eq!(token.access_token().expose(), format!("at-{number}"));
        let expires_in = |at: std::time::SystemTime| at.duration_since(world.now()).unwrap();
        assert_eq!(token.expires_at().map(expires_in), left.map(Duration::from_secs));
        assert_eq!(token.expiry_is_guessed(), is_guess);
        token
    }
}

/// What a server gives that does not say how long it lives.
fn silent(number: u8) -> CannedResponse {
    CannedResponse::tokens(format!("at-{number}")).refresh_token(format!("rt-{number}"))
}

fn undated(number: u8) -> TokenSet {
    TokenSet::new(AccessToken::new(format!("at-{number}")))
        .refresh_token(RefreshToken::new(format!("rt-{number}")))
}

const HOUR: u64 = 3600;

#[test]
fn the_life_of_the_token_before_is_taken_over() {
    Caller::both(|caller| {
        let script = Script::new().then(silent(2).expires_in(900)).then(silent(3)).then(silent(4));
        let world = World::new(script).with_record(0);
        let ada = caller(&world);
        ada.gets(&world, 2, Some(900), false);
        assert!(!ada.status().expiry_guessed);
        world.pass(900);
        ada.gets(&world, 3, Some(900), true);
        let status = ada.status();
        assert!(status.expiry_guessed);
        assert_eq!(
            status.to_string(),
            "ada: the access token expires in 15 min (a guess: the server does not say); \
             refreshed just now"
        );
        // Another process knows as much.
        world.pass(100);
        caller(&world).gets(&world, 3, Some(800), true);
        world.pass(800);
        caller(&world).gets(&world, 4, Some(900), true);
        world.script.finish();
    });
}

#[test]
fn without_any_hint_it_is_what_is_set() {
    let hour = Settings::default();
    let table = [
        (hour.clone(), Some(HOUR)),
        (hour.clone().default_lifetime(Some(Duration::from_secs(600))), Some(600)),
        (hour.default_lifetime(None), None),
    ];
    Caller::both(|caller| {
        for (settings, left) in &table {
            let script = match left {
                Some(_) => Script::new().then(silent(2)),
                None => Script::new(),
            };
            let mut world = World::new(script);
            world.settings = settings.clone().seed(1);
            // Tokens of a login.
            let ada = caller(&world);
            ada.log_in(undated(1).into());
            ada.gets(&world, 1, *left, left.is_some());
            assert_eq!(world.record().guess.is_some(), left.is_some());
            world.pass(HOUR);
            match left {
                Some(left) => drop(ada.gets(&world, 2, Some(*left), true)),
                None => drop(ada.gets(&world, 1, None, false)),
            }
        }
    });
}

#[test]
fn what_cannot_be_replaced_is_not_taken_to_end() {
    Caller::both(|caller| {
        let world = World::new(Script::new());
        let ada = caller(&world);
        ada.log_in(TokenSet::new(AccessToken::new("at-1")).into());
        world.pass(1_000 * HOUR);
        ada.gets(&world, 1, None, false);
        assert_eq!(world.record().guess, None);
    });
}

#[test]
fn a_client_gets_another_by_itself() {
    let answer = |number| CannedResponse::tokens(format!("at-{number}"));
    let world = World::new(Script::new().then(answer(1)).then(answer(2)));
    let client = Caller::Tasks(world.accounts().client_credentials().account(ADA));
    client.gets(&world, 1, Some(HOUR), true);
    world.pass(HOUR);
    client.gets(&world, 2, Some(HOUR), true);
}

/// As older versions and other programs leave them.
#[test]
fn a_record_without_expiry_counts_from_when_it_was_obtained() {
    Caller::both(|caller| {
        let world = World::new(Script::new().then(silent(2)));
        world.store.inner.put(ADA, Record::obtained(undated(1), world.now()));
        world.pass(1_000);
        caller(&world).gets(&world, 1, Some(HOUR - 1_000), true);
        let status = caller(&world).status();
        assert!(status.expiry_guessed && status.expires_at.is_some());
        world.pass(HOUR - 1_000);
        caller(&world).gets(&world, 2, Some(HOUR), true);
        world.script.finish();
    });
}

/// It may have died long ago; once it is replaced, everybody knows its age.
#[test]
fn a_record_of_unknown_age_is_refreshed_once() {
    Caller::both(|caller| {
        let world = World::new(Script::new().then(silent(2)));
        world.store.inner.put(ADA, Record::new(undated(1)));
        assert!(!caller(&world).status().expiry_guessed, "there is no date to be wrong");
        for start in 0..5 {
            caller(&world).gets(&world, 2, Some(HOUR - start), true);
            world.pass(1);
        }
        world.script.finish();
        // If that fails, it is the token there is.
        let world = World::new(Script::new().status(503).status(503).status(503));
        world.store.inner.put(ADA, Record::new(undated(1)));
        let token = caller(&world).gets(&world, 1, None, false);
        assert!(token.refresh_error().is_some());
    });
}

#[test]
fn a_failed_refresh_does_not_make_a_guess_true() {
    Caller::both(|caller| {
        let mut script = Script::new().then(silent(2));
        for _ in 0..3 {
            script = script.oauth_error("invalid_client");
        }
        let world = World::new(script.then(silent(3))).with_record(0);
        let ada = caller(&world);
        ada.gets(&world, 2, Some(HOUR), true);
        world.pass(HOUR);
        for _ in 0..3 {
            let token = ada.token().unwrap();
            assert_eq!(token.access_token().expose(), "at-2");
            let retry_at = token.refresh_error().unwrap().retry_at().unwrap();
            // Another process does the same.
            let other = caller(&world).token().unwrap();
            assert_eq!(other.access_token().expose(), "at-2");
            world.clock.advance(retry_at.duration_since(world.now()).unwrap());
        }
        ada.gets(&world, 3, Some(HOUR), true);
        world.script.finish();
    });
}

/// With a life that the server has stated, the same is an error.
#[test]
fn what_is_known_to_have_expired_is_not_handed_out() {
    Caller::both(|caller| {
        let script = Script::new().oauth_error("invalid_client");
        let world = World::new(script).with_record(0);
        assert!(caller(&world).token().is_err());
    });
}

#[test]
fn an_api_that_refuses_a_token_ends_it_guess_or_not() {
    Caller::both(|caller| {
        let script = Script::new().then(silent(2)).oauth_error("invalid_client");
        let world = World::new(script).with_record(0);
        let ada = caller(&world);
        let token = ada.gets(&world, 2, Some(HOUR), true);
        world.pass(100);
        let refused = match &ada {
            Caller::Tasks(account) => block_on(account.token_refused(token.access_token())),
            Caller::Threads(account) => account.token_refused(token.access_token()),
        };
        assert!(refused.is_err());
        assert!(ada.token().is_err());
    });
}

#[test]
fn a_refusal_corrects_the_guess_for_the_next() {
    Caller::both(|caller| {
        let mut script = Script::new();
        for number in 2..=6 {
            script = script.then(silent(number));
        }
        let world = World::new(script).with_record(0);
        let ada = caller(&world);
        let first = ada.gets(&world, 2, Some(HOUR), true);
        world.pass(1_200);
        let second = ada.refused(&first);
        assert_eq!(second.access_token().expose(), "at-3");
        ada.gets(&world, 3, Some(1_200), true);
        // It is on record, for all and for those that follow.
        caller(&world).gets(&world, 3, Some(1_200), true);
        world.pass(1_200);
        let third = caller(&world).gets(&world, 4, Some(1_200), true);
        // Refused as soon as it was issued: that was not its age.
        world.pass(3);
        let ada = caller(&world);
        ada.token().unwrap();
        ada.refused(&third);
        ada.gets(&world, 5, Some(1_200), true);
        // A day later it is tried again whether it was right.
        world.pass(25 * HOUR);
        ada.gets(&world, 6, Some(HOUR), true);
        world.script.finish();
    });
}

/// The report counts, and not the exchange that it leads to later.
#[test]
fn an_outage_does_not_lengthen_what_is_learnt() {
    Caller::both(|caller| {
        let script = Script::new().then(silent(2)).status(403).then(silent(3));
        let world = World::new(script).with_record(0);
        let ada = caller(&world);
        let token = ada.gets(&world, 2, Some(HOUR), true);
        world.pass(1_200);
        match &ada {
            Caller::Tasks(account) => block_on(account.token_refused(token.access_token())),
            Caller::Threads(account) => account.token_refused(token.access_token()),
        }
        .unwrap_err();
        world.pass(600);
        ada.gets(&world, 3, Some(1_200), true);
    });
}

/// The second is used, and the status says why.
#[test]
fn tokens_that_are_born_expired_are_not_refreshed_with_every_call() {
    for life in [0, 1] {
        Caller::both(|caller| {
            // At once, and after 0, 30, 60 and 90 s.
            let mut script = Script::new();
            for number in 2..=6 {
                script = script.then(silent(number).expires_in(life));
            }
            let world = World::new(script).with_record(0);
            let ada = caller(&world);
            for _ in 0..100 {
                ada.token().unwrap();
                // Another process does not make it worse.
                caller(&world).token().unwrap();
                world.pass(1);
            }
            world.script.finish();
            let status = ada.status();
            assert!(status.born_expired >= 4);
            let words = status.to_string();
            assert!(words.contains("had expired when they came"), "{words}");
        });
    }
}

#[test]
fn one_token_that_lives_ends_the_row() {
    Caller::both(|caller| {
        let script = Script::new()
            .then(silent(2).expires_in(0))
            .then(silent(3).expires_in(0))
            .then(silent(4).expires_in(3600));
        let world = World::new(script).with_record(0);
        let ada = caller(&world);
        ada.token().unwrap();
        world.pass(2);
        for _ in 0..30 {
            assert_eq!(ada.token().unwrap().access_token().expose(), "at-3");
            world.pass(1);
        }
        ada.gets(&world, 4, Some(HOUR), false);
        assert_eq!(ada.status().born_expired, 0);
    });
}
