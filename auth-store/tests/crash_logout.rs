//! Processes that are killed with SIGKILL while they log out, and logouts while
//! others refresh. Either the account is logged in with what the server has left
//! of it, or it is logged out. No record comes back.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/child.rs"]
mod child;
#[path = "support/steps.rs"]
mod steps;
mod support;

use std::{thread, time::Duration};

use auth_accounts::{
    Reason, Settings,
    store::{BlockingTokenStore, Record},
};
use auth_core::FailureKind;
use auth_store::FileStore;
use auth_testkit::{FakeAuthServer, ListeningAuthServer, Revokes, Rotation};
use child::{ACCOUNT, Child, Task, log_in, next_process, say};
use steps::{Step, StopAt, Stopping};
use support::{come_to, scratch};

#[test]
#[ignore = "what the other tests start and kill"]
fn child() {
    let Some(task) = Task::given() else { return };
    if task.job == "refresh for ever" {
        let account = task.accounts(task.transport(), task.store.clone()).account(ACCOUNT);
        say("ready");
        loop {
            if let Err(error) = account.refresh_now() {
                say(&format!("{}", matches!(error.reason(), Reason::NotLoggedIn)));
                return;
            }
        }
    }
    let stop = StopAt(Step::named(&task.job).unwrap());
    let transport = Stopping { inner: task.transport(), stop, ballast: 0 };
    let store = Stopping { inner: task.store.clone(), stop, ballast: 0 };
    let result = task.accounts(transport, store).account(ACCOUNT).logout();
    say(&format!("{:?}", result.map(|logout| logout.was_logged_in)));
}

struct Scene {
    scratch: tempfile::TempDir,
    store: FileStore,
    server: FakeAuthServer,
}

impl Scene {
    /// A server, and a store with a login there whose access token has expired.
    fn new() -> Self {
        let scratch = scratch();
        let store = FileStore::open(scratch.path()).unwrap();
        let server = FakeAuthServer::builder()
            .real_time()
            .rotation(Rotation::EachUse)
            .revokes(Revokes::Family)
            .build();
        log_in(&server, &store);
        Self { scratch, store, server }
    }

    fn start(&self, job: &str) -> (Child, ListeningAuthServer) {
        let socket = self.server.listen();
        (Child::start(job, self.scratch.path(), socket.url()), socket)
    }

    fn record(&self) -> Option<Record> {
        self.store.load_blocking(&ACCOUNT.into()).unwrap().map(|(record, _)| record)
    }

    #[track_caller]
    fn is_logged_out(&self) {
        let before = self.server.report().requests;
        let account = next_process(&self.server, &self.store).account(ACCOUNT);
        let error = account.token().unwrap_err();
        assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
        assert_eq!(self.server.report().requests, before, "something was sent");
        // What a process has left that ended too soon goes when the next one begins.
        FileStore::open(self.scratch.path()).unwrap();
        come_to(self.scratch.path(), &[""; 0], "logged out");
    }
}

#[test]
fn killed_at_every_step() {
    for step in Step::LOGOUT {
        let scene = Scene::new();
        let (process, socket) = scene.start(&step.name());
        process.expect(&step.name());
        assert_eq!(process.kill(), [] as [&str; 0]);
        socket.socket().stop();

        // The lease, at once.
        drop(scene.store.lease_blocking(&ACCOUNT.into(), Duration::ZERO).unwrap());
        let removed = matches!(step, Step::AfterRemoval | Step::BeforeFree);
        let revoked = step != Step::BeforeLease;
        assert_eq!(scene.server.report().revoked, usize::from(revoked));
        assert_eq!(scene.record().is_none(), removed, "{step:?}");
        if removed {
            scene.is_logged_out();
            continue;
        }
        let account = next_process(&scene.server, &scene.store).account(ACCOUNT);
        match account.token() {
            Ok(_) => assert!(!revoked, "{step:?}"),
            Err(error) => {
                assert!(revoked, "{step:?}: {error}");
                assert_eq!(error.kind(), Some(FailureKind::Rejected));
            }
        }
        // Whoever tries again gets there.
        assert!(account.logout().unwrap().was_logged_in);
        scene.is_logged_out();
    }
}

/// The steps are where they are said to be: whoever is not killed there goes on to
/// the end.
#[test]
fn stopped_at_every_step() {
    for step in Step::LOGOUT {
        let scene = Scene::new();
        let (mut process, _socket) = scene.start(&step.name());
        process.expect(&step.name());
        process.go_on();
        process.expect("Ok(true)");
        process.end();
        assert_eq!(scene.server.report().requests, 1);
        scene.is_logged_out();
    }
}

/// Another process refreshes as fast as it can. A logout ends that, and leaves no
/// session that is alive.
#[test]
fn nobody_who_refreshes_brings_a_record_back() {
    for _ in 0..3 {
        let scene = Scene::new();
        let clients = [(); 1].map(|()| scene.start("refresh for ever"));
        for (process, _) in &clients {
            process.expect("ready");
        }
        thread::sleep(Duration::from_micros(fastrand::u64(..20_000)));
        // The lease is free for moments only: on a busy machine it takes several.
        let patient = Settings::default().lease_wait(Duration::from_secs(120));
        let accounts = next_process(&scene.server, &scene.store).settings(patient);
        let logout = accounts.account(ACCOUNT).logout().unwrap();
        assert!(logout.was_logged_in && !logout.may_be_alive(), "{logout}");
        for (process, _socket) in clients {
            process.expect("true");
            process.end();
        }
        scene.is_logged_out();
        let report = scene.server.report();
        assert_eq!((report.revoked, report.revocations.len()), (1, 1));
        assert_eq!(report.rejected, 0, "a revoked token was sent");
    }
}
