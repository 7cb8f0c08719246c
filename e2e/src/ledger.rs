//! What the client could know of each refresh token. It is kept where the
//! responses pass, and so trusts neither end.

use std::collections::HashMap;

/// What is known of refresh tokens, and what was counted of their uses.
#[derive(Default)]
pub(crate) struct Ledger {
    tokens: HashMap<String, Entry>,
    attempts: u64,
    pub(crate) counts: Uses,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uses {
    /// Refresh tokens that the server traded for new ones.
    pub(crate) refreshes: u64,
    /// Refreshes whose new tokens the client got.
    pub(crate) delivered: u64,
    /// Uses of a token whose successor had been delivered; or two at a time.
    pub(crate) avoidable_replays: u64,
    /// Uses of a token whose successor was lost, or whose first use the client
    /// had stopped waiting for.
    pub(crate) unavoidable_replays: u64,
    /// Uses of a token that was spent, as far as they reached the server: what
    /// the server should have counted as replays.
    pub(crate) replays_arrived: u64,
    /// Uses after an attempt that the client stopped waiting for without any
    /// fault: the machine was too busy. The server may see the two in any
    /// order.
    pub(crate) given_up: u64,
    /// Responses of the server that refused the request.
    pub(crate) refused: u64,
    /// Responses that asked for the request again, with a DPoP nonce.
    pub(crate) challenged: u64,
    /// Requests that the server received and died with before it responded.
    pub(crate) vanished: u64,
}

/// One use of a refresh token, under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    number: u64,
    /// Whether the token was spent before.
    spent: bool,
}

#[derive(Default)]
struct Entry {
    fate: Fate,
    senders: Vec<Sender>,
}

/// What became of a refresh token.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It has not been traded, as far as was seen.
    #[default]
    Unspent,
    /// It was traded, and the new tokens were delivered.
    Delivered,
    /// It was traded, and the new tokens were lost.
    Lost,
}

/// Who sent a token, until the response leaves.
struct Sender {
    attempt: Attempt,
    forwarded: bool,
    still_waits: Box<dyn Fn() -> bool + Send>,
}

impl Ledger {
    /// The client sends `token`, and waits for the response while `still_waits`.
    /// Whether it is `forwarded` to the server is known beforehand.
    pub(crate) fn sent(
        &mut self,
        token: &str,
        forwarded: bool,
        still_waits: impl Fn() -> bool + Send + 'static,
    ) -> Attempt {
        let Self { tokens, attempts, counts } = self;
        *attempts += 1;
        let entry = tokens.entry(token.to_owned()).or_default();
        let two_at_a_time = entry.senders.iter().any(|sender| (sender.still_waits)());
        let given_up = entry.senders.iter().any(|sender| sender.forwarded);
        match entry.fate {
            _ if two_at_a_time => counts.avoidable_replays += 1,
            Fate::Delivered => counts.avoidable_replays += 1,
            Fate::Lost => counts.unavoidable_replays += 1,
            Fate::Unspent if given_up => {
                counts.given_up += 1;
                counts.unavoidable_replays += 1;
            }
            Fate::Unspent => {}
        }
        let attempt = Attempt { number: *attempts, spent: entry.fate != Fate::Unspent };
        let still_waits = Box::new(still_waits);
        entry.senders.push(Sender { attempt, forwarded, still_waits });
        attempt
    }

    /// The server has seen it.
    pub(crate) fn arrived(&mut self, attempt: Attempt) {
        self.counts.replays_arrived += u64::from(attempt.spent);
    }

    /// The server traded `token`; whether the client gets the response is next.
    pub(crate) fn traded(&mut self, token: &str, delivered: bool) {
        self.counts.refreshes += 1;
        self.counts.delivered += u64::from(delivered);
        self.spent(token, delivered);
    }

    /// The server refused the request.
    pub(crate) fn refused(&mut self) {
        self.counts.refused += 1;
    }

    /// The server wants the request again, with a nonce. It has not traded the
    /// token.
    pub(crate) fn challenged(&mut self) {
        self.counts.challenged += 1;
    }

