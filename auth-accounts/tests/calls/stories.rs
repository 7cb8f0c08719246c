//! Calls over time: refreshes that fail, callers who leave, many at once.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering},
};

use auth_accounts::{
    Account, AccountError, Reason,
    calls::{CallError, Calls, NotAgain, TokensFor},
    http::{Request, Response},
};
use auth_core::{Backoff, TokenRequest, TransportErrorKind};
use auth_testkit::Script;
use futures_util::future::join_all;
use pollster::block_on;

use crate::{
    Api, Body, ORIGIN, Outcome, URL, answer, challenge, get,
    support::{ADA, World, poll_once, run, yield_once},
    told,
};

type Sent<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Its future can be spawned on a runtime with threads.
fn call<'a>(calls: &'a Calls<Account>, api: &'a Api) -> Sent<'a> {
    Box::pin(calls.send(get(URL), async |request| api.send(request.headers())))
}

#[test]
fn a_refresh_that_fails_is_what_is_told() {
    type Is = fn(&Reason) -> bool;
    let rows: [(Script, Is); 3] = [
        (Script::new().oauth_error("invalid_grant"), |reason| matches!(reason, Reason::Refresh(_))),
        (Script::new().not_sent(TransportErrorKind::Connect), |reason| {
            matches!(reason, Reason::Refresh(_))
        }),
        (Script::new().status(503), |reason| matches!(reason, Reason::Refresh(_))),
    ];
    for (script, is) in rows {
        let world = World::new(script).with_record(3600);
        let account = world.accounts().policy(Backoff::never()).account(ADA);
        let calls = Calls::new(account, [ORIGIN]).unwrap();
        let api = Api::new([answer(401, &[])]);
        let result = block_on(call(&calls, &api));
        assert!(matches!(&result, Err(CallError::NoToken(error)) if is(error.reason())));
        assert_eq!(api.tokens(), "at-1");
        // The refused token is not sent again, nor is anything else.
        let result = block_on(call(&calls, &api));
        assert!(matches!(result, Err(CallError::NoToken(_))), "{}", told(&result));
        assert_eq!(api.tokens(), "at-1");
        assert_eq!(api.alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn nothing_is_sent_without_a_token() {
    let world = World::new(Script::new());
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let api = Api::new([]);
    assert!(matches!(block_on(call(&calls, &api)), Err(CallError::NoToken(_))));
}

#[test]
fn an_api_that_refuses_every_token_costs_few_refreshes() {
    let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
    let world = World::new(script).with_record(3600);
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let api = Api::new((0..4).map(|_| answer(401, &[])));
    let mut lines: Vec<String> = Vec::new();
    for _ in 0..2 {
        lines.push(told(&block_on(call(&calls, &api))));
    }
    assert!(lines[0].starts_with("401 the request was sent again"), "{lines:?}");
    let result = block_on(call(&calls, &api));
    let why = result.as_ref().unwrap().extensions().get::<NotAgain>().unwrap();
    assert!(matches!(why, NotAgain::NoOther(_)), "{why}");
    assert!(why.to_string().contains("account ada: an API refused new tokens"), "{why}");
    let found = AccountError::find(why).unwrap();
    assert!(matches!(found.reason(), Reason::RefusedAgain), "{found}");
    assert_eq!(api.tokens(), "at-1 at-2 at-3 at-3");
    world.script.finish();
}

#[test]
fn the_first_response_is_kept_until_there_is_a_token_and_no_longer() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let api = Api::new([answer(401, &[]), answer(200, &[])]);
    let alive = api.alive.clone();
    // The API itself looks whether the first is gone before the second is sent.
    world.store.before("tokens", 0, move |_| assert_eq!(alive.load(Ordering::SeqCst), 1));
    assert_eq!(told(&block_on(call(&calls, &api))), "200");
    assert!(world.store.log.take().contains("tokens"));
}

#[test]
fn many_that_meet_an_expired_token_make_one_refresh() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    world.store.yields.store(true, Ordering::Relaxed);
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let sent = AtomicUsize::new(0);
    let client = async |request: Request<()>| {
        sent.fetch_add(1, Ordering::SeqCst);
        yield_once().await;
        let is_old = request.headers()["authorization"] == "Bearer at-1";
        Ok::<_, Infallible>(answer(if is_old { 401 } else { 200 }, &[]))
    };
    let all = run(join_all((0..100).map(|_| calls.send(get(URL), client))), &world.clock);
    assert!(all.iter().all(|result| told(result) == "200"));
    assert_eq!(sent.load(Ordering::SeqCst), 200);
    world.script.finish();
}

#[test]
fn who_leaves_in_the_middle_breaks_nothing() {
    // Wherever it is left: before, in and after the refresh.
    for polls in 0..12 {
        let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
        let api = Api::new([answer(401, &[]), answer(200, &[])]);
        let mut left = call(&calls, &api);
        let is_over = (0..polls).any(|_| poll_once(&mut left).is_ready());
        drop(left);
        let again = match api.seen().is_empty() {
            true => Api::new([answer(401, &[]), answer(200, &[])]),
            false => Api::new([answer(200, &[])]),
        };
        assert_eq!(told(&run(call(&calls, &again), &world.clock)), "200", "{polls} {is_over}");
        assert!(again.tokens().ends_with("at-2"), "{polls}: {}", again.tokens());
        world.script.finish();
    }
}

#[test]
fn a_token_of_a_request_of_its_own() {
    let script = Script::new().tokens("m-1", "rt-2").tokens("m-2", "rt-3").tokens("m-3", "rt-4");
    let world = World::new(script).with_record(3600);
    let mail = || TokenRequest::new().resource("https://mail.example.com/");
    let tokens = TokensFor::new(world.account(), mail());
    let calls = Calls::new(tokens, [ORIGIN]).unwrap();
    let api = Api::new([
        answer(200, &[]),
        answer(401, &[]),
        challenge(401, r#"Bearer claims="e30=""#),
        answer(200, &[]),
    ]);
    let send = |request: Request<()>| {
        block_on(calls.send(request, async |request| api.send(request.headers())))
    };
    assert_eq!(told(&send(get(URL))), "200");
    assert!(told(&send(get(URL))).starts_with("401 the request was sent again"));
    // The second refusal was reported, too, with its claims.
    assert_eq!(told(&send(get(URL))), "200");
    assert_eq!(api.tokens(), "m-1 m-1 m-2 m-3");
    world.script.request(3).assert_param("claims", "{}");
    world.script.request(3).assert_param("resource", "https://mail.example.com/");
    assert_eq!(block_on(world.account().token()).unwrap().access_token().expose(), "at-1");
    world.script.finish();

    let threads = TokensFor::new(world.blocking().account(ADA), mail());
    let api = Api::new([answer(200, &[])]);
    let calls = Calls::new(threads, [ORIGIN]).unwrap();
    let result: Outcome<Body> =
        calls.send_blocking(get(URL), |request| api.send(request.headers()));
    assert_eq!((told(&result).as_str(), api.tokens().as_str()), ("200", "m-3"));
}

#[test]
fn a_client_that_fails_is_told() {
    let world = World::new(Script::new()).with_record(3600);
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let client = async |_| Err::<Response<()>, _>("no route");
    let result = block_on(calls.send(get(URL), client));
    assert!(matches!(result, Err(CallError::Client("no route"))));
}
