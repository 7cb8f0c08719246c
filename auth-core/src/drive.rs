//! The drivers, in pairs: the same few lines over the machine, of which one set waits
//! without blocking.

use crate::{
    BlockingClock, BlockingTransport, Clock, Failure, Refresh, RefreshError, RevocationStep, Step,
    TimeSource, TokenRevocation, TokenSet, Transport,
};

/// Runs a refresh to its end, without blocking the thread.
///
/// Dropping the future abandons the refresh. If a request was in progress, the
/// server may have spent the refresh token.
///
/// # Errors
///
/// [`RefreshError`] after a failure that the policy does not retry, or after a
/// rejection.
pub async fn refresh(
    refresh: Refresh,
    transport: &(impl Transport + ?Sized),
    clock: &(impl Clock + ?Sized),
) -> Result<TokenSet, RefreshError> {
    let mut step = refresh.start(clock.now());
    loop {
        step = match step {
            Step::Prove(demand, proving) => {
                let met = demand.meet().await;
                proving.resolve(met, clock.now())
            }
            Step::Send(request, pending) => {
                let response = transport.send(request).await;
                pending.resolve(response, clock.now())
            }
            Step::Wait(delay, waiting) => {
                clock.sleep(delay).await;
                waiting.resume(clock.now())
            }
            Step::Challenge(waiting) => waiting.resume(clock.now()),
            Step::Done(result) => return result,
        };
    }
}

/// Runs a refresh to its end, blocking the thread.
///
/// # Errors
///
/// [`RefreshError`] after a failure that the policy does not retry, or after a
/// rejection.
pub fn refresh_blocking(
    refresh: Refresh,
    transport: &(impl BlockingTransport + ?Sized),
    clock: &(impl BlockingClock + ?Sized),
) -> Result<TokenSet, RefreshError> {
    let mut step = refresh.start(clock.now());
    loop {
        step = match step {
            Step::Prove(demand, proving) => {
                let met = demand.meet_blocking();
                proving.resolve(met, clock.now())
            }
            Step::Send(request, pending) => {
                let response = transport.send_blocking(request);
                pending.resolve(response, clock.now())
            }
            Step::Wait(delay, waiting) => {
                clock.sleep_blocking(delay);
                waiting.resume(clock.now())
            }
            Step::Challenge(waiting) => waiting.resume(clock.now()),
            Step::Done(result) => return result,
        };
    }
}

/// Revokes a refresh token, without blocking the thread. It is tried once.
///
/// # Errors
///
/// A [`Failure`] if the token may still be alive.
pub async fn revoke(
    revocation: TokenRevocation,
    transport: &(impl Transport + ?Sized),
    clock: &(impl TimeSource + ?Sized),
) -> Result<(), Failure> {
    let mut step = revocation.start(clock.now());
    loop {
        step = match step {
            RevocationStep::Prove(demand, proving) => {
                let met = demand.meet().await;
                proving.resolve(met, clock.now())
            }
            RevocationStep::Send(request, pending) => {
                let response = transport.send(request).await;
                pending.resolve(response, clock.now())
            }
            RevocationStep::Done(result) => return result,
        };
    }
}

/// Revokes a refresh token, blocking the thread. It is tried once.
///
/// # Errors
///
/// A [`Failure`] if the token may still be alive.
#[allow(clippy::result_large_err, reason = "as for `read_response`")]
pub fn revoke_blocking(
    revocation: TokenRevocation,
    transport: &(impl BlockingTransport + ?Sized),
    clock: &(impl TimeSource + ?Sized),
) -> Result<(), Failure> {
    let mut step = revocation.start(clock.now());
    loop {
        step = match step {
            RevocationStep::Prove(demand, proving) => {
                let met = demand.meet_blocking();
                proving.resolve(met, clock.now())
            }
            RevocationStep::Send(request, pending) => {
                let response = transport.send_blocking(request);
                pending.resolve(response, clock.now())
            }
            RevocationStep::Done(result) => return result,
        };
    }
}
