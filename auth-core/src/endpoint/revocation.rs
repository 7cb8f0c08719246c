//! Revoking a refresh token (RFC 7009).

use http::Uri;
use zeroize::Zeroize;

use super::{EndpointError, Purpose, Shown, TokenEndpoint, url};
use crate::{
    Failure, Now, RefreshToken, Request, Response, TransportError,
    response::read_revocation_response,
};

impl TokenEndpoint {
    /// Sets the URL at which the server revokes tokens (RFC 7009), its metadata's
    /// `revocation_endpoint`. Without one, nothing is revoked.
    ///
    /// ```
    /// use auth_core::{RefreshToken, TokenEndpoint};
    ///
    /// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?
    ///     .revocation_url("https://auth.example.com/revoke")?;
    /// let request = endpoint.revocation_request(&RefreshToken::new("rt-1")).expect("a URL");
    /// assert_eq!(request.uri(), "https://auth.example.com/revoke");
    /// # Ok::<(), auth_core::EndpointError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new). If the endpoint was made by
    /// [`insecure_plain_http`](Self::insecure_plain_http), plain `http` to its own
    /// host and port is accepted here as well.
    pub fn revocation_url(mut self, url: &str) -> Result<Self, EndpointError> {
        let uri = url::parse_insecure(url)?;
        if !(self.is_insecure() && uri.authority() == self.uri.authority()) {
            url::check_secure(&uri)?;
        }
        self.revocation = Some(uri);
        Ok(self)
    }

    /// The URL at which the server revokes tokens, if one is set.
    pub fn get_revocation_url(&self) -> Option<&Uri> {
        self.revocation.as_ref()
    }

    /// The request that revokes `token`; `None` without a
    /// [`revocation_url`](Self::revocation_url). The client authenticates as it
    /// does to refresh, and the endpoint's own headers are set. Parameters that
    /// were added are for the token endpoint, and are left out.
    ///
    /// Most servers end the whole session with its refresh token (RFC 7009 section
    /// 2.1).
    pub fn revocation_request(&self, token: &RefreshToken) -> Option<Request> {
        self.revocation.as_ref()?;
        self.ready_made(Purpose::Revocation(token)).ok()
    }

    /// Reads what came of the [request](Self::revocation_request) that revokes
    /// `token`. The body of the response is wiped.
    ///
    /// A 2xx is success, whatever token it was (RFC 7009 section 2.2), unless there
    /// is an error or a page in it: some servers send errors with a 200, and
    /// captive portals send pages. An error that says that the token is unknown or
    /// dead is success as well.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if the token may still be alive. `unsupported_token_type` is
    /// [`Misconfigured`](crate::FailureKind::Misconfigured): the server does not
    /// revoke refresh tokens. A 503 may have a
    /// [`retry_after`](Failure::retry_after) (RFC 7009 section 2.2.1).
    // As for `read_response`.
    #[allow(clippy::result_large_err)]
    pub fn read_revocation(
        &self,
        token: &RefreshToken,
        response: Result<Response, TransportError>,
        now: Now,
    ) -> Result<(), Failure> {
        let mut response = response?;
        let shown = Shown::default();
        let secrets = || self.secrets(Purpose::Revocation(token), &shown);
        let result = read_revocation_response(&response, self.rules(), now, secrets);
        response.body_mut().zeroize();
        result
    }
}

