//! Tokens: secret, redacted, wiped.

mod form;

use std::{borrow::Cow, fmt, time::SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

pub(crate) use self::form::Form;
pub use self::form::{TokenFormError, looks_like_a_response};
use crate::{
    json::wipe,
    redact::{Shown, plain},
};

const BEARER: &str = "Bearer ";

/// An access token. Clones share it; its last owner wipes it.
///
/// `Debug` and `serde` never show it; [`expose`](Self::expose) does.
///
/// ```
/// use auth_core::AccessToken;
///
/// let token = AccessToken::new("at-1");
/// assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
/// assert_eq!(token.expose(), "at-1");
/// assert_eq!(token.authorization().unwrap(), "Bearer at-1");
/// ```
#[derive(Clone)]
pub struct AccessToken {
    // The header's value whole, so that `authorization` shares it: a cached
    // token is used far more often than it is read.
    bearer: Bytes,
}

impl AccessToken {
    /// Takes the token as it is: a line end from the end of a file would be sent,
    /// too. The `String` is wiped.
    pub fn new(token: impl Into<String>) -> Self {
        Self::copied(&Zeroizing::new(token.into()))
    }

    fn copied(token: &str) -> Self {
        let mut bearer = Zeroizing::new(Vec::with_capacity(BEARER.len() + token.len()));
        bearer.extend_from_slice(BEARER.as_bytes());
        bearer.extend_from_slice(token.as_bytes());
        Self { bearer: Bytes::from_owner(bearer) }
    }

    /// The token itself. Do not log it.
    pub fn expose(&self) -> &str {
        // The bytes were a `&str` in `new`, and the prefix is ASCII.
        std::str::from_utf8(&self.bearer[BEARER.len()..]).unwrap_or_default()
    }

    /// The value of an `Authorization` header that carries this token as a
    /// bearer token (RFC 6750 section 2.1). It is marked sensitive and shares
    /// the token's memory.
    ///
    /// A token of another type than `Bearer`, such as DPoP, needs another scheme: see
    /// [`authorization_by`](Self::authorization_by).
    ///
    /// # Errors
    ///
    /// If the token contains a control character. RFC 6749 appendix A.12 allows
    /// none, but a server may send one.
    pub fn authorization(&self) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        let mut value = HeaderValue::from_maybe_shared(self.bearer.clone())?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The same by another scheme, such as `DPoP` (RFC 9449 section 7.1).
    ///
    /// # Errors
    ///
    /// Those of [`authorization`](Self::authorization), and if that is no scheme.
    pub fn authorization_by(
        &self,
        scheme: &str,
    ) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        let mut text = Zeroizing::new(Vec::with_capacity(scheme.len() + self.bearer.len()));
        text.extend_from_slice(scheme.as_bytes());
        // With the space.
        text.extend_from_slice(&self.bearer[BEARER.len() - 1..]);
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl From<Cow<'_, str>> for AccessToken {
    fn from(token: Cow<'_, str>) -> Self {
        match token {
            Cow::Borrowed(token) => Self::copied(token),
            Cow::Owned(token) => Self::new(token),
        }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}

/// Compares in a time that depends only on the lengths.
impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        same(&self.bearer, &other.bearer)
    }
}

impl Eq for AccessToken {}

/// A refresh token. Wiped when dropped.
///
/// `Debug` and `serde` never show it; [`expose`](Self::expose) does.
///
/// ```
/// use auth_core::RefreshToken;
///
/// let token = RefreshToken::new("rt-1");
/// assert_eq!(format!("{token:?}"), "RefreshToken([redacted])");
/// assert_eq!(token.expose(), "rt-1");
/// ```
#[derive(Clone)]
pub struct RefreshToken(SecretString);

impl RefreshToken {
    /// Takes the token as it is: a line end from the end of a file would be sent,
    /// too. The `String` is wiped.
    pub fn new(token: impl Into<String>) -> Self {
        Self(secret(token))
    }

    /// The token itself. Do not log it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<Cow<'_, str>> for RefreshToken {
    fn from(token: Cow<'_, str>) -> Self {
        match token {
            Cow::Borrowed(token) => Self(exact(token)),
            Cow::Owned(token) => Self::new(token),
        }
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken([redacted])")
    }
}

/// Compares in a time that depends only on the lengths.
impl PartialEq for RefreshToken {
    fn eq(&self, other: &Self) -> bool {
        same(self.expose().as_bytes(), other.expose().as_bytes())
    }
}

impl Eq for RefreshToken {}

/// A text as a secret. The `String` handed in is wiped.
pub(crate) fn secret(text: impl Into<String>) -> SecretString {
    exact(&Zeroizing::new(text.into()))
}

/// Of the exact size: shrinking would leave a copy behind.
fn exact(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}

