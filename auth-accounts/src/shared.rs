//! What the accounts of one token endpoint share.

use std::{sync::Arc, time::SystemTime};

use auth_core::{
    Clock, Dpop, EndpointError, Grant, KeyRing, RefreshToken, RetrySchedule, TokenEndpoint,
    TokenRevocation, Transport,
};

use crate::{
    binding::Binding,
    dates::{Dates, guess_expiry},
    error::Reason,
    new_login::Login,
    record::Record,
    registration::Registration,
    repeats::Repeats,
    roster::SharedRoster,
    set_up::SetUp,
    settings::Settings,
    silence::Silence,
    single_flight::Work,
    store::TokenStore,
    token::{Prover, is_dpop},
    watch::Watch,
};

#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) endpoint: Arc<TokenEndpoint>,
    pub(crate) binding: Binding,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Arc<dyn RetrySchedule>,
    pub(crate) settings: Settings,
    /// For the endpoints that logins brought.
    pub(crate) keys: KeyRing,
    pub(crate) grant: GrantKind,
    /// What takes the place of a refresh token.
    pub(crate) repeatable: Grant,
    pub(crate) spawner: Option<Spawner>,
    /// Whether any thread may poll the work, for what it rests on blocks.
    pub(crate) of_threads: bool,
    pub(crate) silence: Silence,
    pub(crate) repeats: Repeats,
    pub(crate) watch: Watch,
    pub(crate) roster: SharedRoster,
}

#[cfg(test)]
impl Shared {
    /// For the tests of a machine, which uses neither transport nor store.
    pub(crate) fn of_a_test(endpoint: TokenEndpoint, grant: GrantKind, settings: Settings) -> Self {
        Self {
            binding: Binding::new(&endpoint),
            endpoint: Arc::new(endpoint),
            transport: Arc::new(auth_testkit::Script::new()),
            store: Arc::new(crate::memory_store::MemoryStore::new()),
            clock: Arc::new(auth_testkit::VirtualClock::manual()),
            policy: Arc::new(auth_core::Backoff::default()),
            settings,
            keys: KeyRing::default(),
            grant,
            repeatable: Grant::ClientCredentials,
            spawner: None,
            of_threads: false,
            silence: Silence::default(),
            repeats: Repeats::default(),
            watch: Watch::default(),
            roster: SharedRoster::default(),
        }
    }
}

impl Shared {
    /// The dates of a record's tokens, said or guessed.
    pub(crate) fn dates(&self, record: &Record) -> Dates {
        Dates::of(record, self.grant.renews(record), &self.settings)
    }

    /// The record of a login at `now`, bound to what it brings, or to what all
    /// have.
    pub(crate) fn record_of(&self, login: Login, now: SystemTime) -> Result<Record, EndpointError> {
        let mut record = Record::logged_in(login.tokens, now);
        let set_up = login.endpoint.map(SetUp::new).transpose()?;
        if let Some(set_up) = &set_up {
            self.check_keys(set_up.endpoint())?;
        }
        self.bind(&mut record, set_up);
        record.dpop_thumbprint = login.dpop_thumbprint.or(record.dpop_thumbprint);
        if self.grant.renews(&record) {
            guess_expiry(&mut record, None, None, &self.settings);
        }
        Ok(record)
    }

    /// Whether the endpoint that is about to be stored will find its keys again.
    fn check_keys(&self, endpoint: &TokenEndpoint) -> Result<(), EndpointError> {
        let is_known = |named: &&str| self.keys.get(named).is_some();
        match endpoint.thumbprints().find(|named| !is_known(named)) {
            None => Ok(()),
            Some(named) => Err(EndpointError::missing_key(named)),
        }
    }

    /// The same record, with the keys that its set-up names.
    pub(crate) fn with_keys(&self, mut record: Record) -> Record {
        record.set_up = record.set_up.map(|set_up| set_up.keys(&self.keys));
        record
    }

