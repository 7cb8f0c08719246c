//! The machine that refreshes an account, from the store to the token endpoint
//! and back. It decides everything and does nothing: each [`Step`] says what to
//! do, and owns the only way forward.
//!
//! A refresh without trouble is: load, lease, load, note, extend, send, tokens, free.
//!
//! ```text
//!    start
//!      │
//!      ▼         a token that will do, a setback, no refresh token, no lease
//! ┌─────────┐
//! │ Reading │──▶ decide ─────────────────────────────────────────────▶ Done
//! │  load   │      │ │
//! └─────────┘      │ ├─ tokens in memory ──────▶ CatchingUp (save) ──▶ decide
//!      ▲           │ ├─ the lease is not held ─▶ Leasing (lease) ────▶ Reading
//!      │           │ └─ another may be sending ▶ StandingBy (sleep) ─▶ Reading
//!      │           │ the lease is held
//!      │           ▼
//!      │ conflict ┌─────────┐
//!      ├──────────│ Noting  │
//!      │          │  save   │
//!      │          └─────────┘
//! ┌────────────┐       ▼
//! │ TakingBack │ lost ┌────────────┐
//! │    save    │◀─────│ Confirming │  (before each attempt, retries included)
//! └────────────┘      │   extend   │
//!                     └────────────┘
//!   ┌──────────────────┘
//!   ▼
//! ┌─────────┐   retry    ┌──────────┐ perhaps ┌─────────────┐ another ┌─────────────┐
//! │ Sending │───────────▶│ Sleeping │────────▶│ BeforeRetry │────────▶│ NotingRetry │
//! │  send   │◀───────────│  sleep   │  spent  │    load     │  token  │    save     │
//! └─────────┘ not spent  └──────────┘         └─────────────┘         └─────────────┘
//!   │  │  ▲                                     │ the same token         │
//!   │  │  └─────────────────────────────────────┴────────────────────────┘
//!   │  │ failed for good
//!   │  ├─ rejected ──▶ CheckingRejection (load) ── another token ──▶ decide
//!   │  │                          │ the same token
//!   │  │                          ▼
//!   │  └───────────────▶ SavingSetback (save) ──▶ Done
//!   │                       │ conflict ▲
//!   │                       ▼          │ ours may replace it
//!   │ tokens             SetbackConflict (load) ── another token ──▶ decide, Done
//!   ▼
//! ┌──────────────┐  conflict  ┌────────────────┐
//! │ SavingTokens │───────────▶│ TokensConflict │──▶ Done with the other tokens,
//! │     save     │◀───────────│      load      │    or with ours unsaved
//! └──────────────┘ ours may   └────────────────┘
//!   │              replace it
//!   ▼
//!  Done
//! ```
//!
//! The drawing shows the main ways, this table all of them:
//!
//! | state | waits for | leads to |
//! | --- | --- | --- |
//! | `Reading` | load | decide |
//! | decide (no state) | | `Done`, `CatchingUp`, `Leasing`, `StandingBy`, `Identifying`, `Noting`; `Sending` where there is no record to note it in |
//! | `Identifying` | read | decide |
//! | `CatchingUp` | save | decide; `Reading` after a conflict |
//! | `Leasing` | lease | `Reading`, after a timeout too: whoever held the lease may have refreshed |
//! | `StandingBy` | sleep | `Reading` |
//! | `Noting` | save | `Sending`; `Reading` after a conflict |
//! | `Confirming` | extend | `Sending`; `TakingBack` without the lease, which was lost, or if the store cannot tell |
//! | `TakingBack` | save | `Reading` if the lease was lost, saved or not; `Done` otherwise |
//! | `Preparing` | prove | `Preparing`, `Sending`, after `Confirming` again if it took a second; `TakingBack` if it gives way to a login or a logout; where the last attempt of `Sending` leads if it cannot be had |
//! | `Sending` | send | `BeforeRetry` or `Sending` if the server wants another proof, `SavingTokens`, `Sleeping`, `CheckingRejection`, `SavingSetback`; `Done` without a record |
//! | `Sleeping` | sleep | `Sending`; `BeforeRetry` if the token may be spent |
//! | `BeforeRetry` | load | `Sending`, `NotingRetry`; decide if the set-up is another; `Done` if the record serves or forbids an attempt |
//! | `NotingRetry` | save | `Sending`; `BeforeRetry` after a conflict |
//! | `SavingTokens` | save | `Done`; `TokensConflict` |
//! | `TokensConflict` | load | `SavingTokens`, `Done` |
//! | `CheckingRejection` | load | decide, `SavingSetback`; `Done` if the record is gone |
//! | `SavingSetback` | save | `Done`; `SetbackConflict` |
//! | `SetbackConflict` | load | `SavingSetback`, decide, `Done` |
//!
//! Wherever the table says `Sending`, `Confirming` comes first, if there is a refresh
//! token that could be spent, and then `Preparing`, if something is read or signed for
//! each request. A lease that is lost is asked for again.
//! `Identifying` comes only where a setback of the client is on record that would forbid
//! an attempt, and the client's credential is read anew for each attempt.
//! `TakingBack` is skipped if the note on record is not of this refresh.
//!
//! Tokens that are put back in the place of a record that [went back](crate::past)
//! are tokens in memory, but for one thing: decide leads to `Leasing` first.
//!
//! A refresh may be for a [further token](crate::further::Which): then what is wanted, and
//! whether it is served, is about that one, and so are the dates and refusals of the new
//! record. What is said of its request alone goes from `Sending` to `SavingSetback`.
//!
//! A record of another registration ends it wherever one is read: nothing is sent,
//! handed out or changed. (`TokensConflict` ends with the new tokens, unsaved.)
//!
//! A store that fails ends it, but for five cases. `CatchingUp` decides on, with
//! tokens that stay in memory. `BeforeRetry` sends, since the retry must be
//! prompt, unless a newer token was read before. So does `Confirming`, before a
//! retry with a token that may be spent. `Noting` sends where there is no refresh
//! token to spend. A lease that timed out is no failure until the record was read
//! once more. Eight rounds bound what other processes can send back; the policy bounds the retries, and
//! [`Settings::lease_wait`](crate::Settings::lease_wait) the standing by.
//!
//! The numbers of the crate's documentation: 3 and 4 are [`reading`], 5 goes
//! from [`leasing`] over [`standing_by`] to [`saving`], 6 is [`CheckingRejection`], and 7 is
//! [`SavingSetback`].
//!
//! Each state is a type that owns what it needs, and says by an enum where it
//! leads. A file holds the states of one phase: [`run`] what all carry along and
//! `Reading`, [`reading`] its decision, [`attempt`] and [`retry`] sending,
//! [`saving`] new tokens, [`failure`] what follows the last attempt. This file
//! puts them together. [`login`](crate::login) is another machine.

