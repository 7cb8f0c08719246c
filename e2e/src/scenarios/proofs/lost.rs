//! Responses that are lost.

use auth_core::{FailureKind, RefreshError, RefreshToken, TokenEndpoint, TokenSet};

use crate::{
    clients::{Adapter, Network, endpoint},
    provider::{ClientKind, Session},
    proxy::Fault,
    timing::GRACE_MS,
    world::World,
};

/// A session whose endpoint knows the server's nonce, if there is one.
fn acquainted(
    world: &World<'_>,
    adapter: Adapter,
    client: ClientKind,
) -> (Session, TokenEndpoint, RefreshToken) {
    world.proxy.script(&[]);
    let session = world.log_in(client);
    let endpoint = endpoint(&world.proxy.url(), &session);
    let token = RefreshToken::new(&session.refresh_token);
    let tokens = world
        .refresh_by(&endpoint, adapter, &session, &token, &Network::default())
        .unwrap_or_else(|error| panic!("{adapter:?} {client:?}: {error}"));
    (session, endpoint, tokens.refresh_token.expect("a refresh token"))
}

/// A refresh whose first response is lost once the token was rotated.
fn lost(world: &World<'_>, adapter: Adapter, client: ClientKind) -> Result<TokenSet, RefreshError> {
    let (session, endpoint, token) = acquainted(world, adapter, client);
    world.proxy.script(&[Fault::LostAfterRotation]);
    world.refresh_by(&endpoint, adapter, &session, &token, &Network::default())
}

/// A retry proves anew who asks, and so is no replay of the proof.
pub(in crate::scenarios) fn with_grace(world: &World<'_>) {
    world.provider.set_grace(GRACE_MS);
    for adapter in Adapter::ALL {
        for client in ClientKind::PROVING {
            let tokens = lost(world, adapter, client)
                .unwrap_or_else(|error| panic!("{adapter:?} {client:?}: {error}"));
            let binding = world.provider.binding(tokens.access_token.expose());
            assert!(binding.lives, "{adapter:?} {client:?}");
            assert_eq!(world.proxy.requests(), 2, "{adapter:?} {client:?}");
        }
    }
    assert_eq!(world.provider.stats().refused, 0);
}

/// The error blames the lost response, and neither the user nor the proof.
pub(in crate::scenarios) fn without_grace(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in ClientKind::PROVING {
            let error = lost(world, adapter, client).expect_err("the server ended the session");
            assert_eq!(error.kind(), FailureKind::Rejected, "{adapter:?} {client:?}: {error}");
            assert!(error.possibly_spent(), "{adapter:?} {client:?}: {error}");
            assert_eq!(world.proxy.requests(), 2, "{adapter:?} {client:?}");
        }
    }
}

/// It is the demand for a nonce that is lost, at a server without grace: the token
/// is not spent, and the retry is asked again.
pub(in crate::scenarios) fn challenges(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in [ClientKind::DpopNonce, ClientKind::AssertionDpopNonce] {
            for fault in
                [Fault::LostAfterRotation, Fault::PageAfterRotation(502), Fault::CutResponse]
            {
                let session = world.log_in(client);
                let endpoint = endpoint(&world.proxy.url(), &session);
                let token = RefreshToken::new(&session.refresh_token);
                world.proxy.script(&[fault]);
                world
                    .refresh_by(&endpoint, adapter, &session, &token, &Network::default())
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {fault:?}: {error}"));
                assert_eq!(world.proxy.requests(), 3, "{adapter:?} {client:?} {fault:?}");
            }
        }
    }
    let stats = world.provider.stats();
    assert_eq!((stats.replays, stats.refused), (0, 0));
}
