//! Faults between client and server, through the adapters and the examples.

use std::time::{Duration, Instant};

use auth_core::{Delivery, FailureKind, RefreshError, RefreshToken, TokenSet};

use super::TIMEOUT;
use crate::{
    clients::{Adapter, Network, endpoint, run_example},
    provider::{ClientKind, Provider},
    proxy::{Fault, Proxy},
    report::Counts,
};

/// A server, the proxy before it, and one session there.
struct World {
    provider: Provider,
    proxy: Proxy,
    counts: Counts,
}

impl World {
    fn new() -> Self {
        let provider = Provider::start();
        let proxy = Proxy::before(provider.port());
        Self { provider, proxy, counts: Counts::default() }
    }

    /// One renewal of a fresh session with these faults on its way.
    fn renew(
        &self,
        adapter: Adapter,
        network: &Network,
        faults: &[Fault],
    ) -> (RefreshToken, Result<TokenSet, RefreshError>) {
        let session = self.provider.log_in(ClientKind::Post);
        let endpoint = endpoint(&self.proxy.url(), ClientKind::Post, &session);
        let token = RefreshToken::new(session.refresh_token);
        self.proxy.script(faults);
        let result = adapter.renew(&endpoint, &token, network);
        (token, result)
    }

    /// A renewal that survives these faults, in as many tries.
    fn survives(&mut self, adapter: Adapter, network: &Network, faults: &[Fault]) {
        let (_, result) = self.renew(adapter, network, faults);
        match result {
            Ok(tokens) => assert!(
                self.provider.accepts(tokens.access_token.expose()),
                "{adapter:?} {faults:?}"
            ),
            Err(error) => {
                self.counts.false_logouts += u64::from(error.kind() == FailureKind::Rejected);
                panic!("{adapter:?} {faults:?}: {error}");
            }
        }
        assert_eq!(self.proxy.requests(), faults.len() as u64 + 1, "{adapter:?} {faults:?}");
    }

    /// A renewal that these faults use up, and what it is called then. The
    /// session goes on with the same refresh token.
    fn gives_up(
        &mut self,
        adapter: Adapter,
        network: &Network,
        fault: Fault,
        (kind, delivery): (FailureKind, Delivery),
    ) {
        let (token, result) = self.renew(adapter, network, &[fault; 3]);
        let error = result.expect_err("three faults are more than the policy retries");
        assert_eq!(error.kind(), kind, "{adapter:?} {fault:?}: {error}");
        assert_eq!(error.failure().delivery(), delivery, "{adapter:?} {fault:?}: {error}");
        assert_eq!(error.attempts(), 3, "{adapter:?} {fault:?}: {error}");
        assert_eq!(self.proxy.requests(), 3, "one request a try");

        let session = self.provider.log_in(ClientKind::Post);
        let endpoint = endpoint(&self.proxy.url(), ClientKind::Post, &session);
        adapter.renew(&endpoint, &token, network).expect("the token was never spent");
    }

    fn finish(mut self) -> Counts {
        self.counts.add(&self.proxy.counts());
        self.counts
    }
}

pub(super) fn pages() -> Counts {
    let mut world = World::new();
    let network = Network::default();
    for adapter in Adapter::ALL {
        for status in [502, 503, 504] {
            let page = Fault::Page(status);
            world.survives(adapter, &network, &[page]);
            world.survives(adapter, &network, &[page, page]);
            let unavailable = (FailureKind::Unavailable, Delivery::Unknown);
            world.gives_up(adapter, &network, page, unavailable);
        }
    }
    assert_eq!(world.provider.stats().replays, 0);
    world.finish()
}

pub(super) fn resets() -> Counts {
    let mut world = World::new();
    let network = Network::default();
    for adapter in Adapter::ALL {
        world.survives(adapter, &network, &[Fault::ResetAtOnce, Fault::ResetAtOnce]);
        world.survives(adapter, &network, &[Fault::ResetAfterRequest, Fault::ResetAtOnce]);
        world.survives(adapter, &network, &[Fault::ResetAfterRequest, Fault::Page(502)]);
        let interrupted = (FailureKind::Interrupted, Delivery::Unknown);
        world.gives_up(adapter, &network, Fault::ResetAfterRequest, interrupted);
    }
    assert_eq!(world.provider.stats().replays, 0);
    world.finish()
}

