//! What a response is, to a request of which the machine knows what was shown in it.

use zeroize::Zeroize;

use super::InProgress;
use crate::{
    Failure, Now, Response, TokenSet, TransportError,
    clock::ClockDifference,
    endpoint::{Purpose, Shown},
    response::{read_issued, server_date},
};

impl InProgress {
    /// Takes the nonce of any response.
    pub(super) fn learn(&self, response: &Result<Response, TransportError>) {
        if let (Some(dpop), Ok(response)) = (self.endpoint.get_dpop(), response) {
            dpop.learn(self.endpoint.uri(), response.headers());
        }
    }

    /// Whether the server asks for nothing but another proof, and there can be one.
    pub(super) fn is_challenge(&self, failure: &Failure, shown: &Shown) -> bool {
        let purpose = Purpose::Tokens(&self.grant, &self.extras);
        !self.challenged
            && failure.asks_for_nonce()
            && self.endpoint.has_another_nonce(purpose, shown)
    }

    #[allow(clippy::result_large_err)]
    pub(super) fn read(
        &self,
        response: Result<Response, TransportError>,
        shown: &Shown,
        sent: Now,
        now: Now,
    ) -> Result<TokenSet, Failure> {
        let mut response = response?;
        // RFC 6749 counts `expires_in` from when the response was generated. All
        // that is known is that this was not before the request was sent: by
        // the wall clock, which may have been set since, or by the monotonic
        // one, which stands still while the machine sleeps. The earlier counts.
        let measured = now.wall.checked_sub(now.since(sent)).unwrap_or(now.wall);
        let issued = measured.min(sent.wall);
        let secrets = || self.endpoint.secrets(Purpose::Tokens(&self.grant, &self.extras), shown);
        let result = read_issued(&response, self.endpoint.rules(), now, issued, secrets);
        response.body_mut().zeroize();
        let failure = match result {
            Ok(mut tokens) => {
                if tokens.refresh_token.is_none() {
                    tokens.refresh_token = self.grant.refresh_token().cloned();
                }
                return Ok(tokens);
            }
            Err(failure) => failure,
        };
        let has_key = self.endpoint.get_dpop().is_some();
        let failure = failure.of_client_with_key(has_key);
        // Only what was signed has a time by this machine's clock.
        let date = server_date(response.headers()).filter(|_| shown.is_signed);
        let clock = date.and_then(|date| ClockDifference::measure(date, issued, now.wall));
        Err(failure.by_clock(clock))
    }
}
