//! Events of a refresh, sent to `tracing` if the feature of that name is on. They
//! never contain a secret.
//!
//! The target is `auth_core::refresh`. Attempts are `DEBUG`, successes `INFO`,
//! retries `WARN`, a final failure `ERROR`.

use std::time::Duration;

use super::error::RefreshError;
use crate::{Failure, TokenEndpoint};

#[cfg(feature = "tracing")]
mod on {
    use super::{Duration, Failure, RefreshError, TokenEndpoint};

    const TARGET: &str = "auth_core::refresh";

    fn millis(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    pub(in crate::refresh) fn attempt(endpoint: &TokenEndpoint, number: u32) {
        tracing::debug!(target: TARGET, host = endpoint.host(), attempt = number, "sending");
    }

    pub(in crate::refresh) fn retry(
        endpoint: &TokenEndpoint,
        number: u32,
        failure: &Failure,
        wait: Duration,
    ) {
        tracing::warn!(
            target: TARGET,
            host = endpoint.host(),
            attempt = number,
            kind = failure.kind().as_str(),
            delivery = failure.delivery().as_str(),
            status = failure.status().map(|status| status.as_u16()),
            code = failure.code().map(crate::ErrorCode::as_str),
            wait_ms = millis(wait),
            "attempt failed, will retry: {failure}"
        );
    }

    pub(in crate::refresh) fn refreshed(
        endpoint: &TokenEndpoint,
        attempts: u32,
        elapsed: Duration,
    ) {
        tracing::info!(
            target: TARGET,
            host = endpoint.host(),
            attempts,
            elapsed_ms = millis(elapsed),
            "refreshed"
        );
    }

    pub(in crate::refresh) fn failed(endpoint: &TokenEndpoint, error: &RefreshError) {
        tracing::error!(
            target: TARGET,
            host = endpoint.host(),
            attempts = error.attempts(),
            elapsed_ms = millis(error.elapsed()),
            kind = error.kind().as_str(),
            delivery = error.failure().delivery().as_str(),
            status = error.failure().status().map(|status| status.as_u16()),
            code = error.failure().code().map(crate::ErrorCode::as_str),
            retry_after_ms = error.retry_after().map(millis),
            "{error}"
        );
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use super::{Duration, Failure, RefreshError, TokenEndpoint};

    pub(in crate::refresh) fn attempt(_: &TokenEndpoint, _: u32) {}
    pub(in crate::refresh) fn retry(_: &TokenEndpoint, _: u32, _: &Failure, _: Duration) {}
    pub(in crate::refresh) fn refreshed(_: &TokenEndpoint, _: u32, _: Duration) {}
    pub(in crate::refresh) fn failed(_: &TokenEndpoint, _: &RefreshError) {}
}

#[cfg(not(feature = "tracing"))]
pub(super) use off::{attempt, failed, refreshed, retry};
#[cfg(feature = "tracing")]
pub(super) use on::{attempt, failed, refreshed, retry};
