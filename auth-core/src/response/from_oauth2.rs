//! Responses that the `oauth2` crate has read.

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use http::HeaderMap;
use oauth2::TokenResponse;
use serde::Serialize;

use super::success;
use crate::{TokenSet, Unreadable, json::to_json};

impl TokenSet {
    /// The tokens of a response that the `oauth2` crate has read (feature `oauth2`): of
    /// its own [`StandardTokenResponse`](oauth2::StandardTokenResponse) with any fields,
    /// of `openidconnect`'s, or of another type that implements its trait. So a program
    /// logs in with that crate, and hands over to `Account::store_login` of
    /// `auth-accounts`.
    ///
    /// It is read as a response that came over a transport: the crate docs
    /// [say](crate#when-a-token-expires) which members tell when a token expires, an
    /// empty refresh token is none, and members that RFC 6749 does not have are in
    /// [`extra`](#structfield.extra). But what the type in hand has no field for is lost
    /// already: `oauth2::basic::BasicTokenResponse` has none for `id_token` or
    /// `refresh_expires_in`, while a `StandardTokenResponse` whose extra fields are a
    /// flattened map keeps all.
    ///
    /// `sent` is when the request was sent, by the wall clock. A lifetime is counted
    /// from then, since nobody knows how long the response was under way.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use auth_core::TokenSet;
    /// use oauth2::{AccessToken, EmptyExtraTokenFields, RefreshToken, basic::*};
    ///
    /// let sent = SystemTime::now();
    /// // Instead of `client.exchange_code(code).set_pkce_verifier(verifier).request(...)`:
    /// let mut response = BasicTokenResponse::new(
    ///     AccessToken::new("at-1".to_owned()),
    ///     BasicTokenType::Bearer,
    ///     EmptyExtraTokenFields {},
    /// );
    /// response.set_refresh_token(Some(RefreshToken::new("rt-1".to_owned())));
    /// response.set_expires_in(Some(&Duration::from_secs(3600)));
    ///
    /// let tokens = TokenSet::from_oauth2(&response, sent)?;
    /// assert_eq!(tokens.refresh_token, Some(auth_core::RefreshToken::new("rt-1")));
    /// assert_eq!(tokens.expires_at, Some(sent + Duration::from_secs(3600)));
    /// # Ok::<(), auth_core::Unreadable>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unreadable::NoToken`] if the access token is empty.
    pub fn from_oauth2(
        response: &impl TokenResponse,
        sent: SystemTime,
    ) -> Result<Self, Unreadable> {
        let whole = to_json(&Members::of(response, Some(response)));
        success::read(&HeaderMap::new(), &whole, sent).or_else(|_| {
            // A type that is not written as an object still has its tokens.
            let own = to_json(&Members::of(response, None));
            success::read(&HeaderMap::new(), &own, sent).map_err(|_| Unreadable::NoToken)
        })
    }
}

/// A response as a server sends it. Of members that stand twice the last counts.
#[derive(Serialize)]
struct Members<'a, R: TokenResponse> {
    // Where the type has written something else it is nearer to what came: a lifetime
    // that is not whole, a scope that is a list.
    token_type: &'a R::TokenType,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Vec<&'a str>>,
    #[serde(flatten)]
    response: Option<&'a R>,
    // A type may not write its secrets.
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

impl<'a, R: TokenResponse> Members<'a, R> {
    fn of(response: &'a R, whole: Option<&'a R>) -> Self {
        let scopes = response.scopes();
        Self {
            token_type: response.token_type(),
            expires_in: response.expires_in().map(|lifetime| lifetime.as_secs()),
            scope: scopes.map(|scopes| scopes.iter().map(|scope| &***scope).collect()),
            response: whole,
            access_token: response.access_token().secret(),
            refresh_token: response.refresh_token().map(|token| token.secret().as_str()),
        }
    }
}
