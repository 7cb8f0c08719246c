//! What could be known of each refresh token, kept where the responses pass.
//!
//! The use of a spent token is *avoidable* if somebody who lived on had what
//! replaced it: the response had reached the machine of a process, its kernel
//! included, that was not killed before the tokens were on the disk. It is
//! *unavoidable* if the response was lost, or if its receiver was killed before
//! that. A token that is sent while another request with it is being waited for
//! is avoidable, whatever becomes of either.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use super::messages::Who;

/// Which token, for people; the token itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) account: usize,
    /// Counted from 1, for each login.
    pub(super) session: usize,
    /// Counted from 1, which is the token of the login.
    pub(super) generation: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}.{}", self.session, self.generation)
    }
}

/// What is to be said of a request when it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Use {
    /// Nobody has spent this token, as far as was seen.
    First,
    Avoidable(String),
    Unavoidable(Lost),
}

/// Why nobody has what replaced a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Lost {
    /// The server's fault took the response.
    OnTheWay,
    /// It left so late that the client may have given up.
    TooLate,
    /// Nobody waited for it any more.
    GivenUp,
    /// Its receiver was killed before it was on the disk.
    ReceiverKilled,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnTheWay => "the response was lost on the way",
            Self::TooLate => "the response left too late",
            Self::GivenUp => "the client had given up",
            Self::ReceiverKilled => "the receiver was killed before the disk had it",
        })
    }
}

/// A request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) name: Name,
    number: u64,
}

#[derive(Default)]
pub(super) struct Ledger {
    tokens: HashMap<String, Entry>,
    /// The tokens of each session, in order.
    sessions: HashMap<(usize, usize), Vec<String>>,
    dead: HashSet<Who>,
    sendings: u64,
}

struct Entry {
    name: Name,
    fate: Fate,
    senders: Vec<Sender>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unspent,
    /// The response has not left yet.
    UnderWay,
    Delivered(Who),
    Lost(Lost),
}

struct Sender {
    number: u64,
    who: Who,
    still_waits: Box<dyn Fn() -> bool + Send>,
}

impl Ledger {
    /// The first token of a session.
    pub(super) fn logged_in(&mut self, account: usize, session: usize, token: &str) {
        self.add(Name { account, session, generation: 1 }, token);
    }

    /// `None` if there never was such a token.
    pub(super) fn sent(
        &mut self,
        token: &str,
        who: Who,
        still_waits: impl Fn() -> bool + Send + 'static,
    ) -> Option<(Sending, Use)> {
        self.sendings += 1;
        let number = self.sendings;
        let dead = &self.dead;
        let entry = self.tokens.get_mut(token)?;
        entry.senders.retain(|sender| !dead.contains(&sender.who) && (sender.still_waits)());
        let used = match (entry.senders.first(), entry.fate) {
            (Some(other), _) => Use::Avoidable(format!("{} waits for its response", other.who)),
            (None, Fate::Unspent) => Use::First,
            (None, Fate::UnderWay) => Use::Unavoidable(Lost::GivenUp),
            (None, Fate::Delivered(who)) => Use::Avoidable(format!("{who} had its successor")),
            (None, Fate::Lost(lost)) => Use::Unavoidable(lost),
        };
        entry.senders.push(Sender { number, who, still_waits: Box::new(still_waits) });
        Some((Sending { name: entry.name, number }, used))
    }

    /// The server gave `successor` for it, which it may have given before.
    pub(super) fn traded(&mut self, token: &str, successor: &str) -> Option<Name> {
        let entry = self.tokens.get_mut(token)?;
        if !matches!(entry.fate, Fate::Delivered(_)) {
            entry.fate = Fate::UnderWay;
        }
        let Name { account, session, generation } = entry.name;
        let next = Name { account, session, generation: generation + 1 };
        if !self.tokens.contains_key(successor) {
            self.add(next, successor);
        }
        Some(next)
    }

    /// A response with new tokens leaves, or `lost` says why it does not. Returns
    /// whether somebody gets it.
    pub(super) fn leaves(&mut self, token: &str, sending: Sending, lost: Option<Lost>) -> bool {
        let Some(entry) = self.tokens.get_mut(token) else { return false };
        let Some(at) = entry.senders.iter().position(|sender| sender.number == sending.number)
        else {
            return false;
        };
        let sender = &entry.senders[at];
        let lost = match lost {
            _ if self.dead.contains(&sender.who) => Some(Lost::ReceiverKilled),
            None if !(sender.still_waits)() => Some(Lost::GivenUp),
            lost => lost,
        };
        let who = sender.who;
        match lost {
            None => {
                entry.senders.remove(at);
                entry.fate = Fate::Delivered(who);
                true
            }
            // The sender stays, and waits in vain.
            Some(lost) => {
                if entry.fate == Fate::UnderWay {
                    entry.fate = Fate::Lost(lost);
                }
                false
            }
        }
    }

    /// The request is over without a response that has tokens.
    pub(super) fn ends(&mut self, token: &str, sending: Sending) {
        if let Some(entry) = self.tokens.get_mut(token) {
            entry.senders.retain(|sender| sender.number != sending.number);
        }
    }

