//! What handing out a token costs, alone and with others, beside the floor
//! that it could cost at least; a crowd that waits for one refresh.

// Bodies of benchmarks are tests in all but name.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    hint::black_box,
    sync::{Arc, Barrier, RwLock},
    thread,
    time::{Duration, Instant, SystemTime},
};

use arc_swap::ArcSwap;
use auth_accounts::{Account, MemoryStore};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::HeaderValue;
use support::{accounts, ready, record, token_text};

fn loaded() -> Account {
    let store = MemoryStore::new();
    store.put("ada", record(Duration::from_secs(3600)));
    let account = accounts(&store, Duration::ZERO).account("ada");
    ready(account.token()).expect("a token");
    account
}

/// What a cached token needs at least.
struct Floor {
    header: HeaderValue,
    expires_at: SystemTime,
}

impl Floor {
    fn new() -> Self {
        let token = auth_core::AccessToken::new(token_text());
        let expires_at = SystemTime::now() + Duration::from_secs(3600);
        Self { header: token.authorization().expect("a header"), expires_at }
    }

    fn get(&self) -> Option<HeaderValue> {
        (SystemTime::now() < self.expires_at).then(|| self.header.clone())
    }
}

type Call<'a> = (&'static str, Box<dyn Fn() + Sync + 'a>);

fn cached(c: &mut Criterion) {
    let mut group = c.benchmark_group("cached token");
    let account = loaded();
    let (swap, lock) = (ArcSwap::from_pointee(Floor::new()), RwLock::new(Floor::new()));
    let calls: [Call<'_>; 5] = [
        ("floor: ArcSwap, clock, header", Box::new(|| drop(black_box(swap.load().get())))),
        ("the same as a future", Box::new(|| drop(black_box(ready(async { swap.load().get() }))))),
        (
            "yardstick: RwLock, clock, header",
            Box::new(|| drop(black_box(lock.read().unwrap().get()))),
        ),
        ("token()", Box::new(|| drop(black_box(ready(account.token()))))),
        (
            "token() and its header",
            Box::new(|| drop(black_box(ready(account.token()).unwrap().bearer()))),
        ),
    ];
    for (name, call) in &calls {
        for threads in [1, 2, 8] {
            group.bench_function(format!("{name}, {threads} threads"), |b| {
                b.iter_custom(|times| side_by_side(threads, times, call));
            });
        }
    }
    group.finish();
}

/// The time that each of so many threads takes for so many calls.
fn side_by_side(threads: usize, times: u64, call: &(dyn Fn() + Sync)) -> Duration {
    let start = Barrier::new(threads);
    let took = |_| {
        start.wait();
        let started = Instant::now();
        for _ in 0..times {
            call();
        }
        started.elapsed()
    };
    if threads == 1 {
        return took(0);
    }
    let all: Duration = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|at| scope.spawn(move || took(at))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // On fewer cores than threads they take turns.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    all / u32::try_from(threads.max(1) * threads.div_ceil(cores)).unwrap()
}

const CROWD: usize = 10_000;
const ANSWER: Duration = Duration::from_millis(50);

fn crowd(c: &mut Criterion) {
    let mut group = c.benchmark_group("10,000 tasks and a response after 50 ms");
    group.sample_size(10);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    group.bench_function("token()", |b| {
        b.iter_batched(
            || {
                let store = MemoryStore::new();
                store.put("ada", record(Duration::from_secs(1)));
                accounts(&store, ANSWER).account("ada")
            },
            |account| {
                runtime.block_on(async {
                    let tasks: Vec<_> = (0..CROWD)
                        .map(|_| {
                            let account = account.clone();
                            tokio::spawn(async move { account.token().await.map(drop) })
                        })
                        .collect();
                    for task in tasks {
                        task.await.expect("no panic").expect("a token");
                    }
                });
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("floor: a mutex with a second look", |b| {
        b.iter_batched(
            || Arc::new(tokio::sync::Mutex::new(None::<Arc<str>>)),
            |slot| {
                runtime.block_on(async {
                    let tasks: Vec<_> = (0..CROWD)
                        .map(|_| {
                            let slot = Arc::clone(&slot);
                            tokio::spawn(async move {
                                let mut slot = slot.lock().await;
                                if slot.is_none() {
                                    tokio::time::sleep(ANSWER).await;
                                    *slot = Some(token_text().into());
                                }
                                slot.clone()
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.expect("no panic").expect("a token");
                    }
                });
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, cached, crowd);
criterion_main!(benches);
