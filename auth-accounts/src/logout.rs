//! The machine of a logout: it revokes the refresh token, and removes the record.
//!
//! ```text
//!          ┌─────────┐       ┌─────────┐ nothing is there, or a newer login
//!  start ─▶│ Leasing │──────▶│ Reading │────────────────────────────────────▶ Done
//!          │  lease  │       │  load   │──┐ nothing to revoke,
//!          └─────────┘       └─────────┘  │ or nowhere to
//!                     conflict ▲    │     ▼
//!                              │    │  ┌──────────┐
//!                              └────┼──│ Removing │──────────────────────────▶ Done
//!                                   │  │  remove  │
//!                                   ▼  └──────────┘
//!                            ┌──────────┐   ▲
//!                            │ Revoking │───┘
//!                            │   send   │──── nothing is there ─────────────▶ Done
//!                            └──────────┘
//! ```
//!
//! It takes the lease, so that a refresh under way elsewhere comes to its end
//! first: otherwise its tokens would be alive and known to nobody. If the lease
//! cannot be had, the user is logged out all the same, for whoever holds it may
//! never free it. Then compare-and-swap keeps its tokens from the record. A lease that
//! is kept for tokens in memory need not be asked for: it is confirmed (`Confirming`,
//! extend), and asked for if it was lost.
//!
//! It revokes before it removes. If the process dies in between, the record holds
//! a dead refresh token, and the next refresh is told so. The other way round a
//! token would be alive that nobody knows. Each refresh token is tried once, and
//! what the server says keeps no record in place.
//!
//! A record that the store says is damaged, and can move aside, goes too: what it
//! held cannot be revoked.
//!
//! It is about the login that it found. What comes of that login by a refresh
//! elsewhere goes too; another login that somebody stores meanwhile stays.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Credential, CredentialError, Demand, Now, PendingRevocation, ProvingRevocation, Request,
    Response, RevocationStep, TransportError,
};

use crate::{
    context::{Context, Rounds},
    error::{AccountError, Reason},
    known::{Known, Loaded},
    logout_report::{Logout, Revocation},
    record::{Fingerprint, Record},
    shared::Revocable,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
    unsaved::{Unsaved, UnsavedTokens},
};

/// What to do next.
#[allow(clippy::large_enum_variant, reason = "a step is made once and moved at once")]
pub(crate) enum Step {
    /// Take the lease. Wait for it at most this long.
    Lease(Duration, Leasing),
    /// Extend [`Confirming::lease`].
    Extend(Confirming),
    /// Load the record.
    Load(Reading),
    /// Get what is demanded for the next request.
    Prove(Demand, Proving),
    /// Send this request.
    Send(Request, Revoking),
    /// Remove the record of [`Removing::version`]. From here on the logout counts.
    Remove(Removing),
    /// Forget the account's tokens if it succeeded, then free the lease.
    Done(LoggedOut),
}

/// What a logout ends with.
pub(crate) struct LoggedOut {
    pub(crate) result: Result<Logout, AccountError>,
    /// To be freed when memory is cleared.
    pub(crate) lease: Option<Arc<Lease>>,
}

/// Begins a logout.
pub(crate) fn start(context: Context, memory: Unsaved) -> Step {
    let lease = memory.tokens.as_ref().and_then(UnsavedTokens::lease);
    let wait = context.shared.settings.lease_wait;
    let run = Box::new(Run {
        context,
        memory,
        lease: lease.clone(),
        without_lease: false,
        login: None,
        was_damaged: false,
        tried: Vec::new(),
        revocation: Revocation::NoRefreshToken,
        rounds: Rounds::default(),
    });
    match lease {
        Some(lease) => Step::Extend(Confirming { run, lease }),
        None => Step::Lease(wait, Leasing { run }),
    }
}

/// What every state carries along.
struct Run {
    context: Context,
    /// What memory holds. Tokens there may be newer than those in the store.
    memory: Unsaved,
    lease: Option<Arc<Lease>>,
    without_lease: bool,
    /// The login that was found first; within it `None` if the record names none.
    login: Option<Option<Fingerprint>>,
    /// Whether the record was found damaged.
    was_damaged: bool,
    /// The refresh tokens that were tried to be revoked.
    tried: Vec<Fingerprint>,
    revocation: Revocation,
    rounds: Rounds,
}

