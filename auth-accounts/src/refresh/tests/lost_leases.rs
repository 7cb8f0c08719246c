//! A lease that is lost while it is held, and one that was made anew.

use std::{sync::Arc, time::Duration};

use super::{
    super::{Step, Want},
    kind_of_store_error, records,
    scenario::{For, Scenario},
};
use crate::{
    error::Reason,
    lifetime::Ttl,
    record::{Note, Record, Setback},
    shared::GrantKind,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

impl Scenario {
    /// It gets the lease after all, and somebody may hold an earlier one.
    #[track_caller]
    fn leases_anew(self, wait: u64) -> Self {
        self.lease(wait, Ok(Lease::new(()).made_anew(true)))
    }

    /// It asks whether the lease is still its own, and is told this.
    #[track_caller]
    pub(super) fn hears(mut self, kind: StoreErrorKind) -> Self {
        match self.take() {
            Step::Extend(state) => {
                let failed = Err(StoreError::new(kind, "a test"));
                self.step = Some(state.on_extended(failed, self.now));
                if kind == StoreErrorKind::LeaseLost {
                    self.freed = Arc::default();
                }
            }
            step => Self::wrong(&step, "extend"),
        }
        self
    }

    /// It lets this time pass, and nothing keeps it from giving way.
    #[track_caller]
    fn stands_by(mut self, millis: u64) -> Self {
        match self.take() {
            Step::StandBy(delay, state) => {
                assert_eq!(delay, Duration::from_millis(millis));
                self.now.monotonic += delay;
                self.now.wall += delay;
                self.step = Some(state.on_wake());
            }
            step => Self::wrong(&step, "stand by"),
        }
        self
    }

    /// It stands by until `over` milliseconds have passed, and always finds this.
    #[track_caller]
    fn stands_by_until(mut self, over: u64, record: &Record) -> Self {
        let (mut pause, mut passed) = (50, 0);
        while passed < over {
            let now = pause.min(over - passed);
            self = self.stands_by(now).reads(record.clone());
            (pause, passed) = ((pause * 2).min(2_000), passed + now);
        }
        self
    }
}

/// `record`, with the note of somebody who began so many seconds ago.
fn noted(record: &Record, scenario: &super::scenario::Start, ago: u64) -> Record {
    let token = record.fingerprint().unwrap();
    let at = scenario.now.wall - Duration::from_secs(ago);
    Record { note: Some(Note::new(token, at)), ..record.clone() }
}

#[test]
fn nothing_is_sent_with_a_lease_that_was_lost() {
    let lost = StoreErrorKind::LeaseLost;
    // Somebody else has refreshed.
    let (start, old, good) = records();
    let begun = start.begin().reads(old.clone()).leases(60).reads(old.clone()).saves(For::Note);
    begun.hears(lost).saves(For::TakeBack).reads(good.clone()).gives(2, false);
    // Or somebody who has it now does, while this one waits.
    let (start, ..) = records();
    let begun = start.begin().reads(old.clone()).leases(60).reads(old.clone()).saves(For::Note);
    begun.hears(lost).conflicts(For::TakeBack).reads(old).leases(60).reads(good).gives(2, false);
}

#[test]
fn a_lease_that_was_lost_is_taken_again() {
    let (start, old, _) = records();
    let ours = noted(&old, &start, 0);
    let begun = start.begin().reads(old.clone()).leases(60).reads(old).saves(For::Note);
    // If the note cannot be taken back, it is our own all the same: nobody else is under
    // way, and nothing was spent.
    let lost = begun.hears(StoreErrorKind::LeaseLost).cannot_save(For::TakeBack);
    let again = lost.reads(ours.clone()).leases_anew(60);
    let (error, _) = again
        .reads(ours.clone())
        .saves(For::Note)
        .rejected(1)
        .reads(ours)
        .saves(For::Setback)
        .fails();
    let Reason::Refresh(error) = error.reason() else { panic!("{error}") };
    assert!(!error.possibly_spent());
}

/// What an attempt may have spent stays so, whatever became of the lease.
#[test]
fn a_doubt_outlives_the_lease() {
    let (start, old, _) = records();
    let ours = noted(&old, &start, 0);
    let begun = start.begin().reads(old.clone()).leases(60).reads(old).saves(For::Note);
    let lost = begun.cut_off(1).sleeps().reads(ours.clone()).hears(StoreErrorKind::LeaseLost);
    // And nothing holds up the retry.
    let again = lost
        .cannot_save(For::TakeBack)
        .reads(ours.clone())
        .leases_anew(60)
        .reads(ours.clone())
        .saves(For::Note);
    let (error, _) = again.rejected(1).reads(ours).saves(For::Setback).fails();
    let Reason::Refresh(error) = error.reason() else { panic!("{error}") };
    assert!(error.possibly_spent());
}

/// Others need not wait for a refresh that has given up, and learn what it knows.
#[test]
fn a_note_is_taken_back_and_a_doubt_left() {
    let died = |record: &Record, start: &super::Start| noted(record, start, 30);
    let failed = |record: &Record, start: &super::Start| {
        let at = start.now.wall - Duration::from_secs(30);
        let setback = Setback::of_doubt(None, record.fingerprint().unwrap(), at);
        Record { setback: Some(setback), ..record.clone() }
    };
    for (before, is_cut_off, doubt) in [
        (None, false, None),
        (None, true, Some(1)),
        // A process died, or a refresh failed with its response lost.
        (Some(&died as &dyn Fn(&Record, &super::Start) -> Record), false, Some(1)),
        (Some(&failed), false, Some(1)),
        (Some(&failed), true, Some(1)),
    ] {
        let (start, old, _) = records();
        let old = before.map_or(old.clone(), |before| before(&old, &start));
        let ours = Record { note: noted(&old, &start, 0).note, ..old.clone() };
        let begun = start.begin().reads(old.clone()).leases(60).reads(old).saves(For::Note);
        let begun = match is_cut_off {
            true => begun.cut_off(1).sleeps().reads(ours),
            false => begun,
        };
        let lost = begun.hears(StoreErrorKind::LeaseLost);
        let now = lost.now.wall;
        let mut left = None;
        let taken_back = lost.look(|record, _| left = Some(record.clone())).saves(For::TakeBack);
        let left = left.unwrap();
        assert_eq!(left.setback.as_ref().map(|setback| setback.count), doubt);
        if let Some(setback) = &left.setback {
            assert!(setback.possibly_spent);
            assert_eq!((setback.failed_at, setback.retry_at), (now, Some(now)));
        }
        // It holds up nobody, not even this one.
        let again = taken_back.reads(left.clone()).leases_anew(60).reads(left.clone());
        let (error, _) = again.saves(For::Note).rejected(1).reads(left).saves(For::Setback).fails();
        let Reason::Refresh(error) = error.reason() else { panic!("{error}") };
        assert_eq!(error.possibly_spent(), doubt.is_some());
    }
}

/// The token of a retry is another one, of which nothing was sent.
#[test]
fn the_note_of_a_retry_is_taken_back_without_a_doubt() {
    let (start, old, _) = records();
    let other = start.record(5, 0);
    let begun = start.begin().reads(old.clone()).leases(60).reads(old).saves(For::Note);
    let retry = begun.cut_off(1).sleeps().reads(other).saves(For::RetryNote);
    let lost = retry.hears(StoreErrorKind::LeaseLost);
    lost.look(|record, _| assert!(record.setback.is_none())).saves(For::TakeBack);
}

#[test]
fn a_retry_that_must_be_prompt_waits_for_its_lease_briefly() {
    let patience = |scenario: &Scenario| match &scenario.step {
        Some(Step::Extend(state)) => state.patience(),
        _ => panic!("it is to extend the lease"),
    };
    let (start, old, _) = records();
    let begun = start.begin().reads(old.clone()).leases(60).reads(old.clone()).saves(For::Note);
    assert_eq!(patience(&begun), Duration::from_secs(60));
    let retry = begun.cut_off(1).sleeps().reads(old);
    assert_eq!(patience(&retry), Duration::from_secs(3));
}

#[test]
fn a_lease_that_is_lost_each_time_ends_it() {
    let (start, old, _) = records();
    let mut scenario = start.begin().reads(old.clone());
    for _ in 0..8 {
        scenario = scenario.leases(60).reads(old.clone()).saves(For::Note);
        scenario = scenario.hears(StoreErrorKind::LeaseLost).saves(For::TakeBack);
        scenario = scenario.reads(old.clone());
    }
    let scenario = scenario.leases(60).reads(old).saves(For::Note);
    let lost = scenario.hears(StoreErrorKind::LeaseLost);
    let (error, _) = lost.saves(For::TakeBack).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::LeaseLost);
}

