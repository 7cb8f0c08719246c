//! How known providers word what the model has decided.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{CannedResponse, RecordedRequest};

/// Whose words a [`FakeAuthServer`](super::FakeAuthServer) uses.
///
/// What a provider's sources do not tell is worded as RFC 6749 has it. The
/// model behind is the same for all; whether a provider rotates, with which
/// grace, is set by the builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Dressing {
    /// RFC 6749 section 5.2; 429 with `Retry-After` (RFC 6585 section 4).
    #[default]
    Rfc,
    /// Claude: 400 `invalid_grant`; a 429 with a nested `rate_limit_error`.
    /// Sources: <https://github.com/ex-machina-co/opencode-anthropic-auth/issues/169>,
    /// <https://github.com/renatoaug/claude-usage-monitor/pull/9>,
    /// <https://github.com/anomalyco/opencode/issues/18329>,
    /// <https://docs.anthropic.com/en/api/errors>.
    Claude,
    /// OpenAI: a dead token is a 401 with a nested code of its own, such as
    /// `refresh_token_reused`; tokens come without `expires_in`. Sources:
    /// <https://github.com/openai/codex/blob/main/codex-rs/login/src/auth/manager.rs>,
    /// <https://github.com/openai/codex/pull/24830>,
    /// <https://github.com/decolua/9router/pull/1821>,
    /// <https://github.com/zhishile/codex-auth-helper/issues/24>.
    OpenAi,
    /// Google: 400 `invalid_grant`; too many requests are a 403 with an HTML
    /// page. Sources:
    /// <https://developers.google.com/google-ads/api/docs/get-started/common-errors>,
    /// <https://github.com/googleapis/google-auth-library-python/issues/1043>,
    /// <https://github.com/SocialiteProviders/Providers/issues/564>,
    /// <https://github.com/googleapis/google-oauth-java-client/issues/57>.
    Google,
    /// Microsoft Entra: `AADSTS` numbers; and too many requests are an
    /// `invalid_grant` too, AADSTS50196. Sources:
    /// <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>,
    /// <https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2808>.
    Entra,
    /// GitHub: errors with status 200; form-encoded unless the request accepts
    /// JSON. Sources:
    /// <https://github.com/orgs/community/discussions/24745>,
    /// <https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>,
    /// <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>.
    GitHub,
    /// Slack: everything with status 200 and `ok`. Source:
    /// <https://docs.slack.dev/reference/methods/oauth.v2.access>.
    Slack,
    /// Auth0: `invalid_grant` with status 403; a wrong client secret is
    /// `access_denied`. Sources:
    /// <https://support.auth0.com/center/s/article/troubleshoot-refresh-token-unknown-or-invalid-before-expiry-403-unknown-or-invalid-refresh-token>,
    /// <https://github.com/auth0-samples/auth0-angular-samples/issues/201>,
    /// <https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy>.
    Auth0,
    /// Okta: 400 `invalid_grant`; too many requests are worded as in Okta's
    /// own API. Sources:
    /// <https://support.okta.com/help/s/article/refresh-token-expiration-behavior>,
    /// <https://support.okta.com/help/s/article/invalid-client-error-returned-during-client-authentication-failure>,
    /// <https://developer.okta.com/docs/reference/error-codes/>.
    Okta,
    /// Keycloak: 400 `invalid_grant` with a description for each cause; a
    /// wrong client secret is `unauthorized_client`. Sources:
    /// <https://github.com/keycloak/keycloak/blob/main/services/src/main/java/org/keycloak/protocol/oidc/TokenManager.java>,
    /// <https://github.com/keycloak/keycloak/issues/16923>.
    Keycloak,
}

/// What the model says to a request.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    Issued {
        access: String,
        refresh: Option<String>,
        lifetime: Duration,
        scope: Option<String>,
        /// Whether these tokens were given before.
        again: bool,
    },
    /// There never was such a refresh token.
    Unknown,
    Expired,
    Revoked,
    Reused,
    InvalidClient,
    InvalidScope,
    UnsupportedGrantType,
    InvalidRequest(&'static str),
    Throttled(Duration),
}

impl Dressing {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Rfc,
        Self::Claude,
        Self::OpenAi,
        Self::Google,
        Self::Entra,
        Self::GitHub,
        Self::Slack,
        Self::Auth0,
        Self::Okta,
        Self::Keycloak,
    ];

    pub(super) fn word(self, verdict: &Verdict, request: &RecordedRequest) -> CannedResponse {
        match self {
            Self::Rfc => None,
            Self::Claude => claude(verdict),
            Self::OpenAi => openai(verdict),
            Self::Google => google(verdict),
            Self::Entra => entra(verdict),
            Self::GitHub => Some(github(verdict, request)),
            Self::Slack => Some(slack(verdict)),
            Self::Auth0 => auth0(verdict),
            Self::Okta => okta(verdict),
            Self::Keycloak => keycloak(verdict),
        }
        .unwrap_or_else(|| rfc(verdict))
    }
}