#![allow(clippy::large_enum_variant, reason = "a state is made once and moved at once")]

mod attempt;
mod catching_up;
mod confirming;
mod failure;
mod identifying;
mod leasing;
mod loads;
mod next_record;
mod noting;
mod patience;
mod preparing;
mod reading;
mod retry;
mod run;
mod saving;
mod standing_by;
mod taking_back;
#[cfg(test)]
mod tests;
mod want;

use std::time::Duration;

use auth_core::{
    Credential, CredentialError, Demand, Now, Request, Response, Source, TransportError,
};

pub(crate) use self::want::Want;
use self::{
    attempt::{Attempted, Confirming, Preparing, Sending},
    catching_up::{CatchingUp, CaughtUp},
    confirming::Confirmed,
    failure::{
        Checked, CheckingRejection, Failed, SavingSetback, SetBack, SetbackConflict, SetbackRead,
        SetbackSaved, failed,
    },
    identifying::Identifying,
    leasing::{Leased, Leasing},
    noting::{Noted, Noting},
    reading::Read,
    retry::{BeforeRetry, Looked, NotingRetry, RetryNoted, Sleeping, Slept},
    run::{Access, Reading, Run},
    saving::{SavingTokens, TokensConflict, TokensRead, TokensSaved},
    standing_by::StandingBy,
    taking_back::{TakingBack, Withdrawn},
};
use crate::{
    context::Context,
    known::{Draft, Known, Loaded},
    outcome::Outcome,
    store::{Lease, Version},
    store_error::StoreError,
    unsaved::{Unsaved, UnsavedTokens},
};

