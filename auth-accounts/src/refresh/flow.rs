//! What a refresh knows on its way, and what follows from it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_core::{AccessToken, Grant, Now, Refresh, RefreshError};

use super::{MAX_ROUNDS, held::Held};
use crate::{
    AccountError, AccountId, Begun, Fingerprint, Lease, Reason, Record, Setback, Settings,
    StoreError, StoreErrorKind, Version,
    accounts::{GrantKind, Shared},
    lifetime::{Lifetime, Ttl},
    token::{Token, rest},
};

/// What a refresh starts from.
pub(crate) struct Begin {
    pub(crate) shared: Arc<Shared>,
    pub(crate) account: AccountId,
    pub(crate) want: Want,
    pub(crate) memory: Unsaved,
    /// The token that is in use, to fall back on if the store fails.
    pub(crate) cached: Option<Token>,
    /// An access token that an API refused, and that is not handed out again.
    pub(crate) refused: Option<AccessToken>,
}

/// What the store was to be told, and could not be.
#[derive(Clone, Default)]
pub(crate) struct Unsaved {
    pub(crate) ahead: Option<Ahead>,
    pub(crate) setback: Option<Setback>,
}

impl Unsaved {
    /// Itself, if there is anything in it.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        (self.ahead.is_some() || self.setback.is_some()).then(|| Box::new(self))
    }

    /// All of it.
    #[cfg(test)]
    pub(crate) fn tell(&self) -> String {
        let ahead = self.ahead.as_ref().map(|ahead| {
            let Ahead { record, replaces, or_replaces, login_over, error, lease } = ahead;
            let exposed = record.to_json_exposed();
            let record = format!("{record:?} {}", String::from_utf8_lossy(&exposed));
            format!("{record} {replaces:?} {or_replaces:?} {login_over:?} {error:?} {lease:?}")
        });
        format!("{ahead:?} {:?}", self.setback)
    }
}

/// Tokens that are newer than those in the store.
#[derive(Clone)]
pub(crate) struct Ahead {
    record: Record,
    /// The record that they follow on. If the store holds another by now,
    /// that one counts.
    replaces: Option<Fingerprint>,
    or_replaces: Option<Fingerprint>,
    /// Of a login: that of the tokens that it took the place of. It also counts
    /// more than whatever a refresh by others has made of them.
    login_over: Option<Fingerprint>,
    pub(crate) error: Option<StoreError>,
    /// Held until they are saved: what the store holds is spent, and nobody
    /// else should try it.
    lease: Option<Arc<Held>>,
}

impl Ahead {
    /// Takes over what was learnt since this was written down.
    pub(crate) fn inherit(&mut self, old: &mut Self) {
        if self.replaces == old.replaces {
            // That of a save which failed, or was dropped, and may yet be
            // found to have been done; or already our own.
            let own = identity(&self.record) == identity(&old.record);
            self.or_replaces = if own { old.or_replaces } else { Some(identity(&old.record)) };
        }
        self.lease = self.lease.take().or(old.lease.take());
    }

    fn is_next_to(&self, base: Option<Fingerprint>) -> bool {
        self.replaces == base || self.or_replaces.is_some() && self.or_replaces == base
    }

    fn is_login_over(&self, found: Option<&Record>) -> bool {
        self.login_over.is_some() && self.login_over == found.and_then(|found| found.login)
    }

    /// Says that nobody may be there any more to save it. The lease is freed
    /// when the access token has expired: if nobody has asked for it by then,
    /// nobody may ever do, and others must not be locked out for that. The
    /// note on record tells them what happened.
    pub(crate) fn leave(&self, now: Option<SystemTime>, settings: &Settings) {
        if let Some(held) = &self.lease {
            let left =
                now.and_then(|now| Lifetime::of(&self.record, now).left()).unwrap_or_default();
            held.free_after(left.min(LONGEST_HOLD).max(settings.lease_wait));
        }
    }
}

/// How long a lease is held at most for tokens that are not saved.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 3600);

