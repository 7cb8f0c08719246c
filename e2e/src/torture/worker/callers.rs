//! The callers: what they ask for, each on its own task or thread.

use std::{
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use auth_accounts::{Account, Accounts, BlockingAccount, BlockingAccounts, KeepFresh};
use auth_core::AccessToken;
use fastrand::Rng;
use tokio::task;

use super::{Shared, tell};
use crate::{
    clients::RUNTIME,
    torture::{
        clock::{last_read, last_read_blocking},
        messages::{Setup, account_name},
    },
};

/// What a caller asks for.
enum Asks {
    Token,
    ValidFor(Duration),
    Within(Duration),
    RefreshNow,
    Refused(AccessToken),
}

impl Asks {
    /// In ten thousand calls: 5 refusals, a refresh that nobody needs, 1500 for a
    /// token that lasts, and for a thread 1000 that do not wait for ever.
    fn by_chance(chance: &mut Rng, last: Option<&AccessToken>, thread: bool) -> Self {
        match (chance.u32(0..10_000), last) {
            (0..1, _) => Self::RefreshNow,
            (1..6, Some(last)) => Self::Refused(last.clone()),
            (6..1500, _) => Self::ValidFor(Duration::from_millis(chance.u64(0..3000))),
            (1500..2500, _) if thread => Self::Within(Duration::from_millis(chance.u64(1..2000))),
            _ => Self::Token,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ValidFor(_) => "token_valid_for",
            Self::Within(_) => "token_within",
            Self::RefreshNow => "refresh_now",
            Self::Refused(_) => "token_refused",
        }
    }
}

/// All callers of a worker: two in three are tasks, the others threads.
pub(super) struct Callers {
    tasks: Vec<task::JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Callers {
    pub(super) fn join(self) {
        for task in self.tasks {
            let _ = RUNTIME.block_on(task);
        }
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

pub(super) fn start(
    shared: &Arc<Shared>,
    accounts: &Accounts,
    blocking: &BlockingAccounts,
) -> Callers {
    let mut callers = Callers { tasks: Vec::new(), threads: Vec::new() };
    let names = (0..shared.setup.accounts).map(account_name);
    let of_tasks: Vec<Account> = names.clone().map(|name| accounts.account(name)).collect();
    let of_threads: Vec<BlockingAccount> = names.map(|name| blocking.account(name)).collect();
    let mut seeds = Rng::with_seed(shared.setup.seed);
    for number in 0..shared.setup.callers {
        let chance = Rng::with_seed(seeds.u64(..));
        let shared = Arc::clone(shared);
        if number % 3 == 2 {
            let accounts = of_threads.clone();
            callers.threads.push(thread::spawn(move || call(&shared, number, &accounts, chance)));
        } else {
            let accounts = of_tasks.clone();
            callers.tasks.push(task::spawn(async move {
                call_async(&shared, number, &accounts, chance).await;
            }));
        }
    }
    callers
}

async fn call_async(shared: &Shared, number: usize, accounts: &[Account], mut chance: Rng) {
    let mut last = vec![None; accounts.len()];
    while !shared.ending.load(Ordering::Relaxed) {
        let at = chance.usize(0..accounts.len());
        let asks = Asks::by_chance(&mut chance, last[at].as_ref(), false);
        let began = shared.tallies.begins(number, asks.name(), at);
        let account = &accounts[at];
        let (result, read) = last_read(began, async {
            match &asks {
                Asks::Token | Asks::Within(_) => account.token().await,
                Asks::ValidFor(time) => account.token_valid_for(*time).await,
                Asks::RefreshNow => account.refresh_now().await,
                Asks::Refused(token) => account.token_refused(token).await,
            }
        })
        .await;
        if let Some(told) = shared.tallies.ends(number, &result, read) {
            tell(&told);
        }
        last[at] = result.ok().map(|token| token.access_token().clone());
        tokio::time::sleep(pause(&shared.setup, &mut chance)).await;
    }
}

fn call(shared: &Shared, number: usize, accounts: &[BlockingAccount], mut chance: Rng) {
    let mut last = vec![None; accounts.len()];
    while !shared.ending.load(Ordering::Relaxed) {
        let at = chance.usize(0..accounts.len());
        let asks = Asks::by_chance(&mut chance, last[at].as_ref(), true);
        let began = shared.tallies.begins(number, asks.name(), at);
        let account = &accounts[at];
        let (result, read) = last_read_blocking(began, || match &asks {
            Asks::Token => account.token(),
            Asks::Within(time) => account.token_within(*time),
            Asks::ValidFor(time) => account.token_valid_for(*time),
            Asks::RefreshNow => account.refresh_now(),
            Asks::Refused(token) => account.token_refused(token),
        });
        if let Some(told) = shared.tallies.ends(number, &result, read) {
            tell(&told);
        }
        last[at] = result.ok().map(|token| token.access_token().clone());
        thread::sleep(pause(&shared.setup, &mut chance));
    }
}

/// Between half and one and a half times as long as was set.
fn pause(setup: &Setup, chance: &mut Rng) -> Duration {
    Duration::from_millis(setup.pause_ms).mul_f64(0.5 + chance.f64())
}

/// What keeps accounts fresh beside the callers, until it is dropped.
pub(super) struct KeptFresh {
    tasks: Vec<task::JoinHandle<()>>,
    _threads: Vec<KeepFresh>,
}

impl Drop for KeptFresh {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Of three accounts one is kept fresh by a task, one by a thread, and one by
/// nobody; which ones is different in each worker.
pub(super) fn keep_fresh(
    setup: &Setup,
    accounts: &Accounts,
    blocking: &BlockingAccounts,
) -> KeptFresh {
    let mut tasks = Vec::new();
    let mut threads = Vec::new();
    for number in 0..setup.accounts {
        match (number + setup.who.worker) % 3 {
            0 => {
                let account = accounts.account(account_name(number));
                tasks.push(task::spawn(async move {
                    account.keep_fresh().await;
                }));
            }
            1 => threads.extend(blocking.account(account_name(number)).keep_fresh()),
            _ => {}
        }
    }
    KeptFresh { tasks, _threads: threads }
}
