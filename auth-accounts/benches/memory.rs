//! The memory that callers take who wait for a refresh, counted and printed.

// Not a library.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    future::Future,
    task::{Context, Waker},
    time::Duration,
};

use auth_accounts::{MemoryStore, store::TokenStore};
use support::{accounts, ready, record};

/// What callers take that wait for a refresh, each in a box as in a task.
fn waiting() {
    const CROWD: usize = 10_000;
    let store = MemoryStore::new();
    store.put("ada", record(Duration::from_secs(1)));
    let account = accounts(&store, Duration::ZERO).account("ada");
    // Somebody else is refreshing, for as long as this is kept.
    let _lease = ready(TokenStore::lease(&store, &"ada".into(), Duration::ZERO));
    let mut crowd = Vec::with_capacity(CROWD);
    let info = allocation_counter::measure(|| {
        for _ in 0..CROWD {
            let account = account.clone();
            let mut caller = Box::pin(async move { account.token().await.map(drop) });
            let mut context = Context::from_waker(Waker::noop());
            assert!(caller.as_mut().poll(&mut context).is_pending());
            crowd.push(caller);
        }
    });
    println!(
        "bytes for each of {CROWD} callers that wait: {}, in {:.1} allocations\n",
        info.bytes_current / CROWD as i64,
        info.count_current as f64 / CROWD as f64,
    );
}

fn main() {
    waiting();
}
