//! What a response is, to a request of which the machine knows what was shown in it.

use zeroize::Zeroize;

use super::InProgress;
use crate::{
    Failure, Now, Response, TokenSet, TransportError,
    endpoint::{Purpose, Shown},
    response::{issued, of_what_was_signed, read_issued},
};

impl InProgress {
    /// Takes the nonce of any response.
    pub(super) fn learn(&self, response: &Result<Response, TransportError>) {
        self.endpoint.learn(Purpose::Tokens(&self.grant, &self.extras), response);
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
        let issued = issued(sent, now);
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
        let failure = failure.of_client_with_key(self.endpoint.get_dpop().is_some());
        match shown.is_signed {
            true => Err(of_what_was_signed(failure, response.headers(), issued, now)),
            false => Err(failure),
        }
    }
}
