//! Several access tokens off one refresh token, and grants that are repeated.

mod support;

use std::{sync::Arc, thread, time::Duration};

use auth_accounts::{
    AccountState, Accounts, BlockingAccounts, EventKind, MemoryStore, Reason, StoreErrorKind,
};
use auth_core::{
    AccessToken, Advice, ClaimsChallenge, Credential, FailureKind, Source, TokenEndpoint,
    TokenExchange, TokenRequest,
};
use auth_testkit::{CannedResponse, FakeAuthServer, Rotation, Script};
use pollster::block_on;
use support::{ADA, World};

fn mail() -> TokenRequest {
    TokenRequest::new().resource("https://mail.example.com/")
}

fn files() -> TokenRequest {
    TokenRequest::new().resource("https://files.example.com/")
}

fn access(token: &auth_accounts::Token) -> String {
    token.access_token().expose().to_owned()
}

#[test]
fn each_request_has_a_token_of_its_own() {
    let script = Script::new().tokens("m-1", "rt-2").tokens("f-1", "rt-3").tokens("m-2", "rt-4");
    let world = World::new(script).with_record(3600);
    let account = world.account();
    let token_for = |request: &TokenRequest| block_on(account.token_for(request)).unwrap();
    for _ in 0..3 {
        assert_eq!(access(&block_on(account.token()).unwrap()), "at-1");
        assert_eq!(access(&token_for(&mail())), "m-1");
        assert_eq!(access(&token_for(&files())), "f-1");
        assert_eq!(access(&token_for(&TokenRequest::new())), "at-1");
    }
    world.script.request(1).assert_param("refresh_token", "rt-1");
    world.script.request(1).assert_param("resource", "https://mail.example.com/");
    world.script.request(2).assert_param("refresh_token", "rt-2");
    // Another process adopts them all.
    let other = world.accounts().account(ADA);
    assert_eq!(access(&block_on(other.token_for(&mail())).unwrap()), "m-1");
    assert_eq!(access(&block_on(other.token()).unwrap()), "at-1");
    // Refused: that one alone, and once for all who report it.
    let refused = AccessToken::new("m-1");
    for _ in 0..2 {
        let token = block_on(account.token_for_refused(&mail(), &refused)).unwrap();
        assert_eq!(access(&token), "m-2");
    }
    assert_eq!(access(&token_for(&files())), "f-1");
    assert_eq!(access(&block_on(other.token_for_refused(&mail(), &refused)).unwrap()), "m-2");

    let status = block_on(account.status()).unwrap();
    assert_eq!(status.further.len(), 2);
    assert!(status.to_string().ends_with("; 2 further tokens"), "{status}");
    let json = serde_json::to_string(&status).unwrap();
    assert!(!json.contains("m-2") && json.contains(&status.further[0].request.to_string()));
    world.script.finish();
}

#[test]
fn a_login_and_a_logout_forget_them() {
    let script = Script::new().tokens("m-1", "rt-2").tokens("m-2", "rt-9");
    let world = World::new(script).with_record(3600);
    let account = world.account();
    assert_eq!(access(&block_on(account.token_for(&mail())).unwrap()), "m-1");
    let login = auth_core::TokenSet::new(AccessToken::new("at-8"));
    let login = login.refresh_token(auth_core::RefreshToken::new("rt-8"));
    block_on(account.store_login(login)).unwrap();
    assert_eq!(access(&block_on(account.token_for(&mail())).unwrap()), "m-2");
    world.script.request(2).assert_param("refresh_token", "rt-8");
    block_on(account.logout()).unwrap();
    let error = block_on(account.token_for(&mail())).unwrap_err();
    assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
    world.script.finish();
}

/// Whoever learns of it, by whichever token, is rid of all that came of the last login.
#[test]
fn a_login_elsewhere_replaces_all_once_it_is_seen() {
    for by_main in [true, false] {
        let script = Script::new().tokens("m-1", "rt-2").tokens("f-9", "rt-9");
        let script = if by_main { script } else { script.tokens("m-9", "rt-10") };
        let world = World::new(script).with_record(3600);
        let login = |access, refresh| {
            let login = auth_core::TokenSet::new(AccessToken::new(access));
            login.refresh_token(auth_core::RefreshToken::new(refresh))
        };
        let account = world.account();
        block_on(account.store_login(login("at-1", "rt-1"))).unwrap();
        assert_eq!(access(&block_on(account.token_for(&mail())).unwrap()), "m-1");
        let other = world.accounts().account(ADA);
        block_on(other.store_login(login("at-8", "rt-8"))).unwrap();
        // Nobody has looked.
        assert_eq!(access(&block_on(account.token_for(&mail())).unwrap()), "m-1");
        if by_main {
            let refused = AccessToken::new("at-1");
            assert_eq!(access(&block_on(account.token_refused(&refused)).unwrap()), "at-8");
        } else {
            assert_eq!(access(&block_on(account.token_for(&files())).unwrap()), "f-9");
            assert_eq!(access(&block_on(account.token()).unwrap()), "at-8");
        }
        let token = access(&block_on(account.token_for(&mail())).unwrap());
        assert_eq!(token, if by_main { "f-9" } else { "m-9" });
        world.script.finish();
    }
}

