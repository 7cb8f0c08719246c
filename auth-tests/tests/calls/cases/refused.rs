//! A token that the API does not take.

use auth_testkit::CannedResponse;
use http::StatusCode;

use crate::{
    asked::{Body, expect},
    case::Scene,
    world::Source,
};

super::cases![
    a_good_token_costs_one_request,
    a_200_comes_after_one_401,
    two_401_end_with_the_second_response,
    a_stream_is_not_sent_twice,
    a_stream_that_is_refused_says_why,
    a_stream_arrives_whole,
    a_403_is_handed_out,
    a_419_refreshes_where_that_is_set,
    a_419_is_handed_out_where_nothing_is_set,
    a_429_of_one_account_is_handed_out,
];

async fn a_good_token_costs_one_request(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    expect(client.call(world.get()).await, 200, "");
    expect(client.call(world.get()).await, 200, "");
    world.expect_counts(2, 0);
    assert_eq!(world.tokens(), [1, 1]);
}

async fn a_200_comes_after_one_401(scene: Scene) {
    let world = scene.world().await;
    world.kill_token("ada");
    let client = world.client();
    expect(client.call(world.post(Body::Bytes("a note"))).await, 200, "");

    world.expect_counts(2, 1);
    assert_eq!((world.statuses(), world.tokens()), (vec![401, 200], vec![1, 2]));
    for call in world.api.calls() {
        assert_eq!(call.request().method(), "POST");
        assert_eq!(call.body(), Some(&b"a note"[..]), "the body of both");
    }
    // And from then on with the new one.
    expect(client.call(world.get()).await, 200, "");
    world.expect_counts(3, 1);
}

async fn two_401_end_with_the_second_response(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    let refusal = |text: &str| CannedResponse::invalid_token().body(text);
    world.api.respond_next([refusal("the first"), refusal("the second")]);
    let answered = expect(client.call(world.post(Body::Bytes("a note"))).await, 401, "Twice");

    assert_eq!(answered.body, b"the second");
    world.expect_counts(2, 1);
    // The second token was refused, too: the next request has a third.
    expect(client.call(world.get()).await, 200, "");
    world.expect_counts(3, 2);
    assert_eq!(world.tokens(), [1, 2, 3]);
}

async fn a_stream_is_not_sent_twice(scene: Scene) {
    let world = scene.world().await;
    world.kill_token("ada");
    let client = world.client();
    let answered = client.call(world.post(Body::Stream("a long note"))).await.unwrap();
    assert_eq!(answered.status, 401);
    // Nothing is obtained for nobody.
    world.expect_counts(1, 0);

    expect(client.call(world.post(Body::Stream("a long note"))).await, 200, "");
    world.expect_counts(2, 1);
    assert_eq!(world.tokens(), [1, 2]);
}

async fn a_stream_that_is_refused_says_why(scene: Scene) {
    let world = scene.world().await;
    world.kill_token("ada");
    expect(world.client().call(world.post(Body::Stream("a long note"))).await, 401, "Body");
    world.expect_counts(1, 0);
}

async fn a_stream_arrives_whole(scene: Scene) {
    let world = scene.world().await;
    expect(world.client().call(world.post(Body::Stream("a long note"))).await, 200, "");
    world.expect_counts(1, 0);
    assert_eq!(world.api.calls()[0].body(), Some(&b"a long note"[..]));
}

async fn a_403_is_handed_out(scene: Scene) {
    let world = scene.world().await;
    world.api.respond_next([CannedResponse::status(403).body("not for you")]);
    let client = world.client();
    let answered = expect(client.call(world.get()).await, 403, "");
    assert_eq!(answered.body, b"not for you");
    expect(client.call(world.get()).await, 200, "");
    world.expect_counts(2, 0);
    assert_eq!(world.tokens(), [1, 1]);
}

async fn a_419_refreshes_where_that_is_set(scene: Scene) {
    let world = scene.world().await;
    world.api.respond_next([CannedResponse::status(419)]);
    let client = world.client_of(Source::Account(world.account("ada")), |mut plan| {
        plan.also_refused_at = vec![StatusCode::from_u16(419).unwrap()];
        plan
    });
    expect(client.call(world.post(Body::Bytes("a note"))).await, 200, "");
    world.expect_counts(2, 1);
    assert_eq!(world.tokens(), [1, 2]);
}

async fn a_419_is_handed_out_where_nothing_is_set(scene: Scene) {
    let world = scene.world().await;
    world.api.respond_next([CannedResponse::status(419)]);
    expect(world.client().call(world.get()).await, 419, "");
    world.expect_counts(1, 0);
}

async fn a_429_of_one_account_is_handed_out(scene: Scene) {
    let world = scene.world().await;
    world.api.respond_next([CannedResponse::status(429).header("retry-after", "60")]);
    expect(world.client().call(world.get()).await, 429, "");
    world.expect_counts(1, 0);
}
