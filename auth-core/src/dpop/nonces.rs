//! The nonces of servers, by origin.

use std::collections::VecDeque;

use http::{HeaderMap, Uri};

use crate::credential::Credential;

/// The newest nonce of each origin, that which was learned last at the end.
#[derive(Default)]
pub(super) struct Nonces(VecDeque<(String, Credential)>);

/// A client talks to one authorization server and to some APIs.
const MOST_ORIGINS: usize = 64;

/// Longer than any server's: a few dozen characters, or a JSON Web Token.
const LONGEST: usize = 2048;

impl Nonces {
    pub(super) fn get(&self, uri: &Uri) -> Option<Credential> {
        let origin = origin(uri);
        self.0.iter().find(|(known, _)| *known == origin).map(|(_, nonce)| nonce.clone())
    }

    pub(super) fn learn(&mut self, uri: &Uri, headers: &HeaderMap) {
        let mut sent = headers.get_all("dpop-nonce").iter();
        // Of several nobody knows which one counts.
        let (Some(nonce), None) = (sent.next(), sent.next()) else { return };
        let Some(nonce) = nonce.to_str().ok().filter(|nonce| is_nonce(nonce)) else {
            return;
        };
        // A path alone is of no origin.
        if uri.host().is_none() {
            return;
        }
        let origin = origin(uri);
        self.0.retain(|(known, _)| *known != origin);
        if self.0.len() == MOST_ORIGINS {
            self.0.pop_front();
        }
        self.0.push_back((origin, Credential::new(nonce)));
    }
}

/// RFC 9449 section 8.1: `1*NQCHAR`, of RFC 6749 appendix A.
fn is_nonce(text: &str) -> bool {
    let is_allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Scheme, host and port, in the form that is compared.
pub(super) fn origin(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    match (scheme.as_str(), uri.port_u16()) {
        ("https", Some(443)) | ("http", Some(80)) | (_, None) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    }
}