fn rfc(verdict: &Verdict) -> CannedResponse {
    match verdict {
        Verdict::Issued { access, refresh, lifetime, scope, .. } => {
            let mut response = CannedResponse::tokens(access).expires_in(lifetime.as_secs());
            if let Some(refresh) = refresh {
                response = response.refresh_token(refresh);
            }
            if let Some(scope) = scope {
                response = response.scope(scope);
            }
            response
        }
        Verdict::Unknown | Verdict::Expired | Verdict::Revoked | Verdict::Reused => {
            CannedResponse::oauth_error("invalid_grant")
        }
        Verdict::InvalidClient => CannedResponse::oauth_error("invalid_client")
            .with_status(401)
            .header("www-authenticate", "Basic realm=\"token\""),
        Verdict::InvalidScope => CannedResponse::oauth_error("invalid_scope"),
        Verdict::UnsupportedGrantType => CannedResponse::oauth_error("unsupported_grant_type"),
        Verdict::InvalidRequest(why) => {
            CannedResponse::oauth_error("invalid_request").description(*why)
        }
        Verdict::Throttled(wait) => CannedResponse::status(429).retry_after(*wait),
    }
}

fn claude(verdict: &Verdict) -> Option<CannedResponse> {
    Some(match verdict {
        Verdict::Unknown | Verdict::Revoked | Verdict::Reused => {
            invalid_grant("Refresh token not found or invalid")
        }
        Verdict::Expired => invalid_grant("Refresh token expired"),
        Verdict::InvalidRequest(_) => CannedResponse::status(400).member("type", "error").member(
            "error",
            json!({ "type": "invalid_request_error", "message": "Invalid request format" }),
        ),
        Verdict::Throttled(wait) => {
            let message = "Rate limited. Please try again later.";
            CannedResponse::status(429)
                .member("error", json!({ "type": "rate_limit_error", "message": message }))
                .retry_after(*wait)
        }
        _ => return None,
    })
}

fn openai(verdict: &Verdict) -> Option<CannedResponse> {
    let nested = |status, code: Option<&str>, message: &str| {
        CannedResponse::status(status).member(
            "error",
            json!({
                "message": message,
                "type": "invalid_request_error",
                "param": null,
                "code": code,
            }),
        )
    };
    Some(match verdict {
        Verdict::Issued { access, refresh, .. } => {
            let mut response = CannedResponse::status(200)
                .member("id_token", "eyJhbGciOiJub25lIn0.e30.")
                .member("access_token", access.as_str());
            if let Some(refresh) = refresh {
                response = response.refresh_token(refresh);
            }
            response
        }
        Verdict::Unknown => nested(
            401,
            Some("token_expired"),
            "Could not validate your token. Please try signing in again.",
        ),
        Verdict::Expired => {
            nested(401, Some("refresh_token_expired"), "Your refresh token has expired.")
        }
        Verdict::Revoked => nested(
            401,
            Some("refresh_token_invalidated"),
            "Your refresh token has been invalidated. Please try signing in again.",
        ),
        Verdict::Reused => nested(
            401,
            Some("refresh_token_reused"),
            "Your refresh token has already been used to generate a new access token. \
             Please try signing in again.",
        ),
        Verdict::InvalidRequest(why) => nested(400, None, why),
        _ => return None,
    })
}

fn google(verdict: &Verdict) -> Option<CannedResponse> {
    Some(match verdict {
        Verdict::Unknown => invalid_grant("Bad Request"),
        Verdict::Expired | Verdict::Revoked | Verdict::Reused => {
            invalid_grant("Token has been expired or revoked.")
        }
        Verdict::InvalidClient => CannedResponse::oauth_error("invalid_client")
            .with_status(401)
            .description("Unauthorized"),
        Verdict::Throttled(_) => CannedResponse::status(403)
            .header("content-type", "text/html; charset=UTF-8")
            .body("<html><head><title>Sorry...</title></head></html>"),
        _ => return None,
    })
}

fn entra(verdict: &Verdict) -> Option<CannedResponse> {
    let worded = |status, error: &str, number: u32, text: &str| {
        let description = format!(
            "AADSTS{number}: {text} Trace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333300 \
             Correlation ID: aaaa0000-bb11-2222-33cc-444444dddddd \
             Timestamp: 2026-01-01 00:00:00Z"
        );
        CannedResponse::oauth_error(error)
            .with_status(status)
            .description(description)
            .member("error_codes", json!([number]))
            .member("timestamp", "2026-01-01 00:00:00Z")
            .member("trace_id", "0000aaaa-11bb-cccc-dd22-eeeeee333300")
            .member("correlation_id", "aaaa0000-bb11-2222-33cc-444444dddddd")
    };
    Some(match verdict {
        Verdict::Unknown => worded(400, "invalid_grant", 70000, "The provided grant is invalid."),
        Verdict::Expired => worded(
            400,
            "invalid_grant",
            700_082,
            "The refresh token has expired due to inactivity.",
        ),
        Verdict::Revoked | Verdict::Reused => worded(
            400,
            "invalid_grant",
            50173,
            "The provided grant has expired due to it being revoked, \
             a fresh auth token is needed.",
        ),
        Verdict::InvalidClient => {
            worded(401, "invalid_client", 7_000_215, "Invalid client secret provided.")
        }
        Verdict::InvalidScope => worded(
            400,
            "invalid_scope",
            70011,
            "The provided value for the input parameter 'scope' is not valid.",
        ),
        Verdict::Throttled(_) => worded(
            400,
            "invalid_grant",
            50196,
            "The server terminated an operation because it encountered a client request loop. \
             Please contact your app vendor.",
        ),
        _ => return None,
    })
}

