//! How known providers word the decisions of the model.

use auth_core::BodyFormat;
use serde_json::{Value, json};

use super::decision::ModelDecision;
use crate::{CannedResponse, RecordedRequest};

/// Whose wording the responses of a [`FakeAuthServer`](super::FakeAuthServer) have.
///
/// What the sources of a provider do not say is worded as in RFC 6749. The model is
/// the same for all providers: the builder sets whether refresh tokens rotate, and
/// with which grace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Wording {
    /// RFC 6749 section 5.2; 429 with `Retry-After` (RFC 6585 section 4).
    #[default]
    Rfc,
    /// Claude: 400 `invalid_grant`; a 429 with a nested `rate_limit_error`.
    /// Sources: <https://github.com/ex-machina-co/opencode-anthropic-auth/issues/169>,
    /// <https://github.com/renatoaug/claude-usage-monitor/pull/9>,
    /// <https://github.com/anomalyco/opencode/issues/18329>,
    /// <https://docs.anthropic.com/en/api/errors>.
    Claude,
    /// OpenAI: the error for a dead token is a 401 with a nested code, such as
    /// `refresh_token_reused`; tokens come without `expires_in`. Sources:
    /// <https://github.com/openai/codex/blob/main/codex-rs/login/src/auth/manager.rs>,
    /// <https://github.com/openai/codex/pull/24830>,
    /// <https://github.com/decolua/9router/pull/1821>,
    /// <https://github.com/zhishile/codex-auth-helper/issues/24>.
    OpenAi,
    /// Google: 400 `invalid_grant`; the response to too many requests is a 403 with
    /// an HTML page. Sources:
    /// <https://developers.google.com/google-ads/api/docs/get-started/common-errors>,
    /// <https://github.com/googleapis/google-auth-library-python/issues/1043>,
    /// <https://github.com/SocialiteProviders/Providers/issues/564>,
    /// <https://github.com/googleapis/google-oauth-java-client/issues/57>.
    Google,
    /// Microsoft Entra: errors have `AADSTS` numbers, and the error for too many
    /// requests is an `invalid_grant` too, AADSTS50196. Sources:
    /// <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>,
    /// <https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2808>.
    Entra,
    /// GitHub: errors have status 200; responses are form-encoded unless the request
    /// accepts JSON. Sources:
    /// <https://github.com/orgs/community/discussions/24745>,
    /// <https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors>,
    /// <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>.
    GitHub,
    /// Slack: every response has status 200 and `ok`. Source:
    /// <https://docs.slack.dev/reference/methods/oauth.v2.access>.
    Slack,
    /// Auth0: `invalid_grant` has status 403; the error for a wrong client secret is
    /// `access_denied`. Sources:
    /// <https://support.auth0.com/center/s/article/troubleshoot-refresh-token-unknown-or-invalid-before-expiry-403-unknown-or-invalid-refresh-token>,
    /// <https://github.com/auth0-samples/auth0-angular-samples/issues/201>,
    /// <https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy>.
    Auth0,
    /// Okta: 400 `invalid_grant`; the error for too many requests is worded as in the
    /// API of Okta. Sources:
    /// <https://support.okta.com/help/s/article/refresh-token-expiration-behavior>,
    /// <https://support.okta.com/help/s/article/invalid-client-error-returned-during-client-authentication-failure>,
    /// <https://developer.okta.com/docs/reference/error-codes/>.
    Okta,
    /// Keycloak: 400 `invalid_grant` with a description for each cause; the error for
    /// a wrong client secret is `unauthorized_client`. Sources:
    /// <https://github.com/keycloak/keycloak/blob/main/services/src/main/java/org/keycloak/protocol/oidc/TokenManager.java>,
    /// <https://github.com/keycloak/keycloak/issues/16923>.
    Keycloak,
}

impl Wording {
    /// All wordings.
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

    pub(super) fn word(
        self,
        decision: &ModelDecision,
        request: &RecordedRequest,
    ) -> CannedResponse {
        let response = match self {
            Self::Rfc => None,
            Self::Claude => claude(decision),
            Self::OpenAi => openai(decision),
            Self::Google => google(decision),
            Self::Entra => entra(decision),
            Self::GitHub => Some(github(decision, request)),
            Self::Slack => Some(slack(decision)),
            Self::Auth0 => auth0(decision),
            Self::Okta => okta(decision),
            Self::Keycloak => keycloak(decision),
        }
        .unwrap_or_else(|| match (decision, request.format()) {
            // As AWS IAM Identity Center does; its errors are in snake_case.
            (ModelDecision::Issued { .. }, Some(BodyFormat::JsonCamelCase)) => {
                rfc(decision).names_in_camel_case()
            }
            _ => rfc(decision),
        });
        match decision {
            ModelDecision::InvalidClient(Some(why)) => response.wrong_assertion(why),
            _ => response,
        }
    }
}

