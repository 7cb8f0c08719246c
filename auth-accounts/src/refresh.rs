//! The machine: one account's way to a token, from the store to the token
//! endpoint and back, without I/O.
//!
//! The numbers are those of the crate's documentation:
//!
//! - 3: [`RefreshMachine::start`] asks for the record: [`Step::Load`]. What is found
//!   may do, or may not be tried now (4), or nothing can be tried at all; then
//!   it is over, and nothing was sent.
//! - 5: otherwise [`Step::Lease`], [`Step::Load`] again, and the same decision
//!   again. What is about to be done is noted: [`Step::Save`]. The exchange:
//!   [`Step::Send`], [`Step::Sleep`], and a [`Step::Load`] before any retry
//!   whose predecessor may have spent the token. New tokens are saved:
//!   [`Step::Save`]. The lease goes with [`Step::Done`], to be freed once the
//!   outcome is published.
//! - 6: a refusal is checked against the store: [`Step::Load`].
//! - 7: a failure is recorded, [`Step::Save`], and the outcome holds the old
//!   access token for as long as it is valid.
//!
//! Each step owns the only way forward, as in `auth-core`.

mod flow;
mod held;
mod outcome;
mod successor;

use std::{sync::Arc, time::Duration};

use auth_core::{Delivery, FailureKind, Now, RefreshError, Request, Response, TransportError};

use self::flow::Flow;
pub(crate) use self::{
    flow::{Begin, Unsaved, Want},
    outcome::{Landed, Outcome},
};
use crate::{Lease, Reason, Record, StoreError, StoreErrorKind, Version};

/// How often somebody else's change may send us back to the start. Each time
/// somebody else got further, so that more is a sign of a broken store.
const MAX_ROUNDS: u32 = 8;

/// What to do next.
pub(crate) enum Step {
    /// Load the account's record.
    Load(Loading),
    /// Take the account's lease, waiting for it at most this long.
    Lease(Duration, Leasing),
    /// Save [`Saving::record`].
    Save(Saving),
    /// Send this request.
    Send(Request, Sending),
    /// Let this time pass.
    Sleep(Duration, Sleeping),
    /// It is over: publish the outcome, and free the lease.
    Done(Outcome),
}

pub(crate) struct RefreshMachine;

impl RefreshMachine {
    /// Begins a refresh, or finds that there is no need of one.
    pub(crate) fn start(begin: Begin) -> Step {
        Step::Load(Loading { flow: Box::new(Flow::new(begin)), then: AfterLoad::Decide })
    }

    /// Puts other tokens in the place of whatever the account had. It needs no
    /// lease: whoever is refreshing meanwhile will find its save refused.
    pub(crate) fn replace(begin: Begin, record: Record) -> Step {
        let flow = Box::new(Flow::new(begin));
        Step::Load(Loading { flow, then: AfterLoad::Replace(Box::new(record)) })
    }
}

pub(crate) type Loaded = Result<Option<(Record, Version)>, StoreError>;

/// A record is being loaded.
pub(crate) struct Loading {
    flow: Box<Flow>,
    then: AfterLoad,
}

enum AfterLoad {
    Decide,
    Retry(Box<auth_core::Waiting>),
    CheckRefusal(RefreshError),
    SaveAgain(What),
    Replace(Box<Record>),
}