#[test]
fn a_refusal_of_one_request_sets_back_no_other() {
    let script = Script::new().oauth_error("invalid_target").tokens("f-1", "rt-2");
    let world = World::new(script).with_record(3600);
    let account = world.account();
    let error = block_on(account.token_for(&mail())).unwrap_err();
    assert_eq!(
        (error.kind(), error.advice()),
        (Some(FailureKind::Misconfigured), Advice::FixSetup)
    );
    let error = block_on(account.token_for(&mail())).unwrap_err();
    assert!(matches!(error.reason(), Reason::Setback(_)), "{error}");
    assert_eq!(access(&block_on(account.token_for(&files())).unwrap()), "f-1");
    assert_eq!(access(&block_on(account.token()).unwrap()), "at-1");
    let status = block_on(account.status()).unwrap();
    assert_eq!(status.state, AccountState::Ready);
    assert!(status.setback.is_none() && status.further.len() == 2);
    world.script.finish();
}

#[test]
fn a_refresh_token_that_is_refused_is_so_for_all() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(3600);
    let account = world.account();
    assert_eq!(block_on(account.token_for(&mail())).unwrap_err().advice(), Advice::LogIn);
    let error = block_on(account.token_for(&files())).unwrap_err();
    assert!(matches!(error.reason(), Reason::Setback(_)), "{error}");
    // Which is good as long as it lasts.
    assert_eq!(access(&block_on(account.token()).unwrap()), "at-1");
    assert!(block_on(account.status()).unwrap().login_needed);
    world.script.finish();
}

#[test]
fn a_token_that_came_with_a_refresh_token_that_is_not_saved_says_so_as_all_do() {
    let world = World::new(Script::new().tokens("m-1", "rt-2")).with_record(3600);
    let account = world.account();
    assert!(block_on(account.token()).unwrap().unsaved().is_none());
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    let token = block_on(account.token_for(&mail())).unwrap();
    assert_eq!((access(&token), token.unsaved().is_some()), ("m-1".to_owned(), true));
    assert!(account.current().unwrap().unsaved().is_some());
    world.pass(2);
    assert!(block_on(account.token()).unwrap().unsaved().is_none());
    let token = block_on(world.accounts().account(ADA).token_for(&mail())).unwrap();
    assert_eq!((access(&token), token.unsaved().is_none()), ("m-1".to_owned(), true));
    world.script.finish();
}

