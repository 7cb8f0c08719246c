//! What a request shows of the client, and an independent look at it.

use std::collections::HashSet;

use auth_core::{
    Audience, ClientAuth, Credential, CredentialError, CredentialErrorKind, Demand, Dpop, KeyInfo,
    Request, Response, Signer, SigningAlgorithm, TokenEndpoint,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::response::{check_pieces, endpoint};

/// Nonces that no text has by chance; of others nobody can tell where they come from.
const NONCES: [&str; 2] = ["n-7d1c40be93fa25c8", "n-e6280b5f1a97d34c"];

const JWK: &str = r#"{"crv":"P-256","kty":"EC","x":"AQ","y":"Ag"}"#;

/// A key without cryptography.
#[derive(Debug)]
struct Fake(KeyInfo);

impl Fake {
    fn new() -> Self {
        Self(KeyInfo::of_pair(SigningAlgorithm::Es256, JWK, "thumbprint-of-the-fake"))
    }
}

impl Signer for Fake {
    fn key(&self) -> &KeyInfo {
        &self.0
    }

    /// Differs from message to message, and looks like a signature.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CredentialError> {
        let mut state = message.iter().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
            (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Ok((0..64)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            })
            .collect())
    }
}

/// What is known of proofs without asking the machine.
#[derive(Default)]
pub(super) struct Prover {
    has_assertion: bool,
    pub(super) has_key: bool,
    /// The newest nonce of the server.
    nonce: Option<String>,
    /// Identifiers of all that was signed.
    seen: HashSet<String>,
    shown: Shown,
}

/// What the request that is made has in it.
#[derive(Default)]
struct Shown {
    assertion: Option<String>,
    proof: Option<String>,
    nonce: Option<String>,
}

impl Prover {
    pub(super) fn new(has_assertion: bool, has_key: bool) -> Self {
        Self { has_assertion, has_key, ..Self::default() }
    }

    pub(super) fn endpoint(&self) -> TokenEndpoint {
        let mut endpoint = endpoint();
        if self.has_assertion {
            endpoint = endpoint.client_auth(ClientAuth::assertion(
                Fake::new(),
                Audience::Issuer("https://auth.example.com".to_owned()),
            ));
        }
        if self.has_key {
            endpoint = endpoint.dpop(Dpop::new(Fake::new()).expect("a public key"));
        }
        endpoint
    }

    /// Another request is made.
    pub(super) fn begin(&mut self) {
        self.shown = Shown::default();
    }

    /// Looks at what is demanded, and meets it.
    pub(super) fn meet(&mut self, demand: &Demand) -> Credential {
        let Demand::Signature(it) = demand else { panic!("demands {demand:?}") };
        let message = std::str::from_utf8(it.message()).expect("a token is text");
        let (header, claims) = message.split_once('.').expect("a header and claims");
        let [header, claims] = [header, claims].map(|part| {
            let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
            serde_json::from_slice::<Value>(&json).expect("JSON")
        });
        let new = claims["jti"].as_str().is_some_and(|id| self.seen.insert(id.to_owned()));
        assert!(new, "an identifier is used again: {claims}");
        assert_eq!(header["alg"], "ES256");
        let met = demand.meet_blocking().expect("the key signs");
        let token = Some(met.expose().to_owned());
        if self.has_assertion && self.shown.assertion.is_none() {
            assert_eq!(header["typ"], "client-authentication+jwt");
            assert_eq!(claims["sub"], "client");
            assert_eq!(claims["aud"], "https://auth.example.com");
            self.shown.assertion = token;
        } else {
            assert!(self.has_key && self.shown.proof.is_none(), "demands too much: {claims}");
            assert_eq!(header["typ"], "dpop+jwt");
            assert_eq!(claims["htm"], "POST");
            assert_eq!(claims["htu"], "https://auth.example.com/token");
            assert_eq!(claims.get("ath"), None);
            let nonce = claims.get("nonce").map(|nonce| nonce.as_str().expect("a text"));
            assert_eq!(nonce, self.nonce.as_deref(), "not the newest nonce");
            self.shown.nonce.clone_from(&self.nonce);
            self.shown.proof = token;
        }
        met
    }