impl Loading {
    pub(crate) fn resolve(self, loaded: Loaded, now: Now) -> Step {
        let Self { mut flow, then } = self;
        match (then, loaded) {
            (AfterLoad::Decide, Err(error)) => flow.fail(Reason::Store(error), now),
            (AfterLoad::Decide, Ok(found)) => {
                flow.take_in(found);
                decide(flow, now)
            }
            (AfterLoad::Retry(waiting), Ok(found)) => {
                flow.take_in(found);
                retry(flow, waiting, now)
            }
            // The retry must be prompt; what others did will be seen when the
            // outcome is saved.
            (AfterLoad::Retry(waiting), Err(_)) => exchange(flow, waiting.resume(now), now),
            (AfterLoad::CheckRefusal(error), Ok(found)) => {
                flow.take_in(found);
                if flow.refresh_token() == flow.tried {
                    set_back(flow, error, now)
                } else if flow.current.is_none() {
                    flow.fail(Reason::Refresh(error), now)
                } else {
                    start_over(flow, now)
                }
            }
            (AfterLoad::CheckRefusal(refusal), Err(error)) => {
                // Kept in memory, where it counts once the record can be read
                // and still holds the refused token.
                flow.set_back(&refusal, now);
                flow.fail(Reason::Store(error), now)
            }
            (AfterLoad::SaveAgain(what), Ok(found)) => {
                if flow.goes_before(found.as_ref()) {
                    flow.version = found.map(|(_, version)| version);
                    return save(flow, what, now);
                }
                overtaken(flow, what, found, now)
            }
            (AfterLoad::SaveAgain(what), Err(error)) => {
                if what.is_refusal() {
                    // What the record holds now is not known.
                    return flow.fail(Reason::Store(error), now);
                }
                not_saved(flow, what, error, now)
            }
            (AfterLoad::Replace(record), Err(error)) => {
                if !flow.exchanged {
                    return flow.fail(Reason::Store(error), now);
                }
                // It could be read a moment ago.
                flow.current = Some(*record);
                not_saved(flow, What::Replacement, error, now)
            }
            (AfterLoad::Replace(record), Ok(found)) => {
                flow.ahead = None;
                flow.take_in(found);
                flow.logged_in(*record);
                save(flow, What::Replacement, now)
            }
        }
    }
}

/// The lease is being waited for.
pub(crate) struct Leasing {
    flow: Box<Flow>,
}

impl Leasing {
    pub(crate) fn resolve(self, leased: Result<Lease, StoreError>, now: Now) -> Step {
        let mut flow = self.flow;
        match leased {
            Ok(lease) => flow.lease = Some(Arc::new(lease)),
            // Whoever held it all the time may have refreshed.
            Err(error) if error.kind() == StoreErrorKind::LeaseTimeout => {
                flow.lease_error = Some(error);
            }
            Err(error) => return flow.fail(Reason::Store(error), now),
        }
        Step::Load(Loading { flow, then: AfterLoad::Decide })
    }
}

/// A record is being saved.
pub(crate) struct Saving {
    flow: Box<Flow>,
    record: Record,
    what: What,
}

/// What a save is for. It always writes the whole record.
enum What {
    /// Tokens that an earlier save failed to write.
    Ahead,
    /// What is about to be done.
    Note(Next),
    /// New tokens.
    Tokens,
    /// What failed.
    Setback(RefreshError),
    /// A new login.
    Replacement,
}

impl What {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Setback(error) if error.kind() == FailureKind::Rejected)
    }
}

/// What a note is followed by.
enum Next {
    Start { possibly_spent: bool },
    Resume(Box<auth_core::Waiting>),
}

impl Saving {
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn expected(&self) -> Option<&Version> {
        self.flow.version.as_ref()
    }

    /// What would be lost if the save were never heard of again.
    pub(crate) fn unsaved(&self) -> Unsaved {
        Unsaved { ahead: self.flow.ahead.clone(), setback: self.flow.setback.clone() }
    }

