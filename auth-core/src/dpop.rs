//! Proofs that whoever sends a request holds a key (DPoP, RFC 9449).

mod key_ring;
mod nonces;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value};

pub use self::key_ring::KeyRing;
use self::nonces::Nonces;
use crate::{
    Now,
    client_auth::seconds,
    credential::{Credential, CredentialError, CredentialErrorKind},
    signing::{Demand, Jws, SigningKey, unique},
};

/// The key that tokens are bound to (DPoP, RFC 9449), and the nonces that servers
/// have asked to see in proofs. Cloning shares both.
///
/// [`TokenEndpoint::dpop`](crate::TokenEndpoint::dpop) binds the tokens of an
/// endpoint to it. A refresh token that was bound to a key is of no use without it,
/// so the key must be stored as safely as the refresh token is.
#[derive(Clone)]
pub struct Dpop(Arc<Inner>);

struct Inner {
    key: SigningKey,
    jwk: Map<String, Value>,
    nonces: Mutex<Nonces>,
}

/// How much earlier than now a proof says it was made. Some servers have no tolerance
/// for the future (<https://github.com/bluesky-social/atproto/issues/4474>), and some
/// only 10 s for the past, beside 15 s for the clock (Keycloak).
const BACKDATED: Duration = Duration::from_secs(5);

impl Dpop {
    /// Proofs by `key`.
    ///
    /// # Errors
    ///
    /// [`CredentialErrorKind::WrongKey`] if the key is a shared secret, which RFC
    /// 9449 section 4.2 forbids, or if its public part is none.
    pub fn new(key: impl Into<SigningKey>) -> Result<Self, CredentialError> {
        let key = key.into();
        let unfit = |what| CredentialError::transparent(CredentialErrorKind::WrongKey, what);
        if key.info().algorithm().is_symmetric() {
            return Err(unfit("DPoP needs a key pair; a shared secret cannot bind tokens"));
        }
        let jwk = public_part(&key)
            .ok_or_else(|| unfit("DPoP needs the public part of the key, and nothing private"))?;
        Ok(Self(Arc::new(Inner { key, jwk, nonces: Mutex::default() })))
    }

    /// One of whose key only the thumbprint was stored.
    pub(crate) fn named(thumbprint: String) -> Self {
        let key = SigningKey::named(thumbprint);
        Self(Arc::new(Inner { key, jwk: Map::new(), nonces: Mutex::default() }))
    }

    /// The key.
    pub fn key(&self) -> &SigningKey {
        &self.0.key
    }

    /// The thumbprint of the key (RFC 7638), to which tokens are bound.
    pub fn thumbprint(&self) -> &str {
        self.0.key.info().thumbprint()
    }

    /// The proof for one request to an absolute `uri`: what its header `DPoP` has to
    /// say. `token_hash` is the `ath` of the access token that is sent along (RFC 9449
    /// section 4.2), if one is.
    ///
    /// It says that it was made 5 s ago, for servers whose clock is behind.
    pub fn demand(&self, method: &Method, uri: &Uri, token_hash: Option<&str>, now: Now) -> Demand {
        self.proof(method, uri, token_hash, self.nonce(uri).as_ref(), now)
    }

    pub(crate) fn proof(
        &self,
        method: &Method,
        uri: &Uri,
        token_hash: Option<&str>,
        nonce: Option<&Credential>,
        now: Now,
    ) -> Demand {
        let Inner { key, jwk, .. } = &*self.0;
        let mut jws = Jws::new(key, Some("dpop+jwt"))
            .header("jwk", jwk.clone())
            .claim("jti", unique(now))
            .claim("htm", method.as_str())
            .claim("htu", target(uri))
            .claim("iat", seconds(now.wall).saturating_sub(BACKDATED.as_secs()));
        if let Some(nonce) = nonce {
            jws = jws.claim("nonce", nonce.expose());
        }
        if let Some(hash) = token_hash {
            jws = jws.claim("ath", hash);
        }
        Demand::Signature(jws.to_sign(key))
    }

    /// Takes the nonce of a response from `uri` (RFC 9449 section 8), for the next
    /// proof to the same origin.
    pub fn learn(&self, uri: &Uri, headers: &HeaderMap) {
        self.0.nonces.lock().unwrap_or_else(PoisonError::into_inner).learn(uri, headers);
    }

    /// The nonce for the next proof to the origin of `uri`.
    pub(crate) fn nonce(&self, uri: &Uri) -> Option<Credential> {
        self.0.nonces.lock().unwrap_or_else(PoisonError::into_inner).get(uri)
    }
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dpop").field("key", self.0.key.info()).finish_non_exhaustive()
    }
}

/// What may be shown of the key; `None` if there is no such part, or it is more than
/// that.
fn public_part(key: &SigningKey) -> Option<Map<String, Value>> {
    const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let info = key.info();
    let jwk: Map<String, Value> = serde_json::from_str(info.public_jwk()?).ok()?;
    let is_public = PRIVATE.iter().all(|name| !jwk.contains_key(*name));
    (is_public && jwk.get("kty").is_some_and(Value::is_string)).then_some(jwk)
}

/// The URL without query and fragment (RFC 9449 section 4.2), as it is compared: its
/// scheme and host in lower case, without the scheme's own port.
fn target(uri: &Uri) -> String {
    format!("{}{}", nonces::origin(uri), uri.path())
}
