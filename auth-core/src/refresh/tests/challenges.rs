//! The server asks for a proof with its nonce (RFC 9449 section 8).

use super::*;
use crate::{
    Audience, ClientAuth, Dpop, SigningAlgorithm,
    signing::testing::{Fake, parts},
};

fn dpop() -> Dpop {
    Dpop::new(Fake::new(SigningAlgorithm::Es256)).unwrap()
}

fn with(dpop: &Dpop) -> Refresh {
    Refresh::new(endpoint().dpop(dpop.clone()), RefreshToken::new("rt-secret"))
}

const ASKS: &str = r#"{"error":"use_dpop_nonce","error_description":"needs a nonce"}"#;

fn answer(status: u16, body: &str, nonce: Option<&str>) -> Result<Response, TransportError> {
    let mut response = response(status, body)?;
    if let Some(nonce) = nonce {
        response.headers_mut().insert("dpop-nonce", nonce.parse().unwrap());
    }
    Ok(response)
}

/// Meets demands until there is a request: it, and what it shows.
#[track_caller]
fn proved(mut step: Step) -> (Request, Pending, Vec<String>) {
    let mut shown = Vec::new();
    loop {
        step = match step {
            Step::Prove(demand, proving) => {
                let met = demand.meet_blocking().unwrap();
                shown.push(met.expose().to_owned());
                proving.resolve(Ok(met), at(0))
            }
            Step::Send(request, pending) => return (request, pending, shown),
            step => panic!("{step:?}"),
        };
    }
}

#[track_caller]
fn challenged(step: Step) -> Waiting {
    let Step::Challenge(waiting) = step else { panic!("{step:?}") };
    waiting
}

fn nonce_of(request: &Request) -> Option<String> {
    let proof = request.headers()["dpop"].to_str().unwrap();
    parts(proof).1.get("nonce").map(|nonce| nonce.as_str().unwrap().to_owned())
}

/// A policy that must not be asked.
struct Unasked;

impl RetryPolicy for Unasked {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        panic!("asked about {:?}", attempt.failure)
    }
}

#[test]
fn it_is_answered_once_with_everything_made_anew() {
    let key = Fake::new(SigningAlgorithm::Es256);
    let auth = ClientAuth::assertion(key, Audience::TokenEndpoint);
    let endpoint = endpoint().dpop(dpop()).client_auth(auth);
    let refresh = Refresh::new(endpoint, RefreshToken::new("rt-secret")).policy(Unasked);
    let (request, pending, first) = proved(refresh.start(at(0)));
    assert_eq!((first.len(), nonce_of(&request)), (2, None));
    assert!(request.headers()["dpop"].is_sensitive());
    assert_eq!(pending.attempts(), 1);

    let waiting = challenged(pending.resolve(answer(400, ASKS, Some("n-1")), at(1)));
    assert_eq!((waiting.attempts(), waiting.possibly_spent()), (1, true));
    let (request, pending, second) = proved(waiting.resume(at(2)));
    assert_eq!(nonce_of(&request).as_deref(), Some("n-1"));
    assert_eq!(pending.attempts(), 1, "it is no attempt of its own");
    let jti = |token: &String| parts(token).1["jti"].clone();
    for (first, second) in first.iter().zip(&second) {
        assert_ne!(jti(first), jti(second));
    }
    let tokens = r#"{"access_token":"at","token_type":"DPoP"}"#;
    let step = pending.resolve(answer(200, tokens, Some("n-2")), at(3));
    assert!(matches!(step, Step::Done(Ok(_))), "{step:?}");
}

