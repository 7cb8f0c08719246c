//! However often somebody calls, and whatever the server says: the exchanges are
//! few.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_accounts::{AccountState, Reason, Settings, http};
use auth_core::{BlockingTransport, Request, Response, Transport, TransportError};
use auth_testkit::VirtualClock;
use pollster::block_on;
use support::{ADA, SpyStore, World, lock};

/// Gives new tokens at every request, with the same words about their life.
#[derive(Clone)]
struct Says {
    members: String,
    clock: VirtualClock,
    requests: Arc<Mutex<Vec<SystemTime>>>,
}

impl BlockingTransport for Says {
    fn send_blocking(&self, _: Request) -> Result<Response, TransportError> {
        let mut requests = lock(&self.requests);
        requests.push(self.clock.now().wall);
        let (number, members) = (requests.len() + 1, &self.members);
        let body =
            format!(r#"{{"access_token":"at-{number}","refresh_token":"rt-{number}"{members}}}"#);
        Ok(http::Response::new(body.into_bytes()))
    }
}

#[async_trait]
impl Transport for Says {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.send_blocking(request)
    }
}

fn world(members: &str) -> World<Says> {
    let clock = VirtualClock::manual();
    let script =
        Says { members: members.to_owned(), clock: clock.clone(), requests: Arc::default() };
    let world = World {
        script,
        store: SpyStore::default(),
        clock,
        settings: Settings::default().seed(1),
        busy: Arc::default(),
        endpoint: support::endpoint(),
    };
    world.with_record(0)
}

impl World<Says> {
    fn exchanges(&self) -> Vec<SystemTime> {
        lock(&self.script.requests).clone()
    }
}