fn rfc(decision: &ModelDecision) -> CannedResponse {
    match decision {
        ModelDecision::Issued { access, refresh, lifetime, scope, .. } => {
            let mut response = CannedResponse::tokens(access).expires_in(lifetime.as_secs());
            if let Some(refresh) = refresh {
                response = response.refresh_token(refresh);
            }
            if let Some(scope) = scope {
                response = response.scope(scope);
            }
            response
        }
        ModelDecision::Unknown
        | ModelDecision::Expired
        | ModelDecision::Revoked
        | ModelDecision::Reused => CannedResponse::oauth_error("invalid_grant"),
        // In the words of the reference server of atproto.
        ModelDecision::OtherKey => invalid_grant("DPoP proof does not match the expected JKT"),
        ModelDecision::BadCode(why) => invalid_grant(why),
        ModelDecision::InvalidClient(_) => CannedResponse::oauth_error("invalid_client")
            .with_status(401)
            .header("www-authenticate", "Basic realm=\"token\""),
        ModelDecision::InvalidScope => CannedResponse::oauth_error("invalid_scope"),
        ModelDecision::UnsupportedGrantType => {
            CannedResponse::oauth_error("unsupported_grant_type")
        }
        ModelDecision::InvalidRequest(why) => {
            CannedResponse::oauth_error("invalid_request").description(*why)
        }
        ModelDecision::Throttled(wait) => CannedResponse::status(429).retry_after(*wait),
        // RFC 9449 sections 5 and 8.
        ModelDecision::UseDpopNonce => CannedResponse::oauth_error("use_dpop_nonce")
            .description("Authorization server requires nonce in DPoP proof"),
        ModelDecision::InvalidDpopProof(what) => {
            CannedResponse::oauth_error("invalid_dpop_proof").description(*what)
        }
    }
}

fn claude(decision: &ModelDecision) -> Option<CannedResponse> {
    Some(match decision {
        ModelDecision::Unknown | ModelDecision::Revoked | ModelDecision::Reused => {
            invalid_grant("Refresh token not found or invalid")
        }
        ModelDecision::Expired => invalid_grant("Refresh token expired"),
        ModelDecision::InvalidRequest(_) => {
            CannedResponse::status(400).member("type", "error").member(
                "error",
                json!({ "type": "invalid_request_error", "message": "Invalid request format" }),
            )
        }
        ModelDecision::Throttled(wait) => {
            let message = "Rate limited. Please try again later.";
            CannedResponse::status(429)
                .member("error", json!({ "type": "rate_limit_error", "message": message }))
                .retry_after(*wait)
        }
        _ => return None,
    })
}

fn openai(decision: &ModelDecision) -> Option<CannedResponse> {
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
    Some(match decision {
        ModelDecision::Issued { access, refresh, .. } => {
            let mut response = CannedResponse::status(200)
                .member("id_token", "eyJhbGciOiJub25lIn0.e30.")
                .member("access_token", access.as_str());
            if let Some(refresh) = refresh {
                response = response.refresh_token(refresh);
            }
            response
        }
        ModelDecision::Unknown => nested(
            401,
            Some("token_expired"),
            "Could not validate your token. Please try signing in again.",
        ),
        ModelDecision::Expired => {
            nested(401, Some("refresh_token_expired"), "Your refresh token has expired.")
        }
        ModelDecision::Revoked => nested(
            401,
            Some("refresh_token_invalidated"),
            "Your refresh token has been invalidated. Please try signing in again.",
        ),
        ModelDecision::Reused => nested(
            401,
            Some("refresh_token_reused"),
            "Your refresh token has already been used to generate a new access token. \
             Please try signing in again.",
        ),
        ModelDecision::InvalidRequest(why) => nested(400, None, why),
        _ => return None,
    })
}

fn google(decision: &ModelDecision) -> Option<CannedResponse> {
    Some(match decision {
        ModelDecision::Unknown => invalid_grant("Bad Request"),
        ModelDecision::Expired | ModelDecision::Revoked | ModelDecision::Reused => {
            invalid_grant("Token has been expired or revoked.")
        }
        ModelDecision::InvalidClient(_) => CannedResponse::oauth_error("invalid_client")
            .with_status(401)
            .description("Unauthorized"),
        ModelDecision::Throttled(_) => CannedResponse::status(403)
            .header("content-type", "text/html; charset=UTF-8")
            .body("<html><head><title>Sorry...</title></head></html>"),
        _ => return None,
    })
}

fn entra(decision: &ModelDecision) -> Option<CannedResponse> {
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
    Some(match decision {
        ModelDecision::Unknown => {
            worded(400, "invalid_grant", 70000, "The provided grant is invalid.")
        }
        ModelDecision::Expired => worded(
            400,
            "invalid_grant",
            700_082,
            "The refresh token has expired due to inactivity.",
        ),
        ModelDecision::Revoked | ModelDecision::Reused => worded(
            400,
            "invalid_grant",
            50173,
            "The provided grant has expired due to it being revoked, \
             a fresh auth token is needed.",
        ),
        ModelDecision::InvalidClient(_) => {
            worded(401, "invalid_client", 7_000_215, "Invalid client secret provided.")
        }
        ModelDecision::InvalidScope => worded(
            400,
            "invalid_scope",
            70011,
            "The provided value for the input parameter 'scope' is not valid.",
        ),
        ModelDecision::Throttled(_) => worded(
            400,
            "invalid_grant",
            50196,
            "The server terminated an operation because it encountered a client request loop. \
             Please contact your app vendor.",
        ),
        _ => return None,
    })
}

