//! Calls with the tokens of a pool: when it moves on, and when a request is sent again.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "../../auth-accounts/tests/support/mod.rs"]
mod support;

use std::{collections::VecDeque, convert::Infallible, sync::Mutex, time::Duration};

use auth_accounts::{
    Reason,
    calls::{CallError, Calls, NotAgain, Outgoing, Target},
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};
use auth_pool::{
    AccountPool, BlockingAccountPool, PoolError, PoolSession, PoolSettings, ReportOutcome, Routing,
};
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
            "429 the token was refused, and there is no other for now: none of the 1 account can be used: 1 waits; main is back in 100 s",
        ),
        (
            Script::new(),
            403,
            "403 the token was refused, and there is no other for now: none of the 1 account can be used: 1 waits; main is back in 100 s",
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