    /// The server died with the request, and may have traded `token`.
    pub(crate) fn vanished(&mut self, token: &str) {
        self.counts.vanished += 1;
        self.spent(token, false);
    }

    /// Nobody waits for the response any more, or it is about to leave.
    pub(crate) fn ended(&mut self, token: &str, attempt: Attempt) {
        if let Some(entry) = self.tokens.get_mut(token) {
            entry.senders.retain(|sender| sender.attempt.number != attempt.number);
        }
    }

    fn spent(&mut self, token: &str, delivered: bool) {
        let entry = self.tokens.entry(token.to_owned()).or_default();
        if delivered {
            entry.fate = Fate::Delivered;
        } else if entry.fate == Fate::Unspent {
            entry.fate = Fate::Lost;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    /// What the n-th use of a token comes to.
    struct Tokens(Ledger);

    impl Tokens {
        fn new() -> Self {
            Self(Ledger::default())
        }

        /// A use that gets a response, and whether that arrives if it has tokens.
        fn used(&mut self, delivered: Option<bool>) -> (u64, u64) {
            let attempt = self.0.sent("token", true, || true);
            self.0.arrived(attempt);
            if let Some(delivered) = delivered {
                self.0.traded("token", delivered);
            }
            self.0.ended("token", attempt);
            self.replays()
        }

        fn replays(&self) -> (u64, u64) {
            (self.0.counts.avoidable_replays, self.0.counts.unavoidable_replays)
        }
    }

    #[test]
    fn what_was_delivered_need_not_be_asked_for_again() {
        let mut tokens = Tokens::new();
        assert_eq!(tokens.used(None), (0, 0));
        assert_eq!(tokens.used(Some(true)), (0, 0));
        assert_eq!(tokens.used(None), (1, 0));
        assert_eq!(tokens.used(Some(false)), (2, 0), "a later loss makes it no better");
        assert_eq!(tokens.used(None), (3, 0));
    }

    #[test]
    fn what_was_lost_must_be_asked_for_again() {
        let mut tokens = Tokens::new();
        assert_eq!(tokens.used(Some(false)), (0, 0));
        assert_eq!(tokens.used(None), (0, 1));
        assert_eq!(tokens.used(Some(true)), (0, 2));
        assert_eq!(tokens.used(None), (1, 2));
        assert_eq!(tokens.0.counts.replays_arrived, 3);
    }

    #[test]
    fn never_by_two_at_a_time() {
        let mut tokens = Tokens::new();
        let waits = Arc::new(AtomicBool::new(true));
        let still = Arc::clone(&waits);
        let first = tokens.0.sent("token", true, move || still.load(Ordering::Relaxed));
        assert_eq!(tokens.used(None), (1, 0));
        // Nor of one that was lost.
        tokens.0.traded("token", false);
        assert_eq!(tokens.used(None), (2, 0));
        waits.store(false, Ordering::Relaxed);
        assert_eq!(tokens.used(None), (2, 1));
        tokens.0.ended("token", first);
        assert_eq!(tokens.used(None), (2, 2));
        assert_eq!(tokens.0.counts.given_up, 0);
    }

    #[test]
    fn who_gave_up_is_one_and_the_next_is_another() {
        let mut tokens = Tokens::new();
        let first = tokens.0.sent("token", true, || false);
        let second = tokens.0.sent("token", true, || true);
        assert_eq!((tokens.replays(), tokens.0.counts.given_up), ((0, 1), 1));
        assert_eq!(tokens.used(None), (1, 1), "the second still waits");
        tokens.0.traded("token", false);
        tokens.0.ended("token", first);
        tokens.0.ended("token", second);
        assert_eq!(tokens.used(None), (1, 2));
        assert_eq!(tokens.0.counts.given_up, 1);
    }

    #[test]
    fn what_the_server_never_saw_is_not_spent() {
        let mut tokens = Tokens::new();
        tokens.0.sent("token", false, || false);
        assert_eq!(tokens.used(None), (0, 0));
        tokens.0.vanished("token");
        assert_eq!(tokens.used(None), (0, 1), "it may be");
    }
}
