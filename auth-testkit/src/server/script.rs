//! Where reactions come from: a script, or a function.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::reaction::Reaction;
use super::record::ReceivedRequest;

pub(super) type Handler = Box<dyn Fn(&ReceivedRequest) -> Reaction + Send + Sync>;

pub(super) enum Source {
    Script(Mutex<VecDeque<Reaction>>),
    Handler(Handler),
}

/// What is to be done about a request that has begun to arrive.
#[derive(Debug)]
pub(super) enum Next {
    Play(Box<Reaction>),
    /// Ask [`Source::answer`] when the whole request is there.
    Ask,
    /// The script is used up.
    Nothing,
}

impl Source {
    pub(super) fn script(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        Self::Script(Mutex::new(reactions.into_iter().collect()))
    }

    /// The next reaction, if it is one that strikes a connection before any
    /// request.
    pub(super) fn for_connection(&self) -> Option<Reaction> {
        let mut script = self.lock()?;
        if script.front()?.is_for_connection() { script.pop_front() } else { None }
    }

    pub(super) fn for_request(&self) -> Next {
        match self.lock().map(|mut script| script.pop_front()) {
            None => Next::Ask,
            Some(None) => Next::Nothing,
            Some(Some(reaction)) => Next::Play(Box::new(reaction)),
        }
    }

    pub(super) fn answer(&self, request: &ReceivedRequest) -> Reaction {
        match self {
            Self::Handler(handler) => handler(request),
            Self::Script(_) => unexpected(),
        }
    }

    /// The reactions that were not played.
    pub(super) fn left(&self) -> Vec<Reaction> {
        self.lock().map(|script| script.iter().cloned().collect()).unwrap_or_default()
    }

    fn lock(&self) -> Option<MutexGuard<'_, VecDeque<Reaction>>> {
        match self {
            Self::Script(script) => Some(script.lock().unwrap_or_else(PoisonError::into_inner)),
            Self::Handler(_) => None,
        }
    }
}

/// What a request gets for which no reaction is left.
pub(super) fn unexpected() -> Reaction {
    Reaction::answer(599)
        .content_type("text/plain")
        .body("unexpected request: the server's script is used up\n")
        .then_close()
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(_) => f.debug_tuple("Script").field(&self.left().len()).finish(),
            Self::Handler(_) => f.write_str("Handler"),
        }
    }
}
