//! The revocation endpoint (RFC 7009).

use std::time::{Duration, SystemTime};

use super::Model;
use crate::{
    CannedResponse, RecordedRequest,
    fake::{report::RevokedBecause, settings::Revokes},
};

/// Where it is, beside the token endpoint.
pub(crate) const PATH: &str = "/revoke";

/// Whether the request is for it.
pub(super) fn is_about(request: &RecordedRequest) -> bool {
    request.uri().path() == PATH
}

impl Model {
    pub(super) fn answer_revocation(
        &mut self,
        request: &RecordedRequest,
        now: Duration,
        wall: SystemTime,
    ) -> CannedResponse {
        let Some(revokes) = self.settings.revokes else { return CannedResponse::status(404) };
        if let Some(wait) = self.throttles(now) {
            self.report.throttled += 1;
            return CannedResponse::status(503).header("retry-after", &wait.as_secs().to_string());
        }
        let refused = if request.format() != Some(self.settings.format) {
            Some(CannedResponse::oauth_error("invalid_request"))
        } else if let Err(why) = self.authenticate(request, wall) {
            let response = CannedResponse::oauth_error("invalid_client").with_status(401);
            Some(match why {
                Some(why) => response.wrong_assertion(why),
                None => response,
            })
        } else if let Err(decision) = self.prove(request, wall) {
            Some(self.word(&decision, request))
        } else if revokes == Revokes::Nothing {
            Some(CannedResponse::oauth_error("unsupported_token_type"))
        } else {
            None
        };
        if let Some(refused) = refused {
            self.report.refused += 1;
            return refused;
        }
        let Some(token) = request.param("token") else {
            self.report.refused += 1;
            return CannedResponse::oauth_error("invalid_request");
        };
        self.report.revoked += 1;
        if let Some(token) = self.ledger.find(token) {
            match revokes {
                Revokes::Family => self.revoke_family(token.family, now, RevokedBecause::Asked),
                Revokes::Token | Revokes::Nothing => self.ledger.revoke_token(token),
            }
        }
        CannedResponse::status(200)
    }
}
