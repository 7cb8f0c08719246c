//! Token endpoints of known providers.
//!
//! A preset has the provider's URL, its way of client authentication and its
//! format of the body, each with a source. The client identifier always comes
//! from the caller. The methods of [`TokenEndpoint`] change the rest.
//!
//! ```
//! use auth_core::presets;
//!
//! let endpoint = presets::google("my-client.apps.googleusercontent.com", "my-secret");
//! assert_eq!(endpoint.uri(), "https://oauth2.googleapis.com/token");
//! ```
//!
//! A retry after a lost response succeeds only as long as the server accepts a
//! spent refresh token. Okta does for 30 s by default (0 to 60 s), Auth0 for a
//! configured time (none by default). Google and Entra do not revoke it. Claude,
//! OpenAI, GitHub and Slack document no such grace period.

use http::Uri;

use super::{BodyFormat, ClientAuth, EndpointError, TokenEndpoint};

/// Claude (the OAuth of Claude Code): a public client that sends JSON.
///
/// Refresh tokens rotate and are single-use: a second process that refreshes
/// with the old one gets `invalid_grant`
/// (<https://github.com/anthropics/claude-code/issues/54443>, which also names
/// the URL). The vendor documents neither the endpoint nor the format; both are
/// as public clients use them. Access tokens live about 8 hours.
///
/// The server may reject a `User-Agent` with a 429 `rate_limit_error`
/// (<https://github.com/anomalyco/opencode/issues/18329>). Send an honest one
/// of your own.
pub fn claude(client_id: impl Into<String>) -> TokenEndpoint {
    known("https://platform.claude.com/v1/oauth/token", client_id).body_format(BodyFormat::Json)
}

/// OpenAI (as the Codex CLI uses it): a public client that sends JSON.
///
/// Refresh tokens are single-use. A spent one gets a 401 with
/// `refresh_token_reused`, which is `Rejected`. The response may have no
/// `expires_in`: the access token is a JWT, and its expiry is read there. Source of URL,
/// format and codes:
/// <https://github.com/openai/codex/blob/main/codex-rs/login/src/auth/manager.rs>.
pub fn openai(client_id: impl Into<String>) -> TokenEndpoint {
    known("https://auth.openai.com/oauth/token", client_id).body_format(BodyFormat::Json)
}

/// Google: `client_secret_post`, for installed applications as well
/// (<https://developers.google.com/identity/protocols/oauth2/web-server#offline>).
///
/// It has the URL for [revoking](TokenEndpoint::revocation_request) tokens
/// (<https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke>).
/// Refresh tokens do not rotate: the response has none, and the old one stays
/// valid. An iOS or Android client has no secret: set [`ClientAuth::None`].
pub fn google(client_id: impl Into<String>, client_secret: impl Into<String>) -> TokenEndpoint {
    let mut endpoint = known("https://oauth2.googleapis.com/token", client_id);
    endpoint.revocation = Some(Uri::from_static("https://oauth2.googleapis.com/revoke"));
    endpoint.client_auth(ClientAuth::post(client_secret))
}

/// GitHub, for user tokens of a GitHub App: `client_secret_post`
/// (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>).
///
/// Each refresh spends the refresh token *and ends the old access token*.
/// Errors have status 200. Tokens of the device flow need no secret: set
/// [`ClientAuth::None`]. OAuth apps, unlike GitHub Apps, have no refresh
/// tokens.
pub fn github(client_id: impl Into<String>, client_secret: impl Into<String>) -> TokenEndpoint {
    known("https://github.com/login/oauth/access_token", client_id)
        .client_auth(ClientAuth::post(client_secret))
}

/// Microsoft Entra ID, v2.0, in the global cloud: a public client unless
/// [`client_auth`](TokenEndpoint::client_auth) is set
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#refresh-the-access-token>).
///
/// `tenant` is a GUID, a domain, or one of `common`, `organizations`,
/// `consumers`. The scope is optional. It selects the resource if the grant
/// spans several, and must then contain `offline_access` for a new refresh
/// token. Each response has a new refresh token, and the old one is not revoked
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens>).
/// Throttled users get `invalid_grant` with AADSTS50196, which is `Throttled`
/// here.
///
/// # Errors
///
/// [`EndpointError::InvalidUrl`] if `tenant` is empty or contains a character
/// that neither a GUID nor a domain has.
pub fn entra(tenant: &str, client_id: impl Into<String>) -> Result<TokenEndpoint, EndpointError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if tenant.is_empty() || !tenant.bytes().all(allowed) || tenant.starts_with('.') {
        return Err(EndpointError::InvalidUrl { source: None });
    }
    TokenEndpoint::new(
        &format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
        client_id,
    )
}

/// Slack, with token rotation on: `client_secret_basic`, which Slack prefers
/// (<https://docs.slack.dev/reference/methods/oauth.v2.access>).
///
/// Refresh tokens are single-use
/// (<https://docs.slack.dev/authentication/using-token-rotation>). Errors have
/// status 200. The token type is `bot` or `user`; send the token as `Bearer`
/// all the same.
pub fn slack(client_id: impl Into<String>, client_secret: impl Into<String>) -> TokenEndpoint {
    known("https://slack.com/api/oauth.v2.access", client_id)
        .client_auth(ClientAuth::basic(client_secret))
}

fn known(url: &'static str, client_id: impl Into<String>) -> TokenEndpoint {
    TokenEndpoint::at(Uri::from_static(url), client_id.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RefreshToken;

    #[test]
    fn every_preset_is_a_valid_endpoint() {
        let json =
            "{\"grant_type\":\"refresh_token\",\"refresh_token\":\"rt\",\"client_id\":\"c\"}";
        let post = "grant_type=refresh_token&refresh_token=rt&client_id=c&client_secret=s";
        for (endpoint, body) in [
            (claude("c"), json),
            (openai("c"), json),
            (google("c", "s"), post),
            (github("c", "s"), post),
            (
                entra("common", "c").unwrap(),
                "grant_type=refresh_token&refresh_token=rt&client_id=c",
            ),
            (slack("c", "s"), "grant_type=refresh_token&refresh_token=rt"),
        ] {
            let checked = TokenEndpoint::new(&endpoint.uri().to_string(), "c").unwrap();
            assert_eq!(checked.host(), endpoint.host());
            let request = endpoint.request(&RefreshToken::new("rt").into());
            assert_eq!(request.body(), body.as_bytes(), "{endpoint:?}");
            assert_eq!(request.headers()["accept"], "application/json");
            if let Some(url) = endpoint.get_revocation_url() {
                assert!(checked.revocation_url(&url.to_string()).is_ok());
            }
        }
    }

    #[test]
    fn a_tenant_stays_within_its_segment() {
        for tenant in ["", "a/b", "..", "a?b", "a#b", "a b", "%2e", "a\u{e9}"] {
            assert!(entra(tenant, "c").is_err(), "{tenant}");
        }
        assert!(entra("8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "c").is_ok());
        assert!(entra("contoso.onmicrosoft.com", "c").is_ok());
    }
}
