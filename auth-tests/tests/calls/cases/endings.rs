//! There is no other token.

use std::time::Duration;

use auth_core::Advice;
use auth_testkit::{ApiResponse, CannedResponse, Fault};
use tokio::net::TcpSocket;

use crate::{
    asked::{Asked, Body, Failed, expect, expect_no_token, word},
    case::Scene,
    world::Source,
};

super::cases![
    a_token_endpoint_that_is_down_says_come_again,
    a_session_that_is_over_says_log_in,
    nobody_is_logged_in,
    an_api_that_refuses_everything_is_braked,
    an_api_that_is_not_there_refreshes_nothing,
];

async fn a_token_endpoint_that_is_down_says_come_again(scene: Scene) {
    let world = scene.world().await;
    world.kill_token("ada");
    world.server.fail_next([Fault::Status(503); 3]);
    let client = world.client();
    let came = client.call(world.post(Body::Bytes("a note"))).await;
    let error = expect_no_token(came, Advice::TryLater);
    world.expect_counts(1, 3);
    assert!(world.is_unspent("ada"), "the session is as it was");

    // Until then nothing is sent to the token endpoint.
    let wait = error.retry_after(world.clock().now().wall).unwrap_or_default();
    world.clock().advance(wait + Duration::from_secs(1));
    expect(client.call(world.post(Body::Bytes("a note"))).await, 200, "");
    assert_eq!(world.server.report().issued, 1);
    world.server.assert_never_replayed();
}

async fn a_session_that_is_over_says_log_in(scene: Scene) {
    let world = scene.world().await;
    world.server.revoke("ada");
    let client = world.client();
    expect_no_token(client.call(world.post(Body::Bytes("a note"))).await, Advice::LogIn);
    world.expect_counts(1, 1);
}

async fn nobody_is_logged_in(scene: Scene) {
    let world = scene.world().await;
    let client = world.client_of(Source::Account(world.account("eve")), |plan| plan);
    expect_no_token(client.call(world.get()).await, Advice::LogIn);
    world.expect_counts(0, 0);
}

async fn an_api_that_refuses_everything_is_braked(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    let refusal = CannedResponse::invalid_token().body("not with this");
    world.api.respond_next([ApiResponse::from(refusal).times(usize::MAX)]);
    let mut last = String::new();
    for _ in 0..20 {
        let answered = client.call(world.get()).await.unwrap();
        assert_eq!((answered.status, &answered.body[..]), (401, &b"not with this"[..]));
        last = word(answered.why.as_ref()).to_owned();
    }
    assert_eq!(last, "NoOther");
    let refreshes = world.server.report().requests;
    assert!((1..20).contains(&refreshes), "{refreshes} refreshes");
    world.server.assert_never_replayed();
}

async fn an_api_that_is_not_there_refreshes_nothing(scene: Scene) {
    let world = scene.world().await;
    // A port that is taken, and where nobody listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let client = world.client_of(Source::Account(world.account("ada")), |mut plan| {
        plan.origins.push(url.clone());
        plan
    });
    let came = client.call(Asked::get(&url)).await;
    assert!(matches!(came, Err(Failed::Client(_))), "{came:?}");
    world.expect_counts(0, 0);
}
