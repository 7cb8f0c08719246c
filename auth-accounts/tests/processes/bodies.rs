//! What is in requests and responses, and which requests are on their way.

use std::sync::Mutex;

use auth_core::{RefreshToken, Request, Response};

use super::support::lock;

/// The refresh token in a request. The server's own need no decoding.
pub fn refresh_token(request: &Request) -> RefreshToken {
    let body = std::str::from_utf8(request.body()).expect("a form");
    let token = body.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
    RefreshToken::new(token.expect("that is the grant"))
}

/// The new refresh token in a response, if there is one.
pub fn successor(response: &Response) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(response.body()).ok()?;
    Some(json.get("refresh_token")?.as_str()?.to_owned())
}

/// The refresh tokens in the requests on their way.
#[derive(Default)]
pub struct Busy(Mutex<Vec<RefreshToken>>);

impl Busy {
    /// A request with `token` is on its way. There may be another only after a lease
    /// was lost, and with another token: somebody has logged in.
    pub fn with(&self, token: &RefreshToken, lost: bool) -> impl Drop + use<'_> {
        let mut busy = lock(&self.0);
        assert!(lost || busy.is_empty(), "two requests for one account at a time");
        assert!(!busy.contains(token), "two requests with one refresh token at a time");
        busy.push(token.clone());
        drop(busy);
        Sent { busy: self, token: token.clone() }
    }
}

struct Sent<'a> {
    busy: &'a Busy,
    token: RefreshToken,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        lock(&self.busy.0).retain(|token| *token != self.token);
    }
}
