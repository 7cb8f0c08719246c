//! Processes that are killed with SIGKILL while they refresh: at every step, and
//! at moments chosen by chance.
//!
//! With a server that forgives a repetition within a grace period nobody is
//! ever logged out. Without one, those are whose response died with its process,
//! and they are told so.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/child.rs"]
mod child;
#[path = "support/steps.rs"]
mod steps;
mod support;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use auth_accounts::store::{BlockingTokenStore, Fingerprint, Record};
use auth_core::{Advice, FailureKind, RefreshToken};
use auth_store::FileStore;
use auth_testkit::{FakeAuthServer, Fault, ListeningAuthServer, RevokedBecause, Rotation};
use child::{ACCOUNT, Child, PATIENCE, Task, log_in, next_process, say};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use steps::{Step, StopAt, Stopping};
use support::{names, scratch};

/// Longer than any test takes, however slow the machine.
const GRACE: Duration = Duration::from_secs(3600);

/// How large a record must be for its saving to be seen from outside.
const BALLAST: usize = 2 << 20;

#[test]
#[ignore = "what the other tests start and kill"]
fn child() {
    let Some(task) = Task::given() else { return };
    if task.job == "refresh for ever" {
        let account = task.accounts(task.transport(), task.store.clone()).account(ACCOUNT);
        say("ready");
        loop {
            if let Err(error) = account.refresh_now() {
                say(&format!("failed: {error}"));
                return;
            }
        }
    }
    let (ballast, step) = match task.job.strip_prefix("with ballast ") {
        Some(step) => (BALLAST, step),
        None => (0, task.job.as_str()),
    };
    let stop = StopAt(Step::named(step).unwrap());
    let transport = Stopping { inner: task.transport(), stop, ballast: 0 };
    let store = Stopping { inner: task.store.clone(), stop, ballast };
    let result = task.accounts(transport, store).account(ACCOUNT).token();
    say(&format!("{:?}", result.map(|_| "refreshed")));
}

struct Scene {
    scratch: tempfile::TempDir,
    store: FileStore,
    server: FakeAuthServer,
}

/// A process, and a socket of the server for it alone.
struct Client {
    process: Child,
    socket: ListeningAuthServer,
}

impl Client {
    /// Kills it, and lets the server take in what it had sent. Otherwise that
    /// might arrive after the next process's request, as it may in life; then
    /// the verdict would be about the network and not about this crate.
    fn kill(self) -> Vec<String> {
        let last_words = self.process.kill();
        self.socket.socket().stop();
        last_words
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.process.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        if signal == Signal::STOP {
            waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
        }
    }
}

impl Scene {
    /// A server, and a store with a login there whose access token has
    /// expired.
    fn new(rotation: Rotation) -> Self {
        let scratch = scratch();
        let store = FileStore::open(scratch.path()).unwrap();
        let server = FakeAuthServer::builder().real_time().rotation(rotation).build();
        log_in(&server, &store);
        Self { scratch, store, server }
    }

    fn start(&self, job: &str) -> Client {
        let socket = self.server.listen();
        let process = Child::start(job, self.scratch.path(), socket.url());
        Client { process, socket }
    }

    /// One that refreshes as fast as it can.
    fn start_refreshing(&self) -> Client {
        let client = self.start("refresh for ever");
        client.process.expect("ready");
        client
    }

    fn record(&self) -> Record {
        self.store.load_blocking(&ACCOUNT.into()).unwrap().unwrap().0
    }

    fn refresh_token(&self) -> RefreshToken {
        self.record().tokens.refresh_token.unwrap()
    }

    /// What must hold whenever somebody was killed.
    fn check_what_is_left(&self) {
        // A record, whole.
        let record = self.record();
        // The lease, at once.
        drop(self.store.lease_blocking(&ACCOUNT.into(), Duration::ZERO).unwrap());
        // A token that was tried is known to have been.
        if !self.server.is_live(record.tokens.refresh_token.as_ref().unwrap()) {
            let noted = record.note.map(|note| note.refresh_token);
            assert_eq!(noted, record.tokens.refresh_token.as_ref().map(Fingerprint::of));
        }
    }
}

/// What a process that was killed had got done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Nothing,
    Noted,
    Exchanged,
    Saved,
}