pub(super) fn stalls() -> Counts {
    let mut world = World::new();
    let network = Network::timeout(TIMEOUT);
    for adapter in Adapter::ALL {
        world.survives(adapter, &network, &[Fault::Stall]);
        let started = Instant::now();
        let interrupted = (FailureKind::Interrupted, Delivery::Unknown);
        world.gives_up(adapter, &network, Fault::Stall, interrupted);
        assert!(started.elapsed() >= 3 * TIMEOUT, "three times the timeout");
    }
    assert_eq!(world.provider.stats().replays, 0);
    world.finish()
}

/// The faults in which the server rotates and the client does not hear of it.
const LOSSES: [Fault; 5] = [
    Fault::LostAfterRotation,
    Fault::StalledAfterRotation,
    Fault::CutAnswer,
    Fault::PageAfterRotation(502),
    Fault::PageAfterRotation(504),
];

/// A server that lets a used refresh token pass for a few seconds: the prompt
/// retry gets new tokens.
pub(super) fn lost_with_grace() -> Counts {
    let mut world = World::new();
    world.provider.set_grace(10_000);
    let network = Network::timeout(TIMEOUT);
    for adapter in Adapter::ALL {
        for fault in LOSSES {
            world.survives(adapter, &network, &[fault]);
            world.survives(adapter, &network, &[fault, fault]);
        }
    }
    let stats = world.provider.stats();
    // Two tries after a loss in one half of the cases, one in the other; all
    // of them within the grace.
    let replays = (Adapter::ALL.len() * LOSSES.len() * 3) as u64;
    assert_eq!((stats.replays, stats.refused), (replays, 0));
    assert_eq!(world.proxy.counts().unavoidable_replays, replays, "both sides count the same");
    world.finish()
}

/// A server without grace: nothing can save the session, but the error says
/// that the answer was lost, and does not blame the user.
pub(super) fn lost_without_grace() -> Counts {
    let mut world = World::new();
    let network = Network::timeout(TIMEOUT);
    for adapter in Adapter::ALL {
        for fault in LOSSES {
            let (_, result) = world.renew(adapter, &network, &[fault]);
            let error = result.expect_err("the server ended the session");
            assert_eq!(error.kind(), FailureKind::Rejected, "{adapter:?} {fault:?}: {error}");
            assert!(error.after_unknown(), "{adapter:?} {fault:?}: {error}");
            assert_eq!(world.proxy.requests(), 2, "a refused token is not tried again");
            world.counts.unavoidable_logouts += 1;
        }
    }
    world.finish()
}

/// What a person at a terminal sees of the same faults.
pub(super) fn examples() -> Counts {
    let world = World::new();
    let quick = ["--base-delay-ms", "50", "--timeout-ms", "1000"];
    for adapter in Adapter::ALL {
        for (faults, status, kind, attempts) in [
            (vec![Fault::Page(502), Fault::ResetAfterRequest], 0, None, 3),
            (vec![Fault::Stall], 0, None, 2),
            (vec![Fault::Page(503); 3], 4, Some("unavailable"), 3),
            (vec![Fault::ResetAfterRequest; 3], 4, Some("interrupted"), 3),
            (vec![Fault::LostAfterRotation], 3, Some("rejected"), 2),
        ] {
            let session = world.provider.log_in(ClientKind::Public);
            world.proxy.script(&faults);
            let ran = run_example(
                adapter,
                &world.proxy.url(),
                "public",
                &session.refresh_token,
                &quick,
                &[],
            );
            let context = format!("{adapter:?} {faults:?}: {} {}", ran.json, ran.stderr);
            assert_eq!(ran.status, status, "{context}");
            assert_eq!(ran.json["kind"].as_str(), kind, "{context}");
            assert_eq!(ran.json["attempts"], attempts, "{context}");
            assert!(!format!("{}{}", ran.json, ran.stderr).contains(&session.refresh_token));
            let waits: Vec<u64> = (0..attempts - 1).map(|number| 50 << number).collect();
            assert_eq!(ran.json["waits_ms"], serde_json::json!(waits), "{context}");
            assert!(ran.took >= Duration::from_millis(waits.iter().sum()), "{context}");
        }
    }
    let mut counts = world.finish();
    counts.unavoidable_logouts += Adapter::ALL.len() as u64;
    counts
}
