//! The machine that refreshes an account, from the store to the token endpoint
//! and back. It decides everything and does nothing: each [`Step`] says what to
//! do, and owns the only way forward.
//!
//! A refresh without trouble is: load, lease, load, note, send, tokens, free.
//!
//! ```text
//!          ┌───────────┐  a token that will do,     ╔══════╗
//!  start ─▶│  Reading  │─ a setback, no way ───────▶║ Done ║◀─ from every state,
//!          │   load    │                            ╚══════╝   when the store fails
//!          └───────────┘
//!            │  │  ▲  ▲└──────────────────┐
//!            │  ▼  │  └── conflict ──┐   │ granted, or timed out
//!            │ ┌──────────┐          │   │
//!            │ │CatchingUp│          │ ┌─────────┐
//!            │ │   save   │          │ │ Leasing │
//!            │ └──────────┘          │ │  lease  │
//!            │ under the lease       │ └─────────┘
//!            ▼                       │
//!          ┌───────────┐             │
//!          │  Noting   │─────────────┘
//!          │   save    │
//!          └───────────┘
//!            │
//!            ▼
//!          ┌───────────┐   failed    ┌───────────┐ perhaps spent  ┌───────────┐
//!          │  Sending  │────────────▶│ Sleeping  │───────────────▶│BeforeRetry│
//!          │   send    │◀────────────│   sleep   │                │   load    │
//!          └───────────┘  not sent   └───────────┘                └───────────┘
//!            │       │ ▲                                            │      │
//!            │       │ └─────────── the same refresh token ─────────┘      │ another
//!     tokens │       │ ▲                                                   ▼ one
//!            │       │ │                                          ┌───────────┐
//!            │       │ └──────────────────────────────────────────│NotingRetry│
//!            │       │ failed for good                            │   save    │
//!            ▼       ▼                                            └───────────┘
//!  ┌────────────┐  ┌───────────────┐  another refresh token
//!  │SavingTokens│  │CheckingRefusal│──────────────────────▶ Reading
//!  │   save     │  │     load      │
//!  └────────────┘  └───────────────┘
//!    │ ▲ conflict    │ still the same, or no refusal
//!    │ ▼             ▼
//!    │ TokensConflict│           SavingSetback ◀── conflict ──▶ SetbackConflict
//!    │   load        └──────────▶    save                           load
//!    ▼                               │
//!   Done                             ▼
//!                                   Done
//! ```
//!
//! The numbers of the crate's documentation: 3 and 4 are [`decision`], 5 goes
//! from [`leasing`] to [`saving`], 6 is [`CheckingRefusal`], and 7 is
//! [`SavingSetback`]. Each state is a type in a file of its name, and says by an
//! enum where it leads. This file puts them together. [`login`](crate::login) is
//! another machine.

#![allow(clippy::large_enum_variant, reason = "a state is made once and moved at once")]

mod attempt;
mod catching_up;
mod decision;
mod draft;
mod failure;
mod leasing;
mod next_record;
mod noting;
mod reading;
mod retry;
mod run;
mod saving;
mod want;

use std::time::Duration;

use auth_core::{Now, Request, Response, TransportError};

pub(crate) use self::want::Want;
use self::{
    attempt::{Attempted, Sending},
    catching_up::{CatchingUp, CaughtUp},
    decision::{Decision, decide},
    draft::Draft,
    failure::{
        Checked, CheckingRefusal, Failed, SavingSetback, SetBack, SetbackConflict, SetbackRead,
        SetbackSaved, failed,
    },
    leasing::{Leased, Leasing},
    noting::{Noted, Noting},
    reading::{Access, Read, Reading},
    retry::{BeforeRetry, Looked, NotingRetry, RetryNoted, Sleeping, Slept},
    run::Run,
    saving::{SavingTokens, TokensConflict, TokensRead, TokensSaved},
};
use crate::{
    context::Context,
    known::{Known, Loaded},
    outcome::Outcome,
    record::Record,
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
    /// Save [`Save::record`].
    Save(Save),
    /// Send this request.
    Send(Request, Sending),
    /// Let this time pass.
    Sleep(Duration, Sleeping),
    /// Publish the outcome, then free the lease.
    Done(Outcome),
}

/// The states in which the record is being read.
pub(crate) enum Load {
    Decision(Reading),
    Retry(BeforeRetry),
    Refusal(CheckingRefusal),
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
}

/// Begins a refresh, or finds that there is no need of one.
pub(crate) fn start(context: Context, want: Want, memory: Unsaved) -> Step {
    let lease = memory.tokens.as_ref().and_then(UnsavedTokens::lease);
    let access = lease.map_or(Access::Unasked, Access::Granted);
    read(Reading { run: Run::new(context, want), known: Known::new(memory), access })
}

