//! Several processes with several callers each, in any order that chance
//! comes upon, with crashes, dropped callers, faults of server and store.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::Ordering,
    task::{Context, Poll, Waker},
    time::Duration,
};

use auth_accounts::{Account, AccountError, BlockingTokenStore, Reason, StoreErrorKind, Token};
use auth_core::FailureKind;
use auth_testkit::{FakeAuthServer, Fault, Rotation, VirtualClock};
use proptest::{collection::vec, prelude::*};
use support::{ADA, World};

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
    StoreFault(&'static str, StoreErrorKind),
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
        1 => Just(Start::Refresh),
        1 => Just(Start::Refused),
        1 => Just(Start::LogIn),
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
    ];
    let operation =
        prop_oneof![Just("load"), Just("lease"), Just("note"), Just("tokens"), Just("setback"),];
    let pause = prop_oneof![4 => 0_u64..3, 1 => 30_u64..120, 1 => 3_500_u64..3_700];
    prop_oneof![
        120 => (caller.clone(), start)
            .prop_map(|(caller, starting)| Event::Poll { caller, starting }),
        2 => caller.prop_map(|caller| Event::Drop { caller }),
        1 => (0..PROCESSES).prop_map(|process| Event::Crash { process }),
        8 => pause.prop_map(|seconds| Event::Pass(Duration::from_secs(seconds))),
        3 => fault.prop_map(Event::Fault),
        1 => (operation, kind).prop_map(|(at, kind)| Event::StoreFault(at, kind)),
    ]
}

struct Scene {
    world: World<FakeAuthServer>,
    processes: Vec<Account>,
    calls: Vec<Option<Call>>,
    /// How often time has jumped during each call.
    jumps: Vec<u32>,
    /// Whether new tokens died with a process before they were saved.
    died: bool,
}