#[cfg(test)]
#[allow(clippy::result_large_err, reason = "as above")]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{BodyFormat, ClientAuth, Delivery, FailureKind, TransportErrorKind, test_now};

    fn endpoint() -> TokenEndpoint {
        TokenEndpoint::new("https://auth.example.com/token", "c")
            .unwrap()
            .revocation_url("https://auth.example.com/revoke?key=k3y")
            .unwrap()
    }

    fn token() -> RefreshToken {
        RefreshToken::new("rt-0123456789abcdef")
    }

    #[test]
    fn the_request_is_made_as_that_for_tokens_is() {
        let body = |endpoint: TokenEndpoint| {
            let request = endpoint.revocation_request(&token()).unwrap();
            assert_eq!(request.uri(), "https://auth.example.com/revoke?key=k3y");
            assert_eq!(request.headers()["accept"], "application/json");
            String::from_utf8(request.body().to_vec()).unwrap()
        };
        let start = "token=rt-0123456789abcdef&token_type_hint=refresh_token";
        assert_eq!(body(endpoint()), format!("{start}&client_id=c"));
        let extended = endpoint().scope("a").parameter("audience", "api-of-ours").unwrap();
        assert_eq!(body(extended), format!("{start}&client_id=c"));
        let post = endpoint().client_auth(ClientAuth::post("s3cret"));
        assert_eq!(body(post), format!("{start}&client_id=c&client_secret=s3cret"));
        assert_eq!(body(endpoint().client_auth(ClientAuth::basic("s3cret"))), start);
        let json = body(endpoint().body_format(BodyFormat::Json));
        assert_eq!(
            json,
            r#"{"token":"rt-0123456789abcdef","token_type_hint":"refresh_token","client_id":"c"}"#
        );

        let camel = endpoint().client_auth(ClientAuth::post("s3cret"));
        assert_eq!(
            body(camel.body_format(BodyFormat::JsonCamelCase)),
            r#"{"token":"rt-0123456789abcdef","tokenTypeHint":"refresh_token","#.to_owned()
                + r#""clientId":"c","clientSecret":"s3cret"}"#
        );

        let basic = endpoint().client_auth(ClientAuth::basic("s3cret"));
        let basic = basic.header("x-key", "h3ader").unwrap();
        let request = basic.revocation_request(&token()).unwrap();
        assert_eq!(request.headers()["authorization"], "Basic YzpzM2NyZXQ=");
        assert_eq!(request.headers()["x-key"], "h3ader");
        assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
        let bare = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        assert!(bare.revocation_request(&token()).is_none());
        assert!(bare.get_revocation_url().is_none());
    }

    #[test]
    fn the_url_must_be_one_that_a_token_may_go_to() {
        let set = |endpoint: TokenEndpoint, url| endpoint.revocation_url(url).map(drop);
        for url in ["https://other.example.com/revoke", "http://127.0.0.1:1/revoke"] {
            assert!(set(endpoint(), url).is_ok(), "{url}");
        }
        for url in [
            "http://auth.example.com/revoke",
            "https://user@auth.example.com/revoke",
            "https://auth.example.com/revoke#x",
            "/revoke",
            "",
        ] {
            assert!(set(endpoint(), url).is_err(), "{url}");
        }
        // Plain http for its own host, if that was asked for, and for no other.
        let insecure =
            || TokenEndpoint::insecure_plain_http("http://keycloak:8080/token", "c").unwrap();
        assert!(set(insecure(), "http://keycloak:8080/revoke").is_ok());
        assert!(set(insecure(), "http://keycloak:8081/revoke").is_err());
        assert!(set(insecure(), "http://elsewhere/revoke").is_err());
        assert!(set(insecure(), "https://elsewhere/revoke").is_ok());
    }

    #[test]
    fn what_came_of_it() {
        use FailureKind::{Interrupted, Misconfigured, Throttled, Unavailable};
        let rows: [(u16, &str, Option<FailureKind>); 25] = [
            (200, "", None),
            (200, "{}", None),
            (200, r#"{"ok":true}"#, None),
            (204, "", None),
            (202, "revoked", None),
            // The token is dead, which is all that is wanted.
            (400, r#"{"error":"invalid_token"}"#, None),
            (400, r#"{"error":"invalid_grant"}"#, None),
            (401, r#"{"error":"invalid_token"}"#, None),
            (200, r#"{"error":"invalid_token"}"#, None),
            (200, r#"{"ok":false,"error":"invalid_client"}"#, Some(Misconfigured)),
            (200, r#"{"success":true,"message":"t u"}"#, None),
            (200, r#"{"success":false,"message":"t u"}"#, Some(Unavailable)),
            (200, r#"{"error":true,"message":"t u"}"#, Some(Unavailable)),
            (200, r#"{"status":"failed"}"#, Some(Interrupted)),
            (200, "<html><title>Log in to the Wi-Fi</title></html>", Some(Interrupted)),
            (206, "", Some(Interrupted)),
            (400, r#"{"error":"unsupported_token_type"}"#, Some(Misconfigured)),
            (503, r#"{"error":"unsupported_token_type"}"#, Some(Unavailable)),
            (401, r#"{"error":"invalid_client"}"#, Some(Misconfigured)),
            (400, r#"{"error":"invalid_request"}"#, Some(Misconfigured)),
            (404, "", Some(Misconfigured)),
            (302, "", Some(Misconfigured)),
            (403, "<html></html>", Some(Unavailable)),
            (429, "", Some(Throttled)),
            (500, "", Some(Unavailable)),
        ];
        for (status, body, wanted) in rows {
            let response = http::Response::builder().status(status).body(body.into()).unwrap();
            let result = endpoint().read_revocation(&token(), Ok(response), test_now());
            let kind = result.as_ref().err().map(Failure::kind);
            assert_eq!(kind, wanted, "{status} {body}: {result:?}");
        }
        let response = http::Response::builder().status(503).header("retry-after", "7");
        let response = response.body(Vec::new()).unwrap();
        let failure = endpoint().read_revocation(&token(), Ok(response), test_now()).unwrap_err();
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
        let lost = TransportError::unknown(TransportErrorKind::Reset);
        let failure = endpoint().read_revocation(&token(), Err(lost), test_now()).unwrap_err();
        assert_eq!(failure.delivery(), Delivery::Unknown);
    }

    #[test]
    fn what_a_server_echoes_is_not_shown() {
        let keyed = endpoint().revocation_url("https://auth.example.com/revoke?key=k3y-9876543210");
        let keyed = keyed.unwrap();
        for echo in ["rt-0123456789abcdef", "k3y-9876543210"] {
            let body = format!(r#"{{"error":"invalid_request","error_description":"no {echo}"}}"#);
            let response = http::Response::builder().status(400).body(body.into()).unwrap();
            let failure = keyed.read_revocation(&token(), Ok(response), test_now()).unwrap_err();
            let shown = format!("{failure} {failure:?}");
            assert!(!shown.contains(echo), "{shown}");
        }
    }
}
