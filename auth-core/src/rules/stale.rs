//! What servers say of an assertion or a proof that is out of its time.
//!
//! Such a response has the code of a wrong set-up, but the next attempt has another
//! assertion. No code tells the cases apart, so the words do: those of a provider, or
//! what is said to be wrong (an assertion) together with how (it has expired). What is
//! taken for one by mistake costs a request that a setback would have held up.

use std::borrow::Cow;

use super::{ErrorCode, contains_ignoring_case};

/// Words of providers, each with its source.
#[rustfmt::skip]
static PROVIDERS: &[(&str, &str, &str)] = &[
    ("Microsoft Entra", "AADSTS700024:", "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"),
    ("Microsoft Entra", "AADSTS500133:", "https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"),
    // Under AADSTS50012 in 2018, under AADSTS700024 today.
    ("Microsoft Entra", "assertion is not within its valid time range", "https://github.com/Azure-Samples/active-directory-dotnet-daemon-certificate-credential/issues/46"),
    ("Google", "Invalid JWT: Token must be a short-lived token", "https://github.com/googleapis/google-api-php-client/issues/1429"),
    ("Maskinporten", "Issue time is in the future", "https://github.com/Altinn/altinn-studio/issues/19603"),
    ("Keycloak", "DPoP proof is not active", "https://github.com/keycloak/keycloak/issues/52745"),
];

/// What is said to be wrong, in an error of a client (RFC 6749 section 5.2).
const SUBJECTS: [&str; 4] = ["assertion", "jwt", "json web token", "dpop"];

/// How. Okta says "expired" and "too far into the future"
/// (<https://github.com/okta/okta-sdk-python/issues/382>), Keycloak "not active", the
/// library jose "timestamp check failed"
/// (<https://github.com/bluesky-social/atproto/issues/4474>), oidc-provider "iat is not
/// recent enough"
/// (<https://github.com/panva/node-oidc-provider/blob/main/lib/helpers/validate_dpop.js>).
const TIMES: [&str; 16] = [
    "expired",
    "not active",
    "not yet active",
    "not yet valid",
    "not valid yet",
    "no longer valid",
    "the future",
    "in the past",
    "valid time",
    "timestamp check failed",
    "not recent",
    "too old",
    "stale",
    "clock skew",
    "time window",
    "timeframe",
];

/// How, if it is known that a proof is meant: Duende says "Invalid 'iat' value.".
const TIMES_OF_PROOF: [&str; 4] = ["iat claim", "'iat'", "\"iat\"", "outside"];

/// What else may have expired, or may be wrong, and comes with the same words.
const OTHERS: [&str; 9] = [
    "secret",
    "certificate",
    "key ",
    "key_",
    "signature",
    "refresh",
    "authorization code",
    "missing",
    "required",
];