/// What to do next.
pub(crate) enum Step {
    /// Load the record.
    Load(Load),
    /// Take the lease. Wait for it at most this long.
    Lease(Duration, Leasing),
    /// Save [`Save::draft`].
    Save(Save),
    /// Let this time pass. It may be cut short, for nothing was sent.
    StandBy(Duration, StandingBy),
    /// Read this, where the client's credential is. It tells whether the client is still
    /// the one that was set back.
    Identify(Source, Identifying),
    /// Extend [`Confirming::lease`].
    Extend(Confirming),
    /// Get what is demanded for the next request.
    Prove(Demand, Preparing),
    /// Send this request.
    Send(Request, Sending),
    /// Let this time pass.
    Sleep(Duration, Sleeping),
    /// Publish the outcome, then free the lease.
    Done(Outcome),
}

/// The states in which the record is being read.
pub(crate) enum Load {
    Record(Reading),
    Retry(BeforeRetry),
    Rejection(CheckingRejection),
    Tokens(TokensConflict),
    Setback(SetbackConflict),
}

/// The states in which a record is being saved.
pub(crate) enum Save {
    CatchUp(CatchingUp),
    Note(Noting),
    RetryNote(NotingRetry),
    Tokens(SavingTokens),
    Setback(SavingSetback),
    TakeBack(TakingBack),
}

/// Begins a refresh, or finds that there is no need of one.
pub(crate) fn start(context: Context, want: Want, memory: Unsaved) -> Step {
    let lease = memory.tokens.as_ref().and_then(UnsavedTokens::lease);
    let access = lease.map_or(Access::Unasked, Access::Granted);
    let known = Known::new(context.shared.grant, memory).remembering(&context.past);
    let run = Run::new(context, want);
    Step::Load(Load::Record(Reading { run, known, access }))
}

impl Load {
    pub(crate) fn on_loaded(mut self, loaded: Loaded, now: Now) -> Step {
        if let Ok(Some((record, _))) = &loaded {
            if let Some(reason) = self.run().context.refuses(record) {
                return Step::Done(self.refuse(record, reason, now));
            }
            self.run_mut().context.sights.see(record, now);
        }
        match self {
            Self::Record(reading) => on_read(reading.resolve(loaded, now), now),
            Self::Retry(before) => match before.resolve(loaded, now) {
                Looked::Attempt(attempted) => on_attempt(attempted, now),
                Looked::StartOver(reading) => on_read(reading.decide(now), now),
                Looked::Note(noting) => Step::Save(Save::RetryNote(noting)),
                Looked::Done(outcome) => Step::Done(outcome),
            },
            Self::Rejection(checking) => match checking.resolve(loaded, now) {
                Checked::StartOver(reading) => on_read(reading.decide(now), now),
                Checked::SetBack(set_back) => on_setback(set_back),
                Checked::Done(outcome) => Step::Done(outcome),
            },
            Self::Tokens(conflict) => match conflict.resolve(loaded, now) {
                TokensRead::Save(saving) => Step::Save(Save::Tokens(saving)),
                TokensRead::Done(outcome) => Step::Done(outcome),
            },
            Self::Setback(conflict) => match conflict.resolve(loaded, now) {
                SetbackRead::Save(saving) => Step::Save(Save::Setback(saving)),
                SetbackRead::StartOver(reading) => on_read(reading.decide(now), now),
                SetbackRead::Done(outcome) => Step::Done(outcome),
            },
        }
    }
}

impl Leasing {
    pub(crate) fn on_lease(self, leased: Result<Lease, StoreError>, now: Now) -> Step {
        match self.resolve(leased, now) {
            Leased::Read(reading) => Step::Load(Load::Record(reading)),
            Leased::Done(outcome) => Step::Done(outcome),
        }
    }
}

impl Save {
    /// The record to be saved, and what is known until it is.
    pub(crate) fn draft(&self) -> &Draft {
        match self {
            Self::CatchUp(state) => &state.draft,
            Self::Note(state) => &state.draft,
            Self::RetryNote(state) => &state.draft,
            Self::Tokens(state) => &state.draft,
            Self::Setback(state) => &state.draft,
            Self::TakeBack(state) => &state.draft,
        }
    }

