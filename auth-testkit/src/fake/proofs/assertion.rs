//! Client assertions.

use std::{collections::HashSet, time::SystemTime};

use serde_json::Value;

use super::{LEEWAY, keys::PublicKey, seconds};
use crate::{RecordedRequest, jwt::DecodedJwt};

/// What a client's assertion must be.
#[derive(Clone)]
pub(in crate::fake) enum AssertionRule {
    /// Signed by this key, for one of these audiences.
    Signed { key: PublicKey, audiences: Audiences },
    /// This very text.
    ReadyMade(String),
}

/// By which names the server is meant.
#[derive(Clone)]
pub(in crate::fake) enum Audiences {
    /// Its URLs, and those of its listeners.
    Own(Vec<String>),
    /// This one.
    Fixed(String),
}

impl Audiences {
    /// Those of a server whose token endpoint is `{issuer}/token`.
    pub(in crate::fake) fn of(issuer: &str) -> Self {
        Self::Own(vec![issuer.to_owned(), format!("{issuer}/token")])
    }

    fn contain(&self, audience: &str) -> bool {
        match self {
            Self::Own(urls) => urls.iter().any(|url| url == audience),
            Self::Fixed(only) => only == audience,
        }
    }
}

impl AssertionRule {
    /// The token endpoint is at this URL, too.
    #[cfg(feature = "server")]
    pub(in crate::fake) fn add_endpoint(&mut self, url: &str) {
        if let Self::Signed { audiences: Audiences::Own(urls), .. } = self {
            urls.extend([url.strip_suffix("/token").unwrap_or(url), url].map(str::to_owned));
        }
    }
}

/// The assertions that were seen.
#[derive(Default)]
pub(in crate::fake) struct Assertions {
    seen: HashSet<String>,
}

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Values of `typ`, in lower case. It may be missing.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

impl Assertions {
    /// Whether the request has an assertion by which the client authenticates. If it
    /// has not, this says what is wrong with it.
    pub(in crate::fake) fn accept(
        &mut self,
        rule: &AssertionRule,
        client_id: &str,
        request: &RecordedRequest,
        now: SystemTime,
    ) -> Result<(), &'static str> {
        let Some(assertion) = request.param("client_assertion") else {
            return Err("client_assertion is missing");
        };
        check(request.param("client_assertion_type") == Some(TYPE), "client_assertion_type")?;
        match rule {
            AssertionRule::ReadyMade(expected) => check(assertion == expected, "it is another one"),
            AssertionRule::Signed { key, audiences } => {
                let token = DecodedJwt::parse(assertion).ok_or("it is no JWT")?;
                is_of(&token, client_id, audiences, now)?;
                check(key.has_signed(&token), "the signature does not verify")?;
                let jti = token.text("jti").ok_or("jti")?;
                check(self.seen.insert(jti.to_owned()), "jti")
            }
        }
    }
}

fn check(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Whether the claims are as they should be; otherwise the name of the first that is
/// not.
fn is_of(
    token: &DecodedJwt,
    client_id: &str,
    audiences: &Audiences,
    now: SystemTime,
) -> Result<(), &'static str> {
    let now = seconds(now);
    let audience = match token.claim("aud") {
        Some(Value::String(one)) => Some(one.as_str()),
        // The update of RFC 7523 takes one audience only.
        Some(Value::Array(several)) if several.len() == 1 => several[0].as_str(),
        _ => None,
    };
    let typ = token.header("typ").map(|typ| typ.as_str().unwrap_or_default().to_ascii_lowercase());
    check(typ.is_none_or(|typ| TYPES.contains(&typ.as_str())), "typ")?;
    check(token.text("iss") == Some(client_id), "iss")?;
    check(token.text("sub") == Some(client_id), "sub")?;
    check(audience.is_some_and(|audience| audiences.contain(audience)), "aud")?;
    check(token.seconds("exp").is_some_and(|exp| exp.saturating_add(LEEWAY) > now), "exp")?;
    check(token.seconds("iat").is_none_or(|iat| iat <= now + LEEWAY), "iat")
}
