//! Where a token goes.

use auth_testkit::{ApiResponse, CannedResponse, NonceRule};

use crate::{
    asked::{Asked, Body, Failed, expect},
    case::{AtRedirect, Scene},
    world::World,
};

super::cases![
    a_redirect_to_another_origin_loses_the_token,
    a_redirect_to_another_origin_loses_the_proof,
    a_redirect_to_another_name_of_the_host_loses_the_token,
    a_401_from_elsewhere_refreshes_nothing,
    a_redirect_within_the_origin_keeps_the_token,
    a_401_after_a_redirect_within_the_origin_refreshes,
    a_redirect_there_and_back_shows_no_token,
    a_redirect_within_another_origin_shows_no_token,
    a_request_to_another_origin_has_no_token,
    a_request_to_another_name_of_the_host_has_no_token,
];

/// Requests and redirects.
fn rows() -> impl Iterator<Item = (Asked, u16)> {
    let asked = [Asked::get(""), Asked::post("", Body::Bytes("a note"))];
    let statuses = [301, 302, 303, 307, 308];
    asked.into_iter().flat_map(move |asked| statuses.map(|status| (asked.clone(), status)))
}

/// Sends the request to the API, which redirects it. If the client follows, this status
/// and reason are to come.
async fn follow(
    world: &World,
    (asked, redirect): (Asked, u16),
    url: &str,
    status: u16,
    why: &str,
) -> bool {
    world.api.respond_next([CannedResponse::redirect(redirect, url)]);
    let at_redirect = world.at_redirect(redirect, asked.body);
    let came = world.client().call(Asked { url: world.url("/notes"), ..asked }).await;
    match (at_redirect, came) {
        (AtRedirect::Fails, Err(Failed::Client(_))) => {}
        (AtRedirect::Fails, came) => panic!("it follows: {came:?}"),
        (AtRedirect::Follows, came) => drop(expect(came, status, why)),
        (AtRedirect::HandsOut, came) => drop(expect(came, redirect, "")),
    }
    at_redirect == AtRedirect::Follows
}

async fn a_redirect_to_another_origin_loses_the_token(scene: Scene) {
    for row in rows() {
        let world = scene.world().await;
        world.elsewhere.respond_next([CannedResponse::status(200)]);
        let follows = follow(&world, row, &world.elsewhere_url("/loot"), 200, "").await;
        world.expect_nothing_elsewhere();
        assert_eq!(world.elsewhere.report().calls, usize::from(follows));
        world.expect_counts(1, 0);
    }
}

async fn a_redirect_to_another_origin_loses_the_proof(scene: Scene) {
    for (asked, status) in rows() {
        let world = scene.world_with_proofs(NonceRule::Never).await;
        world.elsewhere.respond_next([CannedResponse::status(200)]);
        follow(&world, (asked, status), &world.elsewhere_url("/loot"), 200, "").await;
        world.expect_nothing_elsewhere();
        world.expect_counts(1, 0);
    }
}

async fn a_redirect_to_another_name_of_the_host_loses_the_token(scene: Scene) {
    for row in rows() {
        let world = scene.world().await;
        let follows = follow(&world, row, &world.other_name("/loot"), 401, "Elsewhere").await;
        let seen: &[usize] = if follows { &[1, 0] } else { &[1] };
        assert_eq!((&world.tokens()[..], world.server.report().requests), (seen, 0));
    }
}

async fn a_401_from_elsewhere_refreshes_nothing(scene: Scene) {
    for row in rows() {
        let world = scene.world().await;
        // It asks for a token, and is a liar.
        let asks = ApiResponse::from(CannedResponse::invalid_token());
        world.elsewhere.respond_next([asks.times(usize::MAX)]);
        follow(&world, row, &world.elsewhere_url("/loot"), 401, "Elsewhere").await;
        world.expect_nothing_elsewhere();
        world.expect_counts(1, 0);
        // The token is as good as it was.
        expect(world.client().call(world.get()).await, 200, "");
        assert_eq!(world.tokens(), [1, 1]);
    }
}

