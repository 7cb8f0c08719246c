//! A caller who leaves.

use auth_testkit::{ApiResponse, CannedResponse, Gate};

use crate::{
    asked::{Body, expect},
    case::Scene,
};

super::cases![
    whoever_leaves_in_a_refresh_loses_nothing,
    whoever_leaves_in_a_refresh_after_a_401_loses_nothing,
    whoever_leaves_the_api_loses_nothing,
];

/// Polls it until the gate holds something back, and drops it.
async fn leave_at(gate: &Gate, call: impl Future) {
    tokio::select! {
        biased;
        _ = call => panic!("it did not wait"),
        () = gate.until_waiting(1) => {}
    }
}

async fn whoever_leaves_in_a_refresh_loses_nothing(scene: Scene) {
    let world = scene.world().await;
    world.expire();
    let client = world.client();
    let gate = Gate::new();
    world.server.hold_next(&gate);
    leave_at(&gate, client.call(world.post(Body::Bytes("a note")))).await;
    assert_eq!(world.api.report().calls, 0);

    // The token is spent by now. The next caller gets what comes of that.
    gate.open();
    expect(client.call(world.get()).await, 200, "");
    assert_eq!((world.server.report().requests, world.server.report().issued), (1, 1));
    world.server.assert_never_replayed();
}

async fn whoever_leaves_in_a_refresh_after_a_401_loses_nothing(scene: Scene) {
    let world = scene.world().await;
    world.kill_token("ada");
    let client = world.client();
    let gate = Gate::new();
    world.server.hold_next(&gate);
    leave_at(&gate, client.call(world.post(Body::Bytes("a note")))).await;
    assert_eq!(world.statuses(), [401]);

    gate.open();
    expect(client.call(world.get()).await, 200, "");
    assert_eq!((world.server.report().requests, world.server.report().issued), (1, 1));
    world.server.assert_never_replayed();
}

async fn whoever_leaves_the_api_loses_nothing(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    let gate = Gate::new();
    let refusal = ApiResponse::from(CannedResponse::invalid_token());
    world.api.respond_next([refusal.once_open(&gate)]);
    leave_at(&gate, client.call(world.post(Body::Bytes("a note")))).await;

    expect(client.call(world.get()).await, 200, "");
    gate.open();
    world.server.assert_never_replayed();
}
