//! What is marked, and what lasts from one call to the next.

use std::{
    cell::Cell,
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use auth_accounts::{
    calls::{Calls, Target, Verdict},
    http::{HeaderMap, Request, Response, StatusCode},
    store::Record,
};
use auth_pool::{AccountPool, PoolSession, PoolSettings, ReportOutcome, Routing};
use auth_testkit::{FakeAuthServer, Script, VirtualClock};
use pollster::block_on;

use crate::{
    Api, NAMES, Stream, answer, get, pool,
    support::{self, World, record},
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
fn who_leaves_in_the_middle_of_a_renewal_leaves_no_doubt() {
    // Whoever is next knows that the new token replaced a refused one.
    for polls in 1..12 {
        let world = world(Script::new().tokens("new", "rt-new"));
        world.store.yields.store(true, Ordering::Relaxed);
        let pool = pool(&world, 2, PoolSettings::default());
        let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
        let refused = || answer(401, &[]);
        let api = Api::new(&vec![refused(); 2]);
        let client = async |request: Request<()>| api.send(request.headers());
        let mut left = Box::pin(calls.send(get(), client));
        while api.tokens().is_empty() {
            assert!(support::poll_once(&mut left).is_pending());
        }
        if (1..polls).any(|_| support::poll_once(&mut left).is_ready()) {
            continue;
        }
        drop(left);
        let api = Api::new(&[refused(), answer(200, &[])]);
        let client = async |request: Request<()>| api.send(request.headers());
        let result = support::run(calls.send(get(), client), &world.clock);
        assert_eq!((told(&result).as_str(), api.tokens().as_str()), ("200", "new at-second"));
        world.script.finish();
    }
}

#[test]
fn the_longest_of_several_waits_counts() {
    let long = [("retry-after", "600")];
    for waits in [[&long[..], &[]], [&[], &long[..]]] {
        let world = world(Script::new());
        let pool = pool(&world, 2, PoolSettings::default());
        // Two requests that went out before there was a response.
        let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
        let targets = || {
            let mut call = calls.begin(&Target::Uri(get().uri()), &HeaderMap::new(), None);
            let mut call = call.take().unwrap().unwrap();
            assert!(call.peek() || block_on(call.obtain()).is_ok());
            call
        };
        let both = [targets(), targets()];
        for (mut call, fields) in both.into_iter().zip(waits) {
            let response = answer(429, fields);
            match call.judge(None, response.status(), response.headers()) {
                Verdict::Renew(why) => call.mark(&why),
                other => panic!("{other:?}"),
            }
        }
        for (passed, expected) in [(61, "second"), (538, "second"), (1, "main")] {
            world.pass(passed);
            assert_eq!(block_on(pool.token()).unwrap().account().as_str(), expected);
        }
    }
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

/// No account is refreshed more than once, no request is sent more than twice, and after
/// the longest cooldown all is as it was.
#[test]
fn an_api_that_refuses_everything_cannot_do_more_than_that() {
    let long = u64::MAX.to_string();
    for (status, wait, refreshes) in [
        (401, None, 3),
        (401, Some("0"), 3),
        (401, Some(&*long), 3),
        (403, None, 0),
        (429, Some("0"), 0),
        (429, Some(&*long), 0),
        (429, Some("Fri, 31 Dec 9999 23:59:59 GMT"), 0),
    ] {
        for again in [true, false] {
            let script = (0..refreshes).fold(Script::new(), |script, number| {
                script.tokens(format!("new-{number}"), format!("rt-new-{number}"))
            });
            let world = world(script);
            let pool = pool(&world, 3, PoolSettings::default());
            let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
            let sent = AtomicUsize::new(0);
            let refused = || {
                sent.fetch_add(1, Ordering::Relaxed);
                let fields: Vec<_> = wait.iter().map(|wait| ("retry-after", *wait)).collect();
                Ok::<_, Infallible>(answer(status, &fields))
            };
            for _ in 0..100 {
                let before = sent.load(Ordering::Relaxed);
                let _ = match again {
                    true => block_on(calls.send(get(), async |_| refused())),
                    false => block_on(calls.send(Stream(get()), async |_| refused())),
                };
                let times = sent.load(Ordering::Relaxed) - before;
                assert!(times <= if again { 2 } else { 1 }, "{status} {wait:?}: {times}");
            }
            assert_eq!(sent.into_inner(), 3 + refreshes, "{status} {wait:?} {again}");
            world.script.finish();
            block_on(pool.token()).unwrap_err();
            world.pass(24 * 3600);
            for name in NAMES {
                let tokens = support::tokens("at-late", "rt-late", world.now(), 3600);
                block_on(world.accounts().account(name).store_login(tokens)).unwrap();
            }
            block_on(pool.token()).unwrap();
        }
    }
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

#[test]
fn an_api_that_refuses_every_token_of_every_account_costs_few_refreshes() {
    for every in [1, 11, 61] {
        let clock = VirtualClock::manual();
        let server = FakeAuthServer::builder().clock(&clock).build();
        let world = World::of(server.clone());
        for name in NAMES {
            let tokens = server.log_in(name);
            world.store.inner.put(name, Record::obtained(tokens, world.now()));
        }
        let accounts = world.accounts();
        let members = NAMES.map(|name| accounts.account(name));
        let pool = AccountPool::new(members, PoolSettings::default());
        let calls = Calls::new(pool, ["https://api.example.com"]).unwrap();
        let arrived = Cell::new(0);
        let client = async |_: Request<()>| {
            arrived.set(arrived.get() + 1);
            Ok::<_, Infallible>(answer(401, &[]))
        };
        for _ in 0..3600 / every {
            // When all rest, nothing is sent.
            drop(block_on(calls.send(get(), client)));
            world.pass(every);
        }
        // Each rests for a minute.
        let most = NAMES.len() * 60;
        assert!(server.report().issued <= most, "every {every} s: {:?}", server.report());
        assert!(arrived.get() <= 2 * most, "every {every} s: {}", arrived.get());
    }
}
