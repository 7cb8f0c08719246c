//! Tokens that are reported as refused without a wait for another.

use auth_accounts::Token;
use auth_core::{AccessToken, Backoff, ClaimsChallenge, TokenRequest};
use auth_testkit::Script;
use pollster::block_on;

use crate::support::{ADA, World, record};

fn access(token: &Token) -> &str {
    token.access_token().expose()
}

fn mail() -> TokenRequest {
    TokenRequest::new().resource("https://mail.example.com/")
}

#[test]
fn the_next_who_asks_gets_another() {
    // For the account's own, or for a request of its own; by tasks or by threads.
    for (request, first) in [(TokenRequest::new(), "at-1"), (mail(), "m-1")] {
        for threads in [false, true] {
            let script = match first {
                "at-1" => Script::new(),
                _ => Script::new().tokens("m-1", "rt-2"),
            };
            let world = World::new(script.tokens("new", "rt-9")).with_record(3600);
            let account = world.blocking().account(ADA);
            let token = account.token_for(&request).unwrap();
            assert_eq!(access(&token), first);
            world.store.log.take();
            for _ in 0..2 {
                match threads {
                    true => account.mark_refused(&request, token.access_token(), None),
                    false => auth_accounts::Account::from(account.clone()).mark_refused(
                        &request,
                        token.access_token(),
                        None,
                    ),
                }
            }
            assert_eq!(world.store.log.take(), "", "it does no I/O");
            let current = match request.is_empty() {
                true => account.peek(),
                false => None,
            };
            assert!(current.is_none());
            assert_eq!(access(&account.token_for(&request).unwrap()), "new");
            assert_eq!(access(&account.token_for(&request).unwrap()), "new");
            // A late report about the one before.
            account.mark_refused(&request, token.access_token(), None);
            assert_eq!(access(&account.token_for(&request).unwrap()), "new");
            world.script.finish();
        }
    }
}

#[test]
fn the_next_token_has_the_claims() {
    for request in [TokenRequest::new(), mail()] {
        let script =
            if request.is_empty() { Script::new() } else { Script::new().tokens("m-1", "rt-2") };
        let world = World::new(script.tokens("new", "rt-9")).with_record(3600);
        let account = world.account();
        let token = block_on(account.token_for(&request)).unwrap();
        let claims = ClaimsChallenge::new(r#"{"a":1}"#).unwrap();
        account.mark_refused(&request, token.access_token(), Some(&claims));
        assert_eq!(access(&block_on(account.token_for(&request)).unwrap()), "new");
        world.script.requests().last().unwrap().assert_param("claims", r#"{"a":1}"#);
    }
}

#[test]
fn what_somebody_else_has_obtained_is_taken() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    let token = block_on(account.token()).unwrap();
    world.store.inner.put(ADA, record("at-9", "rt-9", world.now(), 3600));
    account.mark_refused(&TokenRequest::new(), token.access_token(), None);
    assert_eq!(access(&block_on(account.token()).unwrap()), "at-9");
    world.script.finish();
}

#[test]
fn the_refused_one_is_not_handed_out_again() {
    let world = World::new(Script::new().status(503)).with_record(3600);
    let account = world.accounts().policy(Backoff::never()).account(ADA);
    let token = block_on(account.token()).unwrap();
    account.mark_refused(&TokenRequest::new(), token.access_token(), None);
    for _ in 0..2 {
        block_on(account.token()).unwrap_err();
        assert!(account.peek().is_none());
    }
    world.script.finish();
}

#[test]
fn an_account_that_is_kept_fresh_is_due_at_once() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let account = world.account();
    let token = block_on(account.token()).unwrap();
    block_on(account.refresh_if_due());
    account.mark_refused(&TokenRequest::new(), token.access_token(), None);
    block_on(account.refresh_if_due());
    assert_eq!(account.peek().as_ref().map(access), Some("at-2"));
    world.script.finish();
}

#[test]
fn it_is_on_record_as_any_refusal_is() {
    // Two ways to say the same of two tokens in a row.
    let records = [false, true].map(|marks| {
        let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
        let world = World::new(script).with_record(3600);
        let account = world.account();
        for refused in ["at-1", "at-2"] {
            block_on(account.token()).unwrap();
            let refused = AccessToken::new(refused);
            if marks {
                account.mark_refused(&TokenRequest::new(), &refused, None);
                block_on(account.token()).unwrap();
            } else {
                block_on(account.token_refused(&refused)).unwrap();
            }
        }
        world.script.finish();
        world.record()
    });
    assert!(!records[0].refusals.is_empty());
    assert_eq!(records[0].refusals, records[1].refusals);
}
