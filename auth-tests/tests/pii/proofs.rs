//! What is read and signed for each attempt.

use auth_core::{
    ClientAuth, Credential, CredentialError, Dpop, KeyInfo, Refresh, RefreshToken, Signer,
    SigningAlgorithm, Source, Step, TokenEndpoint,
};
use auth_testkit::CannedResponse;
use serde_json::json;

use super::{CLIENT, NONCE, REFRESH, printed::Printed};

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

/// Every step of a refresh with what is read and signed for each attempt, and with a
/// server that repeats it.
pub(super) fn print(printed: &mut Printed) {
    let now = auth_testkit::VirtualClock::new().now();
    let info = KeyInfo::of_pair(SigningAlgorithm::Es256, r#"{"kty":"EC"}"#, "thumbprint");
    let dpop = Dpop::new(Unsigned(info)).unwrap();
    let read = || Source::callback(|| Ok(Credential::new(CLIENT)));
    for auth in [
        ClientAuth::basic(read()),
        ClientAuth::post(read()),
        ClientAuth::ready_made_assertion(read()),
    ] {
        printed.debug("a client", &auth);
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let endpoint = endpoint.client_auth(auth).dpop(dpop.clone());
        printed.debug("an endpoint", &endpoint);
        let mut step = Refresh::new(endpoint, RefreshToken::new(REFRESH)).start(now);
        let mut nonces = vec!["another", NONCE];
        loop {
            printed.debug("a step", &step);
            step = match step {
                Step::Prove(demand, proving) => {
                    printed.debug("a demand", &demand);
                    let met = demand.meet_blocking();
                    printed.debug("what meets it", &met);
                    proving.resolve(met, now)
                }
                Step::Send(request, pending) => {
                    printed.debug("a request", &request);
                    printed.debug("its headers", request.headers());
                    let echo = json!({
                        "error": "use_dpop_nonce",
                        "error_description": format!("no {CLIENT} and no {NONCE}"),
                    });
                    let mut response = CannedResponse::status(400).body(echo.to_string());
                    if let Some(nonce) = nonces.pop() {
                        response = response.header("dpop-nonce", nonce);
                    }
                    pending.resolve(Ok(response.build()), now)
                }
                Step::Challenge(waiting) => {
                    printed.debug("what the server said", waiting.failure());
                    waiting.resume(now)
                }
                Step::Wait(_, waiting) => waiting.resume(now),
                Step::Done(result) => {
                    printed.error("an error", &result.unwrap_err());
                    break;
                }
            };
        }
    }
    printed.debug("a key, with the nonces that it knows", &dpop);
}
