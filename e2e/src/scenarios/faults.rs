//! Faults between client and server, through the adapters and the examples.

use std::time::{Duration, Instant};

use auth_core::{Delivery, FailureKind, RefreshError, RefreshToken, TokenSet};

use crate::{
    clients::{Adapter, Network},
    provider::{ClientKind, Session},
    proxy::Fault,
    timing::{GRACE_MS, TIMEOUT},
    world::World,
};

/// One refresh of a fresh session with these faults on its way.
fn refresh(
    world: &World<'_>,
    adapter: Adapter,
    network: &Network,
    faults: &[Fault],
) -> (Session, Result<TokenSet, RefreshError>) {
    let session = world.log_in(ClientKind::Post);
    let token = RefreshToken::new(&session.refresh_token);
    world.proxy.script(faults);
    let result = world.refresh(adapter, &session, &token, network);
    (session, result)
}

/// A refresh that survives these faults, in as many tries.
fn survives(world: &World<'_>, adapter: Adapter, network: &Network, faults: &[Fault]) {
    let (_, result) = refresh(world, adapter, network, faults);
    let tokens = result.unwrap_or_else(|error| panic!("{adapter:?} {faults:?}: {error}"));
    assert!(world.provider.accepts(tokens.access_token.expose()), "{adapter:?} {faults:?}");
    assert_eq!(world.proxy.requests(), faults.len() as u64 + 1, "{adapter:?} {faults:?}");
}

/// A refresh that these faults use up, and what it is called then. The session
/// goes on with the same refresh token.
fn gives_up(
    world: &World<'_>,
    adapter: Adapter,
    network: &Network,
    fault: Fault,
    (kind, delivery): (FailureKind, Delivery),
) {
    let (session, result) = refresh(world, adapter, network, &[fault; 3]);
    let error = result.expect_err("three faults are more than the policy retries");
    assert_eq!(error.kind(), kind, "{adapter:?} {fault:?}: {error}");
    assert_eq!(error.failure().delivery(), delivery, "{adapter:?} {fault:?}: {error}");
    assert_eq!(error.attempts(), 3, "{adapter:?} {fault:?}: {error}");
    assert_eq!(world.proxy.requests(), 3, "one request a try");

    let token = RefreshToken::new(&session.refresh_token);
    world.refresh(adapter, &session, &token, network).expect("the token was never spent");
}

pub(super) fn pages(world: &World<'_>) {
    let network = Network::default();
    for adapter in Adapter::ALL {
        for status in [502, 503, 504] {
            let page = Fault::Page(status);
            survives(world, adapter, &network, &[page]);
            survives(world, adapter, &network, &[page, page]);
            let unavailable = (FailureKind::Unavailable, Delivery::Unknown);
            gives_up(world, adapter, &network, page, unavailable);
        }
    }
    assert_eq!(world.provider.stats().replays, 0);
}

pub(super) fn resets(world: &World<'_>) {
    let network = Network::default();
    for adapter in Adapter::ALL {
        survives(world, adapter, &network, &[Fault::ResetAtOnce, Fault::ResetAtOnce]);
        survives(world, adapter, &network, &[Fault::ResetAfterRequest, Fault::ResetAtOnce]);
        survives(world, adapter, &network, &[Fault::ResetAfterRequest, Fault::Page(502)]);
        let interrupted = (FailureKind::Interrupted, Delivery::Unknown);
        gives_up(world, adapter, &network, Fault::ResetAfterRequest, interrupted);
    }
    assert_eq!(world.provider.stats().replays, 0);
}

pub(super) fn stalls(world: &World<'_>) {
    let network = Network::timeout(TIMEOUT);
    for adapter in Adapter::ALL {
        survives(world, adapter, &network, &[Fault::Stall]);
        let started = Instant::now();
        let interrupted = (FailureKind::Interrupted, Delivery::Unknown);
        gives_up(world, adapter, &network, Fault::Stall, interrupted);
        assert!(started.elapsed() >= 3 * TIMEOUT, "three times the timeout");
    }
    assert_eq!(world.provider.stats().replays, 0);
}

/// The faults in which the server rotates and the client does not hear of it.
const LOSSES: [Fault; 5] = [
    Fault::LostAfterRotation,
    Fault::StalledAfterRotation,
    Fault::CutResponse,
    Fault::PageAfterRotation(502),
    Fault::PageAfterRotation(504),
];

/// A server that lets a used refresh token pass for a few seconds: the prompt
/// retry gets new tokens.
pub(super) fn lost_with_grace(world: &World<'_>) {
    world.provider.set_grace(GRACE_MS);
    let network = Network::timeout(TIMEOUT);
    for adapter in Adapter::ALL {
        for fault in LOSSES {
            survives(world, adapter, &network, &[fault]);
            survives(world, adapter, &network, &[fault, fault]);
        }
    }
    let stats = world.provider.stats();
    // Two tries after a loss in one half of the cases, one in the other; all
    // of them within the grace.
    let replays = (Adapter::ALL.len() * LOSSES.len() * 3) as u64;
    assert_eq!((stats.replays, stats.refused), (replays, 0));
    assert_eq!(world.proxy.uses().unavoidable_replays, replays);
}

/// A server without grace: nothing can save the session, but the error says
/// that the response was lost, and does not blame the user.
pub(super) fn lost_without_grace(world: &World<'_>) {
    let network = Network::timeout(TIMEOUT);
    for adapter in Adapter::ALL {
        for fault in LOSSES {
            let (_, result) = refresh(world, adapter, &network, &[fault]);
            let error = result.expect_err("the server ended the session");
            assert_eq!(error.kind(), FailureKind::Rejected, "{adapter:?} {fault:?}: {error}");
            assert!(error.possibly_spent(), "{adapter:?} {fault:?}: {error}");
            assert_eq!(world.proxy.requests(), 2, "a refused token is not tried again");
        }
    }
    let ended = (Adapter::ALL.len() * LOSSES.len()) as u64;
    assert_eq!(world.provider.stats().families_revoked, ended);
}

/// What a person at a terminal sees of the same faults.
pub(super) fn examples(world: &World<'_>) {
    let quick = ["--base-delay-ms", "50", "--timeout-ms", "1000"];
    for adapter in Adapter::ALL {
        for (faults, status, kind, attempts) in [
            (vec![Fault::Page(502), Fault::ResetAfterRequest], 0, None, 3),
            (vec![Fault::Stall], 0, None, 2),
            (vec![Fault::Page(503); 3], 4, Some("unavailable"), 3),
            (vec![Fault::ResetAfterRequest; 3], 4, Some("interrupted"), 3),
            (vec![Fault::LostAfterRotation], 3, Some("rejected"), 2),
        ] {
            let session = world.log_in(ClientKind::Public);
            world.proxy.script(&faults);
            let ran = world.run_example(adapter, &session, &session.refresh_token, &quick, &[]);
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
    assert_eq!(world.provider.stats().families_revoked, Adapter::ALL.len() as u64);
}