/// Whether a response says that an assertion or a proof was out of its time.
pub(crate) fn says_stale(codes: &[Cow<'_, str>], texts: &[String]) -> bool {
    let is = |known: &ErrorCode| codes.iter().any(|code| known == code.as_ref());
    let is_of_proof = is(&ErrorCode::INVALID_DPOP_PROOF);
    let is_of_client = is(&ErrorCode::INVALID_CLIENT) || is(&ErrorCode::UNAUTHORIZED_CLIENT);
    texts.iter().any(|text| {
        let says = |words: &&str| contains_ignoring_case(text, words);
        let is_subject = is_of_proof || is_of_client && SUBJECTS.iter().any(says);
        PROVIDERS.iter().any(|(_, words, _)| says(words))
            || is_subject
                && (TIMES.iter().any(says) || is_of_proof && TIMES_OF_PROOF.iter().any(says))
                && !OTHERS.iter().any(says)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureKind, Response, read_response, test_now};

    #[test]
    fn every_fact_has_a_source() {
        for (provider, words, source) in PROVIDERS {
            assert!(!provider.is_empty() && !words.is_empty(), "{words}");
            assert!(source.starts_with("https://"), "{words}");
        }
    }

    #[test]
    fn an_assertion_out_of_its_time_is_told_apart() {
        let client = "invalid_client";
        let proof = "invalid_dpop_proof";
        #[rustfmt::skip]
        let rows = [
            (client, "AADSTS700024: Client assertion is not within its valid time range. Current time: 2024-06-04T11:40:28.3451933Z, assertion valid from 2024-06-04T09:20:46.0000000Z, expiry time of assertion 2024-06-04T10:20:46.0000000Z.", true),
            (client, "AADSTS700024: \u{65ad}\u{8a00}", true),
            (client, "AADSTS70002: Error validating credentials. AADSTS50012: Client assertion is not within its valid time range.", true),
            ("invalid_grant", "AADSTS500133: Assertion is not within its valid time range.", true),
            ("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.", true),
            (client, "The client_assertion token is expired.", true),
            (client, "The client_assertion token has an expiration too far into the future.", true),
            (client, "Client authentication with signed JWT failed: Token is not active", true),
            ("unauthorized_client", "Client authentication with signed JWT failed: Token is not active", true),
            (client, "Validation of \"client_assertion\" failed: \"iat\" claim timestamp check failed (it should be in the past)", true),
            (client, "Validation of \"client_assertion\" failed: \"exp\" claim timestamp check failed", true),
            (client, "JWT has expired.", true),
            (client, "Expired JWT", true),
            (client, "JWT expired at 2021-11-09T15:40:12Z", true),
            (client, "Issue time is in the future.", true),
            (client, "assertion has expired", true),
            (client, "JWT assertion iat is in the future", true),
            (client, "The client assertion is not yet valid", true),
            (client, "client_assertion too old", true),
            (proof, "DPoP proof iat is not recent enough", true),
            (client, "client assertion: exp is in the past", true),
            (client, "The assertion is no longer valid", true),
            (proof, "DPoP proof is expired or not yet valid", true),
            (proof, "iat outside of the acceptable window", true),
            (proof, "DPoP proof is not active: iat=1789467000, server time=1789467822, lifetime=10s, clock skew=15s", true),
            ("invalid_request", "DPoP proof is not active", true),
            (proof, "Invalid 'iat' value.", true),
            (proof, "The proof was issued in the future", true),
            // A person has to do something.
            (client, "AADSTS7000222: The provided client secret keys for app 'x' are expired.", false),
            (client, "AADSTS7000215: Invalid client secret provided.", false),
            (client, "AADSTS700027: Client assertion failed signature validation. [Reason - The key used is expired.]", false),
            (client, "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found.]", false),
            (client, "AADSTS50013: Assertion failed signature validation.", false),
            (client, "AADSTS700213: No matching federated identity record found for presented assertion subject", false),
            (client, "The client_assertion JWT kid is invalid.", false),
            (client, "The client_assertion signature is invalid.", false),
            (client, "the certificate of the assertion has expired", false),
            (client, "Client secret has expired", false),
            (client, "client assertion tokens must only be used once", false),
            (client, "client_assertion: missing required \"iat\" claim", false),
            (client, "'exp' claim must specify a time that is no more than 5 minutes after 'iat'", false),
            (client, "expiration must be specified in the client_assertion JWT", false),
            (proof, "DPoP proof must have a iat number property", false),
            (proof, "missing required \"iat\" claim", false),
            (client, "", false),
            (client, "The trial has expired.", false),
            (proof, "DPoP proof htu mismatch", false),
            (proof, "", false),
            ("invalid_request", "The JWT has expired", false),
            ("invalid_scope", "assertion expired", false),
            // A dead refresh token, or grant, that happens to be one.
            ("invalid_grant", "Token is not active", false),
            ("invalid_grant", "JWT has expired", false),
            ("invalid_grant", "assertion has expired", false),
            ("invalid_grant", "Invalid JWT Signature.", false),
            (client, "refresh token JWT has expired", false),
        ];
        for (code, text, expected) in rows {
            for status in [400, 401] {
                let body = serde_json::json!({"error": code, "error_description": text});
                let mut response = Response::new(body.to_string().into_bytes());
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                let failure = read_response(&response, &[], test_now()).unwrap_err();
                assert_eq!(failure.is_stale_assertion(), expected, "{status} {code}: {text}");
                if expected {
                    assert_eq!(failure.kind(), FailureKind::Misconfigured, "{code}: {text}");
                }
            }
        }
        // What is no verdict says nothing of an assertion.
        for status in [429, 500, 503] {
            let body = br#"{"error":"invalid_client","error_description":"JWT has expired."}"#;
            let mut response = Response::new(body.to_vec());
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            assert!(!read_response(&response, &[], test_now()).unwrap_err().is_stale_assertion());
        }
    }
}
