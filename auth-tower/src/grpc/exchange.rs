//! What the layer tells whoever may make the call again.

use std::{
    any::Any,
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_accounts::calls::{Call, NotAgain, Refused, Target, Tokens, Verdict};
use tonic::Status;

use super::error::without_token;
use crate::settle::settle;

/// In the extensions of a request: where the layer puts what became of its token. Whoever
/// made the request takes it from there.
#[derive(Clone, Default)]
pub(super) struct Exchange(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    /// Nothing is known.
    #[default]
    Open,
    /// The call may be made again.
    Refused(Box<dyn Renewal>),
    /// It is being made again, with the token of this call.
    Again(Box<dyn Any + Send>),
    /// It is not to be made again.
    Noted(NotAgain),
    /// Nobody asks any more.
    Closed,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

impl Exchange {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, state: State) -> State {
        mem::replace(&mut *self.state(), state)
    }

    /// The call that is made again, if it is one. Whoever makes it may have chosen another
    /// channel, to which its token does not go: then it begins anew there.
    pub(super) fn take_call<T: Tokens>(&self, to: &Target<'_>) -> Option<Call<T>> {
        let mut state = self.state();
        match mem::take(&mut *state) {
            State::Again(call) => {
                let call: Option<Box<Call<T>>> = call.downcast().ok();
                call.map(|call| *call).filter(|call| call.goes_to(to))
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// Tells nothing any more.
    pub(super) fn close(&self) {
        drop(self.replace(State::Closed));
    }

    /// What the layer has told of the call that has ended.
    pub(super) fn told(&self) -> Told {
        match self.replace(State::Open) {
            State::Refused(renewal) => Told::Refused(renewal),
            State::Noted(why) => Told::Noted(why),
            State::Open | State::Again(_) | State::Closed => Told::Nothing,
        }
    }

    /// Makes the call again with another token, or another proof. If it is not to be
    /// made, the reason.
    pub(super) async fn renew(
        &self,
        renewal: Box<dyn Renewal>,
    ) -> Result<Option<NotAgain>, Status> {
        match renewal.renew().await? {
            Ok(call) => {
                drop(self.replace(State::Again(call)));
                Ok(None)
            }
            Err(why) => Ok(Some(why)),
        }
    }
}

/// What the layer has told.
pub(super) enum Told {
    Nothing,
    Refused(Box<dyn Renewal>),
    Noted(NotAgain),
}

/// Concludes a call by its verdict. If somebody may make it again, that is up to them;
/// if not, a refused token is marked. Returns the reason for which it is not made again.
pub(super) fn conclude<T: Tokens>(
    call: Call<T>,
    verdict: Verdict,
    exchange: Option<&Exchange>,
) -> Option<NotAgain> {
    let Some(exchange) = exchange else { return settle(&call, verdict) };
    let mut state = exchange.state();
    if matches!(*state, State::Closed) {
        return settle(&call, verdict);
    }
    let why = match verdict {
        Verdict::Renew(why) => Some(why),
        Verdict::Prove => None,
        other => {
            let why = settle(&call, other);
            if let Some(why) = why.clone() {
                *state = State::Noted(why);
            }
            return why;
        }
    };
    *state = State::Refused(Box::new(Refusal { call: Some(call), why }));
    None
}

/// Another token, or another proof, for a call. Dropped, a refused token is marked.
pub(super) trait Renewal: Send {
    /// Whether it is another token that is wanted.
    fn is_of_token(&self) -> bool;

    fn renew(self: Box<Self>) -> Renewing;
}

type Renewing =
    Pin<Box<dyn Future<Output = Result<Result<Box<dyn Any + Send>, NotAgain>, Status>> + Send>>;

struct Refusal<T: Tokens> {
    call: Option<Call<T>>,
    /// `None` if a proof is wanted.
    why: Option<Refused>,
}

impl<T: Tokens> Drop for Refusal<T> {
    fn drop(&mut self) {
        if let (Some(call), Some(why)) = (&self.call, &self.why) {
            call.mark(why);
        }
    }
}

impl<T: Tokens> Renewal for Refusal<T> {
    fn is_of_token(&self) -> bool {
        self.why.is_some()
    }

    fn renew(mut self: Box<Self>) -> Renewing {
        let (call, why) = (self.call.take(), self.why.take());
        Box::pin(async move {
            let Some(mut call) = call else { return Ok(Err(NotAgain::Body)) };
            if let Some(why) = why
                && let Some(why) = call.renew(&why).await.map_err(without_token::<T>)?
            {
                return Ok(Err(why));
            }
            Ok(Ok(Box::new(call) as Box<dyn Any + Send>))
        })
    }
}
