//! What an API says in `WWW-Authenticate`.

use auth_testkit::{ApiCall, CannedResponse, NonceRule};

use crate::{
    asked::{Body, expect},
    case::Scene,
};

super::cases![
    every_challenge_refreshes_or_not,
    a_403_says_insufficient_scope_too,
    claims_are_asked_for,
    a_step_up_is_told,
    each_nonce_costs_one_request,
    a_nonce_alone_refreshes_nothing,
    a_bad_proof_refreshes_nothing,
    four_requests_at_most,
    a_second_nonce_for_one_token_is_the_end,
];

const REFRESHES: Option<&str> = None;

/// The values of `WWW-Authenticate`, each in a field of its own, and why nothing is
/// refreshed.
const CHALLENGES: &[(&[&str], Option<&str>)] = &[
    (&[], REFRESHES),
    (&["Bearer"], REFRESHES),
    (&[r#"Bearer realm="notes""#], REFRESHES),
    (&[r#"Bearer error="invalid_token""#], REFRESHES),
    (&[r#"bearer error=invalid_token"#], REFRESHES),
    (&[r#"Bearer error="expired_token", error_description="a, b""#], REFRESHES),
    (&[r#"Basic realm="x, y", Bearer error="invalid_token""#], REFRESHES),
    (&[r#"Basic realm="Bearer error=\"insufficient_scope\"""#], REFRESHES),
    (
        &[r#"Newauth realm="a", Bearer realm="b", error="invalid_token", Basic realm="c""#],
        REFRESHES,
    ),
    (&[r#"Basic realm="a""#, r#"Bearer error="invalid_token""#], REFRESHES),
    (&[r#"Bearer error="insufficient_scope""#], Some("InsufficientScope")),
    (&[r#"Bearer error="insufficient_scope", scope="notes:write""#], Some("InsufficientScope")),
    (&[r#"Basic realm="a, b", Bearer error="insufficient_scope""#], Some("InsufficientScope")),
    (&[r#"Bearer error="insufficient_scope", Basic realm="a""#], Some("InsufficientScope")),
    (&[r#"Basic realm="a""#, r#"Bearer error="insufficient_scope""#], Some("InsufficientScope")),
    (&[r#"Bearer error="invalid_request""#], Some("Request")),
    (&[r#"Bearer error="insufficient_user_authentication", max_age=60"#], Some("StepUp")),
];

async fn every_challenge_refreshes_or_not(scene: Scene) {
    for (values, why) in CHALLENGES {
        let world = scene.world().await;
        world.api.respond_next([CannedResponse::unauthorized(values.iter().copied())]);
        let client = world.client();
        let came = client.call(world.post(Body::Bytes("a note"))).await;
        let status = came.as_ref().map(|answered| answered.status).unwrap_or_default();
        assert_eq!(status, if why.is_some() { 401 } else { 200 }, "{values:?}");
        match why {
            None => {
                expect(came, 200, "");
                world.expect_counts(2, 1);
            }
            Some(why) => {
                expect(came, 401, why);
                world.expect_counts(1, 0);
                // The token is as good as it was.
                expect(client.call(world.get()).await, 200, "");
                assert_eq!(world.tokens(), [1, 1], "{values:?}");
            }
        }
    }
}

async fn a_403_says_insufficient_scope_too(scene: Scene) {
    let world = scene.world().await;
    world.api.respond_next([CannedResponse::insufficient_scope("notes:write")]);
    let client = world.client();
    let answered = expect(client.call(world.get()).await, 403, "InsufficientScope");
    let why = answered.why.unwrap();
    assert!(format!("{why:?}").contains("notes:write"), "{why:?}");
    world.expect_counts(1, 0);
}

async fn claims_are_asked_for(scene: Scene) {
    let world = scene.world().await;
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    world.api.demand_claims(claims);
    let client = world.client();
    expect(client.call(world.post(Body::Bytes("a note"))).await, 200, "");
    world.expect_counts(2, 1);
    let asked = world.server.requests();
    let asked: serde_json::Value = serde_json::from_str(asked[0].param("claims").unwrap()).unwrap();
    assert_eq!(asked["access_token"]["acrs"]["value"], "c1");
}

async fn a_step_up_is_told(scene: Scene) {
    let world = scene.world().await;
    world.api.respond_next([CannedResponse::step_up("urn:example:gold")]);
    let client = world.client();
    let answered = expect(client.call(world.get()).await, 401, "StepUp");
    let why = answered.why.unwrap();
    assert!(format!("{why:?}").contains("urn:example:gold"), "{why:?}");
    world.expect_counts(1, 0);
}

async fn each_nonce_costs_one_request(scene: Scene) {
    let world = scene.world_with_proofs(NonceRule::Always).await;
    world.kill_token("ada");
    let client = world.client();
    // A nonce, then 401, then the nonce of the new token if the first one is not good
    // any more, then 200.
    expect(client.call(world.post(Body::Bytes("a note"))).await, 200, "");
    let calls = world.api.calls();
    assert!(calls.len() <= 4, "{} requests", calls.len());
    let report = world.api.report();
    assert_eq!((report.refused, report.served, report.unproved), (1, 1, 0));
    assert!(report.nonces_demanded >= 1);
    for call in &calls {
        assert_eq!(call.scheme(), Some("DPoP"));
        assert_eq!(call.body(), Some(&b"a note"[..]));
    }
    assert_eq!(world.server.report().issued, 1);
    world.server.assert_never_replayed();
}

async fn a_nonce_alone_refreshes_nothing(scene: Scene) {
    let world = scene.world_with_proofs(NonceRule::Always).await;
    let client = world.client();
    expect(client.call(world.post(Body::Bytes("a note"))).await, 200, "");
    world.expect_counts(2, 0);
    assert_eq!(world.api.report().nonces_demanded, 1);
    assert_eq!(world.tokens(), [1, 1]);
}

async fn a_bad_proof_refreshes_nothing(scene: Scene) {
    let world = scene.world_with_proofs(NonceRule::Never).await;
    let challenge = r#"DPoP algs="ES256", error="invalid_dpop_proof""#;
    world.api.respond_next([CannedResponse::unauthorized([challenge])]);
    expect(world.client().call(world.get()).await, 401, "Request");
    world.expect_counts(1, 0);
}

/// An API that wants this nonce in the proof.
fn wants(nonce: &str) -> CannedResponse {
    CannedResponse::unauthorized([r#"DPoP error="use_dpop_nonce""#]).header("dpop-nonce", nonce)
}

async fn four_requests_at_most(scene: Scene) {
    let refused = || CannedResponse::unauthorized([r#"DPoP error="invalid_token""#]);
    for is_refused_twice in [false, true] {
        let world = scene.world_with_proofs(NonceRule::Never).await;
        world.api.respond_next([wants("nonce-1"), refused(), wants("nonce-2")]);
        if is_refused_twice {
            world.api.respond_next([refused()]);
        }
        let came = world.client().call(world.post(Body::Bytes("a note"))).await;
        match is_refused_twice {
            false => expect(came, 200, ""),
            true => expect(came, 401, "Twice"),
        };
        world.expect_counts(4, 1);
        assert_eq!(world.tokens(), [1, 1, 2, 2]);
        let nonces: Vec<_> = world.api.calls().iter().map(nonce).collect();
        let nonces: Vec<_> = nonces.iter().map(Option::as_deref).collect();
        // The second token may begin with the nonce that is known.
        assert_eq!((nonces[1], nonces[3]), (Some("nonce-1"), Some("nonce-2")));
    }
}

async fn a_second_nonce_for_one_token_is_the_end(scene: Scene) {
    let world = scene.world_with_proofs(NonceRule::Never).await;
    world.api.respond_next([wants("nonce-1"), wants("nonce-2")]);
    let client = world.client();
    let came = client.call(world.post(Body::Bytes("a note"))).await;
    assert!(matches!(&came, Ok(answered) if answered.status == 401), "{came:?}");
    world.expect_counts(2, 0);
    // The nonce is kept for the next request, and so is the token.
    expect(client.call(world.get()).await, 200, "");
    assert_eq!(world.tokens(), [1, 1, 1]);
    assert_eq!(nonce(&world.api.calls()[2]).as_deref(), Some("nonce-2"));
}

/// That of the call's proof.
fn nonce(call: &ApiCall) -> Option<String> {
    call.request().dpop_proof()?.text("nonce").map(str::to_owned)
}