impl Scene {
    fn new(rotation: Rotation) -> Self {
        let clock = VirtualClock::manual();
        let server = FakeAuthServer::builder().rotation(rotation).clock(&clock).build();
        let world = World::logged_in(server);
        world.store.yields.store(true, Ordering::Relaxed);
        let processes = (0..PROCESSES).map(|_| world.account()).collect();
        let calls = (0..PROCESSES * CALLERS).map(|_| None).collect();
        let jumps = vec![0; PROCESSES * CALLERS];
        Self { world, processes, calls, jumps, died: false }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Poll { caller, starting } => {
                if self.calls[caller].is_none() {
                    self.calls[caller] = Some(self.call(caller / CALLERS, starting));
                    self.jumps[caller] = 0;
                }
                self.poll(caller);
            }
            Event::Drop { caller } => self.calls[caller] = None,
            Event::Crash { process } => {
                let report = self.world.script.report();
                let delivered = report.issued + report.repeats - report.lost_responses;
                let saved = self.world.store.tokens_saved.load(Ordering::Relaxed);
                self.died |= delivered > saved;
                for caller in &mut self.calls[process * CALLERS..(process + 1) * CALLERS] {
                    *caller = None;
                }
                self.processes[process] = self.world.account();
            }
            Event::Pass(time) => {
                self.jumps.iter_mut().for_each(|jumps| *jumps += u32::from(time.as_secs() > 10));
                self.world.clock.advance(time);
            }
            Event::Fault(fault) => self.world.script.fail_next([fault]),
            Event::StoreFault(at, kind) => self.world.store.fail(at, [Some(kind)]),
        }
    }

    fn call(&self, process: usize, start: Start) -> Call {
        let account = self.processes[process].clone();
        match start {
            Start::Token => Box::pin(async move { account.token().await }),
            Start::Valid => {
                Box::pin(async move { account.token_valid_for(Duration::from_secs(600)).await })
            }
            Start::Refresh => Box::pin(async move { account.refresh_now().await }),
            Start::Refused => Box::pin(async move {
                let token = account.token().await?;
                account.rejected(token.access_token()).await
            }),
            Start::LogIn => {
                let tokens = self.world.script.log_in(ADA);
                support::lock(&self.world.store.logins).push(tokens.access_token.clone());
                Box::pin(async move {
                    account.login(tokens).await?;
                    account.token().await
                })
            }
        }
    }

    fn poll(&mut self, caller: usize) {
        let Some(call) = &mut self.calls[caller] else { return };
        let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = polled {
            self.calls[caller] = None;
            let jumps = self.jumps.get(caller).copied().unwrap_or_default();
            self.judge(&result, jumps);
        }
    }

    fn judge(&self, result: &Result<Token, AccountError>, jumps: u32) {
        let report = self.world.script.report();
        match result {
            Ok(token) => {
                // One sleep of the machine during a call is made good; more
                // than that is bad luck.
                if report.revocations.is_empty() && jumps < 2 {
                    let subject = self.world.script.subject_of(token.access_token());
                    assert_eq!(subject.as_deref(), Some(ADA), "a token that is not good");
                }
            }
            Err(error) if error.kind() == Some(FailureKind::Rejected) => {
                assert!(report.lost_responses > 0 || self.died, "a logout for nothing: {error}");
                assert!(error.possibly_spent(), "a logout that nobody explains: {error}");
            }
            Err(error) => {
                assert!(!matches!(error.reason(), Reason::NotLoggedIn | Reason::NoRefreshToken));
            }
        }
    }

    fn lease_is_free(&self) -> bool {
        BlockingTokenStore::lease_blocking(&self.world.store.inner, &ADA.into(), Duration::ZERO)
            .is_ok()
    }

    /// Lets all who have begun come to an end.
    fn settle(&mut self) {
        for round in 1..=200 {
            for _ in 0..50 {
                (0..self.calls.len()).for_each(|caller| self.poll(caller));
                self.world.clock.advance_to_next();
            }
            if round > 5 && self.calls.iter().all(Option::is_none) && self.lease_is_free() {
                break;
            }
            // Whoever could not save holds the lease until it is next asked.
            self.world.clock.advance(Duration::from_secs(2));
            for process in 0..PROCESSES {
                if self.calls[process * CALLERS].is_none() {
                    self.calls[process * CALLERS] = Some(self.call(process, Start::Token));
                }
            }
        }
        assert!(self.calls.iter().all(Option::is_none), "somebody hangs");
        assert!(self.lease_is_free(), "a lease was left behind");
        if !self.died {
            self.world.script.assert_never_replayed();
        }
        // Every process agrees on the outcome, once it looks.
        if !self.died && self.world.script.report().lost_responses == 0 {
            self.world.store.mend();
            self.world.clock.advance(Duration::from_secs(7_200));
            for process in 0..PROCESSES {
                let account = self.processes[process].clone();
                self.calls[0] = Some(Box::pin(async move { account.token().await }));
                let mut polls = 0;
                while self.calls[0].is_some() {
                    self.poll(0);
                    self.world.clock.advance_to_next();
                    polls += 1;
                    assert!(polls < 1_000, "somebody hangs");
                }
            }
            if self.world.script.report().lost_responses == 0 {
                let record = self.world.record();
                assert!(self.world.script.is_live(&record.tokens.refresh_token.unwrap()));
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

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
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
    fn no_rotation(events in vec(events(), 1..400)) {
        play(Rotation::Off, events);
    }
}

/// However the callers come, and with no fault at all: one exchange when a
/// token runs out.
#[test]
fn many_processes_with_many_callers_refresh_once() {
    let mut scene = Scene::new(Rotation::EachUse);
    let processes: Vec<Account> = (0..8).map(|_| scene.world.account()).collect();
    scene.world.clock.advance(Duration::from_secs(3_600));
    scene.calls = processes
        .iter()
        .flat_map(|account| {
            (0..50).map(|_| {
                let account = account.clone();
                let call: Call = Box::pin(async move { account.token().await });
                Some(call)
            })
        })
        .collect();
    scene.settle();
    let report = scene.world.script.report();
    assert_eq!(report.issued, 2, "one, and one when it ran out again");
}
