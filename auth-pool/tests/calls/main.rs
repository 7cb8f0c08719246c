//! Calls with the tokens of a pool: when it moves on, and when a request is sent again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests, too")]

mod stories;
#[path = "../../../auth-accounts/tests/support/mod.rs"]
mod support;

use std::{collections::VecDeque, convert::Infallible, sync::Mutex};

use auth_accounts::{
    Reason,
    calls::{CallError, Calls, NotAgain, Outgoing, Target},
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};
use auth_pool::{AccountPool, BlockingAccountPool, PoolError, PoolSettings};
use auth_testkit::Script;
use pollster::block_on;
use support::{World, record};

const NAMES: [&str; 3] = ["main", "second", "third"];
const URL: &str = "https://api.example.com/me";

/// Accounts, each with tokens `at-NAME` and `rt-NAME` for an hour.
fn world(script: Script) -> World {
    let world = World::new(script);
    for name in NAMES {
        let (access, refresh) = (format!("at-{name}"), format!("rt-{name}"));
        world.store.inner.put(name, record(&access, &refresh, world.now(), 3600));
    }
    world
}

fn pool(world: &World, count: usize, settings: PoolSettings) -> AccountPool {
    let accounts = world.accounts();
    AccountPool::new(NAMES[..count].iter().map(|name| accounts.account(*name)), settings)
}

/// An API that gives these responses, and keeps the tokens that came in.
#[derive(Default)]
struct Api {
    answers: Mutex<VecDeque<Response<()>>>,
    tokens: Mutex<Vec<String>>,
}

impl Api {
    fn new(answers: &[Response<()>]) -> Self {
        Self { answers: Mutex::new(answers.iter().cloned().collect()), ..Self::default() }
    }

    fn send(&self, headers: &HeaderMap) -> Result<Response<()>, Infallible> {
        let token = headers[header::AUTHORIZATION].to_str().unwrap().replace("Bearer ", "");
        self.tokens.lock().unwrap().push(token);
        Ok(self.answers.lock().unwrap().pop_front().expect("no more requests"))
    }

    fn tokens(&self) -> String {
        self.tokens.lock().unwrap().join(" ")
    }
}

fn answer(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap()
}

fn challenge(status: u16, challenge: &str) -> Response<()> {
    answer(status, &[("www-authenticate", challenge)])
}

fn from(url: &str, mut response: Response<()>) -> Response<()> {
    response.extensions_mut().insert(auth_accounts::calls::CameFrom(url.parse().unwrap()));
    response
}

fn get() -> Request<()> {
    Request::get(URL).body(()).unwrap()
}

/// A request whose body can be sent once.
struct Stream(Request<()>);

impl Outgoing for Stream {
    fn target(&self) -> Target<'_> {
        Target::Uri(self.0.uri())
    }

    fn method(&self) -> &Method {
        self.0.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.headers_mut()
    }

    fn again(&self) -> Option<Self> {
        None
    }
}

