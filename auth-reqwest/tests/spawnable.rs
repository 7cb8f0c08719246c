//! Every public async function can be spawned on a runtime with threads: its
//! future is `Send`, and with owned clones `'static`. The compiler is the judge;
//! `auth-tests` checks that none is missing here.

use auth_accounts::{Account, calls::Calls};
use reqwest::{Client, Request, RequestBuilder};

/// What the `spawn` of a runtime with threads asks for.
fn spawned<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

/// Compiled, and never called.
#[allow(dead_code)]
fn every_function(
    client: &Client,
    account: &Account,
    calls: &Calls,
    request: impl Fn() -> Request,
    builder: RequestBuilder,
) {
    let (own, of) = (client.clone(), account.clone());
    spawned(async move { auth_reqwest::send(&own, &of, builder).await });
    let (own, calls, built) = (client.clone(), calls.clone(), request());
    spawned(async move { auth_reqwest::send_with_calls(&own, &calls, built).await });
    let (of, mut built) = (account.clone(), request());
    spawned(async move { auth_reqwest::attach(&of, &mut built).await });
}

#[test]
fn the_types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<auth_reqwest::ReqwestTransport>();
    #[cfg(feature = "middleware")]
    shared::<auth_reqwest::CallMiddleware>();
}
