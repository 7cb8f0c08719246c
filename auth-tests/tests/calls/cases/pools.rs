//! Several accounts, of which any will do.

use std::time::Duration;

use auth_testkit::{ApiResponse, CannedResponse};

use crate::{
    asked::{Asked, Body, Failed, Lacking, expect},
    case::Scene,
    world::World,
};

super::cases![
    a_pool_moves_on_after_a_429,
    a_pool_moves_on_after_a_403,
    a_pool_that_meets_two_429_ends_with_the_second,
    a_pool_of_one_hands_out_its_429,
    a_pool_refreshes_after_a_401,
    a_pool_moves_on_from_a_session_that_is_over,
    a_pool_whose_sessions_are_over_has_no_token,
    a_pool_sends_a_stream_once,
];

/// The subjects of the calls.
fn subjects(world: &World) -> Vec<String> {
    let subject = |at| world.subject_at(at).unwrap_or_default();
    (0..world.api.report().calls).map(subject).collect()
}

fn note(world: &World) -> Asked {
    world.post(Body::Bytes("a note"))
}

fn limited() -> CannedResponse {
    CannedResponse::status(429).header("retry-after", "600").body("too many")
}

async fn a_pool_moves_on_after_a_429(scene: Scene) {
    let world = scene.world().await;
    let client = world.client_of_pool(&["ada", "bob"]);
    world.api.respond_next([ApiResponse::from(limited()).to_subject("ada")]);
    expect(client.call(note(&world)).await, 200, "");
    // What the API asked for is kept to, and ends.
    world.clock().advance(Duration::from_secs(599));
    expect(client.call(note(&world)).await, 200, "");
    world.clock().advance(Duration::from_secs(2));
    expect(client.call(note(&world)).await, 200, "");
    assert_eq!(subjects(&world), ["ada", "bob", "bob", "ada"]);
    world.expect_counts(4, 0);
}

async fn a_pool_moves_on_after_a_403(scene: Scene) {
    let world = scene.world().await;
    let client = world.client_of_pool(&["ada", "bob"]);
    // What the challenge says is about the account: another may have the scope.
    let refusal = CannedResponse::insufficient_scope("notes:write");
    world.api.respond_next([ApiResponse::from(refusal).to_subject("ada")]);
    expect(client.call(note(&world)).await, 200, "");
    expect(client.call(note(&world)).await, 200, "");
    assert_eq!(subjects(&world), ["ada", "bob", "bob"]);
    world.expect_counts(3, 0);
}

async fn a_pool_that_meets_two_429_ends_with_the_second(scene: Scene) {
    let world = scene.world().await;
    let client = world.client_of_pool(&["ada", "bob"]);
    world.api.respond_next([ApiResponse::from(limited()).times(2)]);
    let answered = expect(client.call(note(&world)).await, 429, "Twice");
    assert_eq!(answered.body, b"too many");
    assert_eq!(subjects(&world), ["ada", "bob"]);

    // Both are used up: nothing is sent.
    match client.call(note(&world)).await {
        Err(Failed::NoToken(Lacking::Pool(error))) => {
            let wait = error.retry_after(world.clock().now().wall);
            assert_eq!((error.waiting(), wait), (2, Some(Duration::from_secs(600))));
        }
        other => panic!("{other:?}"),
    }
    world.expect_counts(2, 0);
}

async fn a_pool_of_one_hands_out_its_429(scene: Scene) {
    let world = scene.world().await;
    let client = world.client_of_pool(&["ada"]);
    world.api.respond_next([limited()]);
    let answered = expect(client.call(note(&world)).await, 429, "NoOther");
    assert_eq!(answered.body, b"too many");
    world.expect_counts(1, 0);
}

async fn a_pool_refreshes_after_a_401(scene: Scene) {
    let world = scene.world().await;
    world.kill_token("ada");
    let client = world.client_of_pool(&["ada", "bob"]);
    expect(client.call(note(&world)).await, 200, "");
    assert_eq!(subjects(&world), ["", "ada"]);
    world.expect_counts(2, 1);
}

async fn a_pool_moves_on_from_a_session_that_is_over(scene: Scene) {
    let world = scene.world().await;
    world.server.revoke("ada");
    let client = world.client_of_pool(&["ada", "bob"]);
    expect(client.call(note(&world)).await, 200, "");
    assert_eq!(subjects(&world), ["", "bob"]);
    world.expect_counts(2, 1);
}

async fn a_pool_whose_sessions_are_over_has_no_token(scene: Scene) {
    let world = scene.world().await;
    world.server.revoke("ada");
    let client = world.client_of_pool(&["ada"]);
    match client.call(note(&world)).await {
        Err(Failed::NoToken(Lacking::Pool(error))) => assert_eq!(error.login_needed(), 1),
        other => panic!("{other:?}"),
    }
    world.expect_counts(1, 1);
}

async fn a_pool_sends_a_stream_once(scene: Scene) {
    let world = scene.world().await;
    let client = world.client_of_pool(&["ada", "bob"]);
    world.api.respond_next([limited()]);
    let answered = client.call(world.post(Body::Stream("a long note"))).await.unwrap();
    assert_eq!(answered.status, 429);
    expect(client.call(world.post(Body::Stream("a long note"))).await, 200, "");
    assert_eq!(subjects(&world), ["ada", "bob"]);
    world.expect_counts(2, 0);
}
