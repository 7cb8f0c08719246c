//! Handing out a cached token allocates nothing.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use auth_testkit::Script;
use pollster::block_on;
use support::{ADA, World};

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a cached token is there at once"),
    }
}

fn allocations(act: impl FnOnce()) -> u64 {
    allocation_counter::measure(act).count_total
}

#[test]
fn a_cached_token_and_its_header_are_shared() {
    let world = World::new(Script::new()).with_record(3600);
    let (tasks, threads) = (world.account(), world.blocking().account(ADA));
    block_on(tasks.token()).unwrap();
    threads.token().unwrap();
    for (what, count) in [
        ("token", allocations(|| drop(ready(tasks.token()).unwrap()))),
        ("header", allocations(|| drop(ready(tasks.token()).unwrap().authorization().unwrap()))),
        (
            "valid for",
            allocations(|| {
                drop(ready(tasks.token_valid_for(Duration::from_secs(60))).unwrap());
            }),
        ),
        ("thread", allocations(|| drop(threads.token().unwrap()))),
    ] {
        assert_eq!(count, 0, "{what}");
    }
}