    /// Binds `record` to this set-up, or without one to what all have.
    pub(crate) fn bind(&self, record: &mut Record, set_up: Option<SetUp>) {
        record.bound_to = if set_up.is_none() { Some(self.binding.own.clone()) } else { None };
        record.set_up = set_up;
        let dpop = self.endpoint_of(Some(record)).get_dpop();
        record.dpop_thumbprint = dpop.map(|dpop| dpop.thumbprint().to_owned());
    }

    /// What forbids to refresh `record`: the key that its set-up names is not there, or
    /// its refresh token may be bound to another key. RFC 9449 section 5 binds those of
    /// public clients only; but some servers bind all, and end the session.
    pub(crate) fn refuses_key(&self, record: Option<&Record>) -> Option<Reason> {
        let endpoint = self.endpoint_of(record);
        if let Err(error) = endpoint.check_keys() {
            return Some(Reason::SetUp(Arc::new(error)));
        }
        let record = record?;
        let bound_to = record.dpop_thumbprint.as_ref()?;
        let own = endpoint.get_dpop().map(Dpop::thumbprint);
        let is_bound = self.grant == GrantKind::RefreshToken
            && record.tokens.refresh_token.is_some()
            && (endpoint.is_of_public_client() || !self.settings.dpop_key_may_change);
        (is_bound && own != Some(bound_to)).then(|| Reason::OtherKey {
            record: bound_to.clone(),
            endpoint: own.map(ToOwned::to_owned),
        })
    }

    /// Whether there can be a proof for the access token of `record`, if it needs one.
    pub(crate) fn can_prove(&self, record: &Record) -> bool {
        if !is_dpop(record.tokens.token_type.as_deref()) {
            return true;
        }
        let endpoint = self.endpoint_of(Some(record));
        let own = endpoint.get_dpop().map(Dpop::thumbprint);
        let bound_to = record.dpop_thumbprint.as_deref();
        bound_to.is_none_or(|bound_to| own == Some(bound_to)) && endpoint.check_keys().is_ok()
    }

    /// What makes the proofs for the access token of `record`.
    pub(crate) fn prover(&self, record: Option<&Record>) -> Option<Prover> {
        let dpop = self.endpoint_of(record).get_dpop()?;
        Some(Prover::new(dpop.clone(), Arc::clone(&self.clock)))
    }

    /// Where `record` is refreshed: where its login says, or else where all are.
    pub(crate) fn endpoint_of<'a>(&'a self, record: Option<&'a Record>) -> &'a Arc<TokenEndpoint> {
        let set_up = record.and_then(|record| record.set_up.as_ref());
        set_up.map_or(&self.endpoint, SetUp::endpoint)
    }

    /// The refresh token of `record`, with where it may be revoked: where it was
    /// issued, and nowhere else.
    pub(crate) fn revocable(&self, record: &Record) -> Option<Revocable> {
        if self.binding.refuses(record).is_some() {
            return None;
        }
        let token = record.tokens.refresh_token.clone()?;
        Some(Revocable { token, endpoint: Arc::clone(self.endpoint_of(Some(record))) })
    }

    /// Which client that is, at which URL.
    pub(crate) fn registration_of<'a>(&'a self, record: Option<&'a Record>) -> &'a Registration {
        let set_up = record.and_then(|record| record.set_up.as_ref());
        set_up.map_or(&self.binding.own, SetUp::registration)
    }
}

/// A refresh token, and the endpoint that it belongs to.
pub(crate) struct Revocable {
    pub(crate) token: RefreshToken,
    pub(crate) endpoint: Arc<TokenEndpoint>,
}

impl Revocable {
    /// How it is revoked; `None` where nothing is.
    pub(crate) fn revocation(&self) -> Option<TokenRevocation> {
        TokenRevocation::new(Arc::clone(&self.endpoint), self.token.clone())
    }
}

/// Runs a future to its end.
pub(crate) type Spawner = Arc<dyn Fn(Work<()>) + Send + Sync>;

/// What new tokens are obtained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantKind {
    RefreshToken,
    /// What can be repeated without one.
    Repeatable,
}

impl GrantKind {
    /// Whether there is something to obtain new tokens with.
    pub(crate) fn renews(self, record: &Record) -> bool {
        self == Self::Repeatable || record.tokens.refresh_token.is_some()
    }
}
