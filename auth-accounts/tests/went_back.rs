//! Records that go back: a backup is restored, or a store says that it has saved
//! what it has not.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::Duration;

use auth_accounts::{
    Account, AccountState, Accounts, Login, MemoryStore, Reason, Settings,
    store::{Fingerprint, Record},
};
use auth_core::{Backoff, FailureKind};
use auth_testkit::{FakeAuthServer, Fault, Revokes, Rotation, VirtualClock};
use support::{ADA, World, refresh_token, run};

/// A strict server at which Ada has logged in by the account, and what the account
/// has had on record since: the login, and after it each refresh.
struct Story {
    world: World<FakeAuthServer>,
    accounts: Accounts,
    account: Account,
    records: Vec<Record>,
}

impl Story {
    fn new(refreshes: usize) -> Self {
        Self::at(Rotation::EachUse, refreshes)
    }

    fn at(rotation: Rotation, refreshes: usize) -> Self {
        Self::with(rotation, Settings::default(), refreshes)
    }

    fn with(rotation: Rotation, settings: Settings, refreshes: usize) -> Self {
        let clock = VirtualClock::manual();
        let server = FakeAuthServer::builder().rotation(rotation).clock(&clock).build();
        let mut world = World::of(server);
        world.settings = settings.seed(1);
        let accounts = world.accounts();
        let account = accounts.account(ADA);
        let login = world.script.log_in(ADA);
        run(account.store_login(login), &world.clock).unwrap();
        let mut story = Self { records: vec![world.record()], world, accounts, account };
        for _ in 0..refreshes {
            story.refresh();
        }
        story
    }

    /// An hour later, which is as long as an access token lives.
    fn refresh(&mut self) {
        self.world.pass(3_600);
        run(self.account.token(), &self.world.clock).unwrap();
        self.records.push(self.world.record());
    }

    /// What was on record so many refreshes before.
    fn before(&self, refreshes: usize) -> Record {
        self.records[self.records.len() - 1 - refreshes].clone()
    }

    fn sent(&self) -> usize {
        self.world.script.report().requests
    }

    /// The session lives, no spent token was sent, and what is on record goes on.
    fn goes_on(&self, what: &str) {
        let report = self.world.script.report();
        assert_eq!(report.replays, [], "{what}");
        assert_eq!(report.revocations, [], "{what}");
        let record = self.world.record();
        assert!(self.world.script.is_live(record.tokens.refresh_token.as_ref().unwrap()), "{what}");
        // For a process too that knows only the store.
        self.world.pass(3_600);
        run(self.world.account().token(), &self.world.clock).unwrap();
        assert_eq!(self.world.script.report().replays, [], "{what}");
    }
}

/// Somebody puts this record into the store.
fn put(record: Record) -> impl FnMut(&MemoryStore) + Send {
    move |store| {
        store.put(ADA, record.clone());
    }
}

/// The same record, from this login.
fn by(login: Option<Fingerprint>, mut record: Record) -> Record {
    record.login = login;
    record
}

#[test]
fn the_newest_record_is_put_back_wherever_the_store_goes_back() {
    for refreshes in 1..5 {
        for back in 1..=refreshes {
            for (at, skipped) in
                [("load", 0), ("lease", 0), ("load", 1), ("note", 0), ("tokens", 0)]
            {
                let what = format!("{back} of {refreshes}, before {at} {skipped}");
                let story = Story::new(refreshes);
                let old = story.before(back);
                story.world.store.before(at, skipped, put(old));
                story.world.pass(3_600);
                let token = run(story.account.token(), &story.world.clock).unwrap();
                assert!(token.unsaved().is_none() && token.refresh_error().is_none(), "{what}");
                // Once, whatever was in the store meanwhile.
                assert_eq!(story.sent(), refreshes + 1, "{what}");
                story.goes_on(&what);
            }
        }
    }
}

/// It may then hold the token that was tried, and one before it.
#[test]
fn a_record_that_goes_back_between_two_attempts_is_not_believed() {
    for (fault, at, skipped) in [
        (Fault::LostBefore, "load", 2),
        (Fault::LostBefore, "tokens", 0),
        (Fault::Status(502), "load", 2),
        (Fault::Status(502), "tokens", 0),
    ] {
        for back in 1..=3 {
            let what = format!("{fault:?}, {back}, before {at}");
            let story = Story::new(3);
            let old = story.before(back);
            story.world.store.before(at, skipped, put(old));
            story.world.script.fail_next([fault]);
            story.world.pass(3_600);
            run(story.account.token(), &story.world.clock).unwrap();
            assert_eq!(story.sent(), 5, "{what}");
            story.goes_on(&what);
        }
    }
}

