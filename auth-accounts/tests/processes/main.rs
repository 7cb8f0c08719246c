//! Several processes with several callers each, in any order that chance
//! comes upon, with crashes, dropped callers, faults of server and store.
//!
//! Nearly every bug of `planted/` is found here: see `.ci/planted`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests, too")]

#[allow(unreachable_pub, reason = "a module of this test only")]
mod bodies;
#[allow(unreachable_pub, reason = "a module of this test only")]
mod leases;
#[path = "../support/mod.rs"]
mod support;
#[allow(unreachable_pub, reason = "a module of this test only")]
mod watch;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use auth_accounts::{
    Account, AccountError, Accounts, Reason, Settings, StoreErrorKind, Token, store::Record,
};
use auth_core::FailureKind;
use auth_testkit::{FakeAuthServer, Fault, Rotation, VirtualClock};
use proptest::{collection::vec, prelude::*, test_runner::RngSeed};
use support::{ADA, endpoint};
use watch::{Strikes, Watch};

type Call = Pin<Box<dyn Future<Output = Result<Token, AccountError>>>>;

const PROCESSES: usize = 3;
const CALLERS: usize = 3;

/// What happens next; chance decides.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A caller goes on, or starts if it does nothing.
    Poll {
        caller: usize,
        starting: Start,
    },
    Drop {
        caller: usize,
    },
    Crash {
        process: usize,
    },
    Pass(Duration),
    Fault(Fault),
    StoreFault(&'static str, StoreErrorKind, Strikes),
    /// Somebody deletes the file of the lease.
    Delete,
}

#[derive(Debug, Clone, Copy)]
enum Start {
    Token,
    Valid,
    Refresh,
    Refused,
    LogIn,
}

fn events() -> impl Strategy<Value = Event> {
    let caller = 0..PROCESSES * CALLERS;
    let start = prop_oneof![
        6 => Just(Start::Token),
        1 => Just(Start::Valid),
        2 => Just(Start::Refresh),
        1 => Just(Start::Refused),
        2 => Just(Start::LogIn),
    ];
    let fault = prop_oneof![
        Just(Fault::Refused),
        Just(Fault::LostBefore),
        Just(Fault::LostAfter),
        Just(Fault::CutResponse),
        Just(Fault::Status(503)),
        Just(Fault::StatusAfter(502)),
        Just(Fault::Delay(Duration::from_secs(2))),
        Just(Fault::StallAfter(Duration::from_secs(10))),
    ];
    let kind = prop_oneof![
        Just(StoreErrorKind::Full),
        Just(StoreErrorKind::Io),
        Just(StoreErrorKind::Unavailable),
        Just(StoreErrorKind::LeaseTimeout),
    ];
    let operation =
        prop_oneof![Just("load"), Just("lease"), Just("note"), Just("tokens"), Just("setback")];
    let strikes = prop_oneof![3 => Just(Strikes::Before), 1 => Just(Strikes::After)];
    let pause = prop_oneof![4 => 0_u64..3, 1 => 30_u64..120, 1 => 3_500_u64..3_700];
    prop_oneof![
        120 => (caller.clone(), start)
            .prop_map(|(caller, starting)| Event::Poll { caller, starting }),
        4 => caller.prop_map(|caller| Event::Drop { caller }),
        1 => (0..PROCESSES).prop_map(|process| Event::Crash { process }),
        8 => pause.prop_map(|seconds| Event::Pass(Duration::from_secs(seconds))),
        3 => fault.prop_map(Event::Fault),
        2 => (operation, kind, strikes).prop_map(|(at, kind, strikes)| {
            // Only a lease is waited for.
            let kind = match (at, kind) {
                ("lease", kind) => kind,
                (_, StoreErrorKind::LeaseTimeout) => StoreErrorKind::Io,
                (_, kind) => kind,
            };
            Event::StoreFault(at, kind, strikes)
        }),
    ]
}

/// The lease's file is deleted at any moment. Nobody lives only in memory, or stands
/// still for longer than a refresh may take: nobody else could know of him then.
fn deletions() -> impl Strategy<Value = Event> {
    let is_brief = |event: &Event| match event {
        Event::Pass(time) => time.as_secs() < 3,
        Event::Drop { .. } | Event::StoreFault(..) => false,
        _ => true,
    };
    prop_oneof![
        30 => events().prop_filter("too long", is_brief),
        1 => Just(Event::Delete),
    ]
}

