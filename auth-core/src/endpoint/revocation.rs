//! Where refresh tokens are revoked (RFC 7009).

use http::Uri;

use super::{EndpointError, TokenEndpoint, url};

impl TokenEndpoint {
    /// Sets the URL at which the server revokes tokens (RFC 7009), its metadata's
    /// `revocation_endpoint`. Without one, nothing is revoked:
    /// see [`TokenRevocation`](crate::TokenRevocation).
    ///
    /// Whoever is there is shown what the token endpoint is shown: the refresh token, the
    /// client's secret or an assertion with the same audience, the endpoint's headers. So
    /// take it from the same server's metadata. A DPoP proof is for this URL, with the
    /// nonce of its own origin.
    ///
    /// ```
    /// use auth_core::TokenEndpoint;
    ///
    /// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?
    ///     .revocation_url("https://auth.example.com/revoke")?;
    /// assert!(endpoint.get_revocation_url().is_some());
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> TokenEndpoint {
        TokenEndpoint::new("https://auth.example.com/token", "c").unwrap()
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
}
