//! What a request with a token that is ready costs above one whose header is set by hand:
//! instructions, counted by callgrind, and allocations. Both are the same on any day.
//!
//! ```sh
//! cargo bench -p auth-tower --bench calls
//! ```
//!
//! It needs valgrind.

// Bodies of benchmarks are tests in all but name, and not libraries.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::{
    convert::Infallible,
    env,
    fmt::Debug,
    future::{Future, Ready, pending, ready},
    hint::black_box,
    pin::pin,
    process::Command,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use auth_testkit::FakeAuthServer;
use auth_tower::{
    CallLayer,
    auth_accounts::{
        Account, Accounts, MemoryStore,
        auth_core::{Clock, Now, TimeSource, async_trait},
        calls::Calls,
    },
    http::{HeaderValue, Request, Response, Uri, header},
};
use tower::{Layer, Service};

/// The client. It does nothing, and is not inlined, as clients are not.
#[derive(Clone)]
struct Bare;

impl Service<Request<()>> for Bare {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline(never)]
    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(&request);
        ready(Ok(Response::new(())))
    }
}

/// The same with a header that somebody keeps for it.
struct ByHand(Bare, HeaderValue);

impl Service<Request<()>> for ByHand {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<()>) -> Self::Future {
        request.headers_mut().insert(header::AUTHORIZATION, self.1.clone());
        self.0.call(request)
    }
}

/// The system's clocks.
struct SystemClock;

impl TimeSource for SystemClock {
    fn now(&self) -> Now {
        Now { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[async_trait]
impl Clock for SystemClock {
    async fn sleep(&self, _: Duration) {
        pending::<()>().await;
    }
}

/// Each contender; the first two are what the others are compared with.
const NAMES: [&str; 5] = ["bare", "by hand", "attach only", "with a base", "send again"];

fn account() -> Account {
    let server = FakeAuthServer::new();
    let (endpoint, store) = (server.endpoint(), MemoryStore::new());
    let accounts = Accounts::without_runtime(endpoint, server.clone(), store, SystemClock);
    let account = accounts.account("ada");
    let login = server.log_in("ada").expires_at(SystemTime::now() + Duration::from_secs(36_000));
    pollster::block_on(account.store_login(login)).unwrap();
    account
}

const API: &str = "https://api.example.com";

/// Sends so many requests by this contender. Returns what the last one allocates.
fn send(name: &str, times: usize) -> u64 {
    let account = account();
    let token = pollster::block_on(account.token()).unwrap();
    let layer = CallLayer::new(Calls::new(account, [API]).unwrap());
    match name {
        "bare" => run(Bare, times),
        "by hand" => run(ByHand(Bare, token.bearer().unwrap()), times),
        "attach only" => run(layer.layer(Bare), times),
        "with a base" => run(layer.base(&Uri::from_static(API)).unwrap().layer(Bare), times),
        "send again" => run(layer.send_again().layer(Bare), times),
        name => panic!("there is no {name}"),
    }
}

fn run<S>(mut service: S, times: usize) -> u64
where
    S: Service<Request<()>, Response = Response<()>>,
    S::Error: Debug,
{
    let uri: Uri = format!("{API}/v1/me?x=1").parse().unwrap();
    for _ in 0..times {
        one(&mut service, request(&uri));
    }
    let request = request(&uri);
    allocation_counter::measure(|| one(&mut service, request)).count_total
}

/// A request as programs make them.
fn request(uri: &Uri) -> Request<()> {
    let accept = HeaderValue::from_static("application/json");
    Request::get(uri.clone()).header(header::ACCEPT, accept).body(()).unwrap()
}

fn one<S>(service: &mut S, request: Request<()>)
where
    S: Service<Request<()>, Response = Response<()>>,
    S::Error: Debug,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(response) => drop(black_box(response.unwrap())),
        Poll::Pending => panic!("all of it is there at once"),
    }
}

/// What one request of this contender takes: that of many less that of few, so that what
/// comes before them is left out.
fn instructions(name: &str) -> u64 {
    const FEW: u64 = 1_000;
    const MANY: u64 = 3_000;
    (collected(name, MANY) - collected(name, FEW)) / (MANY - FEW)
}

fn collected(name: &str, times: u64) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg(env::current_exe().unwrap()).args(["send", name, &times.to_string()]);
    let output = valgrind.output().expect("valgrind, which is to be installed");
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.rsplit("Collected : ").next().and_then(|rest| rest.split_whitespace().next());
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("valgrind said: {said}"))
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["send", name, times] => {
            send(name, times.parse().unwrap());
        }
        arguments if arguments.contains(&"--bench") => compare(),
        // As a test: that all of them work.
        _ => NAMES.iter().for_each(|name| {
            send(name, 1);
        }),
    }
}

fn compare() {
    let by_hand = (instructions("by hand"), send("by hand", 1));
    println!(
        "{:12} {:>12} {:>9} {:>12} {:>9}",
        "", "instructions", "above", "allocations", "above"
    );
    for name in NAMES {
        let (took, allocated) = (instructions(name), send(name, 1));
        let (more, above) = (took as i64 - by_hand.0 as i64, allocated as i64 - by_hand.1 as i64);
        println!("{name:12} {took:12} {more:+9} {allocated:12} {above:+9}");
    }
}
