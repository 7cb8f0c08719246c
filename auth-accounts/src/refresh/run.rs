//! What every state of a refresh carries along, and the one that many lead back
//! to.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{Now, Source, TokenEndpoint};

use super::want::Want;
use crate::{
    context::{Context, Rounds},
    error::Reason,
    known::Known,
    outcome::Outcome,
    record::{Fingerprint, Setback},
    setback::Client,
    shared::GrantKind,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
};

/// What every state of a refresh carries along.
pub(crate) struct Run {
    pub(super) context: Context,
    pub(super) want: Want,
    /// Whether it was tried to save what memory holds. Once is enough, unless
    /// somebody else saved at the same time.
    pub(super) caught_up: bool,
    /// The version of the record with this refresh's note, and whether the token
    /// may have been spent before.
    pub(super) noted: Option<(Version, bool)>,
    /// The refresh token that an attempt of this refresh may have spent, if the
    /// lease was lost since.
    pub(super) doubted: Option<Fingerprint>,
    /// Whether the attempt under way follows one that may have spent the same token.
    pub(super) is_doubtful: bool,
    /// Set once somebody else was found who may be under way.
    pub(super) patience: Option<Patience>,
    /// Whether the lease was waited for only briefly, since the old token is of
    /// use.
    pub(super) was_brief: bool,
    /// The client as it is, where its credential was read for the record in use.
    pub(super) client: Option<Fingerprint>,
    rounds: Rounds,
}

impl Run {
    pub(super) fn new(context: Context, want: Want) -> Box<Self> {
        Box::new(Self {
            context,
            want,
            caught_up: false,
            noted: None,
            doubted: None,
            is_doubtful: false,
            patience: None,
            was_brief: false,
            client: None,
            rounds: Rounds::default(),
        })
    }

    /// Whether the refresh token may have been spent before this refresh noted that
    /// it tries it; `None` if the note on record is not of this refresh.
    pub(super) fn own_note(&self, known: &Known) -> Option<bool> {
        let (version, possibly_spent) = self.noted.as_ref()?;
        (known.version.as_ref() == Some(version)).then_some(*possibly_spent)
    }

    /// Whether somebody else's save may send us back once more.
    pub(super) fn another_round(&mut self) -> bool {
        self.rounds.another()
    }

    pub(super) fn conflict(&self) -> StoreError {
        StoreError::new(StoreErrorKind::Conflict, self.context.account.to_string())
    }

    /// What forbids an attempt.
    pub(super) fn obstacle(&self, known: &Known, now: Now) -> Option<Reason> {
        let Context { shared, .. } = &self.context;
        if self.context.which.asked().is_some() && known.record.is_none() {
            // A further token stands beside another.
            return Some(Reason::NotLoggedIn);
        }
        if shared.grant == GrantKind::RefreshToken {
            match &known.record {
                None => return Some(Reason::NotLoggedIn),
                Some(record) if record.tokens.refresh_token.is_none() => {
                    return Some(Reason::NoRefreshToken);
                }
                Some(_) => {}
            }
        }
        if let Some(reason) = shared.refuses_key(known.record.as_ref()) {
            return Some(reason);
        }
        let setback = self.barring(known, now).next();
        let setback = setback.map(|setback| Reason::Setback(setback.clone()));
        setback.or_else(|| known.has_gone_back().then_some(Reason::RecordWentBack))
    }

    /// Where the client's credential is to be read, before a setback of the client is
    /// believed.
    pub(super) fn unidentified(&self, known: &Known, now: Now) -> Option<Source> {
        let source = self.endpoint(known).credential_source()?;
        let is_in_doubt = || self.barring(known, now).any(|setback| setback.client.is_some());
        (self.client.is_none() && is_in_doubt()).then(|| source.clone())
    }

    /// The setbacks that forbid an attempt.
    fn barring<'a>(&'a self, known: &'a Known, now: Now) -> impl Iterator<Item = &'a Setback> {
        let token = known.token().unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        let client = Client { endpoint: self.endpoint(known), read: self.client };
        let sights = &self.context.sights;
        let alone = self.context.which.setback(known.record.as_ref());
        let setbacks = known.setbacks().chain(alone);
        setbacks.filter(move |setback| setback.bars(token, client, sights, now))
    }

    fn endpoint<'a>(&'a self, known: &'a Known) -> &'a TokenEndpoint {
        self.context.shared.endpoint_of(known.record.as_ref())
    }

    /// The record is somebody else's. Nothing of it is handed out, and nothing of
    /// what was there before: it is gone.
    pub(super) fn refuse(
        &self,
        mut known: Box<Known>,
        lease: Option<Arc<Lease>>,
        reason: Reason,
        now: Now,
    ) -> Outcome {
        known.record = None;
        self.fail(known, lease, reason, now)
    }

    pub(super) fn fail(
        &self,
        known: Box<Known>,
        lease: Option<Arc<Lease>>,
        reason: Reason,
        now: Now,
    ) -> Outcome {
        Outcome::failure(&self.context, known, lease, reason, now)
            .after_a_brief_wait(self.was_brief)
    }
}

/// How long somebody else is waited for.
pub(super) struct Patience {
    /// Whose refresh token is the same.
    pub(super) token: Fingerprint,
    /// When that refresh is over, whatever came of it.
    pub(super) over: Instant,
    /// When this one has to be, if it can do without.
    pub(super) enough: Instant,
    pub(super) pause: Duration,
}

/// The right to send.
pub(super) enum Access {
    /// The lease was not asked for.
    Unasked,
    Granted(Arc<Lease>),
    /// Somebody else held the lease all the time, and may have refreshed.
    Denied(StoreError),
}

impl Access {
    pub(super) fn lease(self) -> Option<Arc<Lease>> {
        match self {
            Self::Granted(lease) => Some(lease),
            Self::Unasked | Self::Denied(_) => None,
        }
    }
}

/// The record is being read, before the lease and again under it. What follows
/// is in `reading.rs`; many states lead back here.
pub(crate) struct Reading {
    pub(super) run: Box<Run>,
    pub(super) known: Box<Known>,
    pub(super) access: Access,
}
