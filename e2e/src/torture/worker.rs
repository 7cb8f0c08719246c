//! One of the tortured processes: callers of both worlds, on the accounts that
//! all processes share.

mod callers;
mod tallies;

use std::{
    io::{BufRead, Stdin, Write, stdin, stdout},
    panic, process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use auth_accounts::{Account, AccountEvent, Accounts, BlockingAccounts, Settings};
use auth_core::{AccessToken, RefreshToken, TimeSource, TokenEndpoint, TokenSet};
use auth_store::FileStore;

use self::tallies::Tallies;
use super::{
    book::CLIENT,
    clock::OffClock,
    messages::{Order, Report, Setup, account_name},
    server::{WHO, WORLD},
};
use crate::clients::{Network, RUNTIME};

/// How often it says what its callers came to.
const TELLS_EVERY: Duration = Duration::from_millis(200);

/// More than the attempts of a refresh take.
const CLOSES_WITHIN: Duration = Duration::from_secs(15);

/// What all parts of a worker share.
struct Shared {
    setup: Setup,
    tallies: Tallies,
    ending: AtomicBool,
    clock: OffClock,
}

pub(crate) fn run() {
    let input = stdin();
    let setup: Setup = serde_json::from_str(&line(&input).expect("a setup")).expect("a setup");
    tell_of_panics();
    let clock = OffClock::default();
    clock.set(setup.clock_off_ms);
    let tallies = Tallies::new(setup.callers);
    let shared = Arc::new(Shared { setup, tallies, ending: AtomicBool::new(false), clock });
    let (accounts, blocking) = both_worlds(&shared);

    let _runtime = RUNTIME.enter();
    let kept_fresh = callers::keep_fresh(&shared.setup, &accounts, &blocking);
    let callers = callers::start(&shared, &accounts, &blocking);
    let teller = thread::spawn({
        let shared = Arc::clone(&shared);
        move || {
            while !shared.ending.load(Ordering::Relaxed) {
                thread::sleep(TELLS_EVERY);
                tell(&Report::Tally(shared.tallies.take()));
            }
        }
    });
    while let Some(line) = line(&input) {
        match serde_json::from_str(&line).expect("an order") {
            Order::Clock { off_ms } => shared.clock.set(off_ms),
            order @ Order::LogIn { .. } => log_in(&shared, &accounts, order),
            Order::End => break,
        }
    }
    shared.ending.store(true, Ordering::Relaxed);
    let _ = teller.join();
    callers.join();
    drop(kept_fresh);
    tell(&Report::Tally(shared.tallies.take()));
    let closed = [RUNTIME.block_on(accounts.close(CLOSES_WITHIN)), blocking.close(CLOSES_WITHIN)];
    tell(&Report::Closed {
        complete: closed.iter().all(auth_accounts::Closed::is_complete),
        words: closed.map(|closed| closed.to_string()).join("; "),
    });
}

/// The accounts for tasks and for threads, each with its own store and transport:
/// for each other they are like two processes.
fn both_worlds(shared: &Shared) -> (Accounts, BlockingAccounts) {
    let setup = &shared.setup;
    let endpoint = |world| {
        TokenEndpoint::new(&setup.url, CLIENT)
            .and_then(|endpoint| endpoint.header(WHO, &setup.who.to_string()))
            .and_then(|endpoint| endpoint.header(WORLD, world))
            .expect("an endpoint")
    };
    let store = || FileStore::open(&setup.store).expect("a store");
    let network = Network::timeout(Duration::from_millis(setup.timeout_ms));
    let settings = Settings::default()
        .lease_wait(Duration::from_millis(setup.lease_wait_ms))
        .clock_skew(Duration::from_millis(setup.clock_skew_ms))
        // Tokens live for seconds here.
        .setback_base(Duration::from_millis(200))
        .setback_max(Duration::from_secs(5));
    let (reqwest, ureq) = (network.reqwest(), network.ureq());
    let accounts = Accounts::new(endpoint("task"), reqwest, store(), shared.clock.clone())
        .settings(settings.clone())
        .on_event(|event| tell_of_event("task", event));
    let blocking = BlockingAccounts::new(endpoint("thread"), ureq, store(), shared.clock.clone())
        .settings(settings)
        .on_event(|event| tell_of_event("thread", event));
    (accounts, blocking)
}

/// In a task, so that no store and no lease holds up the next order.
fn log_in(shared: &Arc<Shared>, accounts: &Accounts, order: Order) {
    let Order::LogIn { account, session, access, refresh, lifetime_ms } = order else { return };
    let tokens = TokenSet::new(AccessToken::new(access))
        .refresh_token(RefreshToken::new(refresh))
        .expires_at(shared.clock.wall() + Duration::from_millis(lifetime_ms));
    let login: Account = accounts.account(account_name(account));
    RUNTIME.spawn(async move {
        let words = match login.store_login(tokens).await {
            Ok(token) => match token.unsaved() {
                None => "it is saved".to_owned(),
                Some(error) => format!("it is not saved: {error}"),
            },
            Err(error) => error.to_string(),
        };
        tell(&Report::LoggedIn { account, session, words });
    });
}

fn tell_of_event(world: &str, event: &AccountEvent) {
    let account = event.account().to_string();
    tell(&Report::Event { account, words: format!("{world}: {event}") });
}

fn tell_of_panics() {
    panic::set_hook(Box::new(|info| tell(&Report::Panicked { words: info.to_string() })));
}

fn tell(report: &Report) {
    let mut line = serde_json::to_string(report).expect("JSON");
    line.push('\n');
    let mut output = stdout().lock();
    if output.write_all(line.as_bytes()).and_then(|()| output.flush()).is_err() {
        // The program that started this one has ended.
        process::exit(1);
    }
}

/// `None` once the other side has ended.
fn line(input: &Stdin) -> Option<String> {
    let mut line = String::new();
    (input.lock().read_line(&mut line).ok()? > 0).then_some(line)
}