/// The lease that is kept for tokens in memory is being confirmed.
pub(crate) struct Confirming {
    run: Box<Run>,
    lease: Arc<Lease>,
}

impl Confirming {
    pub(crate) fn lease(&self) -> &Lease {
        &self.lease
    }

    pub(crate) fn on_extended(self, extended: Result<(), StoreError>) -> Step {
        let Self { mut run, .. } = self;
        match extended {
            Ok(()) => {}
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => {
                run.lease = None;
                let wait = run.context.shared.settings.lease_wait;
                return Step::Lease(wait, Leasing { run });
            }
            // Nobody knows whether it is still ours.
            Err(_) => run.without_lease = true,
        }
        Step::Load(Reading { run })
    }
}

/// The lease is being waited for.
pub(crate) struct Leasing {
    run: Box<Run>,
}

impl Leasing {
    pub(crate) fn on_lease(self, leased: Result<Lease, StoreError>, now: Now) -> Step {
        let Self { mut run } = self;
        match leased {
            Ok(lease) => run.lease = Some(Arc::new(lease)),
            Err(error) if error.kind() == StoreErrorKind::LeaseTimeout => run.without_lease = true,
            Err(error) => return run.fail(Reason::Store(error), now),
        }
        Step::Load(Reading { run })
    }
}

/// The record is being read.
pub(crate) struct Reading {
    run: Box<Run>,
}

impl Reading {
    pub(crate) fn on_loaded(self, loaded: Loaded, now: Now) -> Step {
        let Self { mut run } = self;
        let found = match loaded {
            Ok(found) => found,
            Err(error) => {
                let Some(version) = error.get_damaged_version().cloned() else {
                    return run.fail(Reason::Store(error), now);
                };
                run.was_damaged = true;
                let live = run.live_tokens(None);
                return run.revoke(live, Some(version), now);
            }
        };
        if found.is_some() && run.was_damaged && run.login.is_none() {
            // Whoever saved it has logged in, as far as anybody knows.
            return run.succeed(true);
        }
        if let Some((record, _)) = &found {
            // It was mended.
            run.was_damaged = false;
            if let Some(reason) = run.context.refuses(record) {
                return run.fail(reason, now);
            }
            let login = *run.login.get_or_insert(record.login);
            if login != record.login {
                return run.succeed(true);
            }
            run.without_lease |= run.may_not_be_alone(record, now);
        }
        let live = run.live_tokens(found.as_ref().map(|(record, _)| record));
        run.revoke(live, found.map(|(_, version)| version), now)
    }
}

/// What every state carries along in which a refresh token is being revoked.
struct Tokens {
    run: Box<Run>,
    /// Those that are to follow.
    others: Vec<Revocable>,
    version: Option<Version>,
}

/// Something is being read or signed for the request.
pub(crate) struct Proving {
    tokens: Tokens,
    proving: ProvingRevocation,
}

impl Proving {
    pub(crate) fn on_met(self, met: Result<Credential, CredentialError>, now: Now) -> Step {
        self.tokens.go_on(self.proving.resolve(met, now), now)
    }
}

/// A refresh token is being revoked.
pub(crate) struct Revoking {
    tokens: Tokens,
    pending: PendingRevocation,
}

impl Revoking {
    pub(crate) fn on_response(self, response: Result<Response, TransportError>, now: Now) -> Step {
        self.tokens.go_on(self.pending.resolve(response, now), now)
    }
}

impl Tokens {
    /// Follows what `auth-core` says.
    fn go_on(self, step: RevocationStep, now: Now) -> Step {
        match step {
            RevocationStep::Prove(demand, proving) => {
                Step::Prove(demand, Proving { tokens: self, proving })
            }
            RevocationStep::Send(request, pending) => {
                Step::Send(request, Revoking { tokens: self, pending })
            }
            RevocationStep::Done(result) => {
                let Self { mut run, others, version } = self;
                run.note(match result {
                    Ok(()) => Revocation::Revoked,
                    Err(failure) => Revocation::Failed(failure),
                });
                run.revoke(others, version, now)
            }
        }
    }
}

