//! The machine of a logout by itself.

use std::time::{Instant, SystemTime};

use auth_core::{AccessToken, RefreshToken, TokenEndpoint, TokenSet, TransportErrorKind};
use auth_testkit::CannedResponse;

use super::*;
use crate::{
    past::Past,
    record::Note,
    registration::Registration,
    seen::Sights,
    settings::Settings,
    shared::{GrantKind, Shared},
    unsaved::identity,
};

fn now() -> Now {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    Now { monotonic: Instant::now(), wall }
}

fn tokens(number: u8) -> TokenSet {
    let mut tokens = TokenSet::new(AccessToken::new(format!("at-{number}")));
    tokens.refresh_token = Some(RefreshToken::new(format!("rt-{number}")));
    tokens
}

/// The tokens of a login.
fn login(number: u8) -> Record {
    Record::logged_in(tokens(number), now().wall)
}

/// The tokens `number` of a refresh of `record`.
fn refreshed(record: &Record, number: u8) -> Record {
    Record { tokens: tokens(number), ..record.clone() }
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "a test")
}

/// The conversation with one machine.
struct Scenario(Option<Step>);

impl Scenario {
    fn new(memory: Unsaved) -> Self {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
        Self::at(endpoint.revocation_url("https://auth.example.com/revoke").unwrap(), memory)
    }

    fn at(endpoint: TokenEndpoint, memory: Unsaved) -> Self {
        let settings = Settings::default().seed(1).lease_wait(Duration::from_secs(7));
        let shared = Shared::of_a_test(endpoint, GrantKind::RefreshToken, settings);
        let shared = Arc::new(shared);
        let context = Context {
            shared,
            account: "ada".into(),
            which: crate::further::Which::Main,
            cached: None,
            refused: None,
            sights: Sights::default(),
            past: Past::default(),
        };
        Self(Some(start(context, memory)))
    }

    /// It waits for the lease, and gets it.
    fn leases(self) -> Self {
        self.lease_ends(Ok(Lease::new(())))
    }

    /// It asks whether the lease that it has is still its own.
    fn confirms(mut self, extended: Result<(), StoreError>) -> Self {
        let Some(Step::Extend(state)) = self.0.take() else { panic!("it confirms no lease") };
        Self(Some(state.on_extended(extended)))
    }

    fn lease_ends(mut self, leased: Result<Lease, StoreError>) -> Self {
        let Some(Step::Lease(wait, state)) = self.0.take() else { panic!("it takes no lease") };
        assert_eq!(wait, Duration::from_secs(7));
        Self(Some(state.on_lease(leased, now())))
    }

    /// It reads the record, and finds this one in this version.
    fn finds(self, record: &Record, version: u64) -> Self {
        self.load_ends(Ok(Some((record.clone(), Version::from(version)))))
    }

    fn finds_nothing(self) -> Self {
        self.load_ends(Ok(None))
    }

    fn load_ends(mut self, loaded: Loaded) -> Self {
        let Some(Step::Load(state)) = self.0.take() else { panic!("it does not load") };
        Self(Some(state.on_loaded(loaded, now())))
    }

    /// It revokes this token, and the server has this status for it.
    fn revokes(self, token: u8, status: u16) -> Self {
        self.revocation_ends(token, Ok(CannedResponse::status(status).build()))
    }

    fn revocation_ends(mut self, token: u8, response: Result<Response, TransportError>) -> Self {
        let Some(Step::Send(request, state)) = self.0.take() else { panic!("it sends nothing") };
        assert_eq!(request.uri(), "https://auth.example.com/revoke");
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        assert!(body.starts_with(&format!("token=rt-{token}&token_type_hint=refresh_token&")));
        Self(Some(state.on_response(response, now())))
    }

    /// It removes the record of this version.
    fn removes(self, version: u64) -> Self {
        self.removal_ends(version, Ok(()))
    }

    fn conflicts(self, version: u64) -> Self {
        self.removal_ends(version, Err(error(StoreErrorKind::Conflict)))
    }

