//! What is signed for a request, whatever a server sends.

use auth_core::{
    Audience, ClientAssertion, CredentialError, Dpop, KeyInfo, Refresh, RefreshToken, Response,
    Signer, SigningAlgorithm, SigningKey, Step, TokenEndpoint, http,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{collection::vec, option, prelude::*};
use serde_json::Value;

use crate::now;

/// A key that signs nothing.
#[derive(Debug)]
struct Unsigned(KeyInfo);

impl Signer for Unsigned {
    fn key(&self) -> &KeyInfo {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        Ok(vec![0; 64])
    }
}

fn key() -> SigningKey {
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"x","y":"y"}"#;
    SigningKey::new(Unsigned(KeyInfo::of_pair(SigningAlgorithm::Es256, jwk, "thumbprint")))
}

fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    asks: bool,
    nonces: Vec<Vec<u8>>,
}

fn answer() -> impl Strategy<Value = Answer> {
    let nonce = prop_oneof![
        3 => "[!#-\\[\\]-~]{1,12}".prop_map(String::into_bytes),
        1 => vec(0x20..=0xff_u8, 0..6).prop_map(|bytes| {
            bytes.into_iter().filter(|byte| *byte != 0x7f).collect()
        }),
    ];
    let status = prop_oneof![4 => Just(400), 1 => Just(401), 1 => Just(503), 1 => Just(429)];
    (status, any::<bool>(), vec(nonce, 0..3)).prop_map(|(status, asks, nonces)| Answer {
        status,
        asks,
        nonces,
    })
}

fn is_nonce(bytes: &[u8]) -> bool {
    let is_allowed = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !bytes.is_empty() && bytes.iter().all(is_allowed)
}

proptest! {
    /// Whatever the server asks for, an attempt sends two requests at most, no token is
    /// sent twice, and each proof has the nonce that was sent last and is one.
    #[test]
    fn a_challenge_is_answered_once_an_attempt(answers in vec(answer(), 1..12)) {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap()
            .client_auth(ClientAssertion::new(key(), Audience::TokenEndpoint))
            .dpop(Dpop::new(key()).unwrap());
        let mut step = Refresh::new(endpoint, RefreshToken::new("rt")).start(now());
        let (mut shown, mut challenges) = (Vec::new(), 0);
        let mut nonce: Option<Vec<u8>> = None;
        let mut answers = answers.into_iter().cycle().take(100);
        loop {
            step = match step {
                Step::Prove(demand, proving) => {
                    let met = demand.meet_blocking().unwrap();
                    shown.push(met.expose().to_owned());
                    proving.resolve(Ok(met), now())
                }
                Step::Send(request, pending) => {
                    let claims = claims(request.headers()["dpop"].to_str().unwrap());
                    let sent = claims.get("nonce").map(|it| it.as_str().unwrap().as_bytes().to_vec());
                    prop_assert_eq!(&sent, &nonce);
                    let Some(answer) = answers.next() else { panic!("it goes on and on") };
                    if let [only] = answer.nonces.as_slice() && is_nonce(only) {
                        nonce = Some(only.clone());
                    }
                    let body: &[u8] = if answer.asks { br#"{"error":"use_dpop_nonce"}"# } else { b"" };
                    let mut response = Response::new(body.to_vec());
                    *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap();
                    for nonce in &answer.nonces {
                        let nonce = http::HeaderValue::from_bytes(nonce).unwrap();
                        response.headers_mut().append("dpop-nonce", nonce);
                    }
                    pending.resolve(Ok(response), now())
                }
                Step::Challenge(waiting) => {
                    challenges += 1;
                    prop_assert!(waiting.possibly_spent());
                    prop_assert!(challenges <= waiting.attempts());
                    waiting.resume(now())
                }
                Step::Wait(_, waiting) => waiting.resume(now()),
                Step::Done(result) => {
                    prop_assert!(result.is_err());
                    break;
                }
            };
        }
        let all = shown.len();
        shown.sort_unstable();
        shown.dedup();
        prop_assert_eq!(shown.len(), all);
    }

    /// The target is the URL without what is dropped, for any URL.
    #[test]
    fn the_target_holds_no_query(
        scheme in "(https|HTTPS|http)", host in "([a-zA-Z0-9-]{1,8}\\.){0,2}[a-z]{2,4}",
        port in option::of(1..=65535_u16), path in "(/[ -~&&[^?#\\\\^`{}|\"<> ]]{0,8}){0,3}",
        query in option::of("[a-z=&]{0,8}"),
    ) {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let url = format!("{scheme}://{host}{port}{path}{query}");
        let Ok(uri) = url.parse::<http::Uri>() else { return Ok(()) };
        let dpop = Dpop::new(key()).unwrap();
        let demand = dpop.demand(&http::Method::POST, &uri, None, now());
        let claims = claims(demand.meet_blocking().unwrap().expose());
        let target = claims["htu"].as_str().unwrap();
        prop_assert!(!target.contains('?'), "{target}");
        let path = if path.is_empty() { "/" } else { &path };
        prop_assert!(target.ends_with(path), "{target}");
        let start = format!("{}://{}", scheme.to_lowercase(), host.to_lowercase());
        prop_assert!(target.starts_with(&start), "{target}");
        // It is the same for what is the same.
        let again: http::Uri = target.parse().unwrap();
        let demand = dpop.demand(&http::Method::POST, &again, None, now());
        prop_assert_eq!(&crate::proofs::claims(demand.meet_blocking().unwrap().expose())["htu"], target);
    }
}
