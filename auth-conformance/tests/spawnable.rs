//! Every public async function can be spawned on a runtime with threads: its
//! future is `Send`, and with owned clones `'static`. The compiler is the judge;
//! `auth-tests` checks that none is missing here.

use auth_conformance::{StoreSuite, TransportSettings, TransportSuite};
use auth_core::Transport;

/// What the `spawn` of a runtime with threads asks for.
fn spawned<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

/// Compiled, and never called.
#[allow(dead_code)]
fn every_function<T: Transport + 'static>(
    transports: TransportSuite<fn(&TransportSettings) -> T>,
    another: TransportSuite<fn(&TransportSettings) -> T>,
    stores: StoreSuite,
) {
    spawned(async move { TransportSuite::run(transports).await });
    spawned(async move { TransportSuite::make_the_call(another).await });
    spawned(async move { StoreSuite::run(stores).await });
}
