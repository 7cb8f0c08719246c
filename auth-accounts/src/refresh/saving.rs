//! New tokens are being saved.

use std::sync::Arc;

use auth_core::Now;

use super::run::Run;
use crate::{
    error::Reason,
    known::{Draft, Known, Loaded},
    outcome::{Outcome, Source},
    record::Record,
    shared::GrantKind,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
};

/// New tokens are being saved.
pub(crate) struct SavingTokens {
    run: Box<Run>,
    pub(super) draft: Draft,
    lease: Arc<Lease>,
}

pub(super) enum TokensSaved {
    Read(TokensConflict),
    Done(Outcome),
}

impl SavingTokens {
    pub(super) fn new(
        run: Box<Run>,
        mut known: Box<Known>,
        record: Record,
        lease: Arc<Lease>,
    ) -> Self {
        known.refreshed(record.clone(), &lease);
        Self { run, draft: Draft { record, known }, lease }
    }

    pub(super) fn resolve(self, saved: Result<Version, StoreError>, now: Now) -> TokensSaved {
        let Self { mut run, draft, lease } = self;
        match saved {
            Ok(version) => {
                let known = draft.saved(version);
                TokensSaved::Done(Outcome::token(
                    &run.context,
                    known,
                    Source::Refresh,
                    None,
                    Some(lease),
                    now,
                ))
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict && run.another_round() => {
                TokensSaved::Read(TokensConflict(Self { run, draft, lease }))
            }
            Err(error) => TokensSaved::Done(Self { run, draft, lease }.keep(error, now)),
        }
    }

    /// Ends with tokens that are in memory only.
    fn keep(self, error: StoreError, now: Now) -> Outcome {
        let Self { run, draft: Draft { mut known, .. }, lease } = self;
        known.not_saved(error.clone());
        Outcome::token(&run.context, known, Source::Refresh, Some(error), Some(lease), now)
    }
}

/// Somebody else saved first. The record is being read.
pub(crate) struct TokensConflict(SavingTokens);

pub(super) enum TokensRead {
    Save(SavingTokens),
    Done(Outcome),
}

impl TokensConflict {
    pub(super) fn run(&self) -> &Run {
        &self.0.run
    }

    pub(super) fn run_mut(&mut self) -> &mut Run {
        &mut self.0.run
    }

    /// Ends with tokens that are in memory only, for the record is somebody
    /// else's.
    pub(super) fn keep(self, now: Now) -> Outcome {
        let error = self.0.run.conflict();
        self.0.keep(error, now)
    }

    pub(super) fn resolve(self, loaded: Loaded, now: Now) -> TokensRead {
        let Self(saving) = self;
        let found = match loaded {
            Ok(found) => found,
            Err(error) => return TokensRead::Done(saving.keep(error, now)),
        };
        let SavingTokens { run, mut draft, lease } = saving;
        if draft.known.may_replace(found.as_ref().map(|(record, _)| record)) {
            draft.known.version = found.map(|(_, version)| version);
            return TokensRead::Save(SavingTokens { run, draft, lease });
        }
        // Theirs stay: they come from a login, or from a refresh by somebody
        // else.
        let Draft { record, mut known } = draft;
        known.give_way(found);
        if run.want.is_served_by(known.record.as_ref(), &run.context, now) {
            return TokensRead::Done(Outcome::token(
                &run.context,
                known,
                Source::Refresh,
                None,
                Some(lease),
                now,
            ));
        }
        if known.record.is_none() && run.context.shared.grant == GrantKind::RefreshToken {
            // Somebody logged out. What comes after that is nobody's.
            return TokensRead::Done(run.fail(known, Some(lease), Reason::NotLoggedIn, now));
        }
        // Theirs are of no use now. Ours are, if not for long.
        known.record = Some(record);
        let error = Some(run.conflict());
        TokensRead::Done(Outcome::token(
            &run.context,
            known,
            Source::Refresh,
            error,
            Some(lease),
            now,
        ))
    }
}