    /// `who` was killed. `on_disk` is the token of the account in the store then.
    /// What `who` alone knew of this session is lost; returns how much.
    pub(super) fn died(
        &mut self,
        who: Who,
        account: usize,
        session: usize,
        on_disk: Option<&str>,
    ) -> usize {
        self.dead.insert(who);
        let Some(tokens) = self.sessions.get(&(account, session)) else { return 0 };
        let mut lost = 0;
        for pair in tokens.windows(2).rev() {
            let [before, after] = pair else { continue };
            if on_disk == Some(after) {
                break;
            }
            if let Some(entry) = self.tokens.get_mut(before)
                && entry.fate == Fate::Delivered(who)
            {
                entry.fate = Fate::Lost(Lost::ReceiverKilled);
                lost += 1;
            }
        }
        lost
    }

    pub(super) fn name(&self, token: &str) -> Option<Name> {
        self.tokens.get(token).map(|entry| entry.name)
    }

    /// The newest token of a session.
    pub(super) fn newest(&self, account: usize, session: usize) -> Option<&str> {
        self.sessions.get(&(account, session))?.last().map(String::as_str)
    }

    fn add(&mut self, name: Name, token: &str) {
        let Name { account, session, .. } = name;
        self.sessions.entry((account, session)).or_default().push(token.to_owned());
        let entry = Entry { name, fate: Fate::Unspent, senders: Vec::new() };
        self.tokens.insert(token.to_owned(), entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Who = Who { worker: 0, life: 1 };
    const B: Who = Who { worker: 1, life: 1 };

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.logged_in(0, 1, "t1");
        ledger
    }

    fn sent(ledger: &mut Ledger, token: &str, who: Who) -> (Sending, Use) {
        ledger.sent(token, who, || true).expect("a token")
    }

    fn traded(ledger: &mut Ledger, token: &str, who: Who, next: &str, lost: Option<Lost>) {
        let (sending, _) = sent(ledger, token, who);
        ledger.traded(token, next);
        ledger.leaves(token, sending, lost);
        ledger.ends(token, sending);
    }

    fn used(ledger: &mut Ledger, token: &str) -> Use {
        let (sending, used) = sent(ledger, token, B);
        ledger.ends(token, sending);
        used
    }

    fn is_avoidable(used: &Use) -> bool {
        matches!(used, Use::Avoidable(_))
    }

    #[test]
    fn what_somebody_has_need_not_be_asked_for_again() {
        let mut ledger = ledger();
        assert_eq!(used(&mut ledger, "t1"), Use::First);
        traded(&mut ledger, "t1", A, "t2", None);
        assert!(is_avoidable(&used(&mut ledger, "t1")));
        assert_eq!(used(&mut ledger, "t2"), Use::First);
        assert!(ledger.sent("other", A, || true).is_none());
    }

    #[test]
    fn what_was_lost_must_be() {
        for lost in [Lost::OnTheWay, Lost::TooLate] {
            let mut ledger = ledger();
            traded(&mut ledger, "t1", A, "t2", Some(lost));
            assert_eq!(used(&mut ledger, "t1"), Use::Unavoidable(lost));
            // Once more, and it arrives: the same tokens, by a grace.
            traded(&mut ledger, "t1", B, "t2", None);
            assert!(is_avoidable(&used(&mut ledger, "t1")));
            assert_eq!(ledger.name("t2").map(|name| name.generation), Some(2));
        }
    }

    #[test]
    fn never_two_at_a_time() {
        let mut ledger = ledger();
        let (first, _) = sent(&mut ledger, "t1", A);
        assert!(is_avoidable(&used(&mut ledger, "t1")));
        ledger.ends("t1", first);
        assert_eq!(used(&mut ledger, "t1"), Use::First);
        // Who was killed does not wait.
        sent(&mut ledger, "t1", A);
        ledger.died(A, 0, 1, Some("t1"));
        assert_eq!(used(&mut ledger, "t1"), Use::First);
    }

    #[test]
    fn what_died_with_its_receiver_is_lost_unless_the_disk_had_it() {
        for (on_disk, avoidable) in
            [(Some("t1"), [false, false]), (Some("t2"), [true, false]), (Some("t3"), [true, true])]
        {
            let mut ledger = ledger();
            traded(&mut ledger, "t1", A, "t2", None);
            traded(&mut ledger, "t2", A, "t3", None);
            ledger.died(B, 0, 1, on_disk);
            assert!(is_avoidable(&used(&mut ledger, "t1")), "another one died");
            let lost = avoidable.iter().filter(|avoidable| !**avoidable).count();
            assert_eq!(ledger.died(A, 0, 1, on_disk), lost);
            for (token, avoidable) in ["t1", "t2"].iter().zip(avoidable) {
                assert_eq!(is_avoidable(&used(&mut ledger, token)), avoidable, "{on_disk:?}");
            }
        }
    }

    #[test]
    fn a_response_for_the_dead_is_lost() {
        let mut ledger = ledger();
        let (sending, _) = sent(&mut ledger, "t1", A);
        ledger.traded("t1", "t2");
        ledger.died(A, 0, 1, Some("t1"));
        assert!(!ledger.leaves("t1", sending, None));
        assert_eq!(used(&mut ledger, "t1"), Use::Unavoidable(Lost::ReceiverKilled));
    }

    #[test]
    fn who_gave_up_has_nothing() {
        let mut ledger = ledger();
        let (sending, _) = ledger.sent("t1", A, || false).expect("a token");
        ledger.traded("t1", "t2");
        assert!(!ledger.leaves("t1", sending, None));
        assert_eq!(used(&mut ledger, "t1"), Use::Unavoidable(Lost::GivenUp));
    }
}
