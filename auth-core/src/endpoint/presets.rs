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

mod service_account;

use http::Uri;

pub use self::service_account::google_service_account;
use super::{BodyFormat, ClientAuth, EndpointError, TokenEndpoint};
use crate::ClientSecret;

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
/// It has the URL for [revoking](crate::TokenRevocation) tokens
/// (<https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke>).
/// Refresh tokens do not rotate: the response has none, and the old one stays
/// valid. An iOS or Android client has no secret: set [`ClientAuth::none()`].
pub fn google(
    client_id: impl Into<String>,
    client_secret: impl Into<ClientSecret>,
) -> TokenEndpoint {
    let mut endpoint = known("https://oauth2.googleapis.com/token", client_id);
    endpoint.revocation = Some(Uri::from_static("https://oauth2.googleapis.com/revoke"));
    endpoint.client_auth(ClientAuth::post(client_secret))
}

/// GitHub, for user tokens of a GitHub App or an OAuth app: `client_secret_post`
/// (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>).
///
/// Each refresh spends the refresh token *and ends the old access token*.
/// Errors have status 200. Tokens of the device flow of a GitHub App need no
/// secret: set [`ClientAuth::none()`].
///
/// An OAuth app has refresh tokens if it opts in, by a setting of the app or, for
/// one login, by the scope `offline_access`
/// (<https://github.com/orgs/community/discussions/204963>,
/// <https://github.com/cli/oauth/pull/142>). They are single-use as well
/// (<https://github.com/cli/cli/issues/14449>). Without that it has none, and its
/// access tokens do not expire.
pub fn github(
    client_id: impl Into<String>,
    client_secret: impl Into<ClientSecret>,
) -> TokenEndpoint {
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
/// [`EndpointError::PresetValue`] if `tenant` is empty or contains a character
/// that neither a GUID nor a domain has.
pub fn entra(tenant: &str, client_id: impl Into<String>) -> Result<TokenEndpoint, EndpointError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if tenant.is_empty() || !tenant.bytes().all(allowed) || tenant.starts_with('.') {
        return Err(EndpointError::PresetValue {
            name: "tenant",
            expected: "a GUID, a domain or a word such as common: \
                       letters, digits, \"-\", \"_\" and \".\", and no \".\" in front",
        });
    }
    TokenEndpoint::new(
        &format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"),
        client_id,
    )
}

/// AWS IAM Identity Center, its operation `CreateToken`: a client with a secret
/// that sends JSON in camelCase
/// (<https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html>).
///
/// Client and secret are those that `RegisterClient` returned, and expire. `region`
/// is that of the Identity Center instance, such as `eu-central-1`; the host is of
/// the region
/// (<https://docs.aws.amazon.com/general/latest/gr/sso.html>), under `amazonaws.com`,
/// in China under `amazonaws.com.cn`, in the European Sovereign Cloud under
/// `amazonaws.eu`. For any other host there is [`TokenEndpoint::new`]. Do not set a
/// scope: the operation takes a list, and a refresh keeps what was granted.
///
/// # Errors
///
/// [`EndpointError::PresetValue`] if `region` is empty or contains anything but lower
/// case letters, digits and `-`.
pub fn aws_identity_center(
    region: &str,
    client_id: impl Into<String>,
    client_secret: impl Into<ClientSecret>,
) -> Result<TokenEndpoint, EndpointError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.is_empty() || !region.bytes().all(allowed) {
        return Err(EndpointError::PresetValue {
            name: "region",
            expected: "one such as eu-central-1: lower case letters, digits and \"-\"",
        });
    }
    let domain = match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        _ => "amazonaws.com",
    };
    let url = format!("https://oidc.{region}.{domain}/token");
    Ok(TokenEndpoint::new(&url, client_id)?
        .client_auth(ClientAuth::post(client_secret))
        .body_format(BodyFormat::JsonCamelCase))
}

/// DingTalk, for user tokens: a client with a secret that sends JSON in camelCase
/// (<https://open.dingtalk.com/document/orgapp/obtain-user-token>,
/// <https://help.dingtalk.io/open/development/obtain-user-token>).
///
/// An access token goes into the header `x-acs-dingtalk-access-token`, without
/// `Bearer`. DingTalk has no way to revoke a refresh token.
pub fn dingtalk(
    client_id: impl Into<String>,
    client_secret: impl Into<ClientSecret>,
) -> TokenEndpoint {
    known("https://api.dingtalk.com/v1.0/oauth2/userAccessToken", client_id)
        .client_auth(ClientAuth::post(client_secret))
        .body_format(BodyFormat::JsonCamelCase)
}

/// Slack, with token rotation on: `client_secret_basic`, which Slack prefers
/// (<https://docs.slack.dev/reference/methods/oauth.v2.access>).
///
/// Refresh tokens are single-use
/// (<https://docs.slack.dev/authentication/using-token-rotation>). Errors have
/// status 200. The token type is `bot` or `user`; send the token as `Bearer`
/// all the same.
pub fn slack(
    client_id: impl Into<String>,
    client_secret: impl Into<ClientSecret>,
) -> TokenEndpoint {
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
        let camel = "{\"grantType\":\"refresh_token\",\"refreshToken\":\"rt\",\"clientId\":\"c\",\
                     \"clientSecret\":\"s\"}";
        let post = "grant_type=refresh_token&refresh_token=rt&client_id=c&client_secret=s";
        for (endpoint, body) in [
            (claude("c"), json),
            (openai("c"), json),
            (google("c", "s"), post),
            (github("c", "s"), post),
            (aws_identity_center("eu-central-1", "c", "s").unwrap(), camel),
            (dingtalk("c", "s"), camel),
            (
                entra("common", "c").unwrap(),
                "grant_type=refresh_token&refresh_token=rt&client_id=c",
            ),
            (slack("c", "s"), "grant_type=refresh_token&refresh_token=rt"),
        ] {
            let checked = TokenEndpoint::new(&endpoint.uri().to_string(), "c").unwrap();
            assert_eq!(checked.host(), endpoint.host());
            let request = endpoint.request(&RefreshToken::new("rt").into()).unwrap();
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
            let error = entra(tenant, "c").unwrap_err();
            assert!(matches!(error, EndpointError::PresetValue { .. }), "{tenant}");
            assert!(error.to_string().starts_with("the tenant must be a GUID"), "{error}");
        }
        assert!(entra("8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "c").is_ok());
        assert!(entra("contoso.onmicrosoft.com", "c").is_ok());
    }

    #[test]
    fn a_region_is_a_label_of_the_host() {
        for (region, host) in [
            ("us-east-1", "oidc.us-east-1.amazonaws.com"),
            ("us-gov-west-1", "oidc.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "oidc.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", "oidc.eusc-de-east-1.amazonaws.eu"),
        ] {
            let endpoint = aws_identity_center(region, "c", "s").unwrap();
            assert_eq!(endpoint.uri().to_string(), format!("https://{host}/token"));
        }
        for region in ["", "a.b", "a/b", "a@b", "a:1", "US-EAST-1", "a?b", "a#b", "a b", "\u{e9}"] {
            let error = aws_identity_center(region, "c", "s").unwrap_err();
            assert!(matches!(error, EndpointError::PresetValue { .. }), "{region}");
            assert!(error.to_string().starts_with("the region must be one such as"), "{error}");
        }
    }
}
