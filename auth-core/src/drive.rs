//! The two drivers: the same seven lines over the machine, one of which waits
//! without blocking.

use crate::{
    BlockingClock, BlockingTransport, Clock, Refresh, RefreshError, Step, TokenSet, Transport,
};

/// Carries a refresh through, without blocking.
///
/// Dropping the future gives the refresh up. If a request was under way, the
/// refresh token may be spent.
///
/// # Errors
///
/// [`RefreshError`] once the policy says stop.
pub async fn refresh(
    refresh: Refresh,
    transport: &(impl Transport + ?Sized),
    clock: &(impl Clock + ?Sized),
) -> Result<TokenSet, RefreshError> {
    let mut step = refresh.start(clock.now());
    loop {
        step = match step {
            Step::Send(request, pending) => {
                let response = transport.send(request).await;
                pending.resolve(response, clock.now())
            }
            Step::Wait(delay, waiting) => {
                clock.sleep(delay).await;
                waiting.resume(clock.now())
            }
            Step::Done(result) => return result,
        };
    }
}

/// Carries a refresh through, blocking the thread.
///
/// # Errors
///
/// [`RefreshError`] once the policy says stop.
pub fn refresh_blocking(
    refresh: Refresh,
    transport: &(impl BlockingTransport + ?Sized),
    clock: &(impl BlockingClock + ?Sized),
) -> Result<TokenSet, RefreshError> {
    let mut step = refresh.start(clock.now());
    loop {
        step = match step {
            Step::Send(request, pending) => {
                let response = transport.send_blocking(request);
                pending.resolve(response, clock.now())
            }
            Step::Wait(delay, waiting) => {
                clock.sleep_blocking(delay);
                waiting.resume(clock.now())
            }
            Step::Done(result) => return result,
        };
    }
}