fn github(verdict: &Verdict, request: &RecordedRequest) -> CannedResponse {
    let response = match verdict {
        Verdict::Unknown | Verdict::Expired | Verdict::Revoked | Verdict::Reused => {
            CannedResponse::oauth_error("bad_refresh_token")
                .description("The refresh token passed is incorrect or expired.")
                .member("error_uri", "https://docs.github.com")
                .with_status(200)
        }
        Verdict::InvalidClient => CannedResponse::oauth_error("incorrect_client_credentials")
            .description("The client_id and/or client_secret passed are incorrect.")
            .with_status(200),
        Verdict::Issued { refresh, .. } => {
            let response = rfc(verdict).member("token_type", "bearer").scope("");
            match refresh {
                // Six months, as its documentation says.
                Some(_) => response.member("refresh_token_expires_in", 15_897_600),
                None => response,
            }
        }
        Verdict::Throttled(_) => rfc(verdict),
        _ => rfc(verdict).with_status(200),
    };
    let wants_json = request.header("accept").is_some_and(|accept| accept.contains("json"));
    if wants_json { response } else { response.form_encoded() }
}

fn slack(verdict: &Verdict) -> CannedResponse {
    let refused =
        |code: &str| CannedResponse::status(200).member("ok", false).member("error", code);
    match verdict {
        Verdict::Issued { .. } => rfc(verdict).member("ok", true).member("token_type", "bot"),
        Verdict::Unknown | Verdict::Reused => refused("invalid_refresh_token"),
        Verdict::Expired => refused("token_expired"),
        Verdict::Revoked => refused("token_revoked"),
        Verdict::InvalidClient => refused("bad_client_secret"),
        Verdict::UnsupportedGrantType => refused("invalid_grant_type"),
        Verdict::InvalidScope | Verdict::InvalidRequest(_) => refused("invalid_arguments"),
        Verdict::Throttled(wait) => refused("ratelimited").retry_after(*wait),
    }
}

fn auth0(verdict: &Verdict) -> Option<CannedResponse> {
    Some(match verdict {
        Verdict::Unknown | Verdict::Expired | Verdict::Revoked | Verdict::Reused => {
            invalid_grant("Unknown or invalid refresh token.").with_status(403)
        }
        Verdict::InvalidClient => CannedResponse::oauth_error("access_denied")
            .description("Unauthorized")
            .with_status(401),
        Verdict::Throttled(wait) => {
            CannedResponse::oauth_error("too_many_requests").with_status(429).retry_after(*wait)
        }
        _ => return None,
    })
}

fn okta(verdict: &Verdict) -> Option<CannedResponse> {
    Some(match verdict {
        Verdict::Unknown | Verdict::Expired | Verdict::Revoked | Verdict::Reused => {
            invalid_grant("The refresh token is invalid or expired.")
        }
        Verdict::InvalidClient => CannedResponse::oauth_error("invalid_client")
            .description("The client secret supplied for a confidential client is invalid.")
            .with_status(401),
        Verdict::Throttled(wait) => CannedResponse::status(429)
            .member("errorCode", "E0000047")
            .member("errorSummary", "API call exceeded rate limit due to too many requests.")
            .member("errorLink", "E0000047")
            .member("errorCauses", Value::Array(Vec::new()))
            .retry_after(*wait),
        _ => return None,
    })
}

fn keycloak(verdict: &Verdict) -> Option<CannedResponse> {
    Some(match verdict {
        Verdict::Unknown => invalid_grant("Invalid refresh token"),
        Verdict::Expired => invalid_grant("Token is not active"),
        Verdict::Revoked => invalid_grant("Session not active"),
        Verdict::Reused => invalid_grant("Maximum allowed refresh token reuse exceeded"),
        Verdict::InvalidClient => CannedResponse::oauth_error("unauthorized_client")
            .description("Invalid client or Invalid client credentials")
            .with_status(401),
        _ => return None,
    })
}

fn invalid_grant(description: &str) -> CannedResponse {
    CannedResponse::oauth_error("invalid_grant").description(description)
}
