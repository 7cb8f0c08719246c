#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line
// and of the lines above it; `auth-tests/tests/layers` checks that.
//
// layer: cause clock host json outcome proxy validity
// layer: lifetime -- when a token expires
// layer: rules -- what error codes mean
// layer: redact -- what may be shown
// layer: token
// layer: credential -- what a client shows of itself
// layer: signing
// layer: client_auth
// layer: dpop
// layer: token_request
// layer: assertion token_exchange -- what stands for somebody in a grant
// layer: request
// layer: transport
// layer: failure
// layer: endpoint policy response serde_exposed -- the request, what came back, whether to try again
// layer: internal -- what the sibling crates share
// layer: refresh revoke -- the machines
// layer: drive

mod assertion;
mod cause;
mod client_auth;
mod clock;
mod credential;
mod dpop;
mod drive;
mod endpoint;
mod failure;
mod host;
#[doc(hidden)]
pub mod internal;
mod json;
mod lifetime;
mod outcome;
mod policy;
mod proxy;
mod redact;
mod refresh;
mod request;
mod response;
mod revoke;
mod rules;
pub mod serde_exposed;
mod signing;
mod token;
mod token_exchange;
mod token_request;
mod transport;
mod validity;

/// The macro by which [`Transport`] and [`Clock`] are implemented.
pub use async_trait::async_trait;
/// Its types appear in this crate's API.
pub use http;

pub use crate::{
    assertion::{Assertion, SignedAssertion},
    client_auth::{
        About, Audience, BasicAuth, ClientAssertion, ClientAuth, ClientAuthentication,
        ClientSecret, Credentials, Identity,
    },
    clock::{BackgroundTask, BlockingClock, Clock, Now, Runtime, TimeSource},
    credential::{
        AsyncCredentialSource, Credential, CredentialError, CredentialErrorKind, CredentialSource,
        Source,
    },
    dpop::{Dpop, KeyRing},
    drive::{refresh, refresh_blocking, revoke, revoke_blocking},
    endpoint::{
        BodyFormat, DEFAULT_RESPONSE_LIMIT, EndpointError, EndpointFormError, TokenEndpoint,
        presets,
    },
    failure::{Failure, Unreadable},
    outcome::{Advice, Delivery, FailureKind},
    policy::{
        Attempt, Backoff, Decision, Delays, Jitter, RetryBudget, RetryPolicy, RetryRun,
        RetrySchedule,
    },
    refresh::{Pending, Proving, Refresh, RefreshError, Step, Waiting},
    request::{Grant, Request},
    response::{ClaimsChallenge, StepUp, StepUpError, asks_for_dpop_nonce, read_response},
    revoke::{PendingRevocation, ProvingRevocation, RevocationStep, TokenRevocation},
    rules::{ErrorCode, Rule},
    signing::{AsyncSigner, Demand, KeyInfo, Signer, SigningAlgorithm, SigningKey, ToSign},
    token::{AccessToken, Extra, RefreshToken, TokenFormError, TokenSet},
    token_exchange::TokenExchange,
    token_request::TokenRequest,
    transport::{
        BlockingTransport, Deadline, Response, ResponseReader, Transport, TransportError,
        TransportErrorKind,
    },
};

/// Some moment, always the same, for the tests of the modules.
#[cfg(test)]
fn test_now() -> Now {
    use std::{sync::OnceLock, time::*};

    static START: OnceLock<Instant> = OnceLock::new();
    #[allow(clippy::disallowed_methods)]
    let monotonic = *START.get_or_init(Instant::now);
    Now { monotonic, wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) }
}