    /// The request shows what was had for it, once, and nothing else.
    pub(super) fn check_request(&self, request: &Request) {
        let parameters: Vec<_> = form_urlencoded::parse(request.body()).collect();
        let all = |wanted: &str| -> Vec<String> {
            let named = parameters.iter().filter(|(name, _)| name == wanted);
            named.map(|(_, value)| value.to_string()).collect()
        };
        let headers = |name: &str| -> Vec<String> {
            let values = request.headers().get_all(name).iter();
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
        };
        assert_eq!(self.has_assertion, self.shown.assertion.is_some());
        assert_eq!(self.has_key, self.shown.proof.is_some());
        assert_eq!(all("client_assertion"), Vec::from_iter(self.shown.assertion.clone()));
        assert_eq!(headers("dpop"), Vec::from_iter(self.shown.proof.clone()));
        assert_eq!(headers("authorization").len(), usize::from(!self.has_assertion));
        assert!(all("client_secret").is_empty());
    }

    /// The response, in which the words in capital letters stand for what was shown.
    pub(super) fn echoed(&self, response: &[u8]) -> Vec<u8> {
        let mut text = response.to_vec();
        let proof = self.shown.proof.as_deref().unwrap_or_default();
        let signature = proof.rsplit('.').next().unwrap_or_default();
        for (word, shown) in [
            ("%PROOF%", proof),
            ("%SIGNATURE%", signature),
            ("%PIECE%", signature.get(20..50).unwrap_or_default()),
            ("%ASSERTION%", self.shown.assertion.as_deref().unwrap_or_default()),
            ("%NONCE%", self.shown.nonce.as_deref().unwrap_or_default()),
        ] {
            if let Some(at) = text.windows(word.len()).position(|part| part == word.as_bytes()) {
                text.splice(at..at + word.len(), shown.bytes());
            }
        }
        text
    }

    /// Takes the nonce of a response (RFC 9449 section 8.1).
    pub(super) fn learn(&mut self, response: &Response) {
        if let Some(nonce) = nonce(response).filter(|_| self.has_key) {
            self.nonce = Some(nonce);
        }
    }

    /// Whether another proof would have another nonce.
    pub(super) fn has_news(&self) -> bool {
        self.has_key && self.nonce.is_some() && self.nonce != self.shown.nonce
    }

    /// Nothing that is printed holds a piece of what was shown.
    pub(super) fn check_text(&self, text: &str) {
        for token in [&self.shown.assertion, &self.shown.proof].into_iter().flatten() {
            // The header says nothing secret, and the claims begin with what is known.
            let (start, signature) = token.rsplit_once('.').expect("three parts");
            let claims = start.split('.').next_back().unwrap_or_default();
            check_pieces(text, signature, 8);
            check_pieces(text, claims, 24);
        }
        if let Some(nonce) = self.shown.nonce.as_deref().filter(|nonce| NONCES.contains(nonce)) {
            check_pieces(text, nonce, 8);
        }
    }
}

/// The one nonce of a response, by an independent reading.
pub(crate) fn nonce(response: &Response) -> Option<String> {
    let mut all = response.headers().iter().filter(|(name, _)| name.as_str() == "dpop-nonce");
    let (_, nonce) = all.next()?;
    if all.next().is_some() {
        return None;
    }
    let text = String::from_utf8(nonce.as_bytes().to_vec()).ok()?;
    let allowed = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    (!text.is_empty() && text.len() <= 2048 && text.chars().all(allowed)).then_some(text)
}

/// What a demand is not met with, if the outcome says so: `no-credential KIND`.
pub(super) fn refused(word: &str) -> (Result<Credential, CredentialError>, bool) {
    let (kind, passes) = match word {
        // What a source returns that is being written.
        "nothing" => return (Ok(Credential::new("")), true),
        "empty" => (CredentialErrorKind::Empty, true),
        "malformed" => (CredentialErrorKind::Malformed, true),
        "unavailable" => (CredentialErrorKind::Unavailable, true),
        "wrong-key" => (CredentialErrorKind::WrongKey, false),
        "asynchronous" => (CredentialErrorKind::Asynchronous, false),
        "other" => (CredentialErrorKind::Other, false),
        _ => (CredentialErrorKind::Missing, false),
    };
    (Err(kind.into()), passes)
}