#[test]
fn claims_go_along_with_the_next_refresh_and_no_later_one() {
    let script = Script::new().tokens("at-2", "rt-2").tokens("m-1", "rt-3").tokens("m-2", "rt-4");
    let script = script.tokens("m-3", "rt-5");
    let world = World::new(script).with_record(3600);
    let account = world.account();
    let claims = ClaimsChallenge::new(r#"{"a":1}"#).unwrap();
    let own = block_on(account.token()).unwrap();
    let challenged = |request: &TokenRequest, token: &AccessToken| {
        block_on(account.claims_challenged(request, token, &claims)).unwrap()
    };
    let next = challenged(&TokenRequest::new(), own.access_token());
    assert_eq!(access(&next), "at-2");
    // A late report of the same.
    assert_eq!(access(&challenged(&TokenRequest::new(), own.access_token())), "at-2");
    let token = block_on(account.token_for(&mail())).unwrap();
    let token = challenged(&mail(), token.access_token());
    block_on(account.token_for_refused(&mail(), token.access_token())).unwrap();
    let claimed =
        (1..=4).map(|call| world.script.request(call).param("claims").map(ToOwned::to_owned));
    let expected = [Some(r#"{"a":1}"#.to_owned()), None, Some(r#"{"a":1}"#.to_owned()), None];
    assert_eq!(claimed.collect::<Vec<_>>(), expected);
    world.script.finish();
}

#[test]
fn many_threads_with_many_requests_never_replay_the_refresh_token() {
    let server = FakeAuthServer::builder().rotation(Rotation::EachUse).scope("a b c d e").build();
    let store = MemoryStore::new();
    let accounts = |store: &MemoryStore| {
        BlockingAccounts::new(
            server.endpoint(),
            server.clone(),
            store.clone(),
            server.clock().clone(),
        )
    };
    let processes = [accounts(&store), accounts(&store)];
    processes[0].account(ADA).store_login(server.log_in(ADA)).unwrap();
    thread::scope(|scope| {
        for accounts in &processes {
            for words in ["a", "b", "c", "d e"] {
                let account = accounts.account(ADA);
                scope.spawn(move || {
                    let request = TokenRequest::new().scope(words);
                    for _ in 0..5 {
                        let token = account.token_for(&request).unwrap();
                        assert_eq!(token.scope(), Some(words));
                        account.token().unwrap();
                    }
                });
            }
        }
    });
    server.assert_never_replayed();
    let status = processes[0].account(ADA).status().unwrap();
    assert_eq!(status.further.len(), 4);
}

#[test]
fn a_grant_that_is_repeated_needs_no_login_and_is_made_anew() {
    let script = Script::new().then(CannedResponse::tokens("at-1").expires_in(3600));
    let script = script.then(CannedResponse::tokens("at-2").refresh_token("rt-9").expires_in(3600));
    let script = script.oauth_error("invalid_grant").then(CannedResponse::tokens("at-4"));
    let read = Arc::new(std::sync::Mutex::new(0));
    let counted = Arc::clone(&read);
    let source = Source::callback(move || {
        let mut count = counted.lock().unwrap();
        *count += 1;
        Ok(Credential::new(format!("assertion-{count}")))
    });
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let (store, clock) = (MemoryStore::new(), script.clock().clone());
    let (told, heard) = std::sync::mpsc::channel();
    let accounts = Accounts::new(endpoint, script.clone(), store, clock.clone())
        .jwt_bearer(source)
        .on_event(move |event| told.send(event.kind()).unwrap());
    let account = accounts.account("robot");
    for number in 1..=2 {
        let token = block_on(account.token()).unwrap();
        assert_eq!(access(&token), format!("at-{number}"));
        clock.advance(Duration::from_secs(3600));
    }
    let status = block_on(account.status()).unwrap();
    assert!(!status.has_refresh_token, "it is not used");
    // There is nobody to log in.
    let error = block_on(account.token()).unwrap_err();
    assert_eq!((error.advice(), error.state()), (Advice::FixSetup, AccountState::Misconfigured));
    assert!(!heard.try_iter().any(|kind| kind == EventKind::LoginNeeded));
    clock.advance(Duration::from_secs(3600));
    assert_eq!(access(&block_on(account.token()).unwrap()), "at-4");
    for (call, number) in [(1, 1), (2, 2), (3, 3)] {
        let request = script.request(call);
        request.assert_param("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        request.assert_param("assertion", &format!("assertion-{number}"));
    }
    script.finish();
}

#[test]
fn a_further_token_of_a_grant_that_is_repeated_comes_after_its_own() {
    let one = |token| CannedResponse::tokens(token).expires_in(3600);
    let script = Script::new().then(one("at-1")).then(one("m-1"));
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let source = Source::callback(|| Ok(Credential::new("subject")));
    let exchange = TokenExchange::new(source, TokenExchange::JWT).resource("urn:usual");
    let clock = script.clock().clone();
    let accounts = BlockingAccounts::new(endpoint, script.clone(), MemoryStore::new(), clock);
    let account = accounts.token_exchange(exchange).account("robot");
    for _ in 0..2 {
        assert_eq!(access(&account.token_for(&mail()).unwrap()), "m-1");
        assert_eq!(access(&account.token().unwrap()), "at-1");
    }
    script.request(1).assert_param("resource", "urn:usual");
    script.request(2).assert_param("resource", "https://mail.example.com/");
    script.finish();
}

#[test]
fn those_who_are_told_of_the_account_hear_what_concerns_it() {
    for (code, expected) in [
        ("invalid_grant", vec![(EventKind::LoginNeeded, false)]),
        ("invalid_target", vec![]),
        ("invalid_client", vec![(EventKind::Misconfigured, false)]),
    ] {
        let world = World::new(Script::new().oauth_error(code)).with_record(3600);
        let (told, heard) = std::sync::mpsc::channel();
        let accounts = world.accounts().on_event(move |event| {
            told.send((event.kind(), event.was_on_record())).unwrap();
        });
        let account = accounts.account(ADA);
        block_on(account.token()).unwrap();
        for _ in 0..3 {
            block_on(account.token_for(&mail())).unwrap_err();
        }
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), expected, "{code}");
        world.script.finish();
    }
    // Somebody else logs out.
    let world = World::new(Script::new()).with_record(3600);
    let (told, heard) = std::sync::mpsc::channel();
    let accounts = world.accounts().on_event(move |event| told.send(event.kind()).unwrap());
    let account = accounts.account(ADA);
    block_on(account.token()).unwrap();
    block_on(world.account().logout()).unwrap();
    block_on(account.token_for(&mail())).unwrap_err();
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [EventKind::LoggedOut]);
    assert!(account.current().is_none());
}

#[test]
fn a_further_token_that_is_not_saved_is_saved_with_the_rest() {
    // The refresh token does not rotate.
    let answer = CannedResponse::tokens("m-1").expires_in(3600);
    let world = World::new(Script::new().then(answer)).with_record(3600);
    let account = world.account();
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    assert!(block_on(account.token_for(&mail())).unwrap().unsaved().is_some());
    world.pass(2);
    let token = block_on(account.token_for(&mail())).unwrap();
    assert_eq!((access(&token), token.unsaved().is_none()), ("m-1".to_owned(), true));
    assert_eq!(world.record().further.len(), 1);
    world.script.finish();
}
