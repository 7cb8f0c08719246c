use http::header;
use proptest::prelude::*;

use super::*;

fn headers(fields: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for field in fields {
        headers.append(header::WWW_AUTHENTICATE, field.parse().unwrap());
    }
    headers
}

/// What is made of these challenges, in a word.
fn said(fields: &[&str], is_proved: bool) -> String {
    match read(&headers(fields), is_proved) {
        Said::Refused(None) => "renew".into(),
        Said::Refused(Some(claims)) => format!("renew with {}", claims.expose()),
        Said::Otherwise(NotAgain::InsufficientScope { scope }) => {
            format!("scope {}", scope.as_deref().unwrap_or("-"))
        }
        Said::Otherwise(NotAgain::StepUp(StepUp::LogIn { acr_values, max_age, .. })) => {
            format!("log in {} {}", acr_values.unwrap_or_default(), max_age.unwrap_or_default())
        }
        Said::Otherwise(NotAgain::Request) => "request".into(),
        Said::Otherwise(NotAgain::Challenge(_)) => "unreadable".into(),
        Said::Otherwise(why) => panic!("{why}"),
    }
}

#[test]
fn a_scope_with_the_token_in_it_is_none() {
    for (scope, expected) in [("read", Some("read")), ("at-1", None), ("read at-1 x", None)] {
        let field = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
        match read(&headers(&[&field]), false).without("at-1") {
            Said::Otherwise(NotAgain::InsufficientScope { scope }) => {
                assert_eq!(scope.as_deref(), expected);
            }
            said => panic!("{said:?}"),
        }
    }
}