fn github(decision: &ModelDecision, request: &RecordedRequest) -> CannedResponse {
    let response = match decision {
        ModelDecision::Unknown
        | ModelDecision::Expired
        | ModelDecision::Revoked
        | ModelDecision::Reused => CannedResponse::oauth_error("bad_refresh_token")
            .description("The refresh token passed is incorrect or expired.")
            .member("error_uri", "https://docs.github.com")
            .with_status(200),
        ModelDecision::InvalidClient(_) => {
            CannedResponse::oauth_error("incorrect_client_credentials")
                .description("The client_id and/or client_secret passed are incorrect.")
                .with_status(200)
        }
        ModelDecision::Issued { refresh, .. } => {
            let response = rfc(decision).member("token_type", "bearer").scope("");
            match refresh {
                // Six months, as its documentation says.
                Some(_) => response.member("refresh_token_expires_in", 15_897_600),
                None => response,
            }
        }
        ModelDecision::Throttled(_) => rfc(decision),
        _ => rfc(decision).with_status(200),
    };
    let wants_json = request.header("accept").is_some_and(|accept| accept.contains("json"));
    if wants_json { response } else { response.form_encoded() }
}

fn slack(decision: &ModelDecision) -> CannedResponse {
    let refused =
        |code: &str| CannedResponse::status(200).member("ok", false).member("error", code);
    match decision {
        ModelDecision::Issued { .. } => {
            rfc(decision).member("ok", true).member("token_type", "bot")
        }
        ModelDecision::Unknown | ModelDecision::Reused => refused("invalid_refresh_token"),
        ModelDecision::Expired => refused("token_expired"),
        ModelDecision::Revoked => refused("token_revoked"),
        ModelDecision::InvalidClient(_) => refused("bad_client_secret"),
        ModelDecision::UnsupportedGrantType => refused("invalid_grant_type"),
        ModelDecision::InvalidScope | ModelDecision::InvalidRequest(_) => {
            refused("invalid_arguments")
        }
        ModelDecision::Throttled(wait) => refused("ratelimited").retry_after(*wait),
        ModelDecision::OtherKey
        | ModelDecision::BadCode(_)
        | ModelDecision::UseDpopNonce
        | ModelDecision::InvalidDpopProof(_) => rfc(decision),
    }
}

fn auth0(decision: &ModelDecision) -> Option<CannedResponse> {
    Some(match decision {
        ModelDecision::Unknown
        | ModelDecision::Expired
        | ModelDecision::Revoked
        | ModelDecision::Reused => {
            invalid_grant("Unknown or invalid refresh token.").with_status(403)
        }
        ModelDecision::InvalidClient(_) => CannedResponse::oauth_error("access_denied")
            .description("Unauthorized")
            .with_status(401),
        ModelDecision::Throttled(wait) => {
            CannedResponse::oauth_error("too_many_requests").with_status(429).retry_after(*wait)
        }
        _ => return None,
    })
}

fn okta(decision: &ModelDecision) -> Option<CannedResponse> {
    Some(match decision {
        ModelDecision::Unknown
        | ModelDecision::Expired
        | ModelDecision::Revoked
        | ModelDecision::Reused => invalid_grant("The refresh token is invalid or expired."),
        ModelDecision::InvalidClient(_) => CannedResponse::oauth_error("invalid_client")
            .description("The client secret supplied for a confidential client is invalid.")
            .with_status(401),
        ModelDecision::Throttled(wait) => CannedResponse::status(429)
            .member("errorCode", "E0000047")
            .member("errorSummary", "API call exceeded rate limit due to too many requests.")
            .member("errorLink", "E0000047")
            .member("errorCauses", Value::Array(Vec::new()))
            .retry_after(*wait),
        _ => return None,
    })
}

fn keycloak(decision: &ModelDecision) -> Option<CannedResponse> {
    Some(match decision {
        ModelDecision::Unknown => invalid_grant("Invalid refresh token"),
        ModelDecision::Expired => invalid_grant("Token is not active"),
        ModelDecision::Revoked => invalid_grant("Session not active"),
        ModelDecision::Reused => invalid_grant("Maximum allowed refresh token reuse exceeded"),
        ModelDecision::InvalidClient(_) => CannedResponse::oauth_error("unauthorized_client")
            .description("Invalid client or Invalid client credentials")
            .with_status(401),
        _ => return None,
    })
}

fn invalid_grant(description: &str) -> CannedResponse {
    CannedResponse::oauth_error("invalid_grant").description(description)
}
