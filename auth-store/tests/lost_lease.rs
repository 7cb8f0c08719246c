//! A lease file that somebody deletes during a refresh, as whoever tidies up by age
//! does: such files are empty or nearly so, and rarely written.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, SystemTime},
};

use auth_accounts::{BlockingAccount, BlockingAccounts};
use auth_core::{
    BlockingClock, BlockingTransport, Now, Request, Response, TimeSource, TransportError,
    TransportErrorKind,
};
use auth_store::FileStore;
use auth_testkit::{FakeAuthServer, VirtualClock};
use support::{account, scratch};

const LEASE: &str = "account-ada%40example.com.lease";

/// A process whose request is on its way until it may go on.
struct Slow {
    server: FakeAuthServer,
    under_way: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl BlockingTransport for Slow {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        self.under_way.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        self.server.send_blocking(request)
    }
}

/// A clock that tells another how often somebody has slept by it.
struct Watched<F> {
    clock: VirtualClock,
    sleeps: AtomicUsize,
    then: F,
}

impl<F: Fn(usize) + Send + Sync> TimeSource for Watched<F> {
    fn now(&self) -> Now {
        self.clock.now()
    }

    fn wall(&self) -> SystemTime {
        self.clock.now().wall
    }
}

impl<F: Fn(usize) + Send + Sync> BlockingClock for Watched<F> {
    fn sleep_blocking(&self, duration: Duration) {
        self.clock.sleep_blocking(duration);
        (self.then)(self.sleeps.fetch_add(1, Ordering::SeqCst) + 1);
    }
}

fn process(
    server: &FakeAuthServer,
    directory: &Path,
    transport: impl BlockingTransport + 'static,
    clock: impl BlockingClock + 'static,
) -> BlockingAccount {
    let store = FileStore::open(directory).unwrap();
    BlockingAccounts::new(server.endpoint(), transport, store, clock).account(account())
}

fn logged_in(server: &FakeAuthServer, directory: &Path) {
    let clock = server.clock().clone();
    let account = process(server, directory, server.clone(), clock);
    account.store_login(server.log_in("ada")).unwrap();
    server.clock().advance(Duration::from_secs(24 * 3600));
}

#[test]
fn whoever_finds_it_gone_waits_for_whoever_is_under_way() {
    let (scratch, server) = (scratch(), FakeAuthServer::new());
    logged_in(&server, scratch.path());
    let (under_way, is_under_way) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    let slow = Slow { server: server.clone(), under_way, go_on: Mutex::new(goes_on) };
    let first = process(&server, scratch.path(), slow, server.clock().clone());
    let first = thread::spawn(move || first.token().unwrap().access_token().clone());
    is_under_way.recv().unwrap();
    fs::remove_file(scratch.path().join(LEASE)).unwrap();

    let first = Mutex::new(Some(first));
    let then = move |sleeps| {
        if sleeps == 3 {
            go_on.send(()).unwrap();
            first.lock().unwrap().take().unwrap().join().unwrap();
        }
    };
    let clock = Watched { clock: server.clock().clone(), sleeps: AtomicUsize::new(0), then };
    let second = process(&server, scratch.path(), Never, clock);
    second.token().unwrap();
    assert_eq!(server.report().requests, 1);
    server.assert_never_replayed();
}

/// Nothing may be sent.
struct Never;

impl BlockingTransport for Never {
    fn send_blocking(&self, _: Request) -> Result<Response, TransportError> {
        panic!("somebody else is under way");
    }
}

/// A process that loses the response, and the lease file on top of it.
struct Unlucky {
    server: FakeAuthServer,
    directory: PathBuf,
    sent: AtomicUsize,
}

impl BlockingTransport for Unlucky {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        if self.sent.fetch_add(1, Ordering::SeqCst) > 0 {
            return self.server.send_blocking(request);
        }
        fs::remove_file(self.directory.join(LEASE)).unwrap();
        Err(TransportError::unknown(TransportErrorKind::Reset))
    }
}

#[test]
fn a_retry_is_not_sent_beside_whoever_has_the_lease_now() {
    let (scratch, server) = (scratch(), FakeAuthServer::new());
    logged_in(&server, scratch.path());
    let directory: PathBuf = scratch.path().into();
    let unlucky = || Unlucky {
        server: server.clone(),
        directory: directory.clone(),
        sent: AtomicUsize::new(0),
    };
    // Somebody else stands by while the first one sleeps before its retry, and goes
    // on with the lease, for so long.
    let (other_server, other_directory) = (server.clone(), directory.clone());
    let then = move |_| {
        let clock = other_server.clock().clone();
        let other = process(&other_server, &other_directory, other_server.clone(), clock);
        other.token().unwrap();
    };
    let clock = Watched { clock: server.clock().clone(), sleeps: AtomicUsize::new(0), then };
    let first = process(&server, scratch.path(), unlucky(), clock);
    first.token().unwrap();
    // The first one's attempt never arrived, the other's did.
    assert_eq!(server.report().requests, 1);
    server.assert_never_replayed();

    // Alone, it goes on at once.
    server.clock().advance(Duration::from_secs(24 * 3600));
    let before = server.clock().sleeps().len();
    let alone = process(&server, scratch.path(), unlucky(), server.clock().clone());
    alone.token().unwrap();
    // Before a retry, as always.
    assert_eq!(server.clock().sleeps().len(), before + 1, "it waited for itself");
    assert_eq!(server.report().requests, 2);
}