#[test]
fn a_store_that_cannot_tell_stops_what_can_wait() {
    let (start, old, _) = records();
    let begun = |start: super::Start| {
        start.begin().reads(old.clone()).leases(60).reads(old.clone()).saves(For::Note)
    };
    let (error, _) = begun(start).hears(StoreErrorKind::Io).saves(For::TakeBack).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    // After a failure that spent nothing, too.
    let (start, ..) = records();
    let retry = begun(start).cannot_send(1).sleeps().hears(StoreErrorKind::Io);
    let (error, _) = retry.cannot_save(For::TakeBack).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    // A retry with a token that may be spent cannot wait.
    let (start, ..) = records();
    let retry = begun(start).cut_off(1).sleeps().reads(old.clone());
    retry.hears(StoreErrorKind::Io).sends(1, 2).saves(For::Tokens).gives(2, true);
}

#[test]
fn without_a_refresh_token_there_is_none_to_spend_twice() {
    let (mut start, old, _) = records();
    start.grant = GrantKind::Repeatable;
    let zero = crate::record::Fingerprint::NO_REFRESH_TOKEN;
    let noted = Record { note: Some(Note::new(zero, start.now.wall)), ..old };
    let scenario = start.begin().reads(noted.clone()).leases_anew(60).reads(noted);
    let scenario = scenario.cannot_save_unchecked();
    assert!(matches!(scenario.step, Some(Step::Send(..))));
}

