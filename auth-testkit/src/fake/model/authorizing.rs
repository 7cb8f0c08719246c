//! The authorization endpoint, and what its codes are traded for (RFC 6749 section
//! 4.1, with PKCE: RFC 7636).

mod pkce;
mod redirect;

use std::{collections::HashMap, time::Duration};

use http::Uri;

use self::{pkce::Challenge, redirect::Redirect};
use super::Model;
use crate::{
    CannedResponse, RecordedRequest,
    fake::{decision::ModelDecision, report::RevokedBecause, split_mix::SplitMix64},
};

/// Where it is, beside the token endpoint.
#[cfg(feature = "server")]
pub(crate) const PATH: &str = "/authorize";

/// How long a code may be traded (RFC 6749 section 4.1.2: ten minutes at most).
const LIFETIME: Duration = Duration::from_secs(60);

/// The codes that were given.
pub(super) struct Codes {
    given: HashMap<String, Code>,
    names: SplitMix64,
}

struct Code {
    subject: String,
    redirect: Redirect,
    challenge: Option<Challenge>,
    scope: Option<String>,
    expires: Duration,
    /// The family that it was traded for.
    traded: Option<usize>,
}

impl Codes {
    pub(super) fn new(seed: u64) -> Self {
        // Others than those of the tokens, which stay what they were.
        Self { given: HashMap::new(), names: SplitMix64(seed.rotate_left(32) ^ 0xc0de) }
    }

    fn add(&mut self, code: Code) -> String {
        let name = format!("fake-code-{:016x}{:016x}", self.names.next(), self.names.next());
        self.given.insert(name.clone(), code);
        name
    }
}

impl Model {
    /// The response to a browser at the authorization endpoint: its user has logged in
    /// and agreed already.
    pub(in crate::fake) fn authorize(&mut self, uri: &Uri, now: Duration) -> CannedResponse {
        let Some(rule) = self.settings.authorizes.clone() else {
            return CannedResponse::status(404);
        };
        let params: Vec<(String, String)> =
            form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let all = |name: &str| params.iter().filter(|(n, _)| n == name).count();
        let get = |name: &str| {
            let value = params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
            value.filter(|value| !value.is_empty())
        };
        // To whom nobody knows, the user is not sent (RFC 6749 section 4.1.2.1).
        let redirect = match get("client_id") == Some(&self.settings.client.id) {
            true => Redirect::choose(get("redirect_uri"), &rule.redirect_uris),
            false => Err("no such client"),
        };
        let redirect = match redirect {
            Ok(redirect) if all("redirect_uri") < 2 && all("client_id") < 2 => redirect,
            Ok(_) => return refused("a parameter is repeated"),
            Err(why) => return refused(why),
        };
        let to = redirect.clone();
        let answer =
            |name: &str, value: &str| to.to(&[(name, Some(value)), ("state", get("state"))]);
        if params.iter().any(|(name, _)| all(name) > 1) {
            return answer("error", "invalid_request");
        }
        if get("response_type") != Some("code") {
            return answer("error", "unsupported_response_type");
        }
        let is_public = !self.settings.client.authenticates();
        let challenge = match Challenge::read(get("code_challenge"), get("code_challenge_method")) {
            // RFC 9700 section 2.1.1.
            Ok(None) if is_public => return answer("error", "invalid_request"),
            Ok(challenge) => challenge,
            Err(()) => return answer("error", "invalid_request"),
        };
        let scope = get("scope").map(ToOwned::to_owned);
        if scope.as_deref().is_some_and(|scope| !self.grants(scope)) {
            return answer("error", "invalid_scope");
        }
        let expires = now.saturating_add(LIFETIME);
        let subject = rule.subject;
        self.report.authorized += 1;
        let code = Code { subject, redirect, challenge, scope, expires, traded: None };
        answer("code", &self.codes.add(code))
    }

    /// Trades a code for the tokens of a new session.
    pub(super) fn trade_code(
        &mut self,
        request: &RecordedRequest,
        key: Option<&str>,
        now: Duration,
    ) -> ModelDecision {
        if self.settings.authorizes.is_none() {
            return ModelDecision::UnsupportedGrantType;
        }
        let Some(name) = request.param("code") else {
            return ModelDecision::InvalidRequest("code is missing");
        };
        let Some(code) = self.codes.given.get_mut(name) else {
            return ModelDecision::BadCode("the code is unknown");
        };
        if let Some(family) = code.traded {
            // RFC 6749 section 4.1.2: what was issued for it is revoked.
            self.revoke_family(family, now, RevokedBecause::CodeReuse);
            return ModelDecision::BadCode("the code was used before");
        }
        if now >= code.expires {
            return ModelDecision::BadCode("the code has expired");
        }
        if !code.redirect.is_named_by(request.param("redirect_uri")) {
            return ModelDecision::BadCode("redirect_uri is another one");
        }
        let verifier = request.param("code_verifier");
        if let Err(why) = Challenge::judge(code.challenge.as_ref(), verifier) {
            return ModelDecision::BadCode(why);
        }
        let family = self.ledger.found(code.subject.clone(), now);
        code.traded = Some(family);
        let scope = code.scope.clone().or_else(|| self.settings.scope.clone());
        let lifetime = self.settings.access_lifetime;
        let access = self.ledger.issue_access(family, now, lifetime, false);
        let refresh = self.ledger.current(family).to_owned();
        // A family without a key takes this one.
        let _ = self.bind(&refresh, key, now);
        ModelDecision::Issued { access, refresh: Some(refresh), lifetime, scope, again: false }
    }
}

/// What the user sees.
fn refused(why: &str) -> CannedResponse {
    CannedResponse::oauth_error("invalid_request").description(why)
}
