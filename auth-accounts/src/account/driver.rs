//! The driver of the machine: the only place where an account waits.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use super::Inner;
use crate::{
    accounts::Shared,
    events,
    flight::Hurry,
    refresh::{Landed, Outcome, Saving, Step},
};

/// What is carried out.
#[derive(Clone, Copy)]
pub(super) enum Course<'a> {
    /// A refresh, until it is asked to hurry and has to wait for others.
    Refresh(&'a Hurry),
    /// A login, which counts from here on.
    LogIn(&'a AtomicBool),
}

impl Inner {
    /// Carries it out. `None` if it was asked to hurry and there was nothing to
    /// do but wait.
    pub(super) async fn carry_out(&self, step: Step, course: Course<'_>) -> Option<Landed> {
        let is_login = course.is_login();
        let landed = events::within(&self.id, is_login, async {
            let mut landed = self.drive(step, course).await;
            match &mut landed {
                Some(landed) => {
                    landed.of_login = is_login;
                    events::ended(landed);
                }
                None => events::gave_way(),
            }
            landed
        });
        landed.await
    }

    /// The driver: does what each step says.
    async fn drive(&self, mut step: Step, course: Course<'_>) -> Option<Landed> {
        let Shared { store, clock, transport, .. } = &*self.shared;
        let mut leaving = Leaving { inner: self, landed: false };
        loop {
            step = match step {
                Step::Load(loading) => {
                    let loaded = store.load(&self.id).await;
                    loading.resolve(loaded, clock.now())
                }
                Step::Lease(wait, leasing) => {
                    events::leasing(wait);
                    let leased = course.unless_asked(store.lease(&self.id, wait)).await?;
                    leasing.resolve(leased, clock.now())
                }
                Step::Save(saving) => {
                    // Before the first await after the tokens arrived: from
                    // here on a dropped caller loses nothing.
                    self.keep(&saving, course);
                    let expected = saving.expected();
                    let saved = store.save(&self.id, saving.record(), expected).await;
                    if saved.is_ok() {
                        let known = self.memory().forget();
                        // A lease may be freed by that.
                        drop(known);
                    }
                    saving.resolve(saved, clock.now())
                }
                Step::Send(request, sending) => {
                    let response = transport.send(request).await;
                    sending.resolve(response, clock.now())
                }
                Step::Sleep(delay, sleeping) => {
                    // No giving way here: a retry that is due may be all that
                    // saves the session, and one that is to wait has a reason.
                    clock.sleep(delay).await;
                    sleeping.resume(clock.now())
                }
                Step::Done(outcome) => {
                    leaving.landed = true;
                    return Some(self.publish(outcome));
                }
            };
        }
    }

    /// Remembers what is about to be saved. From here on a login counts.
    fn keep(&self, saving: &Saving, course: Course<'_>) {
        let mut memory = self.memory();
        let known = memory.keep(saving);
        if let Course::LogIn(counts) = course {
            memory.refused = None;
            self.cached.store(None);
            counts.store(true, Ordering::Release);
        }
        drop(memory);
        drop(known);
    }

    /// Puts an outcome in place, then frees the lease.
    fn publish(&self, outcome: Outcome) -> Landed {
        let Outcome { landed, unsaved, lease } = outcome;
        let mut memory = self.memory();
        let token = landed.result.as_ref().ok().or(landed.fallback.as_ref());
        // A refresh that began before it was refused may have found it.
        let token = token.filter(|token| landed.exchanged || !memory.refuses(token));
        if token.is_some() {
            memory.refused = None;
        }
        self.cached.store(token.map(|token| Arc::clone(&token.0)));
        let known = memory.replace(unsaved);
        drop(memory);
        drop((known, lease));
        landed
    }
}

impl Course<'_> {
    fn is_login(self) -> bool {
        matches!(self, Self::LogIn(_))
    }

    /// Waits, unless it is asked to hurry.
    async fn unless_asked<T>(self, wait: impl Future<Output = T>) -> Option<T> {
        let hurries = || matches!(self, Self::Refresh(hurry) if hurry.is_asked_for());
        let mut wait = pin!(wait);
        poll_fn(|context| {
            if hurries() {
                return Poll::Ready(None);
            }
            // What blocks does not look up meanwhile.
            wait.as_mut().poll(context).map(|done| (!hurries()).then_some(done))
        })
        .await
    }
}

/// What happens when a refresh or a login ends, or is dropped wherever it
/// stands: tokens that are not saved by then may never be.
struct Leaving<'a> {
    inner: &'a Inner,
    landed: bool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let Shared { clock, settings, .. } = &*self.inner.shared;
        let unsaved = self.inner.memory().unsaved();
        let Some(ahead) = unsaved.ahead else { return };
        if !self.landed {
            // Whoever asks next is to save them, whatever it has until then.
            self.inner.cached.store(None);
        }
        // Who is panicking may be the clock, and must not do so again.
        let now = (!std::thread::panicking()).then(|| clock.wall());
        ahead.leave(now, settings);
    }
}