    fn removal_ends(mut self, version: u64, removed: Result<(), StoreError>) -> Self {
        let Some(Step::Remove(state)) = self.0.take() else { panic!("it removes nothing") };
        assert_eq!(*state.version(), Version::from(version));
        Self(Some(state.on_removed(removed, now())))
    }

    fn ends(mut self) -> LoggedOut {
        let Some(Step::Done(logged_out)) = self.0.take() else { panic!("it does not end") };
        logged_out
    }

    fn succeeds(self) -> Logout {
        self.ends().result.unwrap()
    }

    fn fails(self) -> StoreErrorKind {
        match self.ends().result.unwrap_err().reason() {
            Reason::Store(error) => error.kind(),
            reason => panic!("another reason: {reason:?}"),
        }
    }
}

fn memory(tokens: UnsavedTokens) -> Unsaved {
    Unsaved { tokens: Some(tokens), setback: None }
}

#[test]
fn without_trouble_it_is_lease_load_send_and_remove() {
    for record in [login(1), Record::new(tokens(1))] {
        let logged_out = Scenario::new(Unsaved::default())
            .leases()
            .finds(&record, 3)
            .revokes(1, 200)
            .removes(3)
            .ends();
        assert!(logged_out.lease.is_some(), "it is freed after the rest");
        let logout = logged_out.result.unwrap();
        assert!(matches!(logout.revocation, Revocation::Revoked));
        assert!(logout.was_logged_in && !logout.newer_login && !logout.may_be_alive());
    }
}

#[test]
fn the_record_of_another_registration_is_left_alone() {
    let mut record = login(1);
    record.bound_to =
        Some(Registration::new("https://other.example.com/token", "my-client").unwrap());
    let logged_out = Scenario::new(Unsaved::default()).leases().finds(&record, 1).ends();
    let error = logged_out.result.unwrap_err();
    assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }), "{error}");
}

#[test]
fn where_nothing_is_there_nothing_happens() {
    let logout = Scenario::new(Unsaved::default()).leases().finds_nothing().succeeds();
    assert!(!logout.was_logged_in && !logout.may_be_alive());
}

#[test]
fn without_a_url_or_a_refresh_token_nothing_is_sent() {
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let logout = Scenario::at(endpoint, Unsaved::default())
        .leases()
        .finds(&login(1), 1)
        .removes(1)
        .succeeds();
    assert!(matches!(logout.revocation, Revocation::NoUrl) && logout.may_be_alive());
    let record = Record::new(TokenSet::new(AccessToken::new("at-1")));
    let logout = Scenario::new(Unsaved::default()).leases().finds(&record, 1).removes(1).succeeds();
    assert!(matches!(logout.revocation, Revocation::NoRefreshToken));
}

#[test]
fn whatever_the_server_says_the_record_goes() {
    for status in [400, 401, 404, 429, 500, 503] {
        let logout = Scenario::new(Unsaved::default())
            .leases()
            .finds(&login(1), 1)
            .revokes(1, status)
            .removes(1)
            .succeeds();
        let Revocation::Failed(failure) = &logout.revocation else { panic!("{status}") };
        assert_eq!(failure.status().unwrap().as_u16(), status);
        assert!(logout.may_be_alive());
    }
    let lost = TransportError::unknown(TransportErrorKind::Reset);
    let logout = Scenario::new(Unsaved::default())
        .leases()
        .finds(&login(1), 1)
        .revocation_ends(1, Err(lost))
        .removes(1)
        .succeeds();
    assert!(matches!(logout.revocation, Revocation::Failed(_)));
}

#[test]
fn a_lease_that_cannot_be_had_keeps_nobody_logged_in() {
    let logout = Scenario::new(Unsaved::default())
        .lease_ends(Err(error(StoreErrorKind::LeaseTimeout)))
        .finds(&login(1), 1)
        .revokes(1, 200)
        .removes(1)
        .succeeds();
    assert!(logout.without_lease && logout.may_be_alive());
    // But a store that is broken is.
    let broken = Scenario::new(Unsaved::default()).lease_ends(Err(error(StoreErrorKind::Io)));
    assert_eq!(broken.fails(), StoreErrorKind::Io);
}

