//! Every public async function can be spawned on a runtime with threads: its
//! future is `Send`, and with owned clones `'static`. The compiler is the judge;
//! `auth-tests` checks that none is missing here.

use std::sync::Arc;

use auth_core::{Clock, Demand, Refresh, Source, TokenRevocation, Transport};

/// What the `spawn` of a runtime with threads asks for.
fn spawned<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

/// Compiled, and never called.
#[allow(dead_code)]
fn every_function(refresh: Refresh, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) {
    spawned(async move { auth_core::refresh(refresh, &*transport, &*clock).await });
}

/// Compiled, and never called.
#[allow(dead_code)]
fn and_of_a_client(source: Source, demand: Demand) {
    spawned(async move { Source::read(&source).await });
    spawned(async move { Demand::meet(&demand).await });
}

/// Compiled, and never called.
#[allow(dead_code)]
fn and_to_revoke(
    revocation: TokenRevocation,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) {
    spawned(async move { auth_core::revoke(revocation, &*transport, &*clock).await });
}