#[test]
fn what_servers_send_with_a_401_or_403() {
    for (fields, expected) in [
        // None at all (GitHub, Stripe), or of a kind that says nothing.
        (vec![], "renew"),
        (vec![""], "renew"),
        (vec!["Bearer"], "renew"),
        (vec![r#"Basic realm="GitHub""#], "renew"),
        (vec!["Negotiate", "NTLM"], "renew"),
        // Google.
        (vec![r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#], "renew"),
        (
            vec![
                r#"Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="https://www.googleapis.com/auth/compute.readonly https://www.googleapis.com/auth/cloud-platform""#,
            ],
            "scope https://www.googleapis.com/auth/compute.readonly https://www.googleapis.com/auth/cloud-platform",
        ),
        // Microsoft: Graph with continuous access evaluation, Azure Resource Manager, Key
        // Vault, and Outlook, which sends several.
        (
            vec![
                r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000", errorDescription="Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==""#,
            ],
            r#"renew with {"access_token":{"nbf":{"essential":true}}}"#,
        ),
        (
            vec![
                r#"Bearer authorization_uri="https://login.microsoftonline.com/t", error="invalid_token", error_description="The access token has expired.""#,
            ],
            "renew",
        ),
        (
            vec![
                r#"Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net""#,
            ],
            "renew",
        ),
        (
            vec![
                r#"Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001@*", token_types="app_asserted_user_v1", authorization_uri="https://login.windows.net/common/oauth2/authorize", error="invalid_token", Basic Realm="", Basic Realm="""#,
            ],
            "renew",
        ),
        // Claims that cannot be read, with and without another error.
        (vec![r#"Bearer error="insufficient_claims", claims="%%%""#], "unreadable"),
        (vec![r#"Bearer error="insufficient_claims""#], "unreadable"),
        (vec![r#"Bearer claims="%%%""#], "unreadable"),
        (vec![r#"Bearer error="invalid_token", claims="sub email""#], "renew"),
        // Spring Security.
        (
            vec![
                r#"Bearer error="invalid_token", error_description="Jwt expired at 2024-01-01T00:00:00Z", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1""#,
            ],
            "renew",
        ),
        (
            vec![
                r#"Bearer error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token.", error_uri="https://tools.ietf.org/html/rfc6750#section-3.1""#,
            ],
            "scope -",
        ),
        (
            vec![
                r#"Bearer error="invalid_request", error_description="Found multiple bearer tokens in the request""#,
            ],
            "request",
        ),
        // Keycloak.
        (
            vec![
                r#"Bearer realm="master", error="invalid_token", error_description="Token verification failed""#,
            ],
            "renew",
        ),
        // Okta, Auth0 (express-oauth2-jwt-bearer), AWS Cognito's user info, API Gateway.
        (
            vec![
                r#"Bearer authorization_uri="http://example.okta.com/oauth2/v1/authorize", realm="http://example.okta.com", scope="openid", error="invalid_token", error_description="The token has expired.", resource="/oauth2/v1/userinfo""#,
            ],
            "renew",
        ),
        (
            vec![
                r#"Bearer realm="api", error="insufficient_scope", error_description="Insufficient Scope", scope="read:messages""#,
            ],
            "scope read:messages",
        ),
        (
            vec![
                r#"Bearer error="invalid_token", error_description="Access token is expired, disabled, or deleted, or the user has globally signed out.""#,
            ],
            "renew",
        ),
        (
            vec![
                r#"Bearer scope="" error="invalid_token" error_description="the token has expired""#,
            ],
            "renew",
        ),
        // Docker's registry, for want of a token and of rights.
        (
            vec![
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#,
            ],
            "renew",
        ),
        (
            vec![
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:samalba/my-app:pull,push",error="insufficient_scope""#,
            ],
            "scope repository:samalba/my-app:pull,push",
        ),
        // Kubernetes sends none; its proxies send a realm.
        (vec![r#"Basic realm="kubernetes-master""#], "renew"),
        // Servers of the Model Context Protocol.
        (
            vec![
                r#"Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource""#,
            ],
            "renew",
        ),
        (
            vec![
                "Bearer resource_metadata=https://mcp.example.com/.well-known/oauth-protected-resource, error=invalid_token",
            ],
            "renew",
        ),
        (
            vec![
                r#"Bearer error="insufficient_scope", scope="files:read files:write", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource", error_description="Additional file write permission required""#,
            ],
            "scope files:read files:write",
        ),
        // RFC 9470.
        (
            vec![
                r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR", max_age="5""#,
            ],
            "log in myACR 5",
        ),
        // Words of their own.
        (vec![r#"Bearer error="expired_token""#], "renew"),
        (vec![r#"Bearer error="token_expired""#], "renew"),
        (vec![r#"Bearer error="unauthorized""#], "renew"),
        (
            vec![
                r#"OAuth "Facebook Platform" "invalid_token" "Error validating access token: Session has expired""#,
            ],
            "renew",
        ),
        (vec![r#"OAuth realm="s", error="insufficient_scope""#], "scope -"),
        (vec![r#"bearer ERROR="Insufficient_Scope""#], "scope -"),
        (vec!["Bearer realm='api', error='insufficient_scope', scope=a"], "scope a"),
        (vec!["Bearer error='invalid_token', error_description='Not for you'"], "renew"),
        (vec![r#"Bearer error="insufficient_permissions""#], "scope -"),
        (vec![r#"Bearer error="insufficient_scopes", scope="a b""#], "scope a b"),
        (vec![r#"Bearer error="insufficient-privileges""#], "scope -"),
        (vec![r#"Bearer error="sufficient""#], "renew"),
        // What is wanted is not said, or by a challenge that cannot be read.
        (vec![r#"Bearer error="Insufficient_Claims""#], "unreadable"),
        // Several: its own decides, in whichever order and field.
        (vec![r#"DPoP error="insufficient_scope", Bearer error="invalid_token""#], "renew"),
        (vec![r#"Bearer error="invalid_token""#, r#"DPoP error="insufficient_scope""#], "renew"),
        (vec!["Negotiate", r#"Basic realm="a, b", Bearer error="insufficient_scope""#], "scope -"),
        (vec![r#"Bearer realm="a", OAuth error="insufficient_scope""#], "scope -"),
        // A wish for a proof is no concern of a token without a key, but where it is all.
        (vec![r#"DPoP error="use_dpop_nonce", algs="ES256", Bearer"#], "renew"),
        (vec![r#"DPoP error="invalid_dpop_proof""#, r#"Bearer realm="a""#], "renew"),
        (vec![r#"DPoP error="invalid_dpop_proof""#], "request"),
        // Broken tails.
        (vec![r#"Bearer error="insufficient_scope", error_description="no"#], "scope -"),
        (vec![r#"Bearer error="insufficient_scope"; scope="a""#], "scope -"),
        (vec![r#"Bearer error="insufficient_scope"#], "renew"),
        (
            vec![r#"Bearer error=insufficient_scope error_description=Not for you, scope=a"#],
            "scope a",
        ),
        (vec![r#"Bearer error="invalid_token, error_description="It has expired""#], "renew"),
    ] {
        assert_eq!(said(&fields, false), expected, "{fields:?}");
    }
}

#[test]
fn what_is_said_of_a_token_with_a_key() {
    for (fields, expected) in [
        // A PDS of atproto.
        (
            vec![
                r#"DPoP error="invalid_token", error_description="\"exp\" claim timestamp check failed""#,
            ],
            "renew",
        ),
        (vec![r#"DPoP error="invalid_dpop_proof""#], "request"),
        // Without a nonce there is nothing to do about it.
        (
            vec![
                r#"DPoP error="use_dpop_nonce", error_description="Authorization server requires nonce in DPoP proof""#,
            ],
            "request",
        ),
        (vec![r#"DPoP algs="ES256 PS256""#], "renew"),
        (
            vec![r#"DPoP error="invalid_token", algs="ES256", Bearer error="insufficient_scope""#],
            "renew",
        ),
        (vec![r#"Bearer error="insufficient_scope", DPoP algs="ES256""#], "scope -"),
        (
            vec![r#"Bearer error="invalid_token", DPoP error="insufficient_scope", scope="a""#],
            "scope a",
        ),
        (vec![r#"Bearer, DPoP error="invalid_dpop_proof""#], "request"),
    ] {
        assert_eq!(said(&fields, true), expected, "{fields:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_is_read(
        fields in prop::collection::vec(
            "(Bearer|DPoP|error|claims|scope|invalid_token|insufficient_scope|=|\"|\\\\|,| |a|;){0,20}",
            0..5,
        ),
        is_proved: bool,
    ) {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        said(&fields, is_proved);
        // What comes behind a good challenge cannot change what that says.
        let first: Vec<&str> = [r#"DPoP error="invalid_token", Bearer error="invalid_token""#]
            .into_iter().chain(fields.iter().copied().filter(|field| !field.contains("claims")))
            .collect();
        prop_assert_eq!(said(&first, is_proved), "renew");
    }
}