#[track_caller]
fn check_the_next_process(scene: &Scene, done: Done, grace: bool) {
    scene.check_what_is_left();
    let report = scene.server.report();
    assert_eq!(report.issued, usize::from(done >= Done::Exchanged));
    assert_eq!(scene.record().note.is_some(), matches!(done, Done::Noted | Done::Exchanged));

    let account = next_process(&scene.server, &scene.store).account(ACCOUNT);
    let result = account.token();
    let report = scene.server.report();
    if done == Done::Exchanged && !grace {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::Rejected));
        assert!(error.possibly_spent(), "{error}");
        assert_eq!(error.advice(), Advice::LogIn);
        assert_eq!(report.revocations.len(), 1);
        // A dead token is not sent again, and says why it died for as long as
        // it is on record.
        let later = next_process(&scene.server, &scene.store).account(ACCOUNT);
        let error = later.token().unwrap_err();
        assert!(error.possibly_spent(), "{error}");
        assert_eq!(scene.server.report().requests, report.requests);
        return;
    }
    let token = result.unwrap();
    assert_eq!(scene.server.subject_of(token.access_token()).as_deref(), Some(ACCOUNT));
    assert_eq!(report.issued, 1);
    assert_eq!(report.repeats, usize::from(done == Done::Exchanged));
    assert_eq!(report.rejected, 0);
    assert_eq!(report.requests, if done == Done::Exchanged { 2 } else { 1 });
    assert_eq!(scene.record().note, None);
}

impl PartialOrd for Done {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (*self as u8).partial_cmp(&(*other as u8))
    }
}

const WORLDS: [(Rotation, bool); 2] =
    [(Rotation::WithGrace(GRACE), true), (Rotation::EachUse, false)];

fn in_both_worlds(test: impl Fn(&Scene) -> Done) {
    for (rotation, grace) in WORLDS {
        let scene = Scene::new(rotation);
        let done = test(&scene);
        check_the_next_process(&scene, done, grace);
    }
}

#[test]
fn killed_at_every_step() {
    for (step, done) in [
        (Step::BeforeLease, Done::Nothing),
        (Step::BeforeNote, Done::Nothing),
        (Step::AfterNote, Done::Noted),
        (Step::AfterResponse, Done::Exchanged),
        (Step::AfterSave, Done::Saved),
        (Step::BeforeFree, Done::Saved),
    ] {
        in_both_worlds(|scene| {
            let client = scene.start(&step.name());
            client.process.expect(&step.name());
            assert_eq!(client.kill(), [] as [&str; 0]);
            done
        });
    }
}

/// The steps are where they are said to be: whoever is not killed there goes
/// on to the end.
#[test]
fn stopped_at_every_step() {
    for step in Step::REFRESH {
        let scene = Scene::new(Rotation::EachUse);
        let mut client = scene.start(&step.name());
        client.process.expect(&step.name());
        client.process.go_on();
        client.process.expect(r#"Ok("refreshed")"#);
        assert_eq!(scene.server.report().requests, 1);
        assert_eq!(scene.record().note, None);
    }
}

#[test]
fn killed_while_the_response_is_under_way() {
    in_both_worlds(|scene| {
        scene.server.fail_next([Fault::StallAfter(GRACE)]);
        // It never gets there.
        let client = scene.start(&Step::AfterResponse.name());
        wait_until("the exchange", || scene.server.report().issued == 1);
        assert_eq!(client.kill(), [] as [&str; 0]);
        Done::Exchanged
    });
}

/// Between the temporary file and its renaming. The process is stopped as soon
/// as the temporary file is seen, and killed if it is still there then.
#[test]
fn killed_within_a_save() {
    for (rotation, grace) in WORLDS {
        // Nearly every try hits.
        let hit = (0..50).map(|_| Scene::new(rotation)).find(kill_within_a_save);
        check_the_next_process(&hit.expect("no save was ever seen"), Done::Exchanged, grace);
    }
}

/// Whether it was in time.
fn kill_within_a_save(scene: &Scene) -> bool {
    let mut client = scene.start(&format!("with ballast {}", Step::AfterResponse.name()));
    client.process.expect(&Step::AfterResponse.name());
    let record = scene.scratch.path().join("account-ada.json");
    let temporary = scene.scratch.path().join("account-ada.json.tmp");
    let size = || record.metadata().unwrap().len();
    let before = size();
    client.process.go_on();
    wait_until("the save", || temporary.exists() || size() != before);
    client.signal(Signal::STOP);
    let in_time = temporary.exists() && size() == before;
    client.kill();
    if in_time {
        // Whoever opens the store next tidies up.
        assert!(temporary.exists());
        FileStore::open(scene.scratch.path()).unwrap();
        assert!(!temporary.exists());
    }
    in_time
}

#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "still no sign of {what}");
        thread::yield_now();
    }
}