#[test]
fn what_cannot_be_read_or_removed_is_an_error() {
    let damaged = || Err(error(StoreErrorKind::Damaged));
    let scenario = Scenario::new(Unsaved::default()).leases().load_ends(damaged());
    assert_eq!(scenario.fails(), StoreErrorKind::Damaged);
    let found = || Scenario::new(Unsaved::default()).leases().finds(&login(1), 1).revokes(1, 200);
    let read_only = found().removal_ends(1, Err(error(StoreErrorKind::ReadOnly)));
    assert_eq!(read_only.fails(), StoreErrorKind::ReadOnly);
    assert_eq!(found().conflicts(1).load_ends(damaged()).fails(), StoreErrorKind::Damaged);
}

#[test]
fn what_is_damaged_goes_too_if_the_store_knows_it_again() {
    let damaged = |version| error(StoreErrorKind::Damaged).damaged_version(Version::from(version));
    let begun = || Scenario::new(Unsaved::default()).leases().load_ends(Err(damaged(1)));
    let logout = begun().removes(1).succeeds();
    assert!(logout.was_damaged && logout.was_logged_in && logout.may_be_alive());
    // Damaged in another way meanwhile, and after it was read.
    let logout = begun().removal_ends(1, Err(damaged(2))).load_ends(Err(damaged(2))).removes(2);
    assert!(logout.succeeds().was_damaged);
    let found = || Scenario::new(Unsaved::default()).leases().finds(&login(1), 1).revokes(1, 200);
    let known = || found().conflicts(1).load_ends(Err(damaged(2)));
    assert!(known().removes(2).succeeds().was_damaged);
    // Somebody has mended it, or has logged in.
    assert!(begun().conflicts(1).finds(&login(2), 2).succeeds().newer_login);
    // What was read before it was damaged is known again.
    let logout = known().conflicts(2).finds(&login(1), 3).removes(3).succeeds();
    assert!(!logout.newer_login && !logout.was_damaged && !logout.may_be_alive());
    assert!(known().conflicts(2).finds(&login(2), 3).succeeds().newer_login);
    // Somebody else has moved it away.
    assert!(!begun().conflicts(1).finds_nothing().succeeds().newer_login);
    let stays = begun().removal_ends(1, Err(error(StoreErrorKind::Full)));
    assert_eq!(stays.fails(), StoreErrorKind::Full);
    // What memory holds is revoked.
    let tokens = UnsavedTokens::of_login(login(3), None, None, None);
    let memory = Unsaved { tokens: Some(tokens), setback: None };
    Scenario::new(memory).leases().load_ends(Err(damaged(1))).revokes(3, 200).removes(1).succeeds();
}

#[test]
fn what_a_refresh_elsewhere_makes_of_the_login_goes_too() {
    let mut noted = login(1);
    noted.note = Some(Note::new(noted.fingerprint().unwrap(), now().wall));
    for record in [login(1), Record::new(tokens(1))] {
        let logout = Scenario::new(Unsaved::default())
            .leases()
            .finds(&record, 1)
            .revokes(1, 200)
            .conflicts(1)
            // The same tokens: what was tried is not tried again.
            .finds(&record, 2)
            .conflicts(2)
            .finds(&refreshed(&record, 2), 3)
            .revokes(2, 503)
            .removes(3)
            .succeeds();
        assert!(matches!(logout.revocation, Revocation::Failed(_)));
        assert!(!logout.newer_login);
    }
}

