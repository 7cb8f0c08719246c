//! A redirect to another origin loses the token.

use auth_accounts::calls::{Calls, NotAgain};
use auth_testkit::{CannedResponse, ListeningApi};

use crate::world::{World, at, client, why};

/// What an API was shown, in order.
fn shown(api: &ListeningApi) -> Vec<(bool, bool)> {
    let calls = api.api().calls();
    let headers = calls.iter().map(|call| call.request().headers());
    headers.map(|h| (h.contains_key("authorization"), h.contains_key("dpop"))).collect()
}

const NOTHING: (bool, bool) = (false, false);
const TOKEN: (bool, bool) = (true, false);
const BOTH: (bool, bool) = (true, true);

#[tokio::test]
async fn to_the_same_origin_the_token_goes_along() {
    for status in [301, 302, 303, 307, 308] {
        let world = World::new().await;
        world.api.api().respond_next([CannedResponse::redirect(status, "/end")]);
        let request = client().get(world.url("/"));
        let response = auth_reqwest::send(&client(), &world.account, request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.url().path()), (200, "/end"), "{status}");
        assert_eq!(shown(&world.api), [TOKEN, TOKEN], "{status}");
    }
}

/// Host, port and scheme are the origin. The scheme is in the table beside the policy.
#[tokio::test]
async fn to_another_origin_it_does_not() {
    for status in [301, 302, 303, 307, 308] {
        for by_name in [false, true] {
            let world = World::new().await;
            let there = match by_name {
                false => at(&world.elsewhere, "/end"),
                true => world.url("/end").replace("127.0.0.1", "localhost"),
            };
            world.api.api().respond_next([CannedResponse::redirect(status, &there)]);
            let request = client().post(world.url("/")).body("a note");
            let response = auth_reqwest::send(&client(), &world.account, request).await.unwrap();
            // Nobody is logged in there. The token is as good as it was.
            assert_eq!(response.status(), 401, "{status} {there}");
            assert!(matches!(why(&response), Some(NotAgain::Elsewhere)), "{:?}", why(&response));
            assert_eq!(world.refreshes(), 0, "{status} {there}");
            match by_name {
                false => assert_eq!(shown(&world.elsewhere), [NOTHING], "{status}"),
                true => assert_eq!(shown(&world.api), [TOKEN, NOTHING], "{status}"),
            }
        }
    }
}

/// The token is gone there, too, so that the response says nothing of it.
#[tokio::test]
async fn nor_to_another_origin_that_is_named() {
    let world = World::new().await;
    let origins = [world.api.url(), world.elsewhere.url()];
    let calls = Calls::new(world.account.clone(), origins).unwrap();
    world.api.api().respond_next([CannedResponse::redirect(307, &at(&world.elsewhere, "/end"))]);
    let request = client().get(world.url("/"));
    let response = auth_reqwest::send_with_calls(&client(), &calls, request).await.unwrap();
    assert!(matches!(why(&response), Some(NotAgain::Elsewhere)), "{:?}", why(&response));
    assert_eq!((shown(&world.elsewhere), world.refreshes()), (vec![NOTHING], 0));
    // Asked by itself, it gets one.
    let request = client().get(world.elsewhere.url());
    let response = auth_reqwest::send_with_calls(&client(), &calls, request).await.unwrap();
    assert_eq!((response.status().as_u16(), shown(&world.elsewhere)), (200, vec![NOTHING, TOKEN]));
}

/// Once elsewhere, the client follows no more.
#[tokio::test]
async fn elsewhere_the_next_redirect_is_not_followed() {
    let world = World::new().await;
    world.api.api().respond_next([CannedResponse::redirect(302, &at(&world.elsewhere, "/1"))]);
    world.elsewhere.api().respond_next([CannedResponse::redirect(302, "/2")]);
    let request = client().get(world.url("/"));
    let response = auth_reqwest::send(&client(), &world.account, request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &"/2".parse().unwrap())
    );
    assert_eq!(shown(&world.elsewhere), [NOTHING]);
    world.elsewhere.api().assert_saw_no_token();

    // Nor in a request that was given a token here and sent by the program.
    world.api.api().respond_next([CannedResponse::redirect(302, &at(&world.elsewhere, "/1"))]);
    world.elsewhere.api().respond_next([CannedResponse::redirect(302, "/2")]);
    let mut request = client().get(world.url("/")).build().unwrap();
    auth_reqwest::attach(&world.account, &mut request).await.unwrap().unwrap();
    assert_eq!(client().execute(request).await.unwrap().status(), 302);
    world.elsewhere.api().assert_saw_no_token();
}

/// A request that carries none is redirected as reqwest would.
#[tokio::test]
async fn without_a_token_there_is_nothing_to_lose() {
    let world = World::new().await;
    let calls = Calls::new(world.account.clone(), [world.api.url()]).unwrap();
    let client = reqwest_middleware::ClientBuilder::new(client())
        .with(auth_reqwest::CallMiddleware::new(calls))
        .build();
    world.elsewhere.api().respond_next([
        CannedResponse::redirect(302, &world.elsewhere.url().replace("127.0.0.1", "localhost")),
        CannedResponse::redirect(302, "/2"),
        CannedResponse::status(200),
    ]);
    let response = client.get(world.elsewhere.url()).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.url().path()), (200, "/2"));
    assert_eq!(shown(&world.elsewhere), [NOTHING; 3]);
}

/// A proof is for one URL, so that there is nothing to be had by following.
#[tokio::test]
async fn with_a_proof_no_redirect_is_followed() {
    let world = World::with_proofs().await;
    for there in ["/end".to_owned(), at(&world.elsewhere, "/end")] {
        world.api.api().respond_next([CannedResponse::redirect(307, &there)]);
        let request = client().get(world.url("/"));
        let response = auth_reqwest::send(&client(), &world.account, request).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["location"].to_str().unwrap()),
            (307, &*there)
        );
    }
    assert_eq!(shown(&world.api), [BOTH, BOTH]);
    assert_eq!(shown(&world.elsewhere), []);
}
