//! Client assertions.

use std::{collections::HashSet, time::SystemTime};

use super::{LEEWAY, keys::PublicKey, seconds};
use crate::{RecordedRequest, jwt::DecodedJwt};

/// What a client's assertion must be.
#[derive(Clone)]
pub(in crate::fake) enum AssertionRule {
    /// Signed by this key, for one of these audiences.
    Signed { key: PublicKey, audiences: Vec<String> },
    /// This very text.
    ReadyMade(String),
}

/// The assertions that were seen.
#[derive(Default)]
pub(in crate::fake) struct Assertions {
    seen: HashSet<String>,
}

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Assertions {
    /// Whether the request has an assertion by which the client authenticates.
    pub(in crate::fake) fn accept(
        &mut self,
        rule: &AssertionRule,
        client_id: &str,
        request: &RecordedRequest,
        now: SystemTime,
    ) -> bool {
        if request.param("client_assertion_type") != Some(TYPE) {
            return false;
        }
        let Some(assertion) = request.param("client_assertion") else { return false };
        match rule {
            AssertionRule::ReadyMade(expected) => assertion == expected,
            AssertionRule::Signed { key, audiences } => {
                let Some(token) = DecodedJwt::parse(assertion) else { return false };
                is_of(&token, client_id, audiences, now)
                    && key.has_signed(&token)
                    && token.text("jti").is_some_and(|jti| self.seen.insert(jti.to_owned()))
            }
        }
    }
}

fn is_of(token: &DecodedJwt, client_id: &str, audiences: &[String], now: SystemTime) -> bool {
    let now = seconds(now);
    let audience = match token.claim("aud") {
        Some(serde_json::Value::String(one)) => Some(one.as_str()),
        // The update of RFC 7523 takes one audience only.
        Some(serde_json::Value::Array(several)) if several.len() == 1 => several[0].as_str(),
        _ => None,
    };
    token.text("iss") == Some(client_id)
        && token.text("sub") == Some(client_id)
        && audience.is_some_and(|one| audiences.iter().any(|known| known == one))
        && token.seconds("exp").is_some_and(|exp| exp.saturating_add(LEEWAY) > now)
        && token.seconds("iat").is_none_or(|iat| iat <= now + LEEWAY)
}