#[test]
fn wherever_it_asks() {
    let header = |value: &str| {
        let mut response = answer(401, "", Some("n-1")).unwrap();
        response.headers_mut().insert("www-authenticate", value.parse().unwrap());
        Ok(response)
    };
    for (response, asks) in [
        (answer(400, ASKS, Some("n-1")), true),
        (answer(401, ASKS, Some("n-1")), true),
        (answer(400, r#"{"error":"USE_DPOP_NONCE"}"#, Some("n-1")), true),
        (answer(400, "error=use_dpop_nonce", Some("n-1")), true),
        (answer(400, r#"{"message":"use_dpop_nonce"}"#, Some("n-1")), true),
        (header(r#"DPoP error="use_dpop_nonce", algs="ES256""#), true),
        (header(r#"Basic realm="a", DPoP error="use_dpop_nonce""#), true),
        // No nonce, or none that is one.
        (answer(400, ASKS, None), false),
        (answer(400, ASKS, Some("a b")), false),
        // Something else.
        (answer(400, r#"{"error":"invalid_dpop_proof"}"#, Some("n-1")), false),
        (answer(400, r#"{"error":"invalid_grant"}"#, Some("n-1")), false),
        (answer(429, ASKS, Some("n-1")), false),
        (answer(503, ASKS, Some("n-1")), false),
        (header("DPoP algs=\"ES256\""), false),
        (Err(TransportError::unknown(TransportErrorKind::Reset)), false),
    ] {
        let shown = format!("{response:?}");
        let (_, pending, _) = proved(with(&dpop()).start(at(0)));
        let step = pending.resolve(response, at(1));
        assert_eq!(matches!(step, Step::Challenge(_)), asks, "{shown}: {step:?}");
    }
}

#[test]
fn a_second_time_is_a_failure() {
    for second in [Some("n-2"), Some("n-1"), None] {
        let (_, pending, _) = proved(with(&dpop()).start(at(0)));
        let waiting = challenged(pending.resolve(answer(400, ASKS, Some("n-1")), at(0)));
        let (_, pending, _) = proved(waiting.resume(at(0)));
        let error = failed(pending.resolve(answer(400, ASKS, second), at(0)));
        assert_eq!((error.kind(), error.attempts()), (FailureKind::Unavailable, 1));
        assert_eq!(error.failure().delivery(), Delivery::Unknown);
        assert!(error.possibly_spent());
    }
    // Nothing to answer with: the same again would not help.
    let (_, pending, _) = proved(with(&dpop()).start(at(0)));
    let error = failed(pending.resolve(answer(400, ASKS, None), at(0)));
    assert_eq!(error.kind(), FailureKind::Unavailable);
    assert!(error.possibly_spent());
}

#[test]
fn without_a_key_it_is_a_wrong_set_up_at_once() {
    let (request, pending) = sent(refresh().policy(Backoff::default()).start(at(0)));
    assert_eq!(request.headers().get("dpop"), None);
    let error = failed(pending.resolve(answer(400, ASKS, Some("n-1")), at(0)));
    assert_eq!((error.kind(), error.attempts()), (FailureKind::Misconfigured, 1));
    assert_eq!(error.failure().code().unwrap().as_str(), "use_dpop_nonce");
    assert_eq!(error.advice(), Advice::FixSetup);
}

#[test]
fn after_a_retry_it_may_ask_again() {
    let dpop = dpop();
    let (_, pending, _) = proved(with(&dpop).start(at(0)));
    let again = challenged(pending.resolve(answer(400, ASKS, Some("n-1")), at(0)));
    let (_, pending, _) = proved(again.resume(at(0)));
    let (_, wait) = waiting(pending.resolve(answer(503, "", Some("n-2")), at(0)));
    assert_eq!(wait.attempts(), 1);
    let (request, pending, _) = proved(wait.resume(at(500)));
    assert_eq!(nonce_of(&request).as_deref(), Some("n-2"), "that of a failure counts as well");
    assert_eq!(pending.attempts(), 2);
    let waiting = challenged(pending.resolve(answer(400, ASKS, Some("n-3")), at(500)));
    assert_eq!(waiting.attempts(), 2);
    let (request, _, _) = proved(waiting.resume(at(500)));
    assert_eq!(nonce_of(&request).as_deref(), Some("n-3"));
}

#[test]
fn a_rejection_after_it_says_so() {
    let dpop = dpop();
    let (_, pending, _) = proved(with(&dpop).start(at(0)));
    let again = challenged(pending.resolve(answer(400, ASKS, Some("n-1")), at(0)));
    let (_, pending, _) = proved(again.resume(at(0)));
    let error = failed(pending.resolve(answer(400, REJECTED, None), at(0)));
    assert!(error.possibly_spent());
    assert_eq!(
        error.to_string(),
        "refresh at auth.example.com failed after 1 attempt: invalid_grant (HTTP 400): \
         \"Token revoked.\"; the server may have spent the refresh token when it asked for \
         another DPoP proof; the user must log in again"
    );

    // In an attempt before the last one, too.
    let (_, pending, _) = proved(with(&self::dpop()).start(at(0)));
    let again = challenged(pending.resolve(answer(400, ASKS, Some("n-1")), at(0)));
    let (_, pending, _) = proved(again.resume(at(0)));
    let (_, wait) = waiting(pending.resolve(refused(), at(0)));
    let (_, pending, _) = proved(wait.resume(at(500)));
    let error = failed(pending.resolve(answer(400, REJECTED, None), at(500)));
    assert!(error.to_string().contains("when it asked for another DPoP proof"), "{error}");

    // A newer token has no past.
    let (_, pending, _) = proved(with(&self::dpop()).start(at(0)));
    let waiting = challenged(pending.resolve(answer(400, ASKS, Some("n-1")), at(0)));
    let (request, pending, _) = proved(waiting.resume_with(RefreshToken::new("rt-newer"), at(0)));
    assert!(request.body().windows(8).any(|window| window == b"rt-newer"));
    let error = failed(pending.resolve(answer(400, REJECTED, None), at(0)));
    assert!(!error.possibly_spent());
    assert!(!error.to_string().contains("spent"), "{error}");

    // A client that stands for itself has nothing to spend.
    let refresh = Refresh::new(endpoint().dpop(self::dpop()), Grant::ClientCredentials);
    let (_, pending, _) = proved(refresh.start(at(0)));
    let waiting = challenged(pending.resolve(answer(400, ASKS, Some("n-1")), at(0)));
    assert!(!waiting.possibly_spent());
}

#[test]
fn whoever_shares_the_key_shares_the_nonces() {
    let dpop = dpop();
    let (_, one, _) = proved(with(&dpop).start(at(0)));
    let (_, other, _) = proved(with(&dpop).start(at(0)));
    let (_, third, _) = proved(with(&dpop).start(at(0)));
    let one = challenged(one.resolve(answer(400, ASKS, Some("n-1")), at(1)));
    // The other's proof has no nonce, so that the first's is another.
    let other = challenged(other.resolve(answer(400, ASKS, None), at(1)));
    let third = challenged(third.resolve(answer(400, ASKS, Some("n-2")), at(1)));
    for waiting in [one, other, third] {
        let (request, _, _) = proved(waiting.resume(at(2)));
        assert_eq!(nonce_of(&request).as_deref(), Some("n-2"));
    }

    // What another refresh learns between proof and response was not in the proof.
    let (_, pending, _) = proved(with(&dpop).start(at(3)));
    dpop.learn(endpoint().uri(), answer(200, "", Some("n-3")).unwrap().headers());
    let waiting = challenged(pending.resolve(answer(400, ASKS, None), at(3)));
    assert_eq!(waiting.attempts(), 1);

    // Another origin's is no nonce here.
    let elsewhere = TokenEndpoint::new("https://other.example.com/token", "c").unwrap();
    let refresh = Refresh::new(elsewhere.dpop(dpop), RefreshToken::new("rt"));
    let (request, _, _) = proved(refresh.start(at(4)));
    assert_eq!(nonce_of(&request), None);
}

#[test]
fn the_nonce_of_every_response_is_kept() {
    for (status, body) in
        [(200, r#"{"access_token":"at"}"#), (400, REJECTED), (400, ""), (503, ""), (302, "")]
    {
        let dpop = dpop();
        let (_, pending, _) = proved(with(&dpop).start(at(0)));
        drop(pending.resolve(answer(status, body, Some("n-1")), at(0)));
        let (request, _, _) = proved(with(&dpop).start(at(1)));
        assert_eq!(nonce_of(&request).as_deref(), Some("n-1"), "{status}");
    }
}

#[test]
fn the_type_of_the_token_is_the_servers_word() {
    for token_type in ["DPoP", "Bearer", "dpop", "N_A"] {
        let (_, pending, _) = proved(with(&dpop()).start(at(0)));
        let body = format!(r#"{{"access_token":"at","token_type":"{token_type}"}}"#);
        let step = pending.resolve(answer(200, &body, None), at(0));
        let Step::Done(Ok(tokens)) = step else { panic!("{step:?}") };
        assert_eq!(tokens.token_type.as_deref(), Some(token_type));
    }
}

/// An assertion, a proof and a nonce are secrets of the request.
#[test]
fn what_was_shown_is_taken_out_of_what_the_server_says() {
    let key = Fake::new(SigningAlgorithm::Es256).signs(Ok((0..64).map(|at| at * 3).collect()));
    let auth = ClientAuth::assertion(key.clone(), Audience::TokenEndpoint);
    let dpop = Dpop::new(key).unwrap();
    let nonce = "abc-nonce-of-the-server";
    dpop.learn(endpoint().uri(), answer(200, "", Some(nonce)).unwrap().headers());
    let ours = || Refresh::new(endpoint().dpop(dpop.clone()).client_auth(auth.clone()), rt());
    fn rt() -> RefreshToken {
        RefreshToken::new("rt-secret")
    }
    for piece in 0..3 {
        for what in 0..3 {
            let (_, pending, shown) = proved(ours().start(at(0)));
            let whole = [shown[0].as_str(), shown[1].as_str(), nonce][what];
            // Whole; the signature or the end alone; a piece of it.
            let echoed = match piece {
                0 => whole,
                1 => whole.rsplit('.').next().unwrap(),
                _ => &whole[whole.len() - 12..],
            };
            let body = serde_json::json!({
                "error": "invalid_client", "error_description": format!("bad {echoed} given"),
            });
            let error = failed(pending.resolve(answer(400, &body.to_string(), None), at(0)));
            assert_eq!(error.failure().description(), Some("bad [redacted] given"), "{echoed}");
            assert!(!format!("{error:?} {error}").contains(echoed), "{echoed}");
        }
    }
}

#[test]
fn a_clock_that_is_off_is_said() {
    let key = Fake::new(SigningAlgorithm::Es256);
    let assertion = ClientAuth::assertion(key, Audience::TokenEndpoint);
    let dpop = dpop();
    let refused = r#"{"error":"invalid_client"}"#;
    let invalid = r#"{"error":"invalid_dpop_proof"}"#;
    let behind = "; this machine's clock is 3600 s behind the server's";
    for (endpoint, body, off, said) in [
        (endpoint().client_auth(assertion.clone()), refused, 3600, true),
        (endpoint().client_auth(assertion.clone()), refused, 59, false),
        (endpoint().dpop(dpop.clone()), invalid, 3600, true),
        (endpoint().dpop(dpop.clone()), invalid, 0, false),
        // Nothing in these has a time.
        (endpoint().client_auth(ClientAuth::post("s")), refused, 3600, false),
        (endpoint(), refused, 3600, false),
        // The time has nothing to do with these.
        (endpoint().dpop(dpop.clone()), REJECTED, 3600, false),
        (endpoint().client_auth(assertion), r#"{"error":"invalid_scope"}"#, 3600, false),
    ] {
        let shown = format!("{endpoint:?} {body} {off}");
        let (_, pending, _) = proved(Refresh::new(endpoint, RefreshToken::new("rt")).start(at(0)));
        let mut response = response(400, body).unwrap();
        let date = httpdate::fmt_http_date(at(off * 1000).wall);
        response.headers_mut().insert("date", date.parse().unwrap());
        let error = failed(pending.resolve(Ok(response), at(0)));
        assert_eq!(error.to_string().contains(behind), said, "{shown}: {error}");
        assert_eq!(error.failure().is_stale_assertion(), said, "{shown}");
    }
}
