//! What is marked, and what lasts from one call to the next.

use std::{convert::Infallible, time::Duration};

use auth_accounts::{
    calls::Calls,
    http::{HeaderMap, Request, Response, StatusCode},
};
use auth_pool::{PoolSession, PoolSettings, ReportOutcome, Routing};
use auth_testkit::Script;
use pollster::block_on;

use crate::{
    Api, Stream, answer, get, pool,
    support::{self, record},
    told, world,
};

#[test]
fn what_cannot_be_sent_again_leads_to_another_token_or_account_next_time() {
    let world = world(Script::new().tokens("new", "rt-new"));
    let pool = pool(&world, 3, PoolSettings::default());
    let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
    let refused = || answer(401, &[]);
    let api = Api::new(&[refused(), refused(), answer(429, &[]), answer(200, &[])]);
    let mut lines = Vec::new();
    for _ in 0..4 {
        let client = async |request: Stream| api.send(request.0.headers());
        lines.push(told(&block_on(calls.send(Stream(get()), client))));
    }
    assert_eq!(lines, ["401 body", "401 body", "429 body", "200"]);
    // The token that replaced a refused one was refused, too.
    assert_eq!(api.tokens(), "at-main new at-second at-third");
    world.script.finish();
}

#[test]
fn a_marked_token_is_renewed_by_whoever_comes_first() {
    // Somebody reports it, or somebody else has saved another.
    for by_report in [true, false] {
        let script = if by_report { Script::new().tokens("new", "rt-new") } else { Script::new() };
        let world = world(script);
        let pool = pool(&world, 2, PoolSettings::default());
        let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
        let used = block_on(pool.token()).unwrap();
        let api = Api::new(&[answer(401, &[]), answer(401, &[])]);
        let client = async |request: Stream| api.send(request.0.headers());
        block_on(calls.send(Stream(get()), client)).unwrap();
        if by_report {
            let outcome = block_on(pool.report(&used, StatusCode::UNAUTHORIZED, None));
            assert!(matches!(outcome, ReportOutcome::Refreshed));
        } else {
            world.store.inner.put("main", record("new", "rt-new", world.now(), 3600));
        }
        // It was refused and replaced once.
        block_on(calls.send(Stream(get()), client)).unwrap();
        assert_eq!(api.tokens(), "at-main new");
        assert_eq!(block_on(pool.token()).unwrap().account().as_str(), "second");
        world.script.finish();
    }
}

#[test]
fn a_marked_token_of_a_braked_account_leads_to_another_account() {
    let mut world = world(Script::new().tokens("n-1", "rt-1"));
    world.settings = world.settings.refusals(1, Duration::from_secs(60));
    let pool = pool(&world, 2, PoolSettings::default().cooldown(Duration::ZERO));
    let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
    let api = Api::new(&[answer(401, &[]), answer(401, &[]), answer(401, &[]), answer(200, &[])]);
    let mut lines = Vec::new();
    for _ in 0..4 {
        let client = async |request: Stream| api.send(request.0.headers());
        lines.push(told(&block_on(calls.send(Stream(get()), client))));
        world.pass(6);
    }
    assert_eq!((lines[3].as_str(), api.tokens().as_str()), ("200", "at-main n-1 n-1 at-second"));
}

#[test]
fn an_api_that_asks_for_no_wait_is_asked_with_another_account() {
    let world = world(Script::new().tokens("new", "rt-new"));
    let pool = pool(&world, 2, PoolSettings::default());
    let calls = Calls::new(pool, ["https://api.example.com"]).unwrap();
    let refused = || answer(401, &[("retry-after", "0")]);
    let api = Api::new(&[refused(), refused(), answer(200, &[])]);
    let client = async |request: Request<()>| api.send(request.headers());
    assert_eq!(told(&block_on(calls.send(get(), client))), "401 twice");
    assert_eq!(told(&block_on(calls.send(get(), client))), "200");
    assert_eq!(api.tokens(), "at-main new at-second");
    world.script.finish();
}

#[test]
fn a_session_keeps_its_account() {
    let world = world(Script::new());
    let pool = pool(&world, 3, PoolSettings::default().routing(Routing::Sticky));
    let session = |name: &str| PoolSession::new(pool.clone(), name);
    let calls = Calls::<PoolSession>::per_request(["https://api.example.com"]).unwrap();
    let send = |name: &str, answers: &[Response<()>]| {
        let api = Api::new(answers);
        let mut request = get();
        request.extensions_mut().insert(session(name));
        let client = async |request: Request<()>| api.send(request.headers());
        block_on(calls.send(request, client)).unwrap();
        api.tokens()
    };
    let limited = answer(429, &[("retry-after", "10")]);
    assert_eq!(send("early", &[answer(200, &[])]), "at-main");
    assert_eq!(send("early", &[limited, answer(200, &[])]), "at-main at-second");
    world.pass(10);
    assert_eq!(send("early", &[answer(200, &[])]), "at-second");
    assert_eq!(send("late", &[answer(200, &[])]), "at-main");
}

#[test]
fn a_call_with_a_token_that_is_there_allocates_nothing() {
    let world = world(Script::new());
    let pool = pool(&world, 3, PoolSettings::default());
    let calls = Calls::new(pool, ["https://api.example.com"]).unwrap();
    let sent = || {
        let mut request = get();
        *request.headers_mut() = HeaderMap::with_capacity(8);
        Stream(request)
    };
    let client = async |request: Stream| {
        drop(request);
        Ok::<_, Infallible>(Response::new(()))
    };
    block_on(calls.send(sent(), client)).unwrap();
    let stream = sent();
    let count = allocation_counter::measure(|| {
        let mut future = Box::pin(calls.send(stream, client));
        assert!(support::poll_once(&mut future).is_ready());
    });
    // The box is the test's own.
    assert_eq!(count.count_total, 1);
}