const KILLS: usize = 200;

/// A moment within the first few refreshes.
fn wait_for_a_random_moment() {
    thread::sleep(Duration::from_micros(fastrand::u64(..40_000)));
}

#[test]
fn killed_at_random_with_a_grace_period() {
    let scene = Scene::new(Rotation::WithGrace(GRACE));
    for _ in 0..KILLS / 2 {
        let client = scene.start_refreshing();
        wait_for_a_random_moment();
        assert_eq!(client.kill(), [] as [&str; 0]);
        scene.check_what_is_left();
        next_process(&scene.server, &scene.store).account(ACCOUNT).refresh_now().unwrap();
    }
    let report = scene.server.report();
    assert_eq!(report.rejected, 0);
    assert!(report.issued >= KILLS / 2);
    println!("alone: {} exchanges, {} repeated", report.issued, report.repeats);
}

/// Three share the account; again and again one of them is killed, and the
/// others go on.
#[test]
fn killed_at_random_among_others() {
    let scene = Scene::new(Rotation::WithGrace(GRACE));
    let mut clients: Vec<_> = (0..3).map(|_| scene.start_refreshing()).collect();
    for _ in 0..KILLS / 2 {
        wait_for_a_random_moment();
        let victim = clients.swap_remove(fastrand::usize(..clients.len()));
        // They wait until the server has heard all that the victim said.
        clients.iter().for_each(|other| other.signal(Signal::STOP));
        assert_eq!(victim.kill(), [] as [&str; 0]);
        let before = scene.server.report().issued;
        clients.iter().for_each(|other| other.signal(Signal::CONT));
        // One may have been under way. Each one more is of a lease that was
        // free.
        wait_until("the others", || scene.server.report().issued > before + 1);
        clients.push(scene.start_refreshing());
    }
    for client in clients {
        assert_eq!(client.kill(), [] as [&str; 0]);
    }
    scene.check_what_is_left();
    let report = scene.server.report();
    assert_eq!(report.rejected, 0);
    assert_no_more_than_the_files(scene.scratch.path());
    println!("among others: {} exchanges, {} repeated", report.issued, report.repeats);
}

#[test]
fn killed_at_random_without_a_grace_period() {
    let scene = Scene::new(Rotation::EachUse);
    let mut logouts = 0;
    for _ in 0..KILLS {
        let client = scene.start_refreshing();
        wait_for_a_random_moment();
        assert_eq!(client.kill(), [] as [&str; 0], "nobody is logged out while alive");
        scene.check_what_is_left();
        let response_died = !scene.server.is_live(&scene.refresh_token());
        match next_process(&scene.server, &scene.store).account(ACCOUNT).refresh_now() {
            Ok(_) => assert!(!response_died),
            Err(error) => {
                assert!(response_died, "{error}");
                assert_eq!(error.kind(), Some(FailureKind::Rejected), "{error}");
                assert!(error.possibly_spent(), "{error}");
                logouts += 1;
                log_in(&scene.server, &scene.store);
            }
        }
    }
    let report = scene.server.report();
    assert_eq!(report.rejected, logouts);
    assert_eq!(report.revocations.len(), logouts);
    assert!(report.revocations.iter().all(|one| one.because == RevokedBecause::Reuse));
    println!("without grace: {} exchanges, {logouts} logouts", report.issued);
}

fn assert_no_more_than_the_files(directory: &Path) {
    FileStore::open(directory).unwrap();
    assert_eq!(names(directory), ["account-ada.json", "account-ada.lease", "account-ada.lock"]);
}