struct Scene {
    server: FakeAuthServer,
    clock: VirtualClock,
    watch: Arc<Watch>,
    processes: Vec<(usize, Account)>,
    started: usize,
    calls: Vec<Option<Caller>>,
}

/// Somebody who wants something.
struct Caller {
    call: Call,
    process: usize,
    /// How often time has jumped meanwhile.
    jumps: u32,
    /// Where the history of records stood when what it takes part in began.
    since: usize,
}

impl Scene {
    fn new(rotation: Rotation) -> Self {
        let clock = VirtualClock::manual();
        let server = FakeAuthServer::builder().rotation(rotation).clock(&clock).build();
        // Of a login, as most are.
        let store = auth_accounts::MemoryStore::new();
        let accounts =
            Accounts::without_runtime(endpoint(), server.clone(), store.clone(), clock.clone());
        let account = accounts.account(ADA);
        support::run(account.store_login(server.log_in(ADA)), &clock).unwrap();
        let watch = Watch::new(server.clone(), store.get(ADA).unwrap());
        let mut scene =
            Self { server, clock, watch, processes: Vec::new(), started: 0, calls: Vec::new() };
        scene.calls.resize_with(PROCESSES * CALLERS, || None);
        for _ in 0..PROCESSES {
            let process = scene.start_process();
            scene.processes.push(process);
        }
        scene
    }

    fn start_process(&mut self) -> (usize, Account) {
        self.started += 1;
        let view = self.watch.seen_by(self.started);
        let accounts =
            Accounts::without_runtime(endpoint(), view.clone(), view, self.clock.clone())
                .settings(Settings::default().seed(1));
        (self.started, accounts.account(ADA))
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Poll { caller, starting } => {
                if self.calls[caller].is_none() {
                    self.calls[caller] = Some(self.caller(caller / CALLERS, starting));
                }
                self.poll(caller);
            }
            Event::Drop { caller } => self.calls[caller] = None,
            Event::Crash { process } => {
                self.calls[process * CALLERS..(process + 1) * CALLERS].fill_with(|| None);
                self.watch.died(self.processes[process].0);
                self.processes[process] = self.start_process();
            }
            Event::Pass(time) => {
                let jumps = u32::from(time.as_secs() > 10);
                self.calls.iter_mut().flatten().for_each(|caller| caller.jumps += jumps);
                self.clock.advance(time);
            }
            Event::Fault(fault) => self.server.fail_next([fault]),
            Event::StoreFault(at, kind, strikes) => self.watch.fail(at, kind, strikes),
            Event::Delete => self.watch.leases.delete(),
        }
    }

    fn caller(&self, process: usize, start: Start) -> Caller {
        let (process, account) = self.processes[process].clone();
        let call: Call = match start {
            Start::Token => Box::pin(async move { account.token().await }),
            Start::Valid => {
                Box::pin(async move { account.token_valid_for(Duration::from_secs(600)).await })
            }
            Start::Refresh => Box::pin(async move { account.refresh_now().await }),
            Start::Refused => Box::pin(async move {
                let token = account.token().await?;
                account.token_refused(token.access_token()).await
            }),
            Start::LogIn => {
                let tokens = self.server.log_in(ADA);
                let number = self.watch.logging_in(process, &tokens);
                let watch = Arc::clone(&self.watch);
                Box::pin(async move {
                    let logged_in = account.store_login(tokens).await;
                    watch.login_over(number, logged_in.is_ok());
                    logged_in?;
                    account.token().await
                })
            }
        };
        // What it joins may have begun with whoever is there.
        let others = self.calls.iter().flatten().filter(|other| other.process == process);
        let since = others.map(|other| other.since).min().unwrap_or_else(|| self.watch.moment());
        Caller { call, process, jumps: 0, since }
    }

    fn poll(&mut self, caller: usize) {
        let Some(state) = &mut self.calls[caller] else { return };
        let polled = state.call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = polled
            && let Some(caller) = self.calls[caller].take()
        {
            self.judge(&result, &caller);
        }
    }

    fn judge(&self, result: &Result<Token, AccountError>, caller: &Caller) {
        match result {
            Ok(token) => {
                // One sleep of the machine during a call is made good; more
                // than that is bad luck.
                if self.server.report().revocations.is_empty() && caller.jumps < 2 {
                    let subject = self.server.subject_of(token.access_token());
                    assert_eq!(subject.as_deref(), Some(ADA), "a token that is not good");
                }
                let durable = self.watch.was_stored(token.access_token());
                assert!(
                    durable || token.unsaved().is_some(),
                    "it is not on record, and nothing says so"
                );
            }
            Err(error) if error.kind() == Some(FailureKind::Rejected) => {
                assert!(self.watch.has_lost_tokens(), "a logout for nothing: {error}");
                assert!(error.possibly_spent(), "a logout that nobody explains: {error}");
            }
            Err(error) => {
                assert!(!matches!(error.reason(), Reason::NotLoggedIn | Reason::NoRefreshToken));
            }
        }
        if let Err(error) = result
            && let Reason::Setback(setback) = error.reason()
        {
            let concerns =
                self.watch.was_current(setback.refresh_token, caller.since, caller.process);
            assert!(concerns, "the setback of another token: {error}");
        }
    }

    fn record(&self) -> Record {
        self.watch.store.get(ADA).unwrap()
    }

    /// Lets all who have begun come to an end.
    fn settle(&mut self) {
        for round in 1..=200 {
            for _ in 0..50 {
                (0..self.calls.len()).for_each(|caller| self.poll(caller));
                self.clock.advance_to_next();
            }
            if round > 5 && self.calls.iter().all(Option::is_none) && self.watch.leases.is_free() {
                break;
            }
            // Whoever could not save holds the lease until it is next asked.
            self.clock.advance(Duration::from_secs(2));
            for process in 0..self.processes.len() {
                if self.calls[process * CALLERS].is_none() {
                    self.calls[process * CALLERS] = Some(self.caller(process, Start::Token));
                }
            }
        }
        assert!(self.calls.iter().all(Option::is_none), "somebody hangs");
        assert!(self.watch.leases.is_free(), "a lease was left behind");
        // What some memory holds is saved by the next call, if the store is
        // well.
        self.watch.mend();
        self.ask_everyone();
        self.watch.assert_last_login(&self.record());
        if self.watch.has_lost_tokens() {
            return;
        }
        self.server.assert_never_replayed();
        // Every process agrees on the outcome, once it looks.
        self.clock.advance(Duration::from_secs(7_200));
        self.ask_everyone();
        if !self.watch.has_lost_tokens() {
            assert!(self.server.is_live(&self.record().tokens.refresh_token.unwrap()));
        }
    }

    fn ask_everyone(&mut self) {
        for process in 0..self.processes.len() {
            self.calls[0] = Some(self.caller(process, Start::Token));
            let mut polls = 0;
            while self.calls[0].is_some() {
                self.poll(0);
                self.clock.advance_to_next();
                polls += 1;
                assert!(polls < 1_000, "somebody hangs");
            }
        }
    }
}