    pub(crate) fn resolve(self, saved: Result<Version, StoreError>, now: Now) -> Step {
        let Self { mut flow, record, what } = self;
        if let (Err(error), What::Replacement) = (&saved, &what)
            && error.kind() == StoreErrorKind::Conflict
            && flow.another_round()
        {
            let then = AfterLoad::Replace(Box::new(record));
            return Step::Load(Loading { flow, then });
        }
        flow.current = Some(record);
        match saved {
            Ok(version) => {
                flow.saved(version);
                match what {
                    What::Ahead => decide(flow, now),
                    What::Note(next) => go(flow, next, now),
                    What::Tokens | What::Replacement => flow.succeed(now),
                    What::Setback(error) => flow.fail(Reason::Refresh(error), now),
                }
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict && flow.another_round() => {
                let then = match what {
                    What::Ahead => {
                        flow.catch_up_again();
                        AfterLoad::Decide
                    }
                    What::Note(Next::Start { .. }) => AfterLoad::Decide,
                    What::Note(Next::Resume(waiting)) => AfterLoad::Retry(waiting),
                    what => AfterLoad::SaveAgain(what),
                };
                Step::Load(Loading { flow, then })
            }
            Err(error) => not_saved(flow, what, error, now),
        }
    }
}

/// A request is on its way.
pub(crate) struct Sending {
    flow: Box<Flow>,
    pending: auth_core::Pending,
}

impl Sending {
    pub(crate) fn resolve(self, response: Result<Response, TransportError>, now: Now) -> Step {
        let step = self.pending.resolve(response, now);
        exchange(self.flow, step, now)
    }
}

/// Time is passing before a retry.
pub(crate) struct Sleeping {
    flow: Box<Flow>,
    waiting: auth_core::Waiting,
}

impl Sleeping {
    pub(crate) fn resume(self, now: Now) -> Step {
        let Self { flow, waiting } = self;
        if waiting.failure().delivery() == Delivery::Unknown {
            return Step::Load(Loading { flow, then: AfterLoad::Retry(Box::new(waiting)) });
        }
        exchange(flow, waiting.resume(now), now)
    }
}

/// Decides over the record that was just read: 3 and 4, and 5 under the lease.
fn decide(mut flow: Box<Flow>, now: Now) -> Step {
    if flow.wants_to_catch_up() {
        return save(flow, What::Ahead, now);
    }
    flow.look_first();
    if flow.is_served(now) {
        return flow.succeed(now);
    }
    if let Some(reason) = flow.obstacle(now) {
        return flow.fail(reason, now);
    }
    if flow.lease.is_some() {
        return note(flow, now);
    }
    match flow.lease_error.take() {
        Some(error) => flow.fail(Reason::Store(error), now),
        None => Step::Lease(flow.patience(now), Leasing { flow }),
    }
}

/// Decides anew, since the record changed under us.
fn start_over(mut flow: Box<Flow>, now: Now) -> Step {
    if flow.another_round() {
        return decide(flow, now);
    }
    let error = StoreError::new(StoreErrorKind::Conflict, flow.account.to_string());
    flow.fail(Reason::Store(error), now)
}

/// Notes what is about to be done.
fn note(mut flow: Box<Flow>, now: Now) -> Step {
    let next = Next::Start { possibly_spent: flow.possibly_spent() };
    if flow.current.is_none() {
        // The first token of a client: there is no record to note it in.
        return go(flow, next, now);
    }
    flow.note(now);
    save(flow, What::Note(next), now)
}

fn go(mut flow: Box<Flow>, next: Next, now: Now) -> Step {
    let step = match next {
        Next::Start { possibly_spent } => flow.refresh(possibly_spent).start(now),
        Next::Resume(waiting) => {
            flow.tried = flow.refresh_token();
            waiting.resume_with(flow.grant(), now)
        }
    };
    exchange(flow, step, now)
}

/// Goes on with the exchange.
fn exchange(mut flow: Box<Flow>, step: auth_core::Step, now: Now) -> Step {
    match step {
        auth_core::Step::Send(request, pending) => {
            flow.sent = Some(now);
            Step::Send(request, Sending { flow, pending })
        }
        auth_core::Step::Wait(delay, waiting) => Step::Sleep(delay, Sleeping { flow, waiting }),
        auth_core::Step::Done(Ok(tokens)) => {
            let record = flow.record_of(tokens, now);
            flow.refreshed(record);
            save(flow, What::Tokens, now)
        }
        auth_core::Step::Done(Err(error)) if error.kind() == FailureKind::Rejected => {
            Step::Load(Loading { flow, then: AfterLoad::CheckRefusal(error) })
        }
        auth_core::Step::Done(Err(error)) => set_back(flow, error, now),
    }
}

/// Before a retry after which the token may be spent twice: uses what others
/// have stored meanwhile.
fn retry(mut flow: Box<Flow>, waiting: Box<auth_core::Waiting>, now: Now) -> Step {
    if flow.is_served(now) {
        return flow.succeed(now);
    }
    if flow.refresh_token() == flow.tried {
        return exchange(flow, waiting.resume(now), now);
    }
    if let Some(reason) = flow.obstacle(now) {
        return flow.fail(reason, now);
    }
    flow.note(now);
    save(flow, What::Note(Next::Resume(waiting)), now)
}

/// Records a failed refresh.
fn set_back(mut flow: Box<Flow>, error: RefreshError, now: Now) -> Step {
    flow.set_back(&error, now);
    if flow.current.is_none() {
        return flow.fail(Reason::Refresh(error), now);
    }
    save(flow, What::Setback(error), now)
}

fn save(mut flow: Box<Flow>, what: What, now: Now) -> Step {
    match flow.current.take() {
        Some(record) => Step::Save(Saving { flow, record, what }),
        None => flow.fail(Reason::NotLoggedIn, now),
    }
}

/// A save was refused because somebody else had stored other tokens, which
/// stay: they come from a new login, or from a refresh by others.
fn overtaken(mut flow: Box<Flow>, what: What, found: Option<(Record, Version)>, now: Now) -> Step {
    let ours = flow.current.take();
    flow.ahead = None;
    flow.setback = None;
    flow.take_in(found);
    if flow.is_served(now) {
        return flow.succeed(now);
    }
    match what {
        // A refusal concerns the token that was tried, and none else.
        What::Setback(_)
            if what.is_refusal()
                && flow.current.is_some()
                && flow.refresh_token() != flow.tried =>
        {
            start_over(flow, now)
        }
        What::Setback(error) => flow.fail(Reason::Refresh(error), now),
        // Theirs is of no use now, and ours is good, if not for long.
        _ => {
            let error = StoreError::new(StoreErrorKind::Conflict, flow.account.to_string());
            flow.current = ours;
            flow.succeed_unsaved(error, now)
        }
    }
}

/// A save failed for good.
fn not_saved(mut flow: Box<Flow>, what: What, error: StoreError, now: Now) -> Step {
    match what {
        What::Tokens | What::Replacement => {
            flow.keep_ahead(error.clone());
            flow.succeed_unsaved(error, now)
        }
        // A record that changes without end may hold any token by now.
        What::Setback(_) if what.is_refusal() && error.kind() == StoreErrorKind::Conflict => {
            flow.fail(Reason::Store(error), now)
        }
        What::Setback(refresh) => flow.fail(Reason::Refresh(refresh), now),
        What::Ahead => {
            flow.keep_ahead(error);
            decide(flow, now)
        }
        // Without a refresh token there is none to spend unnoted.
        What::Note(next) if flow.refresh_token().is_none() => go(flow, next, now),
        // Nothing is sent: if the response could not be saved either and the
        // process ended, nobody would know that the refresh token is spent.
        What::Note(_) => flow.fail(Reason::Store(error), now),
    }
}

impl Flow {
    fn succeed(self: Box<Self>, now: Now) -> Step {
        let error = self.ahead.as_ref().and_then(|ahead| ahead.error.clone());
        Step::Done(Outcome::success(*self, error, now))
    }

    fn succeed_unsaved(self: Box<Self>, error: StoreError, now: Now) -> Step {
        Step::Done(Outcome::success(*self, Some(error), now))
    }

    fn fail(self: Box<Self>, reason: Reason, now: Now) -> Step {
        Step::Done(Outcome::failure(*self, reason, now))
    }
}