/// What a caller wants.
#[derive(Debug, Clone)]
pub(crate) enum Want {
    /// A token that lasts.
    Lasting(Ttl),
    /// Any but this one, for it was refused by an API.
    Other(AccessToken),
    /// Any but this one, ahead of need; and none if the last one was obtained a
    /// moment ago.
    Ahead(Option<AccessToken>),
    /// A token newer than what the store holds when it is first read, which is
    /// noted here.
    Newer(Option<AccessToken>),
}

pub(crate) struct Flow {
    pub(super) shared: Arc<Shared>,
    pub(super) account: AccountId,
    pub(super) want: Want,
    pub(super) cached: Option<Token>,
    pub(super) refused: Option<AccessToken>,
    pub(super) ahead: Option<Ahead>,
    pub(super) setback: Option<Setback>,
    /// The record in use: the store's, or ours where we are ahead of it.
    pub(super) current: Option<Record>,
    /// What the store held when it was last heard of.
    pub(super) version: Option<Version>,
    base: Option<Fingerprint>,
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) lease_error: Option<StoreError>,
    /// The refresh token that is being exchanged.
    pub(super) tried: Option<Fingerprint>,
    /// When the last request was sent.
    pub(super) sent: Option<Now>,
    pub(super) exchanged: bool,
    caught_up: bool,
    rounds: u32,
}

impl Flow {
    pub(super) fn new(begin: Begin) -> Self {
        let Begin { shared, account, want, memory, cached, refused } = begin;
        Self {
            shared,
            account,
            want,
            cached,
            refused,
            lease: memory.ahead.as_ref().and_then(|ahead| ahead.lease.as_ref()?.lease()),
            ahead: memory.ahead,
            setback: memory.setback,
            current: None,
            version: None,
            base: None,
            lease_error: None,
            tried: None,
            sent: None,
            exchanged: false,
            caught_up: false,
            rounds: 0,
        }
    }

    /// Whether somebody else's change may send us back once more.
    pub(super) fn another_round(&mut self) -> bool {
        self.rounds += 1;
        self.rounds <= MAX_ROUNDS
    }

    /// Takes in what the store holds.
    pub(super) fn take_in(&mut self, found: Option<(Record, Version)>) {
        let (found, version) = found.unzip();
        self.version = version;
        self.base = found.as_ref().map(identity);
        if let (Some(found), Some(setback)) = (&found, &self.setback)
            && found.obtained_at.is_some_and(|at| at > setback.failed_at)
        {
            // It could not be recorded, and others have got on without it.
            self.setback = None;
        }
        self.current = match self.ahead.take() {
            // Our own, of a save that failed halfway: it may not be durable.
            Some(mut ahead)
                if ahead.error.is_some() && self.base == Some(identity(&ahead.record)) =>
            {
                ahead.replaces = self.base;
                if let Some(found) = &found {
                    ahead.record = found.clone();
                }
                self.ahead = Some(ahead);
                found
            }
            Some(mut ahead)
                if ahead.is_next_to(self.base) || ahead.is_login_over(found.as_ref()) =>
            {
                ahead.replaces = self.base;
                let record = ahead.record.clone();
                self.ahead = Some(ahead);
                Some(record)
            }
            _ => found,
        };
    }

    /// Whether what is to be saved may take the place of what was found: of the
    /// tokens that were there before, or of what a login takes the place of.
    pub(super) fn goes_before(&self, found: Option<&(Record, Version)>) -> bool {
        let found = found.map(|(record, _)| record);
        found.map(identity) == self.base
            || self.ahead.as_ref().is_some_and(|ahead| ahead.is_login_over(found))
    }

    /// Whether there is something to save before anything else; once.
    pub(super) fn wants_to_catch_up(&mut self) -> bool {
        self.ahead.is_some() && !std::mem::replace(&mut self.caught_up, true)
    }

    /// Somebody else saved meanwhile: what is ahead, if it still is, would
    /// otherwise be handed out unsaved, with nothing that says so.
    pub(super) fn catch_up_again(&mut self) {
        self.caught_up = false;
    }