    pub(crate) fn on_saved(self, saved: Result<Version, StoreError>, now: Now) -> Step {
        match self {
            Self::CatchUp(catching_up) => match catching_up.resolve(saved) {
                CaughtUp::Decide(reading) => on_read(reading.decide(now), now),
                CaughtUp::ReadAgain(reading) => Step::Load(Load::Record(reading)),
            },
            Self::Note(noting) => match noting.resolve(saved, now) {
                Noted::Attempt(attempted) => on_attempt(attempted, now),
                Noted::ReadAgain(reading) => Step::Load(Load::Record(reading)),
                Noted::Done(outcome) => Step::Done(outcome),
            },
            Self::RetryNote(noting) => match noting.resolve(saved, now) {
                RetryNoted::Attempt(attempted) => on_attempt(attempted, now),
                RetryNoted::LookAgain(before) => Step::Load(Load::Retry(before)),
                RetryNoted::Done(outcome) => Step::Done(outcome),
            },
            Self::Tokens(saving) => match saving.resolve(saved, now) {
                TokensSaved::Read(conflict) => Step::Load(Load::Tokens(conflict)),
                TokensSaved::Done(outcome) => Step::Done(outcome),
            },
            Self::Setback(saving) => match saving.resolve(saved, now) {
                SetbackSaved::Read(conflict) => Step::Load(Load::Setback(conflict)),
                SetbackSaved::Done(outcome) => Step::Done(outcome),
            },
            Self::TakeBack(state) => on_withdrawn(state.resolve(saved, now)),
        }
    }
}

impl StandingBy {
    pub(crate) fn on_wake(self) -> Step {
        Step::Load(Load::Record(self.resume()))
    }
}

impl Identifying {
    pub(crate) fn on_read(self, read: &Result<Credential, CredentialError>, now: Now) -> Step {
        on_read(self.resolve(read).decide(now), now)
    }
}

impl Confirming {
    pub(crate) fn on_extended(self, extended: Result<(), StoreError>, now: Now) -> Step {
        match self.resolve(extended, now) {
            Confirmed::Attempt(attempted) => on_attempt(attempted, now),
            Confirmed::Withdraw(withdrawn) => on_withdrawn(withdrawn),
        }
    }
}

impl Sending {
    pub(crate) fn on_response(self, response: Result<Response, TransportError>, now: Now) -> Step {
        on_attempt(self.resolve(response, now), now)
    }
}

impl Sleeping {
    pub(crate) fn on_wake(self, now: Now) -> Step {
        on_slept(self, now)
    }
}

fn on_slept(sleeping: Sleeping, now: Now) -> Step {
    match sleeping.resume(now) {
        Slept::Attempt(attempted) => on_attempt(attempted, now),
        Slept::Look(before) => Step::Load(Load::Retry(before)),
    }
}

fn on_read(read: Read, now: Now) -> Step {
    match read {
        Read::CatchUp(catching_up) => Step::Save(Save::CatchUp(catching_up)),
        Read::Lease(wait, leasing) => Step::Lease(wait, leasing),
        Read::Note(noting) => Step::Save(Save::Note(noting)),
        Read::Identify(source, identifying) => Step::Identify(source, identifying),
        Read::StandBy(pause, standing_by) => Step::StandBy(pause, standing_by),
        Read::Attempt(attempted) => on_attempt(attempted, now),
        Read::Done(outcome) => Step::Done(outcome),
    }
}

fn on_attempt(attempted: Attempted, now: Now) -> Step {
    match attempted {
        Attempted::Confirm(confirming) => Step::Extend(confirming),
        Attempted::Prove(demand, preparing) => Step::Prove(demand, preparing),
        Attempted::Send(request, sending) => Step::Send(request, sending),
        // As after a wait, of no time.
        Attempted::Challenge(attempt, waiting) => on_slept(Sleeping { attempt, waiting }, now),
        Attempted::Wait(delay, attempt, waiting) => {
            Step::Sleep(delay, Sleeping { attempt, waiting })
        }
        Attempted::Tokens(saving) => Step::Save(Save::Tokens(saving)),
        Attempted::Failed(attempt, error) => match failed(attempt, error, now) {
            Failed::Check(checking) => Step::Load(Load::Rejection(checking)),
            Failed::SetBack(set_back) => on_setback(set_back),
        },
    }
}

fn on_withdrawn(withdrawn: Withdrawn) -> Step {
    match withdrawn {
        Withdrawn::TakeBack(taking_back) => Step::Save(Save::TakeBack(taking_back)),
        Withdrawn::ReadAgain(reading) => Step::Load(Load::Record(reading)),
        Withdrawn::Done(outcome) => Step::Done(outcome),
    }
}

fn on_setback(set_back: SetBack) -> Step {
    match set_back {
        SetBack::Save(saving) => Step::Save(Save::Setback(saving)),
        SetBack::Done(outcome) => Step::Done(outcome),
    }
}
