//! What a request brings of its own.

use crate::{
    asked::{Body, Failed, expect},
    case::Scene,
    world::Source,
};

super::cases![
    each_request_has_an_account_of_its_own,
    an_account_of_the_request_goes_before_the_clients,
    a_request_that_names_no_account_is_not_sent,
    an_authorization_of_ones_own_is_left_alone,
];

async fn each_request_has_an_account_of_its_own(scene: Scene) {
    let world = scene.world().await;
    world.kill_token("bob");
    let client = world.client_of(Source::Requests, |plan| plan);
    for name in ["ada", "bob"] {
        let asked = world.post(Body::Bytes("a note")).by(world.account(name));
        expect(client.call(asked).await, 200, "");
    }
    let subjects: Vec<_> = (0..3).map(|at| world.subject_at(at).unwrap_or_default()).collect();
    assert_eq!(subjects, ["ada", "", "bob"]);
    world.expect_counts(3, 1);
}

async fn an_account_of_the_request_goes_before_the_clients(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    expect(client.call(world.get().by(world.account("bob"))).await, 200, "");
    expect(client.call(world.get()).await, 200, "");
    let subjects: Vec<_> = (0..2).map(|at| world.subject_at(at).unwrap_or_default()).collect();
    assert_eq!(subjects, ["bob", "ada"]);
    world.expect_counts(2, 0);
}

async fn a_request_that_names_no_account_is_not_sent(scene: Scene) {
    let world = scene.world().await;
    let client = world.client_of(Source::Requests, |plan| plan);
    let came = client.call(world.get()).await;
    assert!(matches!(came, Err(Failed::Unnamed)), "{came:?}");
    world.expect_counts(0, 0);
}

async fn an_authorization_of_ones_own_is_left_alone(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    let asked = world.post(Body::Bytes("a note")).header("authorization", "Bearer mine");
    expect(client.call(asked).await, 401, "");
    world.expect_counts(1, 0);
    let call = &world.api.calls()[0];
    assert_eq!(call.token().unwrap().expose(), "mine");
}