#[test]
fn somebody_under_way_without_the_lease_is_waited_for() {
    // Until the tokens are there, or the failure is.
    let (start, old, good) = records();
    let theirs = noted(&old, &start, 20);
    let begun = start.begin().reads(old.clone()).leases_anew(60).reads(theirs.clone());
    begun.stands_by_until(750, &theirs).stands_by(800).reads(good).gives(2, false);

    let (start, ..) = records();
    let begun = start.begin().reads(old.clone()).leases_anew(60).reads(theirs.clone());
    begun
        .stands_by(50)
        .reads(old.clone())
        .saves(For::Note)
        .sends(1, 2)
        .saves(For::Tokens)
        .gives(2, true);

    // Or as long as it may take. Then it has died.
    let (start, ..) = records();
    let begun = start.begin().reads(old.clone()).leases_anew(60).reads(theirs.clone());
    let over = begun.stands_by_until(60_000, &theirs).saves(For::Note);
    let (error, _) = over.rejected(1).reads(theirs).saves(For::Setback).fails();
    let Reason::Refresh(error) = error.reason() else { panic!("{error}") };
    assert!(error.possibly_spent());
}

/// An old lease is free because its holder died: the retry is prompt. An old note
/// is of nobody who is still under way.
#[test]
fn nobody_is_waited_for_in_vain() {
    for (what, anew, ago) in [
        ("the process died", false, 1),
        ("it is over", true, 301),
        ("it was long ago", true, 100_000),
    ] {
        let (start, old, _) = records();
        let theirs = noted(&old, &start, ago);
        let begun = start.begin().reads(theirs.clone());
        let begun = if anew { begun.leases_anew(60) } else { begun.leases(60) };
        begun.reads(theirs).saves(For::Note).sends(1, 2).saves(For::Tokens);
        println!("{what}");
    }
    // Nor about another refresh token.
    let (start, old, good) = records();
    let theirs = Record { note: noted(&good, &start, 1).note, ..old.clone() };
    start.begin().reads(old).leases_anew(60).reads(theirs).saves(For::Note);
}

#[test]
fn while_the_old_token_is_of_use_it_is_waited_for_briefly() {
    let (start, ..) = records();
    let old = start.record(1, 50);
    let theirs = noted(&old, &start, 0);
    let begun = start.begin().reads(old.clone()).leases_anew(1).reads(theirs.clone());
    let (error, outcome) = begun.stands_by_until(1_000, &theirs).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::LeaseTimeout);
    assert_eq!(outcome.ended.fallback.unwrap().access_token().expose(), "at-1");
    // Not by who cannot use it.
    let (start, ..) = records();
    let want = Want::Lasting(Ttl::AtLeast(Duration::from_secs(600)));
    let begun = start.wanting(want).reads(old).leases_anew(60).reads(theirs.clone());
    begun.stands_by_until(60_000, &theirs).saves(For::Note);
}
