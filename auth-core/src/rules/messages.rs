//! Facts that a whole message decides: `table.rs` has those of which a part is
//! enough.
//!
//! A message alone, without a code, is a weak word: any program can say "invalid
//! refresh token" of itself. So it has to be all that a response says which looks
//! like the server's own: JSON, with a status that RFC 6749 section 5.2 has for
//! errors.

use super::{Rule, table::fact};
use crate::FailureKind::{self, Misconfigured, Rejected};

/// What a server says beside a code that means something else by the standard.
const fn beside(code: &'static str, says: &'static str, by: (&'static str, &'static str)) -> Rule {
    let mut rule = fact(by.0, None, Some(code), Some(says), Rejected, by.1);
    rule.whole = true;
    rule
}

/// What a server says without a code.
const fn alone(says: &'static str, kind: FailureKind, by: (&'static str, &'static str)) -> Rule {
    let mut rule = fact(by.0, None, None, Some(says), kind, by.1);
    rule.whole = true;
    rule.codeless = true;
    rule
}

type By = (&'static str, &'static str);

const GITEA: By =
    ("Gitea", "https://github.com/go-gitea/gitea/blob/main/routers/web/auth/oauth2_provider.go");
/// Version 8 and before; later ones send `invalid_grant`.
const LEAGUE: By = (
    "Laravel Passport",
    "https://github.com/thephpleague/oauth2-server/blob/8.0.0/src/Exception/OAuthServerException.php",
);
const BITBUCKET: By = ("Bitbucket", "https://github.com/readthedocs/readthedocs.org/issues/2992");
const TS_OAUTH2: By = (
    "ts-oauth2-server",
    "https://github.com/jasonraimondi/ts-oauth2-server/blob/main/src/grants/refresh_token.grant.ts",
);
/// Before 1.5.
const BETTER_AUTH: By = ("better-auth", "https://github.com/better-auth/better-auth/pull/8103");
const IDPY: By = (
    "idpy-oidc",
    "https://github.com/IdentityPython/idpy-oidc/blob/main/src/idpyoidc/server/oauth2/token_helper/refresh_token.py",
);
const ATHENA: By =
    ("athenahealth", "https://github.com/athenahealth/apiserver-athenaFlex/issues/107");
const KIRO: By = ("Kiro", "https://github.com/caidaoli/kiro2api/issues/4");
const TWITCH: By = ("Twitch", "https://github.com/Teekeks/pyTwitchAPI/issues/37");
const TWITCH_SECRET: By = ("Twitch", "https://github.com/twitchdev/issues/issues/943");
const HUBSPOT: By = ("HubSpot", "https://github.com/supaglue-labs/supaglue/pull/1935");

pub(super) static WITH_A_CODE: &[Rule] = &[
    beside("unauthorized_client", "token was already used", GITEA),
    beside("invalid_request", "The refresh token is invalid.", LEAGUE),
    beside("invalid_request", "Invalid refresh_token", BITBUCKET),
    beside("invalid_request", "Token has been revoked", TS_OAUTH2),
    beside("invalid_request", "Token has expired", TS_OAUTH2),
    beside("invalid_request", "Token is not linked to client", TS_OAUTH2),
    beside("invalid_request", "Cannot decrypt the refresh token", TS_OAUTH2),
    beside("invalid_request", "Cannot verify the refresh token", TS_OAUTH2),
    beside("invalid_request", "session not found", BETTER_AUTH),
    beside("invalid_request", "invalid refresh token", BETTER_AUTH),
    beside("invalid_request", "Refresh token inactive", IDPY),
    beside(
        "invalid_client",
        "Refresh token could not be mapped to the original authorization request. User must re-authenticate.",
        ATHENA,
    ),
];

pub(super) static ALONE: &[Rule] = &[
    alone("Invalid refresh token provided", Rejected, KIRO),
    alone("Invalid refresh token", Rejected, TWITCH),
    alone("missing or invalid refresh token", Rejected, HUBSPOT),
    alone("missing client secret", Misconfigured, TWITCH_SECRET),
];

#[cfg(test)]
mod tests {
    use crate::{
        FailureKind::{self, *},
        Response, Rule, read_response, test_now,
    };

    fn kind(status: u16, body: &str, rules: &[Rule]) -> FailureKind {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        read_response(&response, rules, test_now()).unwrap_err().kind()
    }