#[test]
fn a_record_that_goes_back_before_a_setback_is_saved_is_replaced() {
    for at in ["setback", "load"] {
        let story = Story::new(3);
        let account = story.accounts.clone().policy(Backoff::never()).account(ADA);
        story.world.pass(3_600);
        run(account.token(), &story.world.clock).unwrap();
        let (old, newest) = (story.before(0), story.world.record());
        story.world.script.fail_next([Fault::Status(503)]);
        story.world.pass(3_600);
        story.world.store.before(at, 0, put(old));
        run(account.token(), &story.world.clock).unwrap_err();
        let record = story.world.record();
        assert_eq!(refresh_token(&record), refresh_token(&newest), "{at}");
        assert!(record.setback.is_some());
        story.world.pass(10);
        run(account.token(), &story.world.clock).unwrap();
        story.goes_on(at);
    }
}

/// A store that says that it has saved what it has not.
#[test]
fn a_store_that_forgets_all_costs_no_session_while_the_program_runs() {
    let mut story = Story::new(1);
    let old = story.records[0].clone();
    for _ in 0..12 {
        for skipped in 0..3 {
            story.world.store.before("load", skipped, put(old.clone()));
        }
        story.refresh();
    }
    assert_eq!(story.world.script.report().replays, []);
    assert_eq!(story.sent(), 13);
}

/// The lease is somebody else's: what is put back must not cross what they do.
#[test]
fn nothing_is_put_back_without_the_lease() {
    let settings = Settings::default().lease_wait(Duration::ZERO);
    let story = Story::with(Rotation::EachUse, settings, 2);
    let (old, newest) = (story.before(1), story.before(0));
    story.world.store.inner.put(ADA, old.clone());
    let id = ADA.into();
    let lease = auth_accounts::store::BlockingTokenStore::lease_blocking(
        &story.world.store.inner,
        &id,
        Duration::ZERO,
    )
    .unwrap();
    // The newest token serves meanwhile, and says that it is not on record.
    let token = run(story.account.refresh_now(), &story.world.clock);
    assert!(token.is_err());
    assert_eq!(story.world.record(), old);
    drop(lease);
    run(story.account.refresh_now(), &story.world.clock).unwrap();
    assert_ne!(refresh_token(&story.world.record()), refresh_token(&newest));
    story.goes_on("later");
}

#[test]
fn what_comes_from_another_login_is_never_overwritten() {
    for login in [None, Some(Fingerprint::of(&auth_core::RefreshToken::new("other")))] {
        // A spent token: not sent.
        let story = Story::new(2);
        let record = by(login, story.before(1));
        story.world.store.inner.put(ADA, record.clone());
        story.world.pass(3_600);
        for _ in 0..2 {
            let error = run(story.account.token(), &story.world.clock).unwrap_err();
            assert!(matches!(error.reason(), Reason::RecordWentBack), "{error}");
            assert_eq!(error.state(), AccountState::LoginNeeded);
            assert_eq!((error.kind(), error.http_status().as_u16()), (None, 401));
        }
        assert_eq!((story.world.record(), story.sent()), (record, 2));
        let status = run(story.account.status(), &story.world.clock).unwrap();
        assert_eq!(status.state, AccountState::LoginNeeded);

        // A live one: used.
        let other = story.world.script.log_in(ADA);
        let record = by(login, Record::obtained(other, story.world.now()));
        story.world.store.inner.put(ADA, record.clone());
        let token = run(story.account.token(), &story.world.clock).unwrap();
        assert_eq!(token.access_token(), &record.tokens.access_token);
        story.world.pass(3_600);
        run(story.account.token(), &story.world.clock).unwrap();
        story.goes_on("after another login");
    }
}

/// It was set back once, and that is over.
#[test]
fn the_status_says_what_a_refresh_says() {
    let story = Story::new(2);
    let mut record = by(None, story.before(1));
    let server = &story.world.script;
    server.fail_next([Fault::Status(503), Fault::Status(503), Fault::Status(503)]);
    story.world.pass(3_600);
    run(story.account.token(), &story.world.clock).unwrap_err();
    record.setback = story.world.record().setback;
    if let Some(setback) = &mut record.setback {
        setback.refresh_token = record.tokens.refresh_token.as_ref().map(Fingerprint::of).unwrap();
    }
    assert!(record.setback.is_some());
    story.world.store.inner.put(ADA, record);
    story.world.pass(3_600);
    let error = run(story.account.token(), &story.world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::RecordWentBack), "{error}");
    let status = run(story.account.status(), &story.world.clock).unwrap();
    assert_eq!(status.state, error.state(), "{status}");
}

