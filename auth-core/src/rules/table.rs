//! The table: one line a fact, with its source.
//!
//! The facts are applied in this order, before the standard meaning of the codes.
//! So a fact belongs here only if the standard meaning is wrong or missing: that
//! Google sends `invalid_grant` for a revoked token does not. A number alone, or
//! `access_denied` alone, means different things at different providers and never
//! decides alone.
//!
//! `docs/decisions.md` lists what was left out because nothing in the response
//! tells the cases apart. What decides only as a whole message stands in
//! `messages.rs`.

use std::borrow::Cow;

use super::{Place, Rule};
use crate::FailureKind::{self, Misconfigured, Rejected, Throttled, Unavailable};

pub(super) const fn fact(
    provider: &'static str,
    status: Option<u16>,
    code: Option<&'static str>,
    words: Option<&'static str>,
    kind: FailureKind,
    source: &'static str,
) -> Rule {
    Rule {
        provider: Cow::Borrowed(provider),
        status,
        code: match code {
            Some(code) => Some(Cow::Borrowed(code)),
            None => None,
        },
        words: match words {
            Some(words) => Some(Cow::Borrowed(words)),
            None => None,
        },
        whole: false,
        codeless: false,
        // A gateway says `{"message":"session_expired"}` of its own session.
        place: if matches!(kind, Rejected) { Place::Proper } else { Place::Anywhere },
        kind,
        source: Cow::Borrowed(source),
    }
}

/// Of a provider that puts the code of a dead token where others explain it.
const fn anywhere(mut rule: Rule) -> Rule {
    rule.place = Place::Anywhere;
    rule
}

/// Of a provider that puts the code into the message within `error`.
const fn in_error(mut rule: Rule) -> Rule {
    rule.place = Place::InError;
    rule
}

/// Any code, and none.
const ANY: Option<&str> = None;

const ENTRA: &str =
    "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes";
const SLACK: &str = "https://docs.slack.dev/reference/methods/oauth.v2.access";
const SUPABASE: &str = "https://supabase.com/docs/guides/auth/debugging/error-codes";
const CODEX: &str = "https://github.com/openai/codex/blob/main/codex-rs/login/src/auth/manager.rs";
const CODEX_PR: &str = "https://github.com/openai/codex/pull/27351";
const FIREBASE: &str = "https://firebase.google.com/docs/reference/rest/auth#section-refresh-token";
const FOSITE: &str = "https://github.com/ory/fosite/blob/master/handler/oauth2/flow_refresh.go";
const LARK: &str = "https://github.com/larksuite/cli/blob/main/internal/errclass/codemeta.go";
const DOUYIN: &str = "https://developer.open-douyin.com/docs/resource/zh-CN/dop/develop/openapi/account-permission/refresh-access-token";
const WECHAT: &str =
    "https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html";
const WECHAT_CODES: &str = "https://cnblogs.com/youlangu/p/3699079.html";
const FASTMCP: &str = "https://github.com/PrefectHQ/fastmcp/issues/5002";
const GITHUB: &str = "https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors";
const CODER: &str = "https://github.com/coder/coder/blob/main/coderd/externalauth/externalauth.go";
const ZOHO: &str = "https://www.zoho.com/crm/developer/docs/api/v7/token-validity.html";
const OPENID: &str = "https://openid.net/specs/openid-connect-core-1_0.html#AuthError";
const SALESFORCE: &str = "https://help.salesforce.com/s/articleView?id=release-notes.rn_security_refresh_token_error.htm&release=252&type=5";

