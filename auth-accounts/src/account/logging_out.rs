//! Logs an account out, as the machine says.

use std::sync::Arc;

use auth_core::RevocationStep;

use super::{Account, inner::Inner};
use crate::{
    error::AccountError,
    events,
    further::Which,
    logout::{self, LoggedOut, Step},
    logout_report::Logout,
    outcome::Ending,
    shared::{Revocable, Shared},
    silence::Question,
    single_flight::Open,
};

impl Account {
    /// Logs out: has the server revoke the refresh token (RFC 7009), if the endpoint
    /// has a [`revocation_url`](auth_core::TokenEndpoint::revocation_url), and
    /// removes the record, whatever the server says. After that there is no token
    /// until the next login: `token` says [`NotLoggedIn`](crate::Reason::NotLoggedIn)
    /// here, and in other processes as soon as they look at the store, which they
    /// do before they send anything. An access token that was handed out before may
    /// be accepted until it expires.
    ///
    /// Waits for what is under way here as a login does, and then for the lease: a
    /// refresh under way in another process comes to its end first, so that its
    /// tokens are revoked too. Callers who come during that wait share it. If the
    /// lease cannot be had within [`lease_wait`](crate::Settings::lease_wait), the
    /// account is logged out all the same, and [`Logout::without_lease`] says so; what
    /// the other caller obtains is not saved.
    ///
    /// Revoking is tried once. It is best effort: [`Logout::revocation`] says what
    /// came of it.
    ///
    /// It is about the login that it finds. A login that somebody stores meanwhile
    /// stays: [`Logout::newer_login`]. Where stores do not keep
    /// [`Record::login`](crate::store::Record::login), as those of agents, it goes too.
    ///
    /// A record that is damaged is moved aside, where [the store can do
    /// that](crate::StoreError::damaged_version): [`Logout::was_damaged`].
    ///
    /// Once the logout has begun, it goes on to its end, even if the future is
    /// dropped. If the future is dropped while the logout still waits for what is
    /// under way before it, nothing has changed, unless somebody waits behind it.
    /// [Without a runtime](crate::Accounts::without_runtime) it may end with its
    /// callers. The refresh token may have been revoked then, and the record be
    /// removed or not: either the account is logged out, or the next refresh finds
    /// the refresh token alive or refused. Calling it again is safe.
    ///
    /// An account of the client's own credentials obtains new tokens when it is
    /// asked for some.
    ///
    /// # Errors
    ///
    /// [`AccountError`] with the store's error if the record cannot be read or
    /// removed. It is still there then, and its refresh token may have been
    /// revoked. [`Reason::OtherEndpoint`](crate::Reason::OtherEndpoint) if the
    /// record is somebody else's, and is left alone.
    /// [`Reason::Closed`](crate::Reason::Closed) after
    /// [`close`](crate::Accounts::close): then nothing has changed.
    /// [`Reason::Panicked`](crate::Reason::Panicked) if it was lost twice in
    /// somebody else's panic: then it may have come to any of these ends.
    pub async fn logout(&self) -> Result<Logout, AccountError> {
        let mut was_lost = false;
        loop {
            let open = Open::new();
            let ending = self.take_turn(Some(open.clone()), || {
                let inner = Arc::clone(&self.0);
                Box::pin(async move {
                    let (context, memory) = inner.begin(&Which::Main);
                    inner.log_out(logout::start(context, memory), &open).await
                })
            });
            match ending.await? {
                Ok(Ending::LoggedOut(result)) => return result,
                // It was lost in somebody else's panic.
                _ if was_lost => return Err(self.lost()),
                _ => was_lost = true,
            }
        }
    }
}

impl Inner {
    /// Logs out. `open` ends when it looks at what there is.
    async fn log_out(self: &Arc<Self>, mut step: Step, open: &Open) -> Ending {
        let Shared { store, clock, transport, .. } = &*self.shared;
        let under_way = self.committed.begin();
        loop {
            step = match step {
                Step::Lease(wait, state) => {
                    let leased = self.lease(wait).await;
                    state.on_lease(leased, clock.now())
                }
                Step::Extend(state) => {
                    let extended = self.extend(state.lease(), self.patience()).await;
                    state.on_extended(extended)
                }
                Step::Load(state) => {
                    open.end();
                    let loaded = self.load(self.patience()).await;
                    state.on_loaded(loaded, clock.now())
                }
                Step::Prove(demand, state) => {
                    let met = self.in_time(demand.meet()).await;
                    state.on_met(met, clock.now())
                }
                Step::Send(request, state) => {
                    under_way.commit();
                    let response = transport.send(request).await;
                    state.on_response(response, clock.now())
                }
                Step::Remove(state) => {
                    under_way.commit();
                    self.count_logout();
                    let remove = store.remove(&self.id, state.version());
                    let question = Question::new("removing the record", self.patience());
                    let removed = self.ask(question, remove).await;
                    state.on_removed(removed, clock.now())
                }
                Step::Done(logged_out) => return Ending::LoggedOut(self.forget(logged_out)),
            };
        }
    }

    /// Revokes the refresh token that a login has replaced. What comes of it is an
    /// event.
    pub(super) async fn revoke_replaced(&self, replaced: &Revocable) {
        let Shared { transport, clock, .. } = &*self.shared;
        let Some(revocation) = replaced.revocation() else { return };
        let mut step = revocation.start(clock.now());
        let result = loop {
            step = match step {
                RevocationStep::Prove(demand, proving) => {
                    let met = self.in_time(demand.meet()).await;
                    proving.resolve(met, clock.now())
                }
                RevocationStep::Send(request, pending) => {
                    let response = transport.send(request).await;
                    pending.resolve(response, clock.now())
                }
                RevocationStep::Done(result) => break result,
            };
        };
        events::replaced(&self.id, result);
    }

    /// A record that is about to be removed is not handed out from here on, even if
    /// nobody hears of the removal.
    fn count_logout(&self) {
        let mut memory = self.memory();
        memory.refused = None;
        memory.further.clear();
        self.cached.store(None);
    }

    /// Forgets the account's tokens if it was logged out, then frees the lease.
    fn forget(self: &Arc<Self>, logged_out: LoggedOut) -> Result<Logout, AccountError> {
        let LoggedOut { result, lease } = logged_out;
        if result.is_ok() {
            let mut memory = self.memory();
            memory.refused = None;
            memory.further.clear();
            memory.past.logged_out();
            memory.is_gone = true;
            self.cached.store(None);
            let forgotten = memory.replace(None);
            drop(memory);
            drop(forgotten);
        }
        drop(lease);
        self.settle();
        let Shared { clock, repeats, .. } = &*self.shared;
        events::logged_out(&self.id, &result, repeats, clock.now().monotonic);
        if result.as_ref().is_ok_and(|logout| logout.was_logged_in && !logout.newer_login) {
            self.shared.watch.logged_out(&self.id);
        }
        result
    }
}
