//! Where behaviours come from: a script, or a function.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::behaviour::Behaviour;
use super::client::Client;
use super::received::ReceivedRequest;

pub(super) type Handler = Box<dyn Fn(&ReceivedRequest, &Client) -> Behaviour + Send + Sync>;

pub(super) enum Source {
    Script(Mutex<VecDeque<Behaviour>>),
    Handler(Handler),
}

/// What is to be done about a request that has begun to arrive.
#[derive(Debug)]
pub(super) enum Next {
    Play(Box<Behaviour>),
    /// Ask [`Source::response`] when the whole request is there.
    Ask,
    /// The script is used up.
    Nothing,
}

impl Source {
    pub(super) fn script(behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        Self::Script(Mutex::new(behaviours.into_iter().collect()))
    }

    /// The next behaviour, if it is one that strikes a connection before any
    /// request.
    pub(super) fn for_connection(&self) -> Option<Behaviour> {
        let mut script = self.lock()?;
        if script.front()?.is_for_connection() { script.pop_front() } else { None }
    }

    pub(super) fn for_request(&self) -> Next {
        match self.lock().map(|mut script| script.pop_front()) {
            None => Next::Ask,
            Some(None) => Next::Nothing,
            Some(Some(behaviour)) => Next::Play(Box::new(behaviour)),
        }
    }

    pub(super) fn response(&self, request: &ReceivedRequest, client: &Client) -> Behaviour {
        match self {
            Self::Handler(handler) => handler(request, client),
            Self::Script(_) => unexpected(),
        }
    }

    /// The behaviours that were not played.
    pub(super) fn left(&self) -> Vec<Behaviour> {
        self.lock().map(|script| script.iter().cloned().collect()).unwrap_or_default()
    }

    fn lock(&self) -> Option<MutexGuard<'_, VecDeque<Behaviour>>> {
        match self {
            Self::Script(script) => Some(script.lock().unwrap_or_else(PoisonError::into_inner)),
            Self::Handler(_) => None,
        }
    }
}

/// The response to a request for which no behaviour is left.
pub(super) fn unexpected() -> Behaviour {
    Behaviour::response(599)
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
