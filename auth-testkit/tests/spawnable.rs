//! Every public async function can be spawned on a runtime with threads: its
//! future is `Send`, and with owned clones `'static`. The compiler is the judge;
//! `auth-tests` checks that none is missing here.

use auth_testkit::{FakeApi, Gate, VirtualClock};

/// What the `spawn` of a runtime with threads asks for.
fn spawned<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

/// Compiled, and never called.
#[allow(dead_code)]
fn every_function(gate: Gate, clock: VirtualClock, api: FakeApi) {
    spawned(async move { Gate::until_waiting(&gate, 1).await });
    spawned(async move { FakeApi::respond_async(&api, &http::Request::new("")).await });
    spawned(async move { VirtualClock::until_sleeping(&clock, 1).await });
}
