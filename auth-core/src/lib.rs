#![doc = include_str!("../docs/crate.md")]

mod clock;
mod drive;
mod endpoint;
mod events;
mod failure;
#[doc(hidden)]
pub mod internal;
mod json;
mod policy;
mod refresh;
mod request;
mod response;
mod response_reader;
mod rules;
mod scrub;
pub mod serde_exposed;
mod token;
mod transport;

pub use crate::{
    clock::{BlockingClock, Clock, Now, TimeSource},
    drive::{refresh, refresh_blocking},
    endpoint::{
        BodyFormat, ClientAuth, ClientSecret, DEFAULT_RESPONSE_LIMIT, EndpointError, TokenEndpoint,
        presets,
    },
    failure::{Advice, Delivery, ErrorCode, Failure, FailureKind, Unreadable},
    policy::{
        Attempt, Backoff, Decision, Delays, Jitter, RetryBudget, RetryPolicy, RetryRun,
        RetrySchedule,
    },
    refresh::{Pending, Refresh, RefreshError, Step, Waiting},
    request::{Grant, Request},
    response::read_response,
    response_reader::ResponseReader,
    rules::Rule,
    serde_exposed::TokenFormError,
    token::{AccessToken, Extra, RefreshToken, TokenSet},
    transport::{BlockingTransport, Response, Transport, TransportError, TransportErrorKind},
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