#[test]
fn a_login_ends_it() {
    let story = Story::new(2);
    let record = by(None, story.before(1));
    story.world.store.inner.put(ADA, record);
    story.world.pass(3_600);
    run(story.account.token(), &story.world.clock).unwrap_err();
    let login = story.world.script.log_in(ADA);
    run(story.account.store_login(login), &story.world.clock).unwrap();
    let status = run(story.account.status(), &story.world.clock).unwrap();
    assert_eq!(status.state, AccountState::Ready);
    // And the one before comes back: it is not of this login.
    story.world.store.inner.put(ADA, story.before(1));
    story.world.pass(3_600);
    let error = run(story.account.token(), &story.world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::RecordWentBack), "{error}");
    assert_eq!(story.world.script.report().replays, []);
}

/// A user who pastes a token knows what nobody here can know.
#[test]
fn a_login_with_a_token_that_was_refused_tries_it() {
    let story = Story::new(1);
    story.world.script.revoke(ADA);
    story.world.pass(3_600);
    let error = run(story.account.token(), &story.world.clock).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Rejected));
    let sent = story.sent();
    let again = Login::from(story.before(0).tokens);
    run(story.account.store_login(again), &story.world.clock).unwrap();
    let error = run(story.account.token(), &story.world.clock).unwrap_err();
    assert_eq!((error.kind(), story.sent()), (Some(FailureKind::Rejected), sent + 1));
}

#[test]
fn a_token_that_was_refused_stays_refused() {
    for refreshes in 0..3 {
        let story = Story::new(refreshes);
        let record = story.before(0);
        story.world.script.revoke(ADA);
        story.world.pass(3_600);
        let error = run(story.account.token(), &story.world.clock).unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::Rejected));
        let sent = story.sent();
        // As it was, without the refusal; by another login even.
        for login in [record.login, None] {
            story.world.store.inner.put(ADA, by(login, record.clone()));
            let error = run(story.account.token(), &story.world.clock).unwrap_err();
            assert!(matches!(error.reason(), Reason::Setback(_)), "{error}");
            assert_eq!(error.kind(), Some(FailureKind::Rejected));
        }
        // And those before it, for there is no newer one now.
        for back in 1..=refreshes {
            story.world.store.inner.put(ADA, story.before(back));
            let error = run(story.account.token(), &story.world.clock).unwrap_err();
            assert!(matches!(error.reason(), Reason::RecordWentBack), "{error}");
        }
        assert_eq!(story.sent(), sent);
    }
}

/// The user was logged out: nothing of that login is put back.
#[test]
fn nothing_is_put_back_after_a_logout() {
    let story = Story::new(2);
    run(story.account.logout(), &story.world.clock).unwrap();
    story.world.store.inner.put(ADA, story.before(1));
    story.world.pass(3_600);
    let error = run(story.account.token(), &story.world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::RecordWentBack), "{error}");
    assert_eq!(story.sent(), 2);
}

/// What is revoked is what lives, whatever is on record.
#[test]
fn a_logout_revokes_the_newest_token() {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder()
        .rotation(Rotation::EachUse)
        .revokes(Revokes::Token)
        .clock(&clock)
        .build();
    let mut world = World::of(server);
    world.endpoint = world.script.endpoint();
    let account = world.account();
    let login = world.script.log_in(ADA);
    run(account.store_login(login), &world.clock).unwrap();
    let old = world.record();
    world.pass(3_600);
    run(account.token(), &world.clock).unwrap();
    let newest = world.record().tokens.refresh_token.unwrap();
    world.store.inner.put(ADA, old);
    let logout = run(account.logout(), &world.clock).unwrap();
    assert!(!world.script.is_live(&newest), "{logout}");
}

/// A refresh token that is not replaced is not spent, however often it is used.
#[test]
fn a_server_that_does_not_rotate_notices_nothing() {
    let story = Story::at(Rotation::Off, 3);
    for back in 1..=3 {
        story.world.store.inner.put(ADA, story.before(back));
        story.world.pass(3_600);
        run(story.account.token(), &story.world.clock).unwrap();
    }
    assert_eq!(story.sent(), 6);
}

/// A retry sends the same token again, for nobody knows whether it is spent.
#[test]
fn a_lost_response_is_no_reason_not_to_retry() {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder()
        .rotation(Rotation::WithGrace(Duration::from_secs(30)))
        .clock(&clock)
        .build();
    let world = World::of(server);
    let account = world.account();
    let login = world.script.log_in(ADA);
    run(account.store_login(login), &world.clock).unwrap();
    for _ in 0..3 {
        world.pass(3_600);
        world.script.fail_next([Fault::LostAfter]);
        run(account.token(), &world.clock).unwrap();
    }
    assert_eq!(world.script.report().requests, 6);
}

/// It is forgotten with the account, as everything is that is in the store.
#[test]
fn who_lets_go_of_the_account_forgets() {
    let Story { world, accounts, account, records } = Story::new(1);
    drop(account);
    world.store.inner.put(ADA, records[0].clone());
    world.pass(3_600);
    run(accounts.account(ADA).token(), &world.clock).unwrap_err();
    assert_eq!(world.script.report().replays.len(), 1);
}