/// The tokens of a successful refresh.
///
/// [`serde_exposed`](crate::serde_exposed) describes the JSON form. Plain
/// `serde` serialization redacts the secrets, and a redacted form is refused
/// when it is read. Plain serialization and `Debug` also redact any part of
/// `token_type` and `scope`, and any name in `extra`, that is not a plain word
/// or repeats one of the tokens.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSet {
    /// The new access token.
    pub access_token: AccessToken,
    /// The token type as the server sent it, usually `Bearer` in some spelling.
    /// RFC 6749 section 5.1 requires it, but some servers omit it.
    pub token_type: Option<String>,
    /// The refresh token for the next refresh: the new one if the server sent
    /// one, otherwise the one that was used (RFC 6749 section 6). `None` only
    /// for grants without one.
    pub refresh_token: Option<RefreshToken>,
    /// When the access token expires, by the local wall clock. A lifetime is counted
    /// from the sending of the request. `None` if nothing in the response
    /// [says it](crate#when-a-token-expires).
    pub expires_at: Option<SystemTime>,
    /// When the refresh token expires, likewise. `None` also if the server says that
    /// it does not. Providers may end it earlier, for one that it has not been used.
    pub refresh_expires_at: Option<SystemTime>,
    /// The granted scope, if the server sent it.
    pub scope: Option<String>,
    /// The members of the response that RFC 6749 does not have, such as `id_token`,
    /// and those that say when a token expires in another way than `expires_in`.
    /// They are treated as secret.
    pub extra: Extra,
}

impl TokenSet {
    /// An access token and nothing else. The methods below add the rest, and the
    /// fields are public.
    ///
    /// ```
    /// use auth_core::{AccessToken, RefreshToken, TokenSet};
    ///
    /// let tokens = TokenSet::new(AccessToken::new("at-1"))
    ///     .refresh_token(RefreshToken::new("rt-1"))
    ///     .token_type("Bearer")
    ///     .scope("files:read");
    /// assert_eq!(tokens.scope.as_deref(), Some("files:read"));
    /// ```
    pub fn new(access_token: AccessToken) -> Self {
        Self {
            access_token,
            token_type: None,
            refresh_token: None,
            expires_at: None,
            refresh_expires_at: None,
            scope: None,
            extra: Extra::default(),
        }
    }

    /// Sets [`token_type`](#structfield.token_type).
    #[must_use]
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = Some(token_type.into());
        self
    }

    /// Sets [`refresh_token`](#structfield.refresh_token).
    #[must_use]
    pub fn refresh_token(mut self, token: RefreshToken) -> Self {
        self.refresh_token = Some(token);
        self
    }

    /// Sets [`expires_at`](#structfield.expires_at).
    #[must_use]
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Sets [`refresh_expires_at`](#structfield.refresh_expires_at).
    #[must_use]
    pub fn refresh_expires_at(mut self, time: SystemTime) -> Self {
        self.refresh_expires_at = Some(time);
        self
    }

    /// Sets [`scope`](#structfield.scope).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds a member to [`extra`](#structfield.extra), or replaces it.
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: Value) -> Self {
        self.extra.insert(name, value);
        self
    }
}

impl TokenSet {
    /// What was issued by a [token exchange](crate::TokenExchange), by its type (RFC
    /// 8693 section 2.2.1). It may be something else than an access token; its
    /// [`token_type`](#structfield.token_type) is `N_A` then, and it is used as its
    /// type says, not in an `Authorization` header.
    pub fn issued_token_type(&self) -> Option<&str> {
        self.extra.get("issued_token_type")?.as_str()
    }

    /// What may be shown beside the tokens.
    pub(crate) fn shown(&self) -> Shown<'_> {
        let refresh_token = self.refresh_token.as_ref().map(RefreshToken::expose);
        let own: Vec<_> = [Some(self.access_token.expose()), refresh_token]
            .into_iter()
            .flatten()
            .map(Cow::Borrowed)
            .collect();
        let names = self.extra.iter().map(|(name, _)| name);
        Shown::new(&own, self.token_type.as_deref(), self.scope.as_deref(), names)
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown();
        f.debug_struct("TokenSet")
            .field("access_token", &self.access_token)
            .field("token_type", &shown.token_type)
            .field("refresh_token", &self.refresh_token)
            .field("expires_at", &self.expires_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .field("scope", &shown.scope)
            .field("extra", &DebugSet(&shown.extra))
            .finish()
    }
}

struct DebugSet<'a>(&'a [&'a str]);

impl fmt::Debug for DebugSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0).finish()
    }
}

/// The members of a response that RFC 6749 section 5.1 does not have, as the server
/// sent them.
///
/// They may be secret (`id_token`). `Debug` shows only those names that are
/// plain words, and strings are wiped on drop.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extra(pub(crate) Map<String, Value>);

impl Extra {
    /// The member with this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Adds or replaces a member.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) {
        if let Some(mut old) = self.0.insert(name.into(), value) {
            wipe(&mut old);
        }
    }

    /// Removes a member and returns it. It is no longer wiped on drop.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(crate) fn move_to(mut self, other: &mut Self) {
        std::mem::take(&mut self.0).into_iter().for_each(|(name, value)| other.insert(name, value));
    }

    /// All members.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Value)> for Extra {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        let mut extra = Self::default();
        members.into_iter().for_each(|(name, value)| extra.insert(name, value));
        extra
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| plain(name))).finish()
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}