fn play(rotation: Rotation, events: Vec<Event>) {
    let mut scene = Scene::new(rotation);
    for event in events {
        scene.happen(event);
    }
    scene.settle();
}

/// 500, unless `PROPTEST_CASES` says otherwise.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500)
}

/// The same stories every time, unless `PROPTEST_RNG_SEED` says otherwise.
fn seed() -> RngSeed {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok());
    RngSeed::Fixed(seed.unwrap_or(1))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        rng_seed: seed(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn single_use_without_grace(events in vec(events(), 1..400)) {
        play(Rotation::EachUse, events);
    }

    #[test]
    fn single_use_with_grace(events in vec(events(), 1..400)) {
        play(Rotation::WithGrace(Duration::from_secs(60)), events);
    }

    #[test]
    fn leases_that_are_deleted(events in vec(deletions(), 1..400)) {
        play(Rotation::EachUse, events);
    }

    #[test]
    fn no_rotation(events in vec(events(), 1..400)) {
        play(Rotation::Off, events);
    }
}

/// However the callers come, and with no fault at all: one refresh when a
/// token runs out.
#[test]
fn many_processes_with_many_callers_refresh_once() {
    let mut scene = Scene::new(Rotation::EachUse);
    scene.processes = (0..8).map(|_| scene.start_process()).collect();
    scene.clock.advance(Duration::from_secs(3_600));
    scene.calls = (0..8)
        .flat_map(|process| std::iter::repeat_n(process, 50))
        .map(|process| Some(scene.caller(process, Start::Token)))
        .collect();
    scene.settle();
    let report = scene.server.report();
    assert_eq!(report.issued, 2, "one, and one when it ran out again");
}
