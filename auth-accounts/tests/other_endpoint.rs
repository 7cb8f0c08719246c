//! Two providers over one store, with the same account names.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::Duration;

use auth_accounts::{
    AccountError, AccountState, Accounts, BlockingAccounts, MemoryStore, Reason, Registration,
    Settings, StoreErrorKind, store::Record,
};
use auth_core::{Advice, TokenEndpoint};
use auth_testkit::{FakeAuthServer, Script, VirtualClock};
use pollster::block_on;
use support::{ADA, SpyStore, endpoint, record, run};

/// A provider, and the accounts of a process at it.
struct Provider {
    server: FakeAuthServer,
    endpoint: TokenEndpoint,
    store: MemoryStore,
}

impl Provider {
    fn new(url: &str, client_id: &str, store: &MemoryStore, clock: &VirtualClock) -> Self {
        let server = FakeAuthServer::builder().client_id(client_id).clock(clock).build();
        let endpoint = TokenEndpoint::new(url, client_id).unwrap();
        Self { server, endpoint, store: store.clone() }
    }

    fn accounts(&self) -> Accounts {
        let clock = self.server.clock().clone();
        Accounts::new(self.endpoint.clone(), self.server.clone(), self.store.clone(), clock)
    }

    fn sent(&self) -> usize {
        self.server.requests().len()
    }

    fn pass_an_hour(&self) {
        self.server.clock().advance(Duration::from_secs(3600));
    }
}

/// One provider, another, and another client at the first one.
fn providers() -> [Provider; 3] {
    let (store, clock) = (MemoryStore::new(), VirtualClock::manual());
    [
        Provider::new("https://one.example.com/token", "client-1", &store, &clock),
        Provider::new("https://two.example.com/token", "client-2", &store, &clock),
        Provider::new("https://one.example.com/token", "client-3", &store, &clock),
    ]
}

#[track_caller]
fn is_other_endpoint(error: &AccountError) {
    assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }), "{error}");
    assert_eq!((error.advice(), error.kind()), (Advice::FixSetup, None));
    assert_eq!(error.state(), AccountState::Misconfigured);
    assert!(!error.possibly_spent());
}

#[test]
fn what_another_provider_issued_is_neither_handed_out_nor_sent() {
    for other in [1, 2] {
        let providers = providers();
        let (first, second) = (&providers[0], &providers[other]);
        block_on(first.accounts().account(ADA).store_login(first.server.log_in(ADA))).unwrap();
        let kept = first.store.get(ADA).unwrap();
        let account = second.accounts().account(ADA);
        let blocking = BlockingAccounts::new(
            second.endpoint.clone(),
            second.server.clone(),
            second.store.clone(),
            second.server.clock().clone(),
        );
        let of_threads = blocking.account(ADA);
        for _ in 0..2 {
            is_other_endpoint(&block_on(account.token()).unwrap_err());
            is_other_endpoint(&block_on(account.refresh_now()).unwrap_err());
            is_other_endpoint(
                &block_on(account.token_refused(&kept.tokens.access_token)).unwrap_err(),
            );
            is_other_endpoint(&block_on(account.token_valid_for(Default::default())).unwrap_err());
            is_other_endpoint(&of_threads.token().unwrap_err());
            assert_eq!(block_on(account.status()).unwrap().state, AccountState::Misconfigured);
            // A token that has expired is no more theirs.
            first.pass_an_hour();
        }
        assert_eq!((second.sent(), first.store.get(ADA).unwrap()), (0, kept));
        // The first one goes on as if nothing had been.
        block_on(first.accounts().account(ADA).token()).unwrap();
        assert_eq!((first.sent(), second.sent()), (1, 0));
    }
}

#[test]
fn the_error_names_both_and_no_secret() {
    let providers = providers();
    let (first, second) = (&providers[0], &providers[1]);
    block_on(first.accounts().account(ADA).store_login(first.server.log_in(ADA))).unwrap();
    let error = block_on(second.accounts().account(ADA).token()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "account ada: the tokens on record belong to client client-1 at \
         https://one.example.com/token, not to client client-2 at \
         https://two.example.com/token; after a move, `also_accepts` takes them over; else the \
         configuration must be changed"
    );
}

/// It is somebody's session, and the login of another provider would end it.
#[test]
fn a_login_does_not_replace_it() {
    let providers = providers();
    let (first, second) = (&providers[0], &providers[1]);
    block_on(first.accounts().account(ADA).store_login(first.server.log_in(ADA))).unwrap();
    let kept = first.store.get(ADA).unwrap();
    let account = second.accounts().account(ADA);
    is_other_endpoint(&block_on(account.store_login(second.server.log_in(ADA))).unwrap_err());
    assert_eq!(first.store.get(ADA).unwrap(), kept);
    is_other_endpoint(&block_on(account.token()).unwrap_err());

    // Another name is another account.
    let account = second.accounts().account("ada at two");
    block_on(account.store_login(second.server.log_in(ADA))).unwrap();
    assert_eq!(first.store.get(ADA).unwrap(), kept);
}