impl Load {
    pub(crate) fn on_loaded(self, loaded: Loaded, now: Now) -> Step {
        match self {
            Self::Decision(reading) => match reading.resolve(loaded, now) {
                Read::Decide(reading) => decided(reading, now),
                Read::Done(outcome) => Step::Done(outcome),
            },
            Self::Retry(before) => match before.resolve(loaded, now) {
                Looked::Attempt(attempted) => on_attempt(attempted, now),
                Looked::Note(noting) => Step::Save(Save::RetryNote(noting)),
                Looked::Done(outcome) => Step::Done(outcome),
            },
            Self::Refusal(checking) => match checking.resolve(loaded, now) {
                Checked::StartOver(reading) => decided(reading, now),
                Checked::SetBack(set_back) => on_setback(set_back),
                Checked::Done(outcome) => Step::Done(outcome),
            },
            Self::Tokens(conflict) => match conflict.resolve(loaded, now) {
                TokensRead::Save(saving) => Step::Save(Save::Tokens(saving)),
                TokensRead::Done(outcome) => Step::Done(outcome),
            },
            Self::Setback(conflict) => match conflict.resolve(loaded, now) {
                SetbackRead::Save(saving) => Step::Save(Save::Setback(saving)),
                SetbackRead::StartOver(reading) => decided(reading, now),
                SetbackRead::Done(outcome) => Step::Done(outcome),
            },
        }
    }
}

impl Leasing {
    pub(crate) fn on_lease(self, leased: Result<Lease, StoreError>, now: Now) -> Step {
        match self.resolve(leased, now) {
            Leased::Read(reading) => read(reading),
            Leased::Done(outcome) => Step::Done(outcome),
        }
    }
}

impl Save {
    pub(crate) fn record(&self) -> &Record {
        &self.draft().record
    }

    /// The version that the store has to hold.
    pub(crate) fn expected(&self) -> Option<&Version> {
        self.draft().known.version.as_ref()
    }

    /// What would be lost if nothing were heard of the save again.
    pub(crate) fn unsaved(&self) -> &Unsaved {
        &self.draft().known.unsaved
    }

    fn draft(&self) -> &Draft {
        match self {
            Self::CatchUp(state) => &state.draft,
            Self::Note(state) => &state.draft,
            Self::RetryNote(state) => &state.draft,
            Self::Tokens(state) => &state.draft,
            Self::Setback(state) => &state.draft,
        }
    }

    pub(crate) fn on_saved(self, saved: Result<Version, StoreError>, now: Now) -> Step {
        match self {
            Self::CatchUp(catching_up) => match catching_up.resolve(saved) {
                CaughtUp::Decide(reading) => decided(reading, now),
                CaughtUp::ReadAgain(reading) => read(reading),
            },
            Self::Note(noting) => match noting.resolve(saved, now) {
                Noted::Attempt(attempted) => on_attempt(attempted, now),
                Noted::ReadAgain(reading) => read(reading),
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
        match self.resume(now) {
            Slept::Attempt(attempted) => on_attempt(attempted, now),
            Slept::Look(before) => Step::Load(Load::Retry(before)),
        }
    }
}

fn read(reading: Reading) -> Step {
    Step::Load(Load::Decision(reading))
}

fn decided(reading: Reading, now: Now) -> Step {
    match decide(reading, now) {
        Decision::CatchUp(catching_up) => Step::Save(Save::CatchUp(catching_up)),
        Decision::Lease(wait, leasing) => Step::Lease(wait, leasing),
        Decision::Note(noting) => Step::Save(Save::Note(noting)),
        Decision::Attempt(attempted) => on_attempt(attempted, now),
        Decision::Done(outcome) => Step::Done(outcome),
    }
}

fn on_attempt(attempted: Attempted, now: Now) -> Step {
    match attempted {
        Attempted::Send(request, sending) => Step::Send(request, sending),
        Attempted::Wait(delay, attempt, waiting) => {
            Step::Sleep(delay, Sleeping { attempt, waiting })
        }
        Attempted::Tokens(saving) => Step::Save(Save::Tokens(saving)),
        Attempted::Failed(attempt, error) => match failed(attempt, error, now) {
            Failed::Check(checking) => Step::Load(Load::Refusal(checking)),
            Failed::SetBack(set_back) => on_setback(set_back),
        },
    }
}

fn on_setback(set_back: SetBack) -> Step {
    match set_back {
        SetBack::Save(saving) => Step::Save(Save::Setback(saving)),
        SetBack::Done(outcome) => Step::Done(outcome),
    }
}
