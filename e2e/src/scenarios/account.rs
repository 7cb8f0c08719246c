//! An account on a file store, and the network's faults.

use auth_accounts::AccountError;
use auth_core::FailureKind;

use super::ada::Ada;
use crate::{
    clients::{Adapter, Network},
    provider::ClientKind,
    proxy::Fault,
    timing::{GRACE_MS, TIMEOUT},
    world::World,
};

/// All faults in turn, with a server that lets a used refresh token pass for a
/// while, as most that rotate do.
pub(super) fn lives_through_faults(world: &World<'_>) {
    let faults = [
        Fault::ResetAtOnce,
        Fault::ResetAfterRequest,
        Fault::Stall,
        Fault::Page(502),
        Fault::Page(503),
        Fault::Page(504),
        Fault::PageAfterRotation(502),
        Fault::PageAfterRotation(504),
        Fault::LostAfterRotation,
        Fault::StalledAfterRotation,
        Fault::CutResponse,
    ];
    let World { provider, proxy, .. } = world;
    provider.set_grace(GRACE_MS);
    for adapter in Adapter::ALL {
        let ada = Ada::logged_in(world, adapter, Network::timeout(TIMEOUT));
        // Once, so that a retry mends it; and for longer than the retries
        // last, so that a setback is put on record.
        for (fault, times) in faults.iter().flat_map(|fault| [(fault, 1), (fault, 4)]) {
            proxy.script(&vec![*fault; times]);
            let token = ada.refresh_in_the_end();
            assert!(provider.accepts(token.access_token().expose()), "{adapter:?} {fault:?}");
            assert!(proxy.requests() > times as u64, "{fault:?} did not happen");
        }
    }
}

/// A server without grace, and the response lost: the session is over, and the
/// account says why; it asks no more, and a new login mends it.
pub(super) fn lost_without_grace(world: &World<'_>) {
    let World { provider, proxy, .. } = world;
    for adapter in Adapter::ALL {
        let ada = Ada::logged_in(world, adapter, Network::timeout(TIMEOUT));
        ada.refresh_now().expect("no fault yet");
        proxy.script(&[Fault::LostAfterRotation]);
        // The access token is good for an hour yet.
        let old = ada.token().expect("the current token");
        let is_over = |error: AccountError| {
            assert_eq!(error.kind(), Some(FailureKind::Rejected), "{error}");
            assert!(error.possibly_spent(), "{error}");
            assert!(error.to_string().contains("whose response was lost"), "{error}");
            assert_eq!(proxy.requests(), 2, "the lost one and one retry; nothing is sent again");
        };
        is_over(ada.refresh_now().expect_err("the server ended the session"));

        let kept = ada.token().expect("a refused refresh token spoils no access token");
        assert!(kept.access_token() == old.access_token());
        is_over(ada.refresh_now().expect_err("a dead token is not tried again"));
        is_over(ada.as_another_process().refresh_now().expect_err("nor by another process"));

        ada.log_in(&world.log_in(ClientKind::Basic));
        let token = ada.token().expect("after a login");
        assert!(
            provider.accepts(token.access_token().expose()),
            "{adapter:?}: {token:?}, expires at {:?}, {:?}",
            token.expires_at(),
            token.refresh_error()
        );
    }
}