#[test]
fn after_a_move_records_are_taken_over_and_bound_anew() {
    let providers = providers();
    let old = &providers[0];
    block_on(old.accounts().account(ADA).store_login(old.server.log_in(ADA))).unwrap();
    old.pass_an_hour();
    let moved = TokenEndpoint::new("https://new.example.com/token", "client-1").unwrap();
    let accounts = || {
        let clock = old.server.clock().clone();
        Accounts::new(moved.clone(), old.server.clone(), old.store.clone(), clock)
    };
    is_other_endpoint(&block_on(accounts().account(ADA).token()).unwrap_err());
    assert!(accounts().also_accepts("new.example.com", "client-1").is_err());
    let accepts = |id| accounts().also_accepts("https://ONE.example.com:443/token", id).unwrap();
    is_other_endpoint(&block_on(accepts("client-2").account(ADA).token()).unwrap_err());

    block_on(accepts("client-1").account(ADA).token()).unwrap();
    assert_eq!(old.server.requests()[0].uri(), moved.uri());
    let bound_to = |record: Record| record.bound_to.unwrap().token_url().to_owned();
    assert_eq!(bound_to(old.store.get(ADA).unwrap()), "https://new.example.com/token");
    // From then on it belongs to the new one.
    block_on(accounts().account(ADA).token()).unwrap();
    is_other_endpoint(&block_on(old.accounts().account(ADA).token()).unwrap_err());
    // A login takes over, too.
    let back = old.accounts().also_accepts("https://new.example.com/token", "client-1").unwrap();
    block_on(back.account(ADA).store_login(old.server.log_in(ADA))).unwrap();
    assert_eq!(bound_to(old.store.get(ADA).unwrap()), "https://one.example.com/token");
}

#[test]
fn a_record_of_an_older_version_is_bound_by_a_refresh() {
    let providers = providers();
    let (first, second) = (&providers[0], &providers[1]);
    let record = Record::new(first.server.log_in(ADA));
    first.store.put(ADA, record.clone());
    // What it belongs to is not known.
    block_on(first.accounts().account(ADA).token()).unwrap();
    assert_eq!(first.store.get(ADA).unwrap(), record);
    block_on(first.accounts().account(ADA).refresh_now()).unwrap();
    assert!(first.store.get(ADA).unwrap().bound_to.is_some());
    is_other_endpoint(&block_on(second.accounts().account(ADA).token()).unwrap_err());
}

#[test]
fn a_rotated_secret_locks_nobody_out() {
    let providers = providers();
    let first = &providers[0];
    block_on(first.accounts().account(ADA).store_login(first.server.log_in(ADA))).unwrap();
    let changed = TokenEndpoint::new("https://one.example.com/token?key=new", "client-1")
        .unwrap()
        .client_auth(auth_core::ClientAuth::post("new"))
        .scope("b")
        .parameter("audience", "other")
        .unwrap();
    let clock = first.server.clock().clone();
    let accounts = Accounts::new(changed, first.server.clone(), first.store.clone(), clock);
    block_on(accounts.account(ADA).token()).unwrap();
}

/// Nobody has logged in, and so nobody would have noticed.
#[test]
fn clients_that_stand_for_themselves_are_told_apart_too() {
    let providers = providers();
    let (first, second) = (&providers[0], &providers[1]);
    block_on(first.accounts().client_credentials().account("api").token()).unwrap();
    let account = second.accounts().client_credentials().account("api");
    is_other_endpoint(&block_on(account.token()).unwrap_err());
    first.pass_an_hour();
    is_other_endpoint(&block_on(account.token()).unwrap_err());
    assert_eq!(second.sent(), 0);
}

/// They never will be saved, and are not tried for ever.
#[test]
fn tokens_in_memory_give_way_to_a_record_of_somebody_else() {
    let clock = VirtualClock::manual();
    let spy = SpyStore::default();
    spy.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 0));
    spy.fail("tokens", [Some(StoreErrorKind::Full)]);
    let accounts =
        Accounts::new(endpoint(), Script::new().tokens("at-2", "rt-2"), spy.clone(), clock.clone())
            .settings(Settings::default().seed(1));
    let a = accounts.account(ADA);
    run(a.token(), &clock).unwrap();
    let mut foreign = record("at-9", "rt-9", clock.now().wall, 3600);
    foreign.bound_to =
        Some(Registration::new("https://other.example.com/token", "their-client").unwrap());
    spy.inner.put(ADA, foreign);
    spy.log.take();
    let began = clock.elapsed();
    clock.run_tasks();
    while clock.elapsed() - began < Duration::from_secs(24 * 3600) {
        if clock.advance_to_next().is_none() {
            break;
        }
        clock.run_tasks();
    }
    let log = spy.log.take();
    assert!(
        log.split(' ').count() < 100,
        "{} calls in {:?}",
        log.split(' ').count(),
        clock.elapsed() - began
    );
}
