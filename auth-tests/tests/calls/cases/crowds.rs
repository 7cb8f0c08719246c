//! A hundred requests at once.

use std::sync::Arc;

use auth_testkit::{ApiResponse, CannedResponse, Gate};
use futures_util::future::join_all;

use crate::{
    asked::{Body, expect},
    case::{Client, Scene},
    world::World,
};

super::cases![
    a_hundred_that_meet_an_expired_token_make_one_refresh,
    a_hundred_that_are_refused_make_one_refresh,
    a_hundred_meet_a_refresh_that_is_under_way,
];

const CROWD: usize = 100;

async fn all_at_once(client: &Arc<dyn Client>, world: &World) {
    for came in join_all((0..CROWD).map(|_| client.call(world.post(Body::Bytes("a note"))))).await {
        expect(came, 200, "");
    }
}

async fn a_hundred_that_meet_an_expired_token_make_one_refresh(scene: Scene) {
    let world = scene.world().await;
    world.expire();
    let client = world.client();
    all_at_once(&client, &world).await;
    world.expect_counts(CROWD, 1);
    assert_eq!(world.tokens(), [1; CROWD]);
}

async fn a_hundred_that_are_refused_make_one_refresh(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    // All of them have sent the same token before the first response comes.
    let gate = Gate::new();
    let refusal = ApiResponse::from(CannedResponse::invalid_token());
    world.api.respond_next([refusal.times(CROWD).once_open(&gate)]);
    let open = async {
        gate.until_waiting(CROWD).await;
        gate.open();
    };
    tokio::join!(all_at_once(&client, &world), open);
    world.expect_counts(2 * CROWD, 1);
    assert_eq!(world.tokens(), [[1; CROWD], [2; CROWD]].concat());
}

async fn a_hundred_meet_a_refresh_that_is_under_way(scene: Scene) {
    let world = scene.world().await;
    world.expire();
    let client = world.client();
    let gate = Gate::new();
    world.server.hold_next(&gate);
    let open = async {
        gate.until_waiting(1).await;
        gate.open();
    };
    tokio::join!(all_at_once(&client, &world), open);
    world.expect_counts(CROWD, 1);
}
