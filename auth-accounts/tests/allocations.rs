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
use support::{ADA, World, record};

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
        ("header", allocations(|| drop(ready(tasks.token()).unwrap().bearer().unwrap()))),
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

#[test]
fn of_all_accounts_a_name_and_a_time_are_kept() {
    const COUNT: u64 = 10_000;
    let world = World::new(Script::new());
    for number in 0..COUNT {
        let name = format!("customer {number:05}");
        world.store.inner.put(name.as_str(), record("at-1", "rt-1", world.now(), 3600));
    }
    let accounts = world.accounts();
    let info = allocation_counter::measure(|| {
        assert!(block_on(accounts.refresh_due(16)).failed.is_empty());
        world.store.log.take();
    });
    // The names themselves are shared with this store.
    let each = info.bytes_current as u64 / COUNT;
    assert!((60..=130).contains(&each), "{each} bytes");
    // At no time were many records in memory.
    let at_once = info.bytes_max / COUNT;
    assert!(at_once <= each + 60, "{at_once} bytes at once");
}
