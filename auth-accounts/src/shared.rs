//! What the accounts of one token endpoint share.

use std::sync::Arc;

use auth_core::{Clock, RetrySchedule, TokenEndpoint, TokenSet, Transport};

use crate::{
    binding::Binding,
    dates::{Dates, guess_expiry},
    record::Record,
    roster::SharedRoster,
    settings::Settings,
    single_flight::Work,
    store::TokenStore,
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
    pub(crate) grant: GrantKind,
    pub(crate) spawner: Option<Spawner>,
    pub(crate) watch: Watch,
    pub(crate) roster: SharedRoster,
}

impl Shared {
    /// The record of a login that gave these tokens just now.
    pub(crate) fn logged_in(&self, tokens: TokenSet) -> Record {
        let mut record = Record::logged_in(tokens, self.clock.wall());
        if self.grant.renews(&record) {
            guess_expiry(&mut record, None, None, &self.settings);
        }
        record.bound_to = Some(self.binding.own.clone());
        record
    }

    /// The dates of a record's tokens, said or guessed.
    pub(crate) fn dates(&self, record: &Record) -> Dates {
        Dates::of(record, self.grant.renews(record), &self.settings)
    }
}

/// Runs a future to its end.
pub(crate) type Spawner = Arc<dyn Fn(Work<()>) + Send + Sync>;

/// What new tokens are obtained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantKind {
    RefreshToken,
    ClientCredentials,
}

impl GrantKind {
    /// Whether there is something to obtain new tokens with.
    pub(crate) fn renews(self, record: &Record) -> bool {
        self == Self::ClientCredentials || record.tokens.refresh_token.is_some()
    }
}
