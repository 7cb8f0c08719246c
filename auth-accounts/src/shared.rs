//! What the accounts of one token endpoint share.

use std::sync::Arc;

use auth_core::{Clock, RetrySchedule, TokenEndpoint, Transport};

use crate::{settings::Settings, single_flight::Work, store::TokenStore, watch::Watch};

#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) endpoint: Arc<TokenEndpoint>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Arc<dyn RetrySchedule>,
    pub(crate) settings: Settings,
    pub(crate) grant: GrantKind,
    pub(crate) spawner: Option<Spawner>,
    pub(crate) watch: Watch,
}

/// Runs a future to its end.
pub(crate) type Spawner = Arc<dyn Fn(Work<()>) + Send + Sync>;

/// What new tokens are obtained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantKind {
    RefreshToken,
    ClientCredentials,
}
