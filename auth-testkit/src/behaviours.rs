//! The responses of a token endpoint, as behaviours of a
//! [`FaultServer`](fault_server::FaultServer).

use fault_server::Behaviour;

use crate::CannedResponse;

/// A 200 with tokens (RFC 6749 section 5.1). `expires_in` is in seconds.
#[must_use]
pub fn tokens(access_token: &str, refresh_token: &str, expires_in: u64) -> Behaviour {
    CannedResponse::tokens(access_token).refresh_token(refresh_token).expires_in(expires_in).into()
}

/// An error with this status and code (RFC 6749 section 5.2).
///
/// # Panics
///
/// If `status` is not between 100 and 999.
#[must_use]
#[track_caller]
pub fn oauth_error(status: u16, code: &str) -> Behaviour {
    CannedResponse::oauth_error(code).with_status(status).into()
}

impl From<CannedResponse> for Behaviour {
    fn from(response: CannedResponse) -> Self {
        response.build().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_json_whatever_is_in_them() {
        let shown = CannedResponse::tokens("a\"\\\n").build();
        assert!(String::from_utf8_lossy(shown.body()).contains(r#""access_token":"a\"\\\n""#));
        assert_eq!(format!("{:?}", tokens("at-1", "rt-1", 1)), "Behaviour(response 200)");
        assert_eq!(format!("{:?}", oauth_error(401, "invalid_client")), "Behaviour(response 401)");
    }
}