async fn a_redirect_within_the_origin_keeps_the_token(scene: Scene) {
    for row in rows() {
        let (world, status) = (scene.world().await, row.1);
        if follow(&world, row, "/notes/7", 200, "").await {
            assert_eq!((world.statuses(), world.tokens()), (vec![status, 200], vec![1, 1]));
        }
        assert_eq!(world.server.report().requests, 0);
    }
}

async fn a_401_after_a_redirect_within_the_origin_refreshes(scene: Scene) {
    let world = scene.world().await;
    // The first place does not look at the token.
    let moved = CannedResponse::redirect(307, "/notes/7");
    world.api.respond_next([moved, CannedResponse::invalid_token()]);
    let came = world.client().call(world.get()).await;
    if world.at_redirect(307, Body::Empty) == AtRedirect::Follows {
        expect(came, 200, "");
        assert_eq!(world.server.report().issued, 1);
        world.server.assert_never_replayed();
    }
}

async fn a_redirect_there_and_back_shows_no_token(scene: Scene) {
    let world = scene.world().await;
    let there = CannedResponse::redirect(307, &world.elsewhere_url("/loot"));
    world.api.respond_next([there]);
    let back = CannedResponse::redirect(307, &world.url("/notes"));
    world.elsewhere.respond_next([ApiResponse::from(back).times(usize::MAX)]);
    let came = world.client().call(world.get()).await;
    // Some go on, and some stop there.
    assert!(came.is_ok() || world.at_redirect(307, Body::Empty) == AtRedirect::Fails, "{came:?}");
    world.expect_nothing_elsewhere();
    // One refresh at most for what looks like a refusal.
    let refreshes = world.server.report().requests;
    assert!(refreshes <= 1, "{refreshes} refreshes");
    world.server.assert_never_replayed();
}

async fn a_request_to_another_origin_has_no_token(scene: Scene) {
    let world = scene.world().await;
    let client = world.client();
    let asked = Asked::post(&world.elsewhere_url("/notes"), Body::Bytes("a note"));
    let answered = expect(client.call(asked).await, 401, "");
    assert_eq!(answered.status, 401);
    world.expect_nothing_elsewhere();
    assert_eq!(world.elsewhere.report().calls, 1);
    assert_eq!(world.elsewhere.calls()[0].body(), Some(&b"a note"[..]));
    world.expect_counts(0, 0);
}

async fn a_request_to_another_name_of_the_host_has_no_token(scene: Scene) {
    let world = scene.world().await;
    expect(world.client().call(Asked::get(&world.other_name("/notes"))).await, 401, "");
    assert_eq!(world.tokens(), [0]);
    world.expect_counts(1, 0);
}

async fn a_redirect_within_another_origin_shows_no_token(scene: Scene) {
    for row in rows() {
        let world = scene.world().await;
        let there = CannedResponse::redirect(row.1, &world.elsewhere_url("/loot"));
        let within = CannedResponse::redirect(row.1, &world.elsewhere_url("/more/loot"));
        world.api.respond_next([there]);
        world.elsewhere.respond_next([within, CannedResponse::status(200)]);
        let asked = Asked { url: world.url("/notes"), ..row.0 };
        let at_redirect = world.at_redirect(row.1, asked.body);
        let came = world.client().call(asked).await;
        match at_redirect {
            AtRedirect::Fails => assert!(matches!(came, Err(Failed::Client(_))), "{came:?}"),
            AtRedirect::HandsOut => drop(expect(came, row.1, "")),
            // Some go on, and some stop there.
            AtRedirect::Follows => {
                let status = came.unwrap().status;
                assert!([200, row.1].contains(&status), "{status}");
            }
        }
        world.expect_nothing_elsewhere();
        world.expect_counts(1, 0);
    }
}