/// Whatever a server may say of the life of its tokens.
fn words() -> Vec<String> {
    let start = VirtualClock::manual().now().wall;
    let start = start.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let mut all = vec![String::new(), r#","expires_in":"""#.into(), r#","expires_in":[]"#.into()];
    let lives = ["0", "-1", "-99999999999999999999", "0.001", "1", "1.9", "2", "3", "5", "11"];
    let long = ["60", "3600", "31536000", "1e300", "18446744073709551615", "null", "\"3600\""];
    let dates = [0, 3, 5, 60, 1_800, 3_605, 7_200].map(|ahead| (start + ahead).to_string());
    for life in lives.iter().chain(&long) {
        all.push(format!(r#","expires_in":{life}"#));
    }
    for date in dates {
        all.push(format!(r#","expires_at":{date}"#));
        all.push(format!(r#","expires_in":3600,"refresh_expires_in":{date}"#));
    }
    for life in ["0", "-1", "5", "31", "40", "3600"] {
        all.push(format!(r#","expires_in":3600,"refresh_expires_in":{life}"#));
        all.push(format!(r#","expires_in":5,"refresh_expires_in":{life}"#));
    }
    all
}

/// A token that is said to live for 2 s is believed. A quarter of that is spared,
/// so that it is replaced every 2 s; or with every call, if all of it is asked for.
#[test]
fn a_caller_every_second_makes_few_exchanges_whatever_the_server_says() {
    for (asks, most) in [(None, 1_800), (Some(Duration::from_secs(3_000)), 3_600)] {
        for words in words() {
            let world = world(&words);
            let (tasks, threads) = (world.account(), world.blocking().account(ADA));
            for second in 0..3600 {
                let token = match (asks, second % 2) {
                    (None, 0) => block_on(tasks.token()),
                    (None, _) => threads.token(),
                    (Some(ttl), 0) => block_on(tasks.token_valid_for(ttl)),
                    (Some(ttl), _) => threads.token_valid_for(ttl),
                };
                assert!(token.is_ok(), "{words}: {token:?}");
                world.pass(1);
            }
            let count = world.exchanges().len();
            assert!(count <= most, "{words}: {count} exchanges in an hour, {asks:?}");
        }
    }
}

#[test]
fn keeping_fresh_makes_few_exchanges_whatever_the_server_says() {
    for words in words() {
        let mut world = world(&words);
        world.settings = Settings::default()
            .refresh_at_least_every(Duration::ZERO)
            .default_lifetime(Some(Duration::ZERO));
        let account = world.account();
        for _ in 0..3600 {
            assert!(block_on(account.refresh_if_due()).result.is_ok(), "{words}");
            world.pass(1);
        }
        let count = world.exchanges().len();
        assert!(count <= 121, "{words}: {count} exchanges in an hour");
    }
}

#[test]
fn an_api_that_refuses_every_token_is_answered_by_few_exchanges() {
    for words in [r#","expires_in":3600"#, r#","expires_in":6"#, "", r#","expires_in":0"#] {
        let world = world(words);
        // Processes that share the store.
        let (tasks, threads) = (world.account(), world.blocking().account(ADA));
        let first = block_on(tasks.token()).unwrap();
        threads.token().unwrap();
        world.pass(60);
        let mut last = first.clone();
        for second in 0..600 {
            for _ in 0..3 {
                let token = match second % 2 {
                    0 => block_on(tasks.token_refused(last.access_token())),
                    _ => threads.token_refused(last.access_token()),
                };
                last = token.unwrap();
                // What the other calls give is refused as well.
                drop(block_on(tasks.token()).unwrap());
                drop(threads.token().unwrap());
            }
            world.pass(1);
        }
        let exchanges = world.exchanges();
        let most = if words.contains(":6") { 600 / 4 } else { 2 * 61 + 2 };
        assert!(exchanges.len() <= most, "{words}: {}", exchanges.len());
        if words.contains("3600") {
            // The first exchange was for want of a token.
            let first = exchanges[1];
            let after = |time: &SystemTime| time.duration_since(first).unwrap().as_secs();
            let after: Vec<u64> = exchanges[1..].iter().map(after).collect();
            assert_eq!(after, [0, 0, 10, 20, 50, 100, 210, 420], "it is let go ever later");
        }
        for three in exchanges.windows(3) {
            let within = three[2].duration_since(three[0]).unwrap();
            // Short lives end by themselves as well.
            let spared =
                words.contains(":0") || words.contains(":6") || within >= Duration::from_secs(10);
            assert!(spared, "{words}: three exchanges in {within:?}");
        }
    }
}

#[test]
fn beyond_the_brake_there_is_the_latest_token_and_a_reason() {
    let world = world(r#","expires_in":3600"#);
    let ada = world.account();
    let mut token = block_on(ada.token()).unwrap();
    for number in [3, 4] {
        token = block_on(ada.token_refused(token.access_token())).unwrap();
        assert_eq!(token.access_token().expose(), format!("at-{number}"));
        assert!(token.refresh_error().is_none());
    }
    world.pass(4);
    let until = world.now() + Duration::from_secs(6);
    for _ in 0..3 {
        let braked = block_on(ada.token_refused(token.access_token())).unwrap();
        assert_eq!(braked, token);
        let error = braked.refresh_error().unwrap();
        assert!(matches!(error.reason(), Reason::RefusedAgain));
        assert_eq!(error.retry_at(), Some(until));
        assert_eq!(
            error.to_string(),
            "account ada: an API refused new tokens one after another, and this one too; try \
             again later, not before 6 s have passed"
        );
        assert_eq!(error.state(), AccountState::SetBack);
        assert_eq!(block_on(ada.status()).unwrap().state, AccountState::SetBack);
        // Whoever asks meanwhile is told as well, without a look at the store.
        world.store.log.take();
        let told = block_on(ada.token()).unwrap();
        assert!(matches!(told.refresh_error().unwrap().reason(), Reason::RefusedAgain));
        assert_eq!(world.store.log.take(), "");
    }
    // It is refused all the same: there is another as soon as there may be.
    world.pass(6);
    assert_eq!(block_on(ada.status()).unwrap().state, AccountState::Ready);
    let next = block_on(ada.token()).unwrap();
    assert_eq!(next.access_token().expose(), "at-5");
    assert!(next.refresh_error().is_none());
    assert_eq!(block_on(ada.token()).unwrap(), next);
}

/// Nobody asks for a newer one by mistake.
#[test]
fn who_asks_for_a_new_token_gets_one() {
    let world = world(r#","expires_in":3600"#);
    let ada = world.account();
    let mut token = block_on(ada.token()).unwrap();
    for _ in 0..3 {
        token = block_on(ada.token_refused(token.access_token())).unwrap();
    }
    assert!(token.refresh_error().is_some());
    let next = block_on(ada.refresh_now()).unwrap();
    assert!(next != token && next.refresh_error().is_none());
}

#[test]
fn the_brake_is_settable() {
    for (most, within, exchanges) in [(1, 60, 1), (3, 60, 3), (0, 60, 1), (2, 0, 5)] {
        let mut world = world(r#","expires_in":3600"#);
        world.settings = world.settings.refusals(most, Duration::from_secs(within));
        let ada = world.account();
        let mut token = block_on(ada.token()).unwrap();
        for _ in 0..5 {
            token = block_on(ada.token_refused(token.access_token())).unwrap();
        }
        assert_eq!(world.exchanges().len() - 1, exchanges, "{most} in {within} s");
    }
}
