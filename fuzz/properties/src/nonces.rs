use std::collections::HashSet;

use auth_core::{CredentialError, Demand, Dpop, KeyInfo, Signer, SigningAlgorithm};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde_json::Value;

use crate::now;

/// What each origin has sent, each line a response: its URL, a space, and what its
/// header `DPoP-Nonce` says. A NUL begins the value of a second such header.
///
/// ```text
/// https://auth.example.com/token one
/// https://api.example.com/ two
/// ```
pub fn nonces(input: &[u8]) {
    let dpop = Dpop::new(Unused::new()).expect("a public key");
    let mut model = Model::default();
    let mut uris: Vec<(Uri, Origin)> = Vec::new();
    let mut seen = HashSet::new();
    for line in input.split(|byte| *byte == b'\n').take(200) {
        let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let Ok(uri) = Uri::try_from(&line[..space]) else { continue };
        let mut headers = HeaderMap::new();
        let rest = line.get(space + 1..);
        for value in rest.into_iter().flat_map(|rest| rest.split(|byte| *byte == 0)) {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.append("dpop-nonce", value);
            }
        }
        let Some(origin) = Origin::of(&uri) else {
            // No URL of a response; but nothing may come of it.
            let apart = Dpop::new(Unused::new()).expect("a public key");
            apart.learn(&uri, &headers);
            claims(&apart, &uri);
            continue;
        };
        dpop.learn(&uri, &headers);
        model.learn(&origin, &headers);
        if uris.len() < 80 && !uris.iter().any(|(known, _)| *known == uri) {
            uris.push((uri, origin));
        }
        for (uri, origin) in &uris {
            let claims = claims(&dpop, uri);
            let nonce = claims.get("nonce").map(|nonce| nonce.as_str().expect("a text"));
            assert_eq!(nonce, model.get(origin), "at {uri}");
            check_target(uri, origin, &claims);
            let id = claims["jti"].as_str().expect("a text").to_owned();
            assert!(seen.insert(id), "an identifier is used again");
        }
    }
    // The key's own words have neither.
    let shown = format!("{dpop:?} {dpop:#?}");
    for (_, nonce) in model.0.iter().filter(|(_, nonce)| nonce.len() > 32) {
        assert!(!shown.contains(nonce), "shows a nonce: {shown}");
    }
}

fn claims(dpop: &Dpop, uri: &Uri) -> Value {
    let demand = dpop.demand(&Method::GET, uri, Some("hash"), now());
    let Demand::Signature(it) = &demand else { panic!("demands {demand:?}") };
    let message = std::str::from_utf8(it.message()).expect("a token is text");
    let (_, claims) = message.split_once('.').expect("a header and claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["htm"], "GET");
    assert_eq!(claims["ath"], "hash");
    claims
}

/// RFC 9449 section 4.2: the URL without query and fragment. And nothing of a user's
/// password.
fn check_target(uri: &Uri, origin: &Origin, claims: &Value) {
    let target = claims["htu"].as_str().expect("a text");
    let rest = target.strip_prefix(&format!("{}://", origin.scheme)).expect("its scheme");
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    assert_eq!(path, uri.path());
    assert!(!target.contains(['?', '#']) && !authority.contains('@'), "{target}");
    let again = Uri::try_from(target).expect("a URL");
    assert_eq!(Origin::of(&again).as_ref(), Some(origin));
}

/// Scheme, host and port, with the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Out of the text, not of what has taken it apart.
    fn of(uri: &Uri) -> Option<Self> {
        // A path may hold a URL.
        uri.scheme()?;
        let text = uri.to_string().to_ascii_lowercase();
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        let port = uri.port_u16();
        // An IPv6 address has colons of its own.
        let end = host.rfind(']').map_or(0, |end| end + 1);
        let end = host[end..].find(':').map_or(host.len(), |colon| end + colon);
        let usual = match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        let (host, port_text) = host.split_at(end);
        // What else has brackets is no host, though `Uri` takes it for one.
        let is_host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|ip| !ip.contains(['[', ']'])),
            None => !host.contains(['[', ']']),
        } && !port_text.contains(['[', ']']);
        let host = host.to_owned();
        (!host.is_empty() && is_host).then(|| Self {
            scheme: scheme.into(),
            host,
            port: port.or(usual),
        })
    }
}

/// The nonces that count, that which was learned last at the end.
#[derive(Default)]
struct Model(Vec<(Origin, String)>);

impl Model {
    fn learn(&mut self, origin: &Origin, headers: &HeaderMap) {
        let all: Vec<_> = headers.values().collect();
        let [nonce] = all[..] else { return };
        // RFC 9449 section 8.1.
        let allowed = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\".contains(byte);
        let bytes = nonce.as_bytes();
        if bytes.is_empty() || bytes.len() > 2048 || !bytes.iter().all(allowed) {
            return;
        }
        self.0.retain(|(known, _)| known != origin);
        self.0.push((origin.clone(), String::from_utf8_lossy(bytes).into_owned()));
        // Of many origins the last ones.
        if self.0.len() > 64 {
            self.0.remove(0);
        }
    }

    fn get(&self, origin: &Origin) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == origin);
        found.map(|(_, nonce)| nonce.as_str())
    }
}

/// A key that nobody lets sign.
#[derive(Debug)]
struct Unused(KeyInfo);

impl Unused {
    fn new() -> Self {
        const JWK: &str = r#"{"crv":"P-256","kty":"EC","x":"AQ","y":"Ag"}"#;
        Self(KeyInfo::of_pair(SigningAlgorithm::Es256, JWK, "thumbprint"))
    }
}

impl Signer for Unused {
    fn key(&self) -> &KeyInfo {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        unreachable!("nothing is signed")
    }
}
