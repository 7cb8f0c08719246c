//! The attempt that this thread is making: how long it may still wait, and how
//! much may still come before the response.
//!
//! ureq hands each part of a connection a time of its own, and starts some of them
//! anew at each read. It also gives up without reading once a time is over. So
//! the parts of our agent ask here. They run on the thread that makes the call,
//! and an agent serves several threads, so what they ask stands with the thread.

use std::{
    cell::RefCell,
    marker::PhantomData,
    time::{Duration, Instant},
};

use auth_core::Deadline;

/// How many bytes may come before the body of the response: from a proxy, in the
/// TLS handshake, in interim responses, and in the head.
pub(crate) const MAX_BEFORE_BODY: usize = 256 * 1024;

struct State {
    deadline: Deadline,
    /// Until when the connection must be made, while it is being made.
    connecting: Option<Instant>,
    /// How many connections are being made within each other.
    depth: usize,
    /// How many bytes may still come before the body.
    room: usize,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// An attempt on this thread, until it is dropped.
pub(crate) struct Attempt {
    before: Option<State>,
    /// It stays on its thread.
    _not_send: PhantomData<*const ()>,
}

impl Attempt {
    pub(crate) fn begin(timeout: Duration) -> Self {
        let deadline = Deadline::new(Instant::now(), timeout);
        let state = State { deadline, connecting: None, depth: 0, room: MAX_BEFORE_BODY };
        Self { before: STATE.replace(Some(state)), _not_send: PhantomData }
    }

    /// The head of the response has come. Its body has a limit of its own.
    pub(crate) fn head_has_come(&self) {
        change(|state| state.room = usize::MAX);
    }

    /// The response is whole but for its end.
    pub(crate) fn is_whole(&self) {
        change(|state| state.deadline.settle(Instant::now()));
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        STATE.set(self.before.take());
    }
}

/// The connection is being made, until this is dropped. That of a proxy is made
/// within that of its client, and in the time of that.
pub(crate) struct Connecting {
    outermost: bool,
    _not_send: PhantomData<*const ()>,
}

impl Connecting {
    pub(crate) fn begin(timeout: Duration) -> Self {
        let mut outermost = false;
        change(|state| {
            state.depth += 1;
            if state.connecting.is_none() {
                state.connecting = Instant::now().checked_add(timeout);
                outermost = state.connecting.is_some();
            }
        });
        Self { outermost, _not_send: PhantomData }
    }

    /// Whether it is that to the server, and not that to a proxy within it.
    pub(crate) fn is_outermost(&self) -> bool {
        self.outermost
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        change(|state| {
            state.depth = state.depth.saturating_sub(1);
            if self.outermost {
                state.connecting = None;
            }
        });
    }
}

/// Whether the connection that is being made is that to a proxy.
pub(crate) fn is_for_proxy() -> bool {
    STATE.with_borrow(|state| state.as_ref().is_some_and(|state| state.depth > 1))
}

/// How long may be waited now. `None` means without end.
pub(crate) fn left() -> Option<Duration> {
    let end = STATE.with_borrow(|state| {
        let state = state.as_ref()?;
        [state.connecting, state.deadline.at()].into_iter().flatten().min()
    })?;
    Some(end.saturating_duration_since(Instant::now()))
}

/// The time was over before anything came. Whether to read what has arrived.
pub(crate) fn extend() -> bool {
    let mut extended = false;
    change(|state| {
        // Before the request was sent, no response can have arrived.
        extended = state.connecting.is_none() && state.deadline.grace(Instant::now());
    });
    extended
}

/// Whether more may come.
pub(crate) fn has_room() -> bool {
    STATE.with_borrow(|state| state.as_ref().is_none_or(|state| state.room > 0))
}

/// So many bytes have come.
pub(crate) fn came(bytes: usize) {
    change(|state| {
        if state.room != usize::MAX {
            state.room = state.room.saturating_sub(bytes);
        }
    });
}

fn change(change: impl FnOnce(&mut State)) {
    STATE.with_borrow_mut(|state| state.as_mut().map(change));
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn without_an_attempt_nothing_is_limited() {
        assert_eq!(left(), None);
        assert!(has_room() && !extend());
        came(usize::MAX);
        assert!(has_room());
    }

    #[test]
    fn a_connection_has_the_shorter_time_and_that_of_a_proxy_no_more() {
        let attempt = Attempt::begin(2 * HOUR);
        assert!(left() > Some(HOUR));
        {
            let _direct = Connecting::begin(HOUR);
            assert!(left() <= Some(HOUR));
            {
                let _to_the_proxy = Connecting::begin(5 * HOUR);
                assert!(left() <= Some(HOUR));
            }
            assert!(left() <= Some(HOUR));
        }
        assert!(left() > Some(HOUR));
        {
            let _longer = Connecting::begin(5 * HOUR);
            assert!(left() <= Some(2 * HOUR));
        }
        drop(attempt);
        assert_eq!(left(), None);
    }

    #[test]
    fn what_has_arrived_is_read_only_if_the_request_was_sent() {
        let _attempt = Attempt::begin(Duration::ZERO);
        {
            let _connecting = Connecting::begin(HOUR);
            assert_eq!(left(), Some(Duration::ZERO));
            assert!(!extend());
            assert_eq!(left(), Some(Duration::ZERO));
        }
        assert!(extend());
        // Not another attempt's time.
        {
            let _inner = Attempt::begin(HOUR);
            assert!(left() > Some(Duration::from_secs(60)));
        }
        assert!(left() <= Some(Duration::from_secs(1)));
    }

    #[test]
    fn what_comes_before_the_body_is_bounded() {
        let attempt = Attempt::begin(HOUR);
        came(MAX_BEFORE_BODY - 1);
        assert!(has_room());
        came(1);
        assert!(!has_room());
        attempt.head_has_come();
        came(10 * MAX_BEFORE_BODY);
        assert!(has_room());
    }
}
