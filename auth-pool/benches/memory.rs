//! The memory that accounts in a pool take, counted and printed.

// Not a library.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used, missing_docs)]

#[path = "../../auth-accounts/benches/support/mod.rs"]
mod support;

use std::{hint::black_box, time::Duration};

use auth_accounts::MemoryStore;
use auth_pool::{AccountPool, PoolSettings};
use support::{accounts, ready, record};

fn main() {
    println!("bytes for each account (name of 14 characters), and allocations");
    println!(
        "{:>10} {:>26} {:>34}",
        "accounts", "in a pool, not yet used", "with a cached token of 1 KiB"
    );
    for size in [1_usize, 10_000, 1_000_000] {
        let store = MemoryStore::new();
        let shared = accounts(&store, Duration::ZERO);
        let mut pool = None;
        let idle = allocation_counter::measure(|| {
            let members = (0..size).map(|number| shared.account(format!("account {number:06}")));
            pool = Some(AccountPool::new(members, PoolSettings::default()));
        });
        let pool = pool.expect("a pool");
        let each = |bytes: i64, count: i64| {
            let size = i64::try_from(size).unwrap();
            format!("{} in {:.1}", bytes / size, count as f64 / size as f64)
        };
        // A million tokens of 1 KiB are a GiB; a hundredth shows as much.
        let sample = size.min(10_000);
        let record = record(Duration::from_secs(3600));
        let mut used = Vec::with_capacity(sample);
        for account in pool.accounts().take(sample) {
            store.put(account.id(), record.clone());
        }
        let loaded = allocation_counter::measure(|| {
            for account in pool.accounts().take(sample) {
                used.push(ready(account.token()).expect("a token").obtained_at());
            }
        });
        black_box(&used);
        let sample = i64::try_from(sample).unwrap();
        println!(
            "{size:>10} {:>26} {:>34}",
            each(idle.bytes_current, idle.count_current),
            format!(
                "{} more in {:.1} (sharing the token's own 1 KiB)",
                loaded.bytes_current / sample,
                loaded.count_current as f64 / sample as f64
            ),
        );
    }
}
