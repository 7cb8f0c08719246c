//! The server, the store, and what is owed by whoever uses them.

use super::desk::{LIFETIME, Pair, Received, RecordId};

/// What a server does about a refresh token that is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rotation {
    /// It revokes the session.
    Strict,
    /// The same, but for a minute, and until the new token is used, it gives
    /// the same tokens once more.
    Grace,
}

const GRACE: u32 = 60;

/// The sessions, by login.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Server {
    rotation: Rotation,
    sessions: Vec<Session>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Session {
    revoked: bool,
    /// The refresh tokens but for the current one, by number.
    spent: Vec<Spent>,
    /// Until when the first access token is valid.
    first_until: u32,
    /// Whether the first pair was ever on record.
    first_stored: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Spent {
    at: u32,
    successor: Known,
}

/// Who knows a pair of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Known {
    Nobody,
    /// The process of this number, and no record.
    To(usize),
    /// It was on record.
    Durably,
}

impl Server {
    pub(super) fn new(rotation: Rotation, first_until: [u32; 2]) -> Self {
        let session = |first_until| Session {
            revoked: false,
            spent: Vec::new(),
            first_until,
            first_stored: false,
        };
        Self { rotation, sessions: first_until.map(session).to_vec() }
    }

    fn session(&self, pair: Pair) -> &Session {
        &self.sessions[usize::from(pair.login)]
    }

    /// Whether a use of this refresh token now would be one too many, since
    /// somebody who is alive, or the store, knows better.
    pub(super) fn is_avoidable(&self, pair: Pair) -> bool {
        let spent = self.session(pair).spent.get(usize::from(pair.number));
        spent.is_some_and(|spent| spent.successor != Known::Nobody)
    }

    /// Does what a request asks for.
    pub(super) fn refresh(&mut self, pair: Pair, now: u32) -> Received {
        let rotation = self.rotation;
        let session = &mut self.sessions[usize::from(pair.login)];
        if session.revoked {
            return Received::Refusal;
        }
        let next = Pair { number: pair.number + 1, ..pair };
        let current = session.spent.len();
        if usize::from(pair.number) == current {
            session.spent.push(Spent { at: now, successor: Known::Nobody });
            return Received::Tokens(next, LIFETIME);
        }
        let at = session.spent[usize::from(pair.number)].at;
        if rotation == Rotation::Grace && usize::from(next.number) == current && now < at + GRACE {
            return Received::Tokens(next, at + LIFETIME - now);
        }
        session.revoked = true;
        Received::Refusal
    }

    /// Whether a request with this refresh token would be granted.
    pub(super) fn would_grant(&self, pair: Pair, now: u32) -> bool {
        matches!(self.clone().refresh(pair, now), Received::Tokens(..))
    }

    /// Whether an API accepts this access token; `None` if the session was
    /// revoked.
    pub(super) fn is_accepted(&self, pair: Pair, now: u32) -> Option<bool> {
        let session = self.session(pair);
        let until = match pair.number.checked_sub(1) {
            Some(before) => session.spent[usize::from(before)].at + LIFETIME,
            None => session.first_until,
        };
        (!session.revoked).then_some(now < until)
    }

    /// A process was told of a pair.
    pub(super) fn told(&mut self, pair: Pair, process: usize) {
        let known = &mut self.before(pair).expect("it came of one").successor;
        if *known == Known::Nobody {
            *known = Known::To(process);
        }
    }

    /// A pair is on record.
    pub(super) fn stored(&mut self, pair: Pair) {
        match self.before(pair) {
            Some(spent) => spent.successor = Known::Durably,
            None => self.sessions[usize::from(pair.login)].first_stored = true,
        }
    }

    /// Whether a pair was ever on record.
    pub(super) fn was_stored(&self, pair: Pair) -> bool {
        let session = self.session(pair);
        match pair.number.checked_sub(1) {
            Some(before) => session.spent[usize::from(before)].successor == Known::Durably,
            None => session.first_stored,
        }
    }

    /// A process has died; whether tokens died with it.
    pub(super) fn died(&mut self, process: usize) -> bool {
        let all = self.sessions.iter_mut().flat_map(|session| &mut session.spent);
        let with_it = all.filter(|spent| spent.successor == Known::To(process));
        with_it.map(|spent| spent.successor = Known::Nobody).count() > 0
    }

    fn before(&mut self, pair: Pair) -> Option<&mut Spent> {
        let before = usize::from(pair.number.checked_sub(1)?);
        self.sessions[usize::from(pair.login)].spent.get_mut(before)
    }
}

/// The record, its version, and who holds the lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Store {
    pub(super) record: Option<(RecordId, u8)>,
    pub(super) holder: Option<usize>,
}

impl Store {
    pub(super) fn is_expected(&self, expected: Option<u8>) -> bool {
        self.record.map(|(_, version)| version) == expected
    }

    pub(super) fn put(&mut self, record: RecordId) -> u8 {
        let version = self.record.map_or(1, |(_, version)| version + 1);
        self.record = Some((record, version));
        version
    }
}