#[rustfmt::skip]
pub(super) static TABLE: &[Rule] = &[
    // Passing states under codes that sound final.
    fact("Salesforce", None, Some("invalid_grant"), Some("token request is already being processed"), Unavailable, SALESFORCE),
    // The same lock before release 252. A refresh has no authorization code that could expire.
    fact("Salesforce", None, Some("invalid_grant"), Some("expired authorization code"), Unavailable, SALESFORCE),
    fact("Microsoft Entra", None, Some("50196"), None, Throttled, "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2808"),
    fact("Microsoft Entra", None, ANY, Some("AADSTS50196:"), Throttled, "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2808"),
    fact("Microsoft Entra", None, ANY, Some("AADSTS90055:"), Throttled, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS50166:"), Throttled, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS90033:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS90006:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS90012:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS90024:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS90090:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS90091:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS50033:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS50087:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS40010:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS70012:"), Unavailable, ENTRA),
    fact("Microsoft Entra", None, ANY, Some("AADSTS50000:"), Unavailable, ENTRA),
    fact("Ory Hydra", None, Some("invalid_request"), Some("multiple concurrent requests using the same token"), Unavailable, FOSITE),
    fact("Ory Hydra", None, Some("invalid_request"), Some("Failed to refresh token. Please retry the request."), Unavailable, FOSITE),
    fact("Zoho", None, ANY, Some("made too many requests continuously"), Throttled, ZOHO),
    fact("Zoho", None, Some("access_denied"), Some("too many requests"), Throttled, ZOHO),
    fact("Exact Online", None, Some("access_denied"), Some("Rate limit exceeded"), Throttled, "https://github.com/websmurf/laravel-exact-online/issues/31"),
    fact("Kakao", None, Some("KOE237"), None, Throttled, "https://developers.kakao.com/docs/latest/en/kakaologin/trouble-shooting"),
    fact("Slack", None, Some("ratelimited"), None, Throttled, SLACK),
    fact("Slack", None, Some("internal_error"), None, Unavailable, SLACK),
    fact("Slack", None, Some("fatal_error"), None, Unavailable, SLACK),
    fact("Slack", None, Some("service_unavailable"), None, Unavailable, SLACK),
    fact("Slack", None, Some("request_timeout"), None, Unavailable, SLACK),
    fact("Slack", None, Some("team_added_to_org"), None, Unavailable, SLACK),
    fact("Slack", None, Some("org_login_required"), None, Unavailable, SLACK),
    fact("Slack", None, Some("accesslimited"), None, Unavailable, SLACK),
    fact("Withings", Some(200), Some("601"), Some("too many"), Throttled, "https://developer.withings.com/api-reference#section/Response-status"),
    fact("Amazon Cognito", None, Some("TooManyRequestsException"), None, Throttled, "https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html"),
    fact("AWS", None, Some("ThrottlingException"), None, Throttled, "https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html"),
    fact("Anthropic", None, Some("rate_limit_error"), None, Throttled, "https://github.com/anomalyco/opencode/issues/18329"),
    fact("Anthropic", None, Some("overloaded_error"), None, Unavailable, "https://docs.anthropic.com/en/api/errors"),
    fact("Anthropic", None, Some("api_error"), None, Unavailable, "https://docs.anthropic.com/en/api/errors"),
    fact("Google", None, Some("userRateLimitExceeded"), None, Throttled, "https://github.com/jaredhanson/passport-google-oauth/issues/75"),
    fact("Google", None, Some("rateLimitExceeded"), None, Throttled, "https://github.com/jaredhanson/passport-google-oauth/issues/75"),
    fact("Google", None, Some("internal_failure"), None, Unavailable, "https://github.com/googleapis/google-auth-library-python/blob/main/google/oauth2/_client.py"),
    fact("Auth0", None, Some("too_many_requests"), None, Throttled, "https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy"),
    fact("Google", None, Some("rate_limit_exceeded"), None, Throttled, "https://support.google.com/cloud/answer/9028764"),
    fact("Supabase", None, Some("over_request_rate_limit"), None, Throttled, SUPABASE),
    fact("Lark", None, Some("99991400"), Some("limit"), Throttled, LARK),
    fact("Lark", None, Some("20050"), Some("refresh"), Unavailable, LARK),
    fact("Lark", None, Some("20072"), Some("refresh"), Unavailable, LARK),
    // FastMCP up to 4.0.1 made `invalid_grant` of any failure of the server behind it, and put that
    // failure into the explanation: a code of authlib's and its text, or an exception's own words.
    fact("FastMCP", None, Some("invalid_grant"), Some("Upstream refresh failed: invalid_grant"), Rejected, FASTMCP),
    fact("FastMCP", None, Some("invalid_grant"), Some("Upstream refresh failed: bad_refresh_token"), Rejected, FASTMCP),
    fact("FastMCP", None, Some("invalid_grant"), Some("Upstream refresh failed: invalid_refresh_token"), Rejected, FASTMCP),
    fact("FastMCP", None, Some("invalid_grant"), Some("Upstream refresh failed: unauthorized_client: refresh_token is invalid"), Rejected, FASTMCP),
    fact("FastMCP", None, Some("invalid_grant"), Some("Upstream refresh failed"), Unavailable, FASTMCP),
    // Its lifetime is what was wrong with the new token, which the server behind it has made.
    fact("FastMCP", None, Some("invalid_grant"), Some("Upstream access token has a non-positive expires_in"), Unavailable, "https://github.com/PrefectHQ/fastmcp/blob/main/fastmcp_slim/fastmcp/server/auth/oauth_proxy/proxy.py"),

    // Dead refresh tokens under other codes.
    fact("Atlassian", None, Some("unauthorized_client"), Some("refresh_token is invalid"), Rejected, "https://github.com/raycast/extensions/issues/11836"),
    fact("Gitea", None, Some("unauthorized_client"), Some("unable to parse refresh token"), Rejected, CODER),
    fact("OpenAI", None, Some("refresh_token_reused"), None, Rejected, "https://github.com/openai/codex/pull/24830"),
    fact("OpenAI", None, Some("refresh_token_expired"), None, Rejected, CODEX),
    fact("OpenAI", None, Some("refresh_token_invalidated"), None, Rejected, CODEX),
    fact("OpenAI", None, Some("app_session_expired"), None, Rejected, CODEX_PR),
    fact("OpenAI and Slack", None, Some("invalid_refresh_token"), None, Rejected, SLACK),
    fact("OpenAI", None, Some("token_expired"), Some("Could not validate your token"), Rejected, "https://github.com/decolua/9router/pull/1821"),
    fact("GitHub", None, Some("bad_refresh_token"), None, Rejected, "https://github.com/orgs/community/discussions/24745"),
    fact("Slack", Some(200), Some("token_revoked"), None, Rejected, SLACK),
    fact("Slack", Some(200), Some("token_expired"), None, Rejected, SLACK),
    fact("Slack", Some(200), Some("account_inactive"), None, Rejected, SLACK),
    fact("Supabase", Some(400), Some("refresh_token_not_found"), None, Rejected, SUPABASE),
    fact("Supabase", Some(400), Some("refresh_token_already_used"), None, Rejected, SUPABASE),
    fact("Supabase", Some(400), Some("session_not_found"), None, Rejected, SUPABASE),
    fact("Supabase", Some(400), Some("session_expired"), None, Rejected, SUPABASE),
    fact("Supabase", Some(400), Some("user_banned"), None, Rejected, SUPABASE),
    in_error(fact("Firebase", Some(400), Some("TOKEN_EXPIRED"), None, Rejected, FIREBASE)),
    in_error(fact("Firebase", Some(400), Some("USER_DISABLED"), None, Rejected, FIREBASE)),
    in_error(fact("Firebase", Some(400), Some("USER_NOT_FOUND"), None, Rejected, FIREBASE)),
    in_error(fact("Firebase", Some(400), Some("INVALID_REFRESH_TOKEN"), None, Rejected, FIREBASE)),
    // In `status`, beside "missing or unknown refresh token" and the like.
    anywhere(fact("HubSpot", Some(400), Some("BAD_REFRESH_TOKEN"), Some("refresh token"), Rejected, "https://github.com/airbytehq/airbyte/issues/79592")),
    fact("Twitch", Some(400), Some("Bad Request"), Some("Invalid refresh token"), Rejected, "https://dev.twitch.tv/docs/authentication/refresh-tokens/"),
    // Codes of the authorization endpoint (OpenID Connect Core 1.0 section 3.1.2.6), which some
    // token endpoints send too. With any other status they may be a portal's.
    fact("Microsoft Entra", Some(400), Some("interaction_required"), None, Rejected, ENTRA),
    fact("OpenID Connect", Some(400), Some("login_required"), None, Rejected, OPENID),
    fact("OpenID Connect", Some(400), Some("consent_required"), None, Rejected, OPENID),
    fact("Tesla", Some(401), Some("login_required"), None, Rejected, "https://github.com/teslamotors/vehicle-command/issues/160"),
    fact("Zoom", None, Some("invalid_request"), Some("Invalid Token!"), Rejected, "https://developers.zoom.us/docs/integrations/oauth-error-messages/"),
    fact("Zoho", Some(200), Some("invalid_code"), None, Rejected, "https://www.zoho.com/bookings/help/api/v1/refreshaccesstoken.html"),
    fact("Withings", Some(200), Some("503"), Some("invalid refresh_token"), Rejected, "https://github.com/jaroslawhartman/withings-sync/issues/41"),
    fact("Strava", Some(400), Some("invalid"), Some("RefreshToken"), Rejected, "https://github.com/dreeveapp/dreeve/issues/1449"),
    fact("WeChat", Some(200), Some("40030"), Some("invalid refresh_token"), Rejected, WECHAT),
    fact("WeChat", Some(200), Some("42002"), Some("refresh_token"), Rejected, WECHAT_CODES),
    fact("WeChat", Some(200), Some("61023"), Some("refresh_token is invalid"), Rejected, "https://github.com/binarywang/WxJava/issues/1119"),
    // In `code`, with 200 from the older endpoint and 400 from the newer.
    fact("Lark", None, Some("20026"), Some("refresh"), Rejected, LARK),
    fact("Lark", None, Some("20037"), Some("refresh"), Rejected, LARK),
    fact("Lark", None, Some("20064"), Some("refresh"), Rejected, LARK),
    fact("Lark", None, Some("20073"), Some("refresh"), Rejected, LARK),
    fact("Douyin", Some(200), Some("10010"), Some("refresh_token"), Rejected, DOUYIN),
    fact("Auth0", Some(403), Some("mfa_required"), None, Rejected, "https://github.com/auth0/Auth0.Android/issues/562"),
    fact("Alibaba Cloud Drive", None, Some("InvalidParameter.RefreshToken"), None, Rejected, "https://github.com/ImYrS/aliyun-auto-signin/issues/22"),
    anywhere(fact("Square", Some(401), Some("service.not_authorized"), Some("Invalid refresh token"), Rejected, "https://developer.squareup.com/forums/t/getting-error-while-renew-token/11056")),
    // Before the next: both are `NotAuthorizedException`.
    fact("Amazon Cognito", None, Some("NotAuthorizedException"), Some("SecretHash"), Misconfigured, "https://github.com/aws/aws-sdk-net-extensions-cognito/issues/75"),
    fact("Amazon Cognito", None, Some("NotAuthorizedException"), Some("Refresh Token"), Rejected, "https://github.com/aws/aws-sdk-cpp/issues/1789"),
    fact("AWS IAM Identity Center", Some(400), Some("expired_token"), None, Rejected, "https://docs.aws.amazon.com/sdk-for-kotlin/api/latest/ssooidc/aws.sdk.kotlin.services.ssooidc.model/-expired-token-exception/error.html"),
    fact("Ory Hydra", Some(401), Some("token_inactive"), None, Rejected, "https://github.com/ory/fosite/blob/v0.40.0/handler/oauth2/flow_refresh.go"),
    fact("Authlib servers", None, Some("invalid_request"), Some("Invalid \"refresh_token\" in request"), Rejected, "https://github.com/lepture/authlib/issues/112"),
    fact("DeviantArt", None, Some("invalid_request"), Some("The refresh_token is invalid"), Rejected, "https://github.com/wix-incubator/DeviantArt-API/issues/58"),
    fact("TD Bank", None, Some("invalid_request"), Some("Refresh token is invalid or has already been claimed"), Rejected, "https://docs.pat.openbanking.amcb.developer.td.com/reference/token-errors"),
    fact("Keycloak", None, Some("invalid_scope"), Some("no longer has requested consent"), Rejected, "https://github.com/keycloak/keycloak/blob/main/services/src/main/java/org/keycloak/protocol/oidc/TokenManager.java"),

    // A wrong set-up under other codes.
    fact("GitHub", None, Some("incorrect_client_credentials"), None, Misconfigured, GITHUB),
    fact("GitHub", None, Some("redirect_uri_mismatch"), None, Misconfigured, GITHUB),
    fact("GitHub", None, Some("unverified_user_email"), None, Misconfigured, GITHUB),
    fact("Slack", None, Some("bad_client_secret"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("invalid_client_id"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("invalid_grant_type"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("invalid_arguments"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("invalid_form_data"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("invalid_post_type"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("missing_post_type"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("method_deprecated"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("deprecated_endpoint"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("two_factor_setup_required"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("enterprise_is_restricted"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("ekm_access_denied"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("no_permission"), None, Misconfigured, SLACK),
    fact("Slack", None, Some("team_access_not_granted"), None, Misconfigured, SLACK),
    fact("Microsoft Entra", None, Some("invalid_resource"), None, Misconfigured, ENTRA),
    // An assertion that was out of its time, as a grant: another has another time.
    fact("Google", None, Some("invalid_grant"), Some("Invalid JWT: Token must be a short-lived token"), Misconfigured, "https://github.com/googleapis/google-api-php-client/issues/1429"),
    fact("Microsoft Entra", None, ANY, Some("AADSTS500133:"), Misconfigured, ENTRA),
    fact("OpenAI", None, Some("unsupported_country_region_territory"), None, Misconfigured, "https://github.com/openclaw/openclaw/issues/3709"),
    fact("Strava", Some(400), Some("invalid"), Some("Application"), Misconfigured, "https://github.com/dreeveapp/dreeve/issues/372"),
    fact("Firebase", Some(400), Some("INVALID_GRANT_TYPE"), None, Misconfigured, FIREBASE),
    fact("Firebase", Some(400), Some("MISSING_REFRESH_TOKEN"), None, Misconfigured, FIREBASE),
    fact("atproto", None, Some("invalid_grant"), Some("jti reused"), Misconfigured, "https://github.com/bluesky-social/atproto/blob/main/packages/oauth/oauth-provider/src/oauth-provider.ts"),
    fact("atproto", None, Some("invalid_grant"), Some("Client credentials missing"), Misconfigured, "https://github.com/bluesky-social/atproto/blob/main/packages/oauth/oauth-provider/src/oauth-provider.ts"),
    fact("Google", None, Some("deleted_client"), None, Misconfigured, "https://developers.google.com/identity/protocols/oauth2/web-server"),
    fact("Google", None, Some("disabled_client"), None, Misconfigured, "https://developers.google.com/identity/protocols/oauth2/web-server"),
    fact("Google", None, Some("admin_policy_enforced"), None, Misconfigured, "https://developers.google.com/identity/protocols/oauth2/web-server"),
    fact("Google", None, Some("org_internal"), None, Misconfigured, "https://developers.google.com/identity/protocols/oauth2/web-server"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Response, read_response, test_now};

    #[test]
    fn at_least_fifteen_providers() {
        let providers: BTreeSet<_> = TABLE.iter().map(|rule| &rule.provider).collect();
        assert!(providers.len() >= 15, "{providers:?}");
    }

    /// Responses as the providers send them, and the standard responses that look
    /// like them.
    #[test]
    fn what_providers_say() {
        let aadsts = |n: u32| {
            format!(
                r#"{{"error":"invalid_grant","error_description":"AADSTS{n}: Text. Trace ID: x","error_codes":[{n}]}}"#
            )
        };
        let upstream = |of: &str| {
            format!(
                r#"{{"error":"invalid_grant","error_description":"Upstream refresh failed: {of}"}}"#
            )
        };
        #[rustfmt::skip]
        let rows: Vec<(u16, String, FailureKind)> = vec![
            (400, r#"{"error":"invalid_grant","error_description":"token request is already being processed"}"#.into(), Unavailable),
            (400, r#"{"error":"invalid_grant","error_description":"expired access/refresh token"}"#.into(), Rejected),
            (400, aadsts(50196), Throttled),
            (400, aadsts(90033), Unavailable),
            (400, aadsts(50000), Unavailable),
            // Not AADSTS50000.
            (400, aadsts(500_011), Rejected),
            (400, aadsts(70008), Rejected),
            (400, aadsts(500_133), Misconfigured),
            (400, r#"{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."}"#.into(), Misconfigured),
            (400, r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#.into(), Rejected),
            (400, r#"{"error":"use_dpop_nonce"}"#.into(), Misconfigured),
            (401, r#"{"error":"use_dpop_nonce","error_description":"Authorization server requires nonce in DPoP proof"}"#.into(), Misconfigured),
            (400, r#"{"error":"invalid_dpop_proof"}"#.into(), Misconfigured),
            // Of @atproto/oauth-provider, while the client's own metadata cannot be had.
            (400, r#"{"error":"invalid_client_metadata"}"#.into(), Unavailable),
            (400, r#"{"error":"interaction_required","error_codes":[50076]}"#.into(), Rejected),
            (403, r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#.into(), Rejected),
            (403, r#"{"error":"unauthorized_client","error_description":"not allowed"}"#.into(), Misconfigured),
            (401, r#"{"error":{"message":"Your refresh token has already been used","type":"invalid_request_error","param":null,"code":"refresh_token_reused"}}"#.into(), Rejected),
            (401, r#"{"error":{"message":"x","type":"invalid_request_error","code":"token_expired"}}"#.into(), Misconfigured),
            (401, r#"{"error":{"message":"Could not validate your token. Please try signing in again.","type":"invalid_request_error","code":"token_expired"}}"#.into(), Rejected),
            (400, r#"{"error":{"type":"invalid_request_error","message":"x"}}"#.into(), Misconfigured),
            (429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#.into(), Throttled),
            (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#.into(), Unavailable),
            (200, r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#.into(), Rejected),
            (200, "error=bad_refresh_token&error_description=x".into(), Rejected),
            (200, r#"{"error":"incorrect_client_credentials"}"#.into(), Misconfigured),
            (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#.into(), Rejected),
            (200, r#"{"ok":false,"error":"ratelimited"}"#.into(), Throttled),
            (200, r#"{"ok":false,"error":"internal_error"}"#.into(), Unavailable),
            (200, r#"{"ok":false,"error":"invalid_auth"}"#.into(), Unavailable),
            (200, r#"{"ok":false,"error":"bad_client_secret"}"#.into(), Misconfigured),
            (400, r#"{"code":400,"error_code":"refresh_token_already_used","msg":"Invalid Refresh Token: Already Used"}"#.into(), Rejected),
            (400, r#"{"error":{"code":400,"message":"TOKEN_EXPIRED","status":"INVALID_ARGUMENT"}}"#.into(), Rejected),
            (400, r#"{"error":{"errors":[{"message":"USER_DISABLED","domain":"global","reason":"invalid"}],"code":400,"message":"USER_DISABLED"}}"#.into(), Rejected),
            (400, r#"[{"error":{"code":400,"message":"TOKEN_EXPIRED","status":"INVALID_ARGUMENT"}}]"#.into(), Rejected),
            (403, r#"{"error":{"message":"TOKEN_EXPIRED"}}"#.into(), Unavailable),
            (400, r#"{"message":"TOKEN_EXPIRED"}"#.into(), Unavailable),
            (400, r#"{"status":"TOKEN_EXPIRED"}"#.into(), Unavailable),
            (400, r#"{"error":true,"message":"USER_NOT_FOUND"}"#.into(), Unavailable),
            (400, r#"{"data":{"message":"INVALID_REFRESH_TOKEN"}}"#.into(), Unavailable),
            (400, r#"{"error":{"status":"TOKEN_EXPIRED"}}"#.into(), Unavailable),
            (400, r#"{"error":{"message":"session_expired"}}"#.into(), Unavailable),
            (400, r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or unknown refresh token"}"#.into(), Rejected),
            (400, r#"{"status":"BAD_REFRESH_TOKEN"}"#.into(), Unavailable),
            (400, r#"{"message":"BAD_REFRESH_TOKEN"}"#.into(), Unavailable),
            (403, r#"{"status":"BAD_REFRESH_TOKEN","message":"missing or unknown refresh token"}"#.into(), Unavailable),
            (400, r#"{"error":"Bad Request","status":400,"message":"Invalid refresh token"}"#.into(), Rejected),
            (400, r#"{"reason":"Invalid Token!","error":"invalid_request"}"#.into(), Rejected),
            (400, r#"{"reason":"Bad body","error":"invalid_request"}"#.into(), Misconfigured),
            (400, r#"{"error_description":"You have made too many requests continuously.","error":"Access Denied","status":"failure"}"#.into(), Throttled),
            (200, r#"{"error":"invalid_code"}"#.into(), Rejected),
            (200, r#"{"status":601,"body":{},"error":"Too Many Requests"}"#.into(), Throttled),
            (200, r#"{"status":503,"body":{},"error":"Invalid Params: invalid refresh_token"}"#.into(), Rejected),
            (400, r#"{"message":"Bad Request","errors":[{"resource":"RefreshToken","field":"refresh_token","code":"invalid"}]}"#.into(), Rejected),
            (400, r#"{"message":"Bad Request","errors":[{"resource":"Application","field":"client_id","code":"invalid"}]}"#.into(), Misconfigured),
            (400, r#"{"errors":[{"errorType":"invalid_grant","message":"Refresh token invalid: abc"}],"success":false}"#.into(), Rejected),
            (400, r#"{"__type":"NotAuthorizedException","message":"Refresh Token has been revoked"}"#.into(), Rejected),
            (400, r#"{"__type":"NotAuthorizedException","message":"SecretHash does not match for the client"}"#.into(), Misconfigured),
            (400, r#"{"error":"invalid_request","error_description":"x","error_hint":"Failed to refresh token because of multiple concurrent requests using the same token."}"#.into(), Unavailable),
            (400, r#"{"error":"invalid_scope","error_description":"Client no longer has requested consent from user"}"#.into(), Rejected),
            (400, r#"{"error":"invalid_scope"}"#.into(), Misconfigured),
            (400, r#"{"error":"access_denied"}"#.into(), Unavailable),
            (401, r#"{"error":"login_required","error_description":"The refresh_token is invalid"}"#.into(), Rejected),
            (400, r#"{"error":"access_denied","error_description":"Rate limit exceeded: access_token not expired"}"#.into(), Throttled),
            (403, r#"{"error":"rate_limit_exceeded","error_description":"x"}"#.into(), Throttled),
            (403, r#"{"error":{"errors":[{"domain":"usageLimits","reason":"rateLimitExceeded","message":"Rate Limit Exceeded"}],"code":403,"message":"Rate Limit Exceeded"}}"#.into(), Throttled),
            (403, r#"{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}"#.into(), Throttled),
            (403, r#"{"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"Fe26.INVENTED"}"#.into(), Rejected),
            (401, r#"{"error":"mfa_required","portal":"https://portal.example/"}"#.into(), Unavailable),
            (400, r#"{"code":"InvalidParameter.RefreshToken","message":"The input parameter refresh_token is not valid. ","requestId":null}"#.into(), Rejected),
            // FastMCP, with the failures of the server behind it.
            (401, upstream("temporarily_unavailable"), Unavailable),
            (401, upstream("temporarily_unavailable: private-upstream-detail"), Unavailable),
            (401, upstream("server_error: "), Unavailable),
            (401, upstream("invalid_client: None"), Unavailable),
            (401, upstream("slow_down: None"), Unavailable),
            (401, upstream("All connection attempts failed"), Unavailable),
            (401, upstream("Server error '502 Bad Gateway' for url 'https://login.example/token'"), Unavailable),
            (401, upstream("Client error '429 Too Many Requests' for url 'https://login.example/token'"), Unavailable),
            (401, upstream(""), Unavailable),
            (400, upstream("Expecting value: line 1 column 1 (char 0)"), Unavailable),
            (401, upstream("invalid_grant: Token has been expired or revoked."), Rejected),
            (400, upstream("invalid_grant: None"), Rejected),
            (401, upstream("bad_refresh_token: The refresh token passed is incorrect or expired."), Rejected),
            (401, upstream("unauthorized_client: refresh_token is invalid"), Rejected),
            (401, upstream("invalid_grant: AADSTS50196: The server terminated an operation."), Throttled),
            (401, upstream("invalid_grant: token request is already being processed"), Unavailable),
            (401, r#"{"error":"invalid_grant","error_description":"Upstream refresh token was rejected"}"#.into(), Rejected),
            (401, r#"{"error":"invalid_grant","error_description":"Refresh token mapping not found"}"#.into(), Rejected),
            // Numbers.
            (200, r#"{"code":20037,"msg":"The refresh token passed has expired. Please generate a new one."}"#.into(), Rejected),
            (200, r#"{"code":20026,"message":"refresh token invalid","data":null}"#.into(), Rejected),
            (400, r#"{"error":"invalid_grant","error_description":"private_key_jwt jti reused"}"#.into(), Misconfigured),
            (400, r#"{"error":"invalid_grant","error_description":"Client credentials missing: Required at body.client_id"}"#.into(), Misconfigured),
            (400, r#"{"code":20073,"error":"invalid_grant","error_description":"The refresh token has been used."}"#.into(), Rejected),
            (400, r#"{"code":20050,"error":"invalid_grant","error_description":"A failure of the refresh endpoint."}"#.into(), Unavailable),
            (200, r#"{"code":"20064","msg":"The refresh token has been revoked."}"#.into(), Rejected),
            (200, r#"{"code":20037,"msg":"The disk is full."}"#.into(), Unavailable),
            (200, r#"{"code":99991400,"msg":"request trigger frequency limit"}"#.into(), Throttled),
            (200, r#"{"data":{"description":"refresh_token过期","error_code":10010},"message":"error"}"#.into(), Rejected),
            (200, r#"{"data":{"description":"please retry","error_code":10010},"message":"error"}"#.into(), Unavailable),
            (200, r#"{"errcode":40030,"errmsg":"invalid refresh_token, rid: 6500351b-2a0273e2-4af6b58d"}"#.into(), Rejected),
            (200, r#"{"errcode":42002,"errmsg":"refresh_token expired"}"#.into(), Rejected),
            (200, r#"{"errcode":61023,"errmsg":"refresh_token is invalid hint: [x]"}"#.into(), Rejected),
            // The words alone, beside another code.
            (400, r#"{"error":"temporarily_unavailable","error_description":"cannot tell an invalid refresh token now"}"#.into(), Unavailable),
            (400, r#"{"error":"invalid_client","error_description":"invalid refresh token audience"}"#.into(), Misconfigured),
            // A gateway's and a portal's.
            (401, r#"{"message":"login_required"}"#.into(), Unavailable),
            (400, r#"{"message":"login_required"}"#.into(), Unavailable),
            (400, r#"{"message":"session_expired"}"#.into(), Unavailable),
            (400, r#"{"status":"session_expired","message":"Your session has expired."}"#.into(), Unavailable),
            (400, r#"{"msg":"user_banned"}"#.into(), Unavailable),
            (400, r#"{"type":"expired_token"}"#.into(), Unavailable),
            (401, r#"{"reason":"token_inactive"}"#.into(), Unavailable),
            (403, r#"{"message":"mfa_required"}"#.into(), Unavailable),
            (403, r#"{"reason":"mfa_required"}"#.into(), Unavailable),
            (403, r#"{"message":"refresh_token_expired"}"#.into(), Unavailable),
            (404, r#"{"message":"invalid_refresh_token"}"#.into(), Misconfigured),
            (200, r#"{"message":"token_expired"}"#.into(), Unavailable),
            (200, r#"{"status":"invalid_code"}"#.into(), Unavailable),
            (403, r#"{"message":"login_required"}"#.into(), Unavailable),
            (403, r#"{"message":"invalid_grant"}"#.into(), Unavailable),
            (200, r#"{"error":"login_required","login_url":"http://portal.example/"}"#.into(), Unavailable),
            (200, r#"{"status":"invalid_grant"}"#.into(), Unavailable),
            // Whatever it says, a 429 or a 5xx is no verdict.
            (500, r#"{"error":"bad_refresh_token"}"#.into(), Unavailable),
            (429, r#"{"error":"bad_refresh_token"}"#.into(), Throttled),
        ];
        for (status, body, kind) in rows {
            let mut response = Response::new(body.clone().into_bytes());
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            let failure = read_response(&response, &[], test_now()).unwrap_err();
            assert_eq!(failure.kind(), kind, "{status} {body}");
        }
    }
}