    /// Notes which token the store held at first.
    pub(super) fn look_first(&mut self) {
        if let (Want::Newer(seen @ None), Some(current)) = (&mut self.want, &self.current) {
            *seen = Some(current.tokens.access_token.clone());
        }
    }

    /// Whether the record in use does.
    pub(super) fn is_served(&self, now: Now) -> bool {
        let Some(current) = &self.current else { return false };
        let (ttl, unwanted) = match &self.want {
            Want::Lasting(ttl) => (*ttl, None),
            Want::Other(token) => (Ttl::Usual, Some(token)),
            Want::Newer(token) | Want::Ahead(token) => (Ttl::Usual, token.as_ref()),
        };
        let token = &current.tokens.access_token;
        if self.refused.as_ref() == Some(token) {
            return false;
        }
        let lasts = || Lifetime::of(current, now.wall).lasts(ttl, &self.shared.settings);
        let is_wanted = unwanted != Some(token) && lasts();
        is_wanted
            || matches!(self.want, Want::Ahead(_)) && !rest(current.obtained_at, now.wall).is_zero()
    }

    /// How long to wait for the lease: not for long while the old token serves.
    pub(super) fn patience(&self, now: Now) -> Duration {
        let lease_wait = self.shared.settings.lease_wait;
        let serves = |record: &Record| {
            let left = Lifetime::of(record, now.wall).left();
            self.refused.as_ref() != Some(&record.tokens.access_token)
                && left.is_none_or(|left| left > 2 * BRIEFLY)
        };
        if !self.want.is_strict() && self.current.as_ref().is_some_and(serves) {
            lease_wait.min(BRIEFLY)
        } else {
            lease_wait
        }
    }

    /// What forbids an exchange.
    pub(super) fn obstacle(&self, now: Now) -> Option<Reason> {
        match (self.shared.grant, &self.current) {
            (GrantKind::RefreshToken, None) => return Some(Reason::NotLoggedIn),
            (GrantKind::RefreshToken, Some(current)) if current.tokens.refresh_token.is_none() => {
                return Some(Reason::NoRefreshToken);
            }
            _ => {}
        }
        let refresh_token = self.fingerprint();
        self.setbacks()
            .find(|setback| setback.bars(refresh_token, &self.shared.endpoint, now.wall))
            .map(|setback| Reason::Setback(setback.clone()))
    }

    /// Whether the refresh token may be spent by an attempt of which nothing
    /// was heard: in a process that died, or before a setback.
    pub(super) fn possibly_spent(&self) -> bool {
        let refresh_token = self.fingerprint();
        let begun = self.current.as_ref().and_then(|current| current.begun.as_ref());
        begun.is_some_and(|begun| begun.refresh_token == refresh_token)
            || self
                .setbacks()
                .any(|setback| setback.refresh_token == refresh_token && setback.possibly_spent)
    }

    /// Notes that the exchange is about to begin.
    pub(super) fn note(&mut self, now: Now) {
        let begun = Begun::new(self.fingerprint(), now.wall);
        if let Some(current) = &mut self.current {
            current.begun = Some(begun);
        }
    }

    /// The exchange.
    pub(super) fn refresh(&mut self, possibly_spent: bool) -> Refresh {
        self.tried = self.refresh_token();
        Refresh::new(Arc::clone(&self.shared.endpoint), self.grant())
            .shared_policy(Arc::clone(&self.shared.policy))
            .possibly_spent(possibly_spent)
    }

    pub(super) fn grant(&self) -> Grant {
        let token = match self.shared.grant {
            GrantKind::RefreshToken => self.current.as_ref().and_then(refresh_token),
            GrantKind::ClientCredentials => None,
        };
        token.map_or(Grant::ClientCredentials, |token| Grant::RefreshToken(token.clone()))
    }

