//! The members of a response that say when a token expires.

use std::time::SystemTime;

use super::Told;

/// How a member is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Seconds from the sending of the request.
    Lifetime,
    /// The same; nothing, or less, is no end. Keycloak sends 0 for a refresh token
    /// without one (<https://github.com/keycloak/keycloak/issues/48063>), and
    /// negative numbers by mistake
    /// (<https://github.com/keycloak/keycloak/issues/11990>).
    LifetimeIfAny,
    Date,
    /// A lifetime where it is so short that it is no date.
    Either,
}

use Meaning::{Date, Either, Lifetime, LifetimeIfAny};

/// What says when the access token expires. The first that makes sense counts.
///
/// RFC 6749 section 5.1 has `expires_in` alone. The members without a source are
/// other spellings of those beside them.
pub(crate) const ACCESS_TOKEN: [(&str, Meaning); 14] = [
    // Zoho, where `expires_in` may be milliseconds
    // (https://www.zoho.com/writer/help/api/v1/oauth-step4.html).
    ("expires_in_sec", Lifetime),
    // A date at TikTok
    // (https://developers.tiktok.com/doc/obtain-access-token-for-apis), and once
    // at Deliverect
    // (https://developers.deliverect.com/changelog/important-changes-to-oauth).
    ("expires_in", Lifetime),
    // Square, in RFC 3339
    // (https://developer.squareup.com/reference/square/objects/ObtainTokenResponse).
    // Strava, in seconds, beside `expires_in`
    // (https://github.com/lelylan/simple-oauth2/pull/277).
    ("expires_at", Date),
    // Entra ID, in seconds
    // (https://learn.microsoft.com/en-us/previous-versions/azure/active-directory/azuread-dev/v1-protocols-oauth-code).
    ("expires_on", Date),
    // A lifetime at some (https://github.com/uphold/docs/issues/48).
    ("expires", Either),
    // A lifetime at fabric8 (https://github.com/fabric8-services/fabric8-auth/pull/273),
    // a date in what Go's `oauth2.Token` writes
    // (https://pkg.go.dev/golang.org/x/oauth2#Token).
    ("expiry", Either),
    ("expiresAt", Date),
    // Servers that send the object of node-oauth2-server
    // (https://github.com/pedroetb/node-oauth2-server-example/issues/10).
    ("accessTokenExpiresAt", Date),
    // https://github.com/hiidef/oauth2app/issues/8
    ("expire_in", Lifetime),
    // AWS
    // (https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html).
    ("expiresIn", Lifetime),
    // DingTalk (https://open.dingtalk.com/document/orgapp/obtain-user-token).
    ("expireIn", Lifetime),
    ("accessTokenExpiresIn", Lifetime),
    ("accessTokenExpireIn", Lifetime),
    // TikTok Shop, where it is a date
    // (https://example-code.com/tcl/tiktok_shop_refresh_access_token.asp).
    ("access_token_expire_in", Lifetime),
];

/// What says when the refresh token expires, likewise.
pub(crate) const REFRESH_TOKEN: [(&str, Meaning); 11] = [
    // GitHub
    // (https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens).
    ("refresh_token_expires_in", LifetimeIfAny),
    // Keycloak; TikTok
    // (https://developers.tiktok.com/doc/oauth-user-access-token-management).
    ("refresh_expires_in", LifetimeIfAny),
    ("refreshTokenExpiresIn", LifetimeIfAny),
    ("refreshExpiresIn", LifetimeIfAny),
    ("refreshTokenExpireIn", LifetimeIfAny),
    // Intuit (https://arcticjs.dev/providers/intuit).
    ("x_refresh_token_expires_in", LifetimeIfAny),
    // TikTok Shop, where it is a date.
    ("refresh_token_expire_in", LifetimeIfAny),
    // Square, in RFC 3339.
    ("refresh_token_expires_at", Date),
    ("refreshTokenExpiresAt", Date),
    ("refresh_expires_at", Date),
    ("refreshExpiresAt", Date),
];

/// When the token expires whose members these are, in a response to a request that
/// was `sent` then.
pub(crate) fn end(
    members: &[(&str, Meaning)],
    told: impl Fn(&str) -> Option<Told>,
    sent: SystemTime,
) -> Option<SystemTime> {
    members.iter().find_map(|(name, meaning)| {
        let told = told(name)?;
        match meaning {
            Lifetime => told.lifetime(sent),
            LifetimeIfAny => told.is_positive().then(|| told.lifetime(sent))?,
            Date => told.date(sent),
            Either => told.lifetime_or_date(sent),
        }
    })
}

/// Whether the form in which tokens are stored has no member of this name, but
/// responses do.
pub(crate) fn is_only_in_responses(name: &str) -> bool {
    ACCESS_TOKEN.iter().chain(&REFRESH_TOKEN).any(|(member, _)| *member == name)
        && !["expires_at", "refresh_expires_at"].contains(&name)
}
