//! Further access tokens of a record, beside its own.

use std::{borrow::Cow, sync::Arc, time::SystemTime};

use auth_core::{FailureKind, RefreshError, TokenRequest, TokenSet};
use sha2::{Digest, Sha256};

use crate::record::{Fingerprint, FurtherToken, Record, Setback};

/// How many further access tokens a record keeps, and memory.
pub(crate) const MOST: usize = 16;

impl FurtherToken {
    /// The record that it would be by itself.
    fn as_record(&self, record: &Record) -> Option<Record> {
        let mut tokens = self.tokens.clone()?;
        tokens.refresh_token.clone_from(&record.tokens.refresh_token);
        Some(Record {
            obtained_at: self.obtained_at,
            guess: self.guess.clone(),
            born_expired: self.born_expired,
            refusals: self.refusals.clone(),
            bound_to: record.bound_to.clone(),
            set_up: record.set_up.clone(),
            dpop_thumbprint: self.dpop_thumbprint.clone(),
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

    /// Takes over the further tokens of `other`, which has the same tokens, where they
    /// are newer.
    pub(crate) fn take_over_further(&mut self, other: &Self) {
        let is_newer = |one: &&FurtherToken| {
            let known = self.further.iter().find(|known| known.request == one.request);
            known.is_none_or(|known| known.obtained_at < one.obtained_at)
        };
        for further in other.further.iter().filter(is_newer).cloned().collect::<Vec<_>>() {
            self.put_further(further, SystemTime::UNIX_EPOCH);
        }
    }
}

/// Codes about what was asked for (RFC 6749 section 5.2, RFC 8707 section 2, Entra).
const ABOUT_REQUEST: [&str; 5] = [
    "invalid_scope",
    "invalid_target",
    "invalid_request",
    "insufficient_scope",
    "invalid_resource",
];

/// Codes by which the user has to do something for this token. The refresh token
/// lives.
const ABOUT_USER: [&str; 2] = ["interaction_required", "consent_required"];

/// The same in the words of Entra, beside `invalid_grant`: no consent to this resource,
/// more factors or another device wanted for it
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>).
const OF_ENTRA: [&str; 8] = [
    "AADSTS65001",
    "AADSTS65004",
    "AADSTS50076",
    "AADSTS50079",
    "AADSTS50158",
    "AADSTS53000",
    "AADSTS53001",
    "AADSTS53003",
];

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

    /// Whether `error` is about that token alone, and not about the refresh token, the
    /// client, the server or the way to it.
    pub(crate) fn is_alone(&self, error: &RefreshError) -> bool {
        if self.asked().is_none() {
            return false;
        }
        let failure = error.failure();
        let code = failure.code().map(|code| Cow::Borrowed(code.as_str())).unwrap_or_default();
        let is_about_user = || {
            let text = failure.description().unwrap_or_default();
            ABOUT_USER.contains(&&*code) || OF_ENTRA.iter().any(|one| text.contains(one))
        };
        match failure.kind() {
            FailureKind::Misconfigured => ABOUT_REQUEST.contains(&&*code) || is_about_user(),
            FailureKind::Rejected => is_about_user(),
            _ => false,
        }
    }

    /// The `record` of new tokens was bound to a key by which this token was obtained. The
    /// record's own may have been obtained by another.
    pub(crate) fn keep_thumbprint(&self, record: &mut Record, old: Option<&Record>) {
        let (Some(asked), Some(old)) = (self.asked(), old) else { return };
        let thumbprint = record.dpop_thumbprint.clone();
        for further in &mut record.further {
            if further.request == asked.fingerprint {
                further.dpop_thumbprint.clone_from(&thumbprint);
            }
        }
        if old.dpop_thumbprint.is_some() {
            record.dpop_thumbprint.clone_from(&old.dpop_thumbprint);
        }
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
            // No more, whatever the store has.
            further.drain(..further.len().saturating_sub(MOST));
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
