//! A case, a kind of client, and how the one is run over the other.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use auth_testkit::NonceRule;

use crate::{
    asked::{Asked, Came},
    cases, excused,
    world::{Plan, Protocol, World},
};

pub(crate) type Running<T = ()> = Pin<Box<dyn Future<Output = T>>>;

/// What happens once, and what a client has to make of it. It fails by a panic.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Scene) -> Running,
}

/// A redirect, after a request that carries a token.
#[derive(Clone, Copy)]
pub(crate) struct Redirect {
    pub(crate) status: u16,
    pub(crate) has_body: bool,
    pub(crate) has_proof: bool,
}

/// What a client does about a redirect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtRedirect {
    Follows,
    /// The program gets the redirect.
    HandsOut,
    Fails,
}

/// A kind of client.
pub(crate) trait Kind: Sync {
    fn name(&self) -> &'static str;

    fn protocol(&self) -> Protocol {
        Protocol::Http
    }

    /// What it does about a redirect.
    fn at_redirect(&self, redirect: Redirect) -> AtRedirect;

    /// A client by this plan, or what it has no way for.
    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str>;
}

/// A client that carries tokens.
pub(crate) trait Client {
    /// Sends a request. Whoever drops the future leaves; a thread cannot be dropped, and
    /// goes on without its caller.
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + Send>>;
}

/// Where a case gets its worlds from.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) kind: &'static dyn Kind,
}

impl Scene {
    /// A world in which ada and bob are logged in.
    pub(crate) async fn world(&self) -> World {
        World::new(self.kind, None).await
    }

    /// The same with tokens that are bound to a key.
    pub(crate) async fn world_with_proofs(&self, nonces: NonceRule) -> World {
        World::new(self.kind, Some(nonces)).await
    }
}

/// Runs every case over this kind of client.
pub(crate) fn run(kind: &'static dyn Kind) {
    let mut faults = Vec::new();
    for case in cases::all() {
        let failed = failure(&case, kind);
        match (excused::reason(kind.name(), case.name), failed) {
            (None, Some(why)) => faults.push(format!("{}, {}: {why}", kind.name(), case.name)),
            (Some(reason), None) => faults.push(format!(
                "{}, {}: needs no excuse any more; it was: {reason}",
                kind.name(),
                case.name
            )),
            _ => {}
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Why it fails.
fn failure(case: &Case, kind: &'static dyn Kind) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = case.run;
    // What hangs fails. It takes a thousandth of that.
    let limited =
        async move { tokio::time::timeout(Duration::from_secs(60), run(Scene { kind })).await };
    let result = catch_unwind(AssertUnwindSafe(|| runtime.block_on(limited)));
    // There may be threads that wait for a case that has failed.
    runtime.shutdown_background();
    match result {
        Ok(Ok(())) => None,
        Ok(Err(_)) => Some("it hangs".to_owned()),
        Err(panic) => Some(match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(panic) => match panic.downcast::<&'static str>() {
                Ok(text) => (*text).to_owned(),
                Err(_) => "a panic without words".to_owned(),
            },
        }),
    }
}