    #[test]
    fn beside_a_code() {
        #[rustfmt::skip]
        let rows: &[(u16, &str, FailureKind)] = &[
            (400, r#"{"error":"unauthorized_client","error_description":"token was already used"}"#, Rejected),
            (400, r#"{"error":"unauthorized_client","error_description":"client is not authorized"}"#, Misconfigured),
            (401, r#"{"error":"invalid_request","error_description":"The refresh token is invalid.","hint":"Token has been revoked","message":"The refresh token is invalid."}"#, Rejected),
            (401, r#"{"error":"invalid_request","message":"The refresh token is invalid.","hint":"Cannot decrypt the refresh token"}"#, Rejected),
            (400, r#"{"error":"invalid_request","message":"The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.","hint":"Check the `refresh_token` parameter"}"#, Misconfigured),
            (400, r#"{"error_description":"Invalid refresh_token","error":"invalid_request"}"#, Rejected),
            (400, r#"{"error_description":"Invalid refresh_token parameter name","error":"invalid_request"}"#, Misconfigured),
            (400, r#"{"error":"invalid_request","error_description":"Token has been revoked"}"#, Rejected),
            (400, r#"{"error":"invalid_request","error_description":"Token has been revoked by whom?"}"#, Misconfigured),
            (400, r#"{"error":"invalid_request","error_description":"session not found"}"#, Rejected),
            (400, r#"{"error":"invalid_request","error_description":"invalid refresh token"}"#, Rejected),
            (400, r#"{"error":"invalid_request","error_description":"Refresh token inactive"}"#, Rejected),
            (400, r#"{"expires_in":0,"error":"invalid_client","error_description":"Refresh token could not be mapped to the original authorization request. User must re-authenticate."}"#, Rejected),
            (401, r#"{"error":"invalid_client","error_description":"invalid refresh token"}"#, Misconfigured),
            // A state that passes stays one.
            (400, r#"{"error":"temporarily_unavailable","error_description":"invalid refresh token"}"#, Unavailable),
            (503, r#"{"error":"invalid_request","error_description":"invalid refresh token"}"#, Unavailable),
        ];
        for (status, body, expected) in rows {
            assert_eq!(kind(*status, body, &[]), *expected, "{status} {body}");
        }
    }

    #[test]
    fn a_whole_message_alone() {
        for body in [
            r#"{"message":"Invalid refresh token provided"}"#,
            r#"{"message":" invalid refresh token provided. "}"#,
            r#"{"Message":"Invalid refresh token provided"}"#,
            r#"{"message":"Invalid refresh token","status":400}"#,
            r#"{"message":"Invalid refresh token","statusCode":401,"error":"Unauthorized"}"#,
            r#"{"status":"error","message":"missing or invalid refresh token","correlationId":"x y"}"#,
            r#"{"error":"Invalid refresh token"}"#,
            r#"{"error":{"message":"Invalid refresh token","code":400}}"#,
            r#"{"errors":[{"message":"Invalid refresh token"}]}"#,
            r#"{"errors":["Invalid refresh token"]}"#,
            r#"{"detail":"Invalid refresh token"}"#,
            r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"Invalid refresh token."}"#,
            r#"{"success":false,"msg":"Invalid refresh token"}"#,
        ] {
            for status in [400, 401] {
                // The phrase of the other status would be a code.
                if status == 401 || !body.contains("Unauthorized") {
                    assert_eq!(kind(status, body, &[]), Rejected, "{status} {body}");
                }
            }
            for status in [200, 403, 407, 408, 422, 425, 429, 500, 502, 503] {
                assert_ne!(kind(status, body, &[]), Rejected, "{status} {body}");
            }
        }
        for body in [
            // A part of one.
            r#"{"message":"Invalid refresh token provided by the gateway"}"#,
            r#"{"message":"Error: Invalid refresh token"}"#,
            r#"{"message":"Service unavailable","reason":"Invalid refresh token"}"#,
            // A code says something else.
            r#"{"error":"blocked_by_dlp","message":"Invalid refresh token"}"#,
            r#"{"type":"maintenance","message":"Invalid refresh token"}"#,
            r#"{"error":"server_error","message":"Invalid refresh token"}"#,
            // No JSON, or none that says it.
            "Invalid refresh token",
            r#""Invalid refresh token""#,
            "message=Invalid+refresh+token",
            "error=Invalid+refresh+token",
            "<html><body>Invalid refresh token</body></html>",
            r#"{"message":"Invalid refresh tok"#,
            r#"{"data":"Invalid refresh token"}"#,
        ] {
            for status in [400, 401, 403] {
                assert_eq!(kind(status, body, &[]), Unavailable, "{status} {body}");
            }
        }
        assert_eq!(
            kind(400, r#"{"status":400,"message":"missing client secret"}"#, &[]),
            Misconfigured
        );
    }

    #[test]
    fn a_rule_of_ones_own_comes_first() {
        let body = r#"{"message":"Invalid refresh token"}"#;
        let own = [Rule::message("invalid refresh token.", Unavailable)];
        assert_eq!(kind(400, body, &own), Unavailable);
        let own = [Rule::message("Log in, please", Rejected)];
        assert_eq!(kind(401, r#"{"detail":"log in, please"}"#, &own), Rejected);
        assert_eq!(kind(403, r#"{"detail":"log in, please"}"#, &own), Unavailable);
        assert_eq!(kind(401, r#"{"detail":"log in, please, now"}"#, &own), Unavailable);
    }
}
