//! What is damaged is replaced by the tokens of a login, and by no refresh.

use std::sync::Arc;

use super::{
    super::{Save, Step, want::Want},
    scenario::{Scenario, Start},
};
use crate::{
    error::Reason,
    outcome::Outcome,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
    unsaved::{Unsaved, UnsavedTokens},
};

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "a test")
}

/// It reads the record, and finds it damaged.
fn reads_damage(mut scenario: Scenario) -> Step {
    let Step::Load(state) = scenario.take() else { panic!("it does not load") };
    let damaged = error(StoreErrorKind::Damaged).damaged_version(Version::from(7));
    state.on_loaded(Err(damaged), scenario.now)
}

/// Tokens of a login in memory, of which so many seconds are left.
fn logged_in(left: u64) -> (Start, Unsaved) {
    let start = Start::new();
    let tokens = UnsavedTokens::of_login(start.record(2, left), None, None, None);
    (start, Unsaved { tokens: Some(tokens), setback: None })
}

fn ends(step: Step) -> Outcome {
    let Step::Done(outcome) = step else { panic!("it does not end") };
    outcome
}

#[test]
fn the_tokens_of_a_login_take_its_place() {
    for want in [Want::Saved, Want::Newer(None)] {
        let (start, memory) = logged_in(3000);
        let now = start.now;
        let step = reads_damage(Start { memory, ..start }.wanting(want.clone()));
        let Step::Save(Save::CatchUp(state)) = step else { panic!("it does not save") };
        assert_eq!(state.draft.known.version, Some(Version::from(7)));
        let step = Save::CatchUp(state).on_saved(Ok(Version::from(8)), now);
        match want {
            Want::Saved => assert!(ends(step).unsaved.is_none()),
            _ => assert!(matches!(step, Step::Lease(..)), "it goes on as ever"),
        }
    }
}

#[test]
fn if_they_cannot_nothing_is_noted_over_it() {
    for (left, is_served) in [(3000, true), (0, false)] {
        for want in [Want::Saved, Want::Lasting(crate::lifetime::Ttl::Usual)] {
            let serves = is_served || matches!(want, Want::Saved);
            let (start, memory) = logged_in(left);
            let now = start.now;
            let step = reads_damage(Start { memory, ..start }.wanting(want));
            let Step::Save(state) = step else { panic!("it does not save") };
            let outcome = ends(state.on_saved(Err(error(StoreErrorKind::Full)), now));
            assert_eq!(outcome.ended.result.is_ok(), serves);
            if let Err(error) = &outcome.ended.result {
                assert!(
                    matches!(error.reason(), Reason::Store(error) if error.kind() == StoreErrorKind::Full)
                );
            }
            assert!(outcome.unsaved.is_some_and(|unsaved| unsaved.tokens.is_some()));
        }
    }
}

#[test]
fn the_tokens_of_a_refresh_do_not_and_stay_in_memory() {
    let start = Start::new();
    let lease = Arc::new(Lease::new(()));
    let tokens = UnsavedTokens::of_refresh(start.record(2, 3000), None, None, &lease);
    let memory = Unsaved { tokens: Some(tokens), setback: None };
    let outcome = ends(reads_damage(Start { memory, ..start }.wanting(Want::Saved)));
    let error = outcome.ended.result.unwrap_err();
    assert!(
        matches!(error.reason(), Reason::Store(error) if error.kind() == StoreErrorKind::Damaged)
    );
    assert!(outcome.unsaved.unwrap().tokens.is_some());
    assert!(outcome.ended.fallback.is_some());
    // Nor does one that begins.
    let outcome = ends(reads_damage(Start::new().begin()));
    assert!(outcome.ended.result.is_err() && outcome.unsaved.is_none());
}