fn told(result: &Result<Response<()>, CallError<PoolError>>) -> String {
    match result {
        Ok(response) => {
            let why = response.extensions().get::<NotAgain>();
            let why = why.map(|why| match why {
                NotAgain::Twice => " twice".into(),
                NotAgain::Body => " body".into(),
                NotAgain::Elsewhere => " elsewhere".into(),
                NotAgain::InsufficientScope { .. } => " scope".into(),
                NotAgain::StepUp(_) => " log in".into(),
                NotAgain::Request => " request".into(),
                other => format!(" {other}"),
            });
            format!("{}{}", response.status().as_u16(), why.unwrap_or_default())
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_response_has_its_verdict() {
    let ok = || answer(200, &[]);
    let renewed = || Script::new().tokens("new", "rt-new");
    let scope = |status| challenge(status, r#"Bearer error="insufficient_scope""#);
    let log_in = || challenge(401, r#"Bearer error="insufficient_user_authentication""#);
    type Row = (fn() -> Script, Vec<Response<()>>, &'static str, &'static str, &'static str);
    let rows: Vec<Row> = vec![
        (Script::new, vec![ok()], "200", "at-main", "main"),
        (Script::new, vec![answer(429, &[]), ok()], "200", "at-main at-second", "second"),
        (Script::new, vec![answer(403, &[]), ok()], "200", "at-main at-second", "second"),
        (Script::new, vec![scope(403), ok()], "200", "at-main at-second", "second"),
        (Script::new, vec![scope(401), ok()], "200", "at-main at-second", "second"),
        (renewed, vec![answer(401, &[]), ok()], "200", "at-main new", "main"),
        (renewed, vec![answer(401, &[]), answer(401, &[])], "401 twice", "at-main new", "second"),
        (renewed, vec![answer(401, &[]), answer(429, &[])], "429 twice", "at-main new", "second"),
        (
            Script::new,
            vec![answer(429, &[]), answer(429, &[])],
            "429 twice",
            "at-main at-second",
            "third",
        ),
        (
            Script::new,
            vec![answer(429, &[]), answer(500, &[])],
            "500",
            "at-main at-second",
            "second",
        ),
        // The second refusal is of a token, which is replaced with the next pick.
        (
            renewed,
            vec![answer(429, &[]), answer(401, &[])],
            "401 twice",
            "at-main at-second",
            "second",
        ),
        (
            || Script::new().oauth_error("invalid_grant"),
            vec![answer(401, &[]), ok()],
            "200",
            "at-main at-second",
            "second",
        ),
        // No other account is of use, or none is to blame.
        (Script::new, vec![log_in()], "401 log in", "at-main", "main"),
        (
            Script::new,
            vec![challenge(401, r#"Bearer error="invalid_request""#)],
            "401 request",
            "at-main",
            "main",
        ),
        (
            Script::new,
            vec![from("https://other.example.com/", answer(401, &[]))],
            "401 elsewhere",
            "at-main",
            "main",
        ),
        (
            Script::new,
            vec![from("https://other.example.com/", answer(429, &[]))],
            "429",
            "at-main",
            "main",
        ),
        (Script::new, vec![answer(500, &[])], "500", "at-main", "main"),
        (Script::new, vec![answer(404, &[])], "404", "at-main", "main"),
    ];
    for (script, answers, expected, sent, next) in rows {
        for threads in [false, true] {
            let world = world(script());
            let api = Api::new(&answers);
            let (result, pool) = if threads {
                let accounts = world.blocking();
                let members = NAMES.map(|name| accounts.account(name));
                let pool = BlockingAccountPool::new(members, PoolSettings::default());
                let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
                (calls.send_blocking(get(), |request| api.send(request.headers())), pool.token())
            } else {
                let pool = pool(&world, 3, PoolSettings::default());
                let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
                let client = async |request: Request<()>| api.send(request.headers());
                (block_on(calls.send(get(), client)), block_on(pool.token()))
            };
            assert_eq!(told(&result), expected, "{answers:?}");
            assert_eq!(api.tokens(), sent, "{answers:?}");
            assert_eq!(pool.unwrap().account().as_str(), next, "{answers:?}");
            world.script.finish();
        }
    }
}

#[test]
fn the_settings_say_where_it_moves_on() {
    for (statuses, answers, also, expected, sent) in [
        (vec![503], vec![answer(503, &[]), answer(200, &[])], None, "200", "at-main at-second"),
        (vec![503], vec![answer(429, &[])], None, "429", "at-main"),
        // Those who leave it out do not want it refreshed either.
        (vec![429], vec![answer(401, &[])], None, "401", "at-main"),
        (vec![429], vec![answer(401, &[]), answer(200, &[])], Some(401), "200", "at-main new"),
        (vec![429], vec![answer(419, &[]), answer(200, &[])], Some(419), "200", "at-main new"),
        (
            vec![429],
            vec![challenge(403, r#"Bearer error="insufficient_scope""#)],
            None,
            "403 scope",
            "at-main",
        ),
    ] {
        let script = match sent.contains("new") {
            true => Script::new().tokens("new", "rt-new"),
            false => Script::new(),
        };
        let world = world(script);
        let status = |code: u16| StatusCode::from_u16(code).unwrap();
        let settings = PoolSettings::default().move_on_at(statuses.into_iter().map(status));
        let calls = Calls::new(pool(&world, 3, settings), ["https://api.example.com"]).unwrap();
        let calls = calls.also_refused_at(also.map(status));
        let api = Api::new(&answers);
        let client = async |request: Request<()>| api.send(request.headers());
        assert_eq!(told(&block_on(calls.send(get(), client))), expected);
        assert_eq!(api.tokens(), sent);
        world.script.finish();
    }
}

#[test]
fn without_another_account_the_api_says_what_is_wrong() {
    for (script, status, expected) in [
        (
            Script::new(),
            429,
            "429 there is no other token for now: none of the 1 account can be used: 1 waits; main is back in 100 s",
        ),
        (
            Script::new(),
            403,
            "403 there is no other token for now: none of the 1 account can be used: 1 waits; main is back in 100 s",
        ),
        (
            Script::new().oauth_error("invalid_grant"),
            401,
            "there is no token for the request: none of the 1 account can be used: 1 needs a login",
        ),
    ] {
        let world = world(script);
        let calls =
            Calls::new(pool(&world, 1, PoolSettings::default()), ["https://api.example.com"])
                .unwrap();
        let api = Api::new(&[answer(status, &[("retry-after", "100")])]);
        let client = async |request: Request<()>| api.send(request.headers());
        let result = block_on(calls.send(get(), client));
        assert_eq!(told(&result), expected);
        if let Err(CallError::NoToken(error)) = &result {
            assert!(matches!(error.last_error().unwrap().reason(), Reason::Refresh(_)));
        }
    }
}

#[test]
fn an_account_comes_back_when_the_api_says() {
    let now = 1_800_000_000;
    let reset = (now + 90).to_string();
    for (status, fields, wait) in [
        (429, vec![("retry-after", "90")], 90),
        (403, vec![("retry-after", "90")], 90),
        (
            429,
            vec![
                ("retry-after", "Fri, 15 Jan 2027 08:01:30 GMT"),
                ("date", "Fri, 15 Jan 2027 08:00:00 GMT"),
            ],
            90,
        ),
        // As GitHub has it.
        (
            403,
            vec![
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", &reset),
                ("date", "Fri, 15 Jan 2027 08:00:00 GMT"),
            ],
            90,
        ),
        (403, vec![("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", &reset)], 60),
        (403, vec![], 60),
        (429, vec![("retry-after", "soon")], 60),
        // Whoever asks for no wait is left all the same, for others are there.
        (429, vec![("retry-after", "0")], 1),
        (403, vec![("retry-after-ms", "1")], 1),
        (
            429,
            vec![
                ("retry-after", "Fri, 15 Jan 2027 07:59:00 GMT"),
                ("date", "Fri, 15 Jan 2027 08:00:00 GMT"),
            ],
            1,
        ),
    ] {
        let world = world(Script::new());
        let pool = pool(&world, 2, PoolSettings::default());
        let calls = Calls::new(pool.clone(), ["https://api.example.com"]).unwrap();
        let api = Api::new(&[answer(status, &fields), answer(200, &[])]);
        let client = async |request: Request<()>| api.send(request.headers());
        assert_eq!(told(&block_on(calls.send(get(), client))), "200");
        world.pass(wait - 1);
        assert_eq!(block_on(pool.token()).unwrap().account().as_str(), "second", "{fields:?}");
        world.pass(1);
        assert_eq!(block_on(pool.token()).unwrap().account().as_str(), "main", "{fields:?}");
    }
}