/// The record is being removed.
pub(crate) struct Removing {
    run: Box<Run>,
    version: Version,
}

impl Removing {
    /// The version to be removed.
    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    pub(crate) fn on_removed(self, removed: Result<(), StoreError>, now: Now) -> Step {
        let Self { mut run, .. } = self;
        match removed {
            Ok(()) => run.succeed(false),
            // Or it was damaged meanwhile, or in another way.
            Err(error)
                if (error.kind() == StoreErrorKind::Conflict
                    || error.get_damaged_version().is_some())
                    && run.rounds.another() =>
            {
                Step::Load(Reading { run })
            }
            Err(error) => run.fail(Reason::Store(error), now),
        }
    }
}

impl Run {
    /// The refresh tokens that may be alive: the one in use, and that of a login
    /// which the one in memory was to replace.
    fn live_tokens(&self, stored: Option<&Record>) -> Vec<Revocable> {
        let known = Known::new(self.context.shared.grant, self.memory.clone());
        let mut known = known.remembering(&self.context.past);
        known.read(stored.map(|record| (record.clone(), Version::new([]))));
        let unsaved = self.memory.tokens.as_ref().map(|tokens| &tokens.record);
        let in_use = match stored {
            Some(_) => known.record.as_ref(),
            // Whoever removed the record did not know these.
            None => unsaved,
        };
        let replaced = stored.filter(|stored| {
            in_use.is_some_and(|in_use| in_use.login.is_some() && in_use.login != stored.login)
        });
        let token = |record: &Record| self.context.shared.revocable(record);
        let mut live: Vec<_> = in_use.and_then(token).into_iter().collect();
        let is_known = |other: &Revocable| live.iter().any(|one| one.token == other.token);
        let replaced = replaced.and_then(token).filter(|other| !is_known(other));
        live.extend(replaced);
        live
    }

    /// Notes what came of a token. The worst of it is what is told.
    fn note(&mut self, revocation: Revocation) {
        let badness = |revocation: &Revocation| match revocation {
            Revocation::NoRefreshToken => 0,
            Revocation::Revoked => 1,
            Revocation::NoUrl => 2,
            Revocation::Failed(_) => 3,
        };
        if badness(&revocation) >= badness(&self.revocation) {
            self.revocation = revocation;
        }
    }

    /// Revokes what was not tried before, then removes the record, if there is one.
    fn revoke(
        mut self: Box<Self>,
        mut tokens: Vec<Revocable>,
        version: Option<Version>,
        now: Now,
    ) -> Step {
        while !tokens.is_empty() {
            let token = tokens.remove(0);
            let fingerprint = Fingerprint::of(&token.token);
            if self.tried.contains(&fingerprint) {
                continue;
            }
            self.tried.push(fingerprint);
            match token.revocation() {
                Some(revocation) => {
                    let tokens = Tokens { run: self, others: tokens, version };
                    return tokens.go_on(revocation.start(now), now);
                }
                None => self.note(Revocation::NoUrl),
            }
        }
        match version {
            Some(version) => Step::Remove(Removing { run: self, version }),
            None => self.succeed(false),
        }
    }

    /// Whether somebody who has lost the lease may be under way. Nobody knows what
    /// comes of that.
    fn may_not_be_alone(&self, record: &Record, now: Now) -> bool {
        let Some(note) = &record.note else { return false };
        self.lease.as_ref().is_some_and(|lease| lease.get_made_anew())
            && record.fingerprint() == Some(note.refresh_token)
            && !self.context.may_last(note, now).is_zero()
    }

    fn succeed(self: Box<Self>, newer_login: bool) -> Step {
        let logout = Logout {
            account: self.context.account,
            was_logged_in: self.login.is_some() || self.was_damaged || self.memory.tokens.is_some(),
            revocation: self.revocation,
            without_lease: self.without_lease,
            newer_login,
            was_damaged: self.was_damaged,
        };
        Step::Done(LoggedOut { result: Ok(logout), lease: self.lease })
    }

    fn fail(self: Box<Self>, reason: Reason, now: Now) -> Step {
        let error = AccountError::new(&self.context.account, reason, None, now.wall);
        Step::Done(LoggedOut { result: Err(error), lease: self.lease })
    }
}

#[cfg(test)]
mod tests;