    /// The fingerprint of the refresh token in use.
    pub(super) fn refresh_token(&self) -> Option<Fingerprint> {
        match self.shared.grant {
            GrantKind::RefreshToken => self.current.as_ref().and_then(Record::fingerprint),
            GrantKind::ClientCredentials => None,
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        self.refresh_token().unwrap_or(Fingerprint::NO_REFRESH_TOKEN)
    }

    /// The setbacks on record, and in memory if they could not be recorded.
    pub(super) fn setbacks(&self) -> impl Iterator<Item = &Setback> {
        let recorded = self.current.as_ref().and_then(|current| current.setback.as_ref());
        recorded.into_iter().chain(&self.setback)
    }

    /// New tokens are there, and not yet in the store.
    pub(super) fn refreshed(&mut self, record: Record) {
        self.exchanged = true;
        self.setback = None;
        self.ahead = Some(Ahead {
            record: record.clone(),
            replaces: self.base,
            or_replaces: None,
            login_over: self.ahead.take().and_then(|ahead| ahead.login_over),
            error: None,
            lease: self.lease.clone().map(Held::new),
        });
        self.current = Some(record);
    }

    /// A login takes the place of what the store holds.
    pub(super) fn logged_in(&mut self, record: Record) {
        let over = self.current.as_ref().and_then(|current| current.login);
        self.refreshed(record);
        if let Some(ahead) = &mut self.ahead {
            ahead.login_over = over;
        }
    }

    /// The store holds the record in use.
    pub(super) fn saved(&mut self, version: Version) {
        self.version = Some(version);
        self.base = self.current.as_ref().map(identity);
        self.ahead = None;
        self.setback = None;
    }

    /// The store could not be told.
    pub(super) fn keep_ahead(&mut self, error: StoreError) {
        if let (Some(ahead), Some(current)) = (&mut self.ahead, &self.current) {
            ahead.record = current.clone();
            ahead.error = Some(error);
        }
    }

    /// A refresh failed.
    pub(super) fn set_back(&mut self, error: &RefreshError, now: Now) {
        let refresh_token = self.fingerprint();
        let previous = self
            .setbacks()
            .filter(|setback| setback.refresh_token == refresh_token)
            .max_by_key(|setback| setback.count);
        let setback =
            Setback::after(previous, &self.account, refresh_token, error, now.wall, &self.shared);
        if let Some(current) = &mut self.current {
            current.setback = Some(setback.clone());
            current.begun = None;
        }
        self.setback = Some(setback);
    }
}

/// How long somebody else's refresh is waited for while the old token is valid:
/// longer than most refreshes take.
const BRIEFLY: Duration = Duration::from_secs(1);

impl Want {
    /// Whether the old token will not do.
    fn is_strict(&self) -> bool {
        !matches!(self, Self::Lasting(Ttl::Usual) | Self::Ahead(_))
    }

    /// Whether to try again after `error` of a refresh that somebody less
    /// strict began, and that did not wait as long as this one would.
    pub(crate) fn outwaits(&self, error: &AccountError) -> bool {
        let Reason::Store(error) = error.reason() else { return false };
        self.is_strict() && error.kind() == StoreErrorKind::LeaseTimeout
    }

    /// Whether `token`, which came of somebody else's refresh, does.
    pub(crate) fn is_met_by(
        &self,
        token: &Token,
        exchanged: bool,
        now: Now,
        shared: &Shared,
    ) -> bool {
        match self {
            Self::Lasting(ttl) => exchanged || token.0.lasts(*ttl, now.wall, &shared.settings),
            Self::Other(unwanted) => exchanged || token.access_token() != unwanted,
            Self::Ahead(unwanted) => exchanged || unwanted.as_ref() != Some(token.access_token()),
            Self::Newer(_) => exchanged,
        }
    }
}

fn refresh_token(record: &Record) -> Option<&auth_core::RefreshToken> {
    record.tokens.refresh_token.as_ref()
}

/// Tells the tokens of records apart.
fn identity(record: &Record) -> Fingerprint {
    Fingerprint::of_tokens(&record.tokens)
}
