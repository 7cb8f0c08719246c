//! Further access tokens of a record, beside its own.

use std::{borrow::Cow, sync::Arc, time::SystemTime};

use auth_core::{TokenRequest, TokenSet};
use sha2::{Digest, Sha256};

use crate::record::{Fingerprint, Guess, Record, Setback};

/// How many further access tokens a record keeps, and memory.
pub(crate) const MOST: usize = 16;

/// An access token for a [request](TokenRequest) of its own, obtained with the record's
/// refresh token; and what came of the attempts to obtain it that concerns no other.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct FurtherToken {
    /// The request: a hash of it.
    pub request: Fingerprint,
    /// The access token, without a refresh token. `None` if there was none yet.
    pub tokens: Option<TokenSet>,
    /// As [`Record::obtained_at`].
    pub obtained_at: Option<SystemTime>,
    /// As [`Record::guess`].
    pub guess: Option<Guess>,
    /// As [`Record::born_expired`].
    pub born_expired: u32,
    /// As [`Record::refusals`].
    pub refusals: Vec<SystemTime>,
    /// Why the last attempt failed, if that concerns this request alone: the server
    /// does not know the resource, say.
    pub setback: Option<Setback>,
}

impl FurtherToken {
    /// Nothing but the request.
    pub fn new(request: Fingerprint) -> Self {
        Self {
            request,
            tokens: None,
            obtained_at: None,
            guess: None,
            born_expired: 0,
            refusals: Vec::new(),
            setback: None,
        }
    }

    /// The record that it would be by itself.
    fn as_record(&self, record: &Record) -> Option<Record> {
        let mut tokens = self.tokens.clone()?;
        tokens.refresh_token.clone_from(&record.tokens.refresh_token);
        Some(Record {
            obtained_at: self.obtained_at,
            guess: self.guess.clone(),
            born_expired: self.born_expired,
            refusals: self.refusals.clone(),
            ..Record::new(tokens)
        })
    }

    /// Whether it says anything that counts at `now`.
    fn is_of_use(&self, now: SystemTime) -> bool {
        let lasts = |tokens: &TokenSet| tokens.expires_at.is_none_or(|at| at > now);
        // What is guessed to have expired may live.
        self.setback.is_some()
            || self.tokens.as_ref().is_some_and(|tokens| self.guess.is_some() || lasts(tokens))
    }

    /// What is forgotten with the least loss comes first.
    fn worth(&self) -> (u8, Option<SystemTime>) {
        match self.tokens.as_ref().map(|tokens| tokens.expires_at) {
            None => (0, self.setback.as_ref().map(|setback| setback.failed_at)),
            Some(Some(expires_at)) => (1, Some(expires_at)),
            Some(None) => (2, self.obtained_at),
        }
    }
}

impl Record {
    /// Replaces what is known of a further token, and keeps no more than there may be.
    fn put_further(&mut self, further: FurtherToken, now: SystemTime) {
        self.further.retain(|one| one.request != further.request && one.is_of_use(now));
        while self.further.len() >= MOST {
            let least = (0..self.further.len()).min_by_key(|index| self.further[*index].worth());
            self.further.remove(least.unwrap_or_default());
        }
        self.further.push(further);
    }
}

/// Which of an account's access tokens.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    /// The record's own.
    Main,
    Further(Arc<Asked>),
}

/// What a further token is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: TokenRequest,
    pub(crate) fingerprint: Fingerprint,
}

impl Which {
    /// That of this request; the record's own if it asks for nothing in particular.
    pub(crate) fn of_request(request: &TokenRequest) -> Self {
        if request.is_empty() {
            return Self::Main;
        }
        let fingerprint = fingerprint(request);
        Self::Further(Arc::new(Asked { request: request.clone(), fingerprint }))
    }

    pub(crate) fn asked(&self) -> Option<&Arc<Asked>> {
        match self {
            Self::Main => None,
            Self::Further(asked) => Some(asked),
        }
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        let fingerprint = |one: &Self| one.asked().map(|asked| asked.fingerprint);
        fingerprint(self) == fingerprint(other)
    }

    fn found<'a>(&self, record: &'a Record) -> Option<&'a FurtherToken> {
        let asked = self.asked()?;
        record.further.iter().find(|further| further.request == asked.fingerprint)
    }

    /// The record as far as this token is concerned.
    pub(crate) fn of<'a>(&self, record: Option<&'a Record>) -> Option<Cow<'a, Record>> {
        let record = record?;
        match self {
            Self::Main => Some(Cow::Borrowed(record)),
            Self::Further(_) => self.found(record)?.as_record(record).map(Cow::Owned),
        }
    }

    /// What has set back this token, and no other.
    pub(crate) fn setback<'a>(&self, record: Option<&'a Record>) -> Option<&'a Setback> {
        self.found(record?)?.setback.as_ref()
    }

    /// Notes what has set back this token alone.
    pub(crate) fn set_back(&self, record: &mut Record, setback: Setback, now: SystemTime) {
        let Some(asked) = self.asked() else { return };
        let known = self.found(record).cloned();
        let further = known.unwrap_or_else(|| FurtherToken::new(asked.fingerprint));
        record.put_further(FurtherToken { setback: Some(setback), ..further }, now);
    }

    /// What becomes of `old` by the `next` record that this token would be by itself.
    pub(crate) fn put(&self, old: Option<&Record>, next: Record, now: SystemTime) -> Record {
        let (Some(asked), Some(old)) = (self.asked(), old) else {
            let mut further = old.map(|old| old.further.clone()).unwrap_or_default();
            further.retain(|one| one.is_of_use(now));
            return Record { further, ..next };
        };
        let mut record = Record { setback: None, note: None, ..old.clone() };
        let mut tokens = next.tokens;
        record.tokens.refresh_token = tokens.refresh_token.take();
        record.tokens.refresh_expires_at = tokens.refresh_expires_at.take();
        let further = FurtherToken {
            tokens: Some(tokens),
            obtained_at: next.obtained_at,
            guess: next.guess,
            born_expired: next.born_expired,
            refusals: next.refusals,
            ..FurtherToken::new(asked.fingerprint)
        };
        record.put_further(further, now);
        record
    }
}

/// The order of the words of a scope, and of resources and audiences, makes no other
/// request.
fn fingerprint(request: &TokenRequest) -> Fingerprint {
    let mut hash = Sha256::new();
    let scope: Vec<&str> =
        request.get_scope().map(|scope| scope.split(' ').collect()).unwrap_or_default();
    let texts: [Vec<&str>; 2] = [request.get_resources(), request.get_audiences()]
        .map(|texts| texts.iter().map(String::as_str).collect());
    for (what, mut words) in std::iter::once(scope).chain(texts).enumerate() {
        words.sort_unstable();
        words.dedup();
        for word in words {
            hash.update([u8::try_from(what).unwrap_or_default()]);
            hash.update((word.len() as u64).to_be_bytes());
            hash.update(word);
        }
    }
    Fingerprint::head(hash)
}

#[cfg(test)]
mod tests;