#[test]
fn a_login_that_somebody_stores_meanwhile_stays() {
    let logout = Scenario::new(Unsaved::default())
        .leases()
        .finds(&login(1), 1)
        .revokes(1, 200)
        .conflicts(1)
        .finds(&login(2), 2)
        .succeeds();
    assert!(logout.newer_login && logout.was_logged_in);
    assert!(matches!(logout.revocation, Revocation::Revoked));
    // Or whoever else logs out.
    let logout = Scenario::new(Unsaved::default())
        .leases()
        .finds(&login(1), 1)
        .revokes(1, 200)
        .conflicts(1)
        .finds_nothing()
        .succeeds();
    assert!(!logout.newer_login && logout.was_logged_in);
}

#[test]
fn it_does_not_go_on_for_ever() {
    let mut scenario =
        Scenario::new(Unsaved::default()).leases().finds(&login(1), 1).revokes(1, 200);
    for version in 1..9 {
        scenario = scenario.conflicts(version).finds(&login(1), version + 1);
    }
    assert_eq!(scenario.conflicts(9).fails(), StoreErrorKind::Conflict);
}

#[test]
fn tokens_in_memory_are_revoked_in_the_place_of_those_that_they_follow() {
    let lease = Arc::new(Lease::new(()));
    let old = login(1);
    let newer = || {
        let record = refreshed(&old, 2);
        memory(UnsavedTokens::of_refresh(record, Some(identity(&old)), None, &lease))
    };
    // The lease is held with them already.
    let begun = || Scenario::new(newer()).confirms(Ok(()));
    let logout = begun().finds(&old, 1).revokes(2, 200).removes(1).succeeds();
    assert!(!logout.may_be_alive());
    // Nothing is left to remove: they are alive all the same.
    let logout = begun().finds_nothing().revokes(2, 200).succeeds();
    assert!(logout.was_logged_in);
    // Somebody else got on without them.
    begun().finds(&login(3), 1).revokes(3, 200).removes(1).succeeds();
}

#[test]
fn a_lease_that_was_kept_may_be_lost() {
    let old = login(1);
    let begun = |kind| {
        let lease = Arc::new(Lease::new(()));
        let follows = Some(identity(&old));
        let tokens = UnsavedTokens::of_refresh(refreshed(&old, 2), follows, None, &lease);
        Scenario::new(memory(tokens)).confirms(Err(error(kind)))
    };
    let ends = |scenario: Scenario| {
        scenario.finds(&old, 1).revokes(2, 200).removes(1).succeeds().without_lease
    };
    // It is asked for again, and had or not.
    let lost = || begun(StoreErrorKind::LeaseLost);
    assert!(!ends(lost().leases()));
    assert!(ends(lost().lease_ends(Err(error(StoreErrorKind::LeaseTimeout)))));
    // A store that cannot tell keeps nobody logged in.
    assert!(ends(begun(StoreErrorKind::Io)));
}

#[test]
fn a_login_in_memory_goes_with_the_one_that_it_was_to_replace() {
    let (old, new) = (login(1), login(2));
    let unsaved = UnsavedTokens::of_login(new, Some(identity(&old)), old.login, None);
    let logout = Scenario::new(memory(unsaved))
        .leases()
        .finds(&old, 1)
        .revokes(2, 503)
        .revokes(1, 200)
        .removes(1)
        .succeeds();
    // One of the two may be alive.
    assert!(matches!(logout.revocation, Revocation::Failed(_)));
}

/// A lease that was made anew keeps nobody away who is under way already.
#[test]
fn whoever_is_under_way_without_the_lease_is_told_of() {
    let noted = |ago| {
        let record = login(1);
        let at = now().wall - Duration::from_secs(ago);
        Record { note: Some(Note::new(record.fingerprint().unwrap(), at)), ..record }
    };
    for (made_anew, record, without) in [
        (true, noted(3), true),
        (true, noted(100), true),
        (true, noted(1_000), false),
        (true, login(1), false),
        (false, noted(3), false),
    ] {
        let lease = Lease::new(()).made_anew(made_anew);
        let begun = Scenario::new(Unsaved::default()).lease_ends(Ok(lease));
        let logout = begun.finds(&record, 1).revokes(1, 200).removes(1).succeeds();
        assert_eq!(logout.without_lease, without, "{record:?}");
    }
}
