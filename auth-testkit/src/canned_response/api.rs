//! What an API says about the token of a request.

use super::CannedResponse;

impl CannedResponse {
    /// A 401 with these values of `WWW-Authenticate`, each in a field of its own, or
    /// with none. A value may hold several challenges (RFC 9110 section 11.6.1).
    ///
    /// ```
    /// use auth_testkit::CannedResponse;
    ///
    /// let response = CannedResponse::unauthorized([
    ///     r#"Basic realm="old""#,
    ///     r#"DPoP algs="ES256", Bearer error="invalid_token""#,
    /// ]);
    /// assert_eq!(response.build().headers().get_all("www-authenticate").iter().count(), 2);
    /// assert!(CannedResponse::unauthorized([]).build().headers().is_empty());
    /// ```
    ///
    /// # Panics
    ///
    /// If a value is not valid in a header field.
    #[track_caller]
    #[must_use]
    pub fn unauthorized<'a>(challenges: impl IntoIterator<Item = &'a str>) -> Self {
        let mut response = Self::status(401);
        for challenge in challenges {
            response = response.another_header("www-authenticate", challenge);
        }
        response
    }

    /// A 401 for a token that is expired, revoked or otherwise dead (RFC 6750 section
    /// 3.1).
    #[must_use]
    pub fn invalid_token() -> Self {
        Self::unauthorized([r#"Bearer realm="fake", error="invalid_token""#])
            .member("error", "invalid_token")
    }

    /// A 403 for a token that is live and may not do this, with the scope that is
    /// needed (RFC 6750 section 3.1). APIs that send it with 401 do
    /// [`with_status(401)`](Self::with_status).
    ///
    /// # Panics
    ///
    /// If the scope is not valid in a header field.
    #[track_caller]
    #[must_use]
    pub fn insufficient_scope(scope: &str) -> Self {
        let challenge =
            format!("Bearer realm=\"fake\", error=\"insufficient_scope\", scope=\"{scope}\"");
        Self::unauthorized([challenge.as_str()])
            .with_status(403)
            .member("error", "insufficient_scope")
    }

    /// A 401 for a login that was too weak or is too long ago (RFC 9470 section 3):
    /// with these authentication context classes, separated by spaces.
    ///
    /// # Panics
    ///
    /// If they are not valid in a header field.
    #[track_caller]
    #[must_use]
    pub fn step_up(acr_values: &str) -> Self {
        let challenge = format!(
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"{acr_values}\""
        );
        Self::unauthorized([challenge.as_str()]).member("error", "insufficient_user_authentication")
    }

    /// A redirect to this URL, with this status: 301, 302, 303, 307 or 308.
    ///
    /// # Panics
    ///
    /// If the URL is not valid in a header field, or the status not between 100 and 999.
    #[track_caller]
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("location", location)
    }
}
