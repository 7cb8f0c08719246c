//! Sends requests with a warm token to a client that does nothing, so that what is
//! counted is the token's way into the request. `run` counts the instructions.
//!
//! ```text
//! auth-bench-peers list          the names of the contenders
//! auth-bench-peers NAME TIMES    so many requests by one of them
//! auth-bench-peers allocations   what one request of each allocates
//! ```

mod azure;
mod google;
mod ours;

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderValue, Request, Response, header};

/// What sends one request.
pub type Send = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = ()>>>>;

/// A way to send requests.
pub struct Contender {
    pub name: &'static str,
    /// Makes it, and warms it up.
    pub make: fn() -> Pin<Box<dyn Future<Output = Send>>>,
}

/// As long as tokens that are signed often are: 1 KiB.
pub fn token_text() -> String {
    "t".repeat(1024)
}

pub const URL: &str = "https://api.example.com/v1/notes";

/// A request as a program makes it, with a body that is shared.
pub fn request() -> Request<bytes::Bytes> {
    let mut request = Request::new(bytes::Bytes::from_static(b"a note"));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = http::Uri::from_static(URL);
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    request
}

/// The client: it responds with 200 and no body.
#[derive(Clone, Copy)]
pub struct Bare;

impl tower_service::Service<Request<bytes::Bytes>> for Bare {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<bytes::Bytes>) -> Self::Future {
        drop(std::hint::black_box(request));
        ready(Ok(Response::new(())))
    }
}

fn contenders() -> Vec<Contender> {
    [ours::contenders(), google::contenders(), azure::contenders()].into_iter().flatten().collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => contenders().iter().for_each(|contender| println!("{}", contender.name)),
        ["allocations"] => {
            for contender in contenders() {
                let (count, bytes) = runtime.block_on(allocations(&contender));
                println!("{}\t{count}\t{bytes}", contender.name);
            }
        }
        [name, times] => {
            let times: usize = times.parse().unwrap();
            let all = contenders();
            let contender = all.iter().find(|contender| contender.name == *name).unwrap();
            runtime.block_on(async {
                let mut send = (contender.make)().await;
                for _ in 0..times {
                    send().await;
                }
            });
        }
        _ => panic!("list, allocations, or a name and a number"),
    }
}

/// What one request allocates, and how many bytes. The box of its future, which is the
/// benchmark's own, is left out.
async fn allocations(contender: &Contender) -> (u64, u64) {
    let mut send = (contender.make)().await;
    for _ in 0..10 {
        send().await;
    }
    let mut future = None;
    let made = allocation_counter::measure(|| future = Some(send()));
    let mut future = future.unwrap();
    let sent = allocation_counter::measure(|| {
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_ready(), "nothing here waits");
    });
    let own = std::mem::size_of_val(&*future) as u64;
    assert_eq!((made.count_total, made.bytes_total), (u64::from(own > 0), own));
    (sent.count_total, sent.bytes_total)
}
