//! What a look at what is due costs.

// A benchmark is not a library.
#![allow(clippy::expect_used, missing_docs)]

#[path = "../../auth-accounts/benches/support/mod.rs"]
mod support;

use std::{hint::black_box, time::Duration};

use auth_accounts::MemoryStore;
use auth_pool::{AccountPool, PoolSettings};
use criterion::{Criterion, criterion_group, criterion_main};
use support::{accounts, ready};

fn due(c: &mut Criterion) {
    let mut group = c.benchmark_group("refresh_due");
    group.sample_size(10);
    for size in [1_000, 100_000, 1_000_000] {
        let store = MemoryStore::new();
        // One record for all: what is measured is not the store.
        let accounts = accounts(&store, Duration::ZERO);
        let members = (0..size).map(|number| accounts.account(format!("account {number}")));
        let pool = AccountPool::new(members, PoolSettings::default().batch(usize::MAX));
        // Everybody is looked at once, and found to have no record.
        ready(pool.refresh_due());
        group.bench_function(format!("none of {size} due"), |b| {
            b.iter(|| black_box(ready(pool.refresh_due())));
        });
    }
    group.finish();
}

criterion_group!(benches, due);
criterion_main!(benches);
