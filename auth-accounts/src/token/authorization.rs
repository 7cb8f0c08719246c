//! The headers that carry a token to an API.

use std::{error::Error, fmt, sync::Arc};

use auth_core::{Clock, Credential, CredentialError, Demand, Dpop, TokenSet, asks_for_dpop_nonce};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use sha2::{Digest, Sha256};

use super::Token;

/// The headers that carry a token to an API, marked sensitive: `Authorization`, and for a
/// token that is bound to a key the proof for one request, `DPoP`.
///
/// ```
/// # use auth_accounts::{AuthorizationError, Token};
/// use auth_accounts::http::Request;
///
/// # fn example(token: &Token) -> Result<(), Box<dyn std::error::Error>> {
/// let mut request = Request::get("https://api.example.com/me").body(())?;
/// token.authorization("GET", request.uri())?.apply(request.headers_mut());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Authorization {
    authorization: HeaderValue,
    proof: Option<HeaderValue>,
}

const PROOF: HeaderName = HeaderName::from_static("dpop");

impl Authorization {
    /// The value of the header `Authorization`.
    pub fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    /// The value of the header `DPoP`, for a token that is bound to a key.
    pub fn proof(&self) -> Option<&HeaderValue> {
        self.proof.as_ref()
    }

    /// The headers, for clients that take one after another.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let proof = self.proof.clone().map(|proof| (PROOF, proof));
        [(header::AUTHORIZATION, self.authorization.clone())].into_iter().chain(proof)
    }

    /// Sets the headers of a request. Those of an earlier attempt are replaced.
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.clone().set(headers);
    }

    /// As [`apply`](Self::apply), without a copy.
    pub(crate) fn set(self, headers: &mut HeaderMap) {
        match self.proof {
            Some(proof) => headers.insert(PROOF, proof),
            None => headers.remove(PROOF),
        };
        headers.insert(header::AUTHORIZATION, self.authorization);
    }
}

impl From<Authorization> for HeaderMap {
    fn from(authorization: Authorization) -> Self {
        authorization.headers().collect()
    }
}

/// Why there are no headers for a token. The message holds no token. A
/// [call](crate::calls) tells it as [`CallError::Authorization`](crate::calls::CallError).
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum AuthorizationError {
    /// The access token contains a character that does not belong into a header.
    InvalidToken,
    /// The server gave a token of a type that is not known here, and must not be used
    /// blindly (RFC 6749 section 7.1). Some servers have names of their own for bearer
    /// tokens: then use [`Token::bearer`].
    #[non_exhaustive]
    UnknownType {
        /// What the server calls it: at most 32 letters, digits and `-._`, else nothing.
        token_type: String,
    },
    /// The access token is bound to a key (DPoP), so that it is of no use as a bearer
    /// token. Use [`Token::authorization`].
    NotBearer,
    /// The access token is bound to a key, and the endpoint has none. Set it by
    /// [`TokenEndpoint::dpop`](auth_core::TokenEndpoint::dpop).
    NoKey,
    /// A proof is for one method and one absolute URL, and that is none.
    InvalidTarget,
    /// The key did not sign. If the error is
    /// [`Asynchronous`](auth_core::CredentialErrorKind::Asynchronous), use
    /// [`Token::authorization_async`].
    Proof(CredentialError),
}

impl fmt::Display for AuthorizationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidToken => {
                f.write_str("the access token has a character that does not belong into a header")
            }
            Self::UnknownType { token_type } => write!(
                f,
                "the access token is of an unknown type, {token_type:?}; if the API takes it for a bearer token, use Token::bearer"
            ),
            Self::NotBearer => f.write_str(
                "the access token is bound to a key (DPoP) and no bearer token; use Token::authorization",
            ),
            Self::NoKey => f.write_str(
                "the access token is bound to a key (DPoP), and the endpoint has none; set it by TokenEndpoint::dpop",
            ),
            Self::InvalidTarget => {
                f.write_str("a proof needs the method of the request and its absolute URL")
            }
            Self::Proof(error) => write!(f, "there is no proof for the access token: {error}"),
        }
    }
}

impl Error for AuthorizationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its message is part of ours.
            Self::Proof(error) => error.source(),
            _ => None,
        }
    }
}

impl Token {
    /// The headers for one request to an API: `method` and `url` are those of the request.
    /// A bearer token (RFC 6750 section 2.1) is the same for all; for one that is bound to
    /// a key (DPoP, RFC 9449 section 7) a proof is made, which is good for a request like
    /// this and once only.
    ///
    /// What the server said decides: [`token_type`](Self::token_type), in any case. Where
    /// it said nothing, it is a bearer token.
    ///
    /// [Calls](crate::calls::Calls) do all that follows, and read the API's challenges. By
    /// hand: an API may want a nonce of its own in the proof. Give it to
    /// [`learn_nonce`](Self::learn_nonce). It may want one before it looks at the token,
    /// and another one with the next token, so that there are four requests at most:
    ///
    /// ```
    /// use auth_accounts::{Account, http::Response};
    ///
    /// # async fn get(_: &str, _: auth_accounts::Authorization) -> Response<Vec<u8>> { todo!() }
    /// # async fn example(account: Account) -> Result<(), Box<dyn std::error::Error>> {
    /// let url = "https://api.example.com/me";
    /// let mut token = account.token().await?;
    /// let (mut has_nonce, mut was_refused) = (false, false);
    /// let response = loop {
    ///     let response = get(url, token.authorization("GET", url)?).await;
    ///     let wants_nonce = token.learn_nonce(url, response.headers());
    ///     if wants_nonce && !has_nonce {
    ///         // Nothing is wrong with the token: once more, with that nonce.
    ///         has_nonce = true;
    ///     } else if !wants_nonce && response.status() == 401 && !was_refused {
    ///         token = account.token_refused(token.access_token()).await?;
    ///         (has_nonce, was_refused) = (false, true);
    ///     } else {
    ///         break response;
    ///     }
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AuthorizationError`] if the token is of an unknown type, or no proof can be made.
    /// Only then do method and URL matter.
    pub fn authorization<M, U>(
        &self,
        method: M,
        url: U,
    ) -> Result<Authorization, AuthorizationError>
    where
        M: TryInto<Method>,
        U: TryInto<Uri>,
    {
        match self.demand(method, url)? {
            None => self.headers(None),
            Some(demand) => self.headers(Some(demand.meet_blocking())),
        }
    }

    /// As [`authorization`](Self::authorization), for keys that sign
    /// [asynchronously](auth_core::AsyncSigner). It waits for the signature only.
    ///
    /// # Errors
    ///
    /// See [`authorization`](Self::authorization).
    pub async fn authorization_async<M, U>(
        &self,
        method: M,
        url: U,
    ) -> Result<Authorization, AuthorizationError>
    where
        M: TryInto<Method>,
        U: TryInto<Uri>,
    {
        match self.demand(method, url)? {
            None => self.headers(None),
            Some(demand) => self.headers(Some(demand.meet().await)),
        }
    }

    /// The value of an `Authorization` header that carries this token as a bearer token
    /// (RFC 6750 section 2.1), whatever the server calls it. It is marked sensitive, and
    /// shares the token's memory.
    ///
    /// # Errors
    ///
    /// [`AuthorizationError::NotBearer`] if the server has bound the token to a key, and
    /// [`AuthorizationError::InvalidToken`].
    pub fn bearer(&self) -> Result<HeaderValue, AuthorizationError> {
        match is_dpop(self.token_type()) {
            true => Err(AuthorizationError::NotBearer),
            false => self.0.authorization.clone().ok_or(AuthorizationError::InvalidToken),
        }
    }

    /// This token as text, for a library that wants it so and sends it as a bearer token by
    /// itself, over HTTP or not (RFC 6750, RFC 7628).
    ///
    /// # Errors
    ///
    /// Those of [`bearer`](Self::bearer): no library would hear from the server what is
    /// wrong with such a token.
    pub fn expose_bearer(&self) -> Result<&str, AuthorizationError> {
        self.bearer().map(|_| self.access_token().expose())
    }

    /// Takes the nonce of an API's response (RFC 9449 section 8.2), for the next proof to
    /// the same origin. All tokens by the same key share it. Without a key this does
    /// nothing. Call it with every response: APIs replace their nonces.
    ///
    /// Returns whether the API refused the request for want of this nonce. Then the access
    /// token is good: make the request once more, with other
    /// [headers](Self::authorization), and do not report the token as refused.
    pub fn learn_nonce<U: TryInto<Uri>>(&self, url: U, headers: &HeaderMap) -> bool {
        let (Some(prover), Ok(url)) = (&self.0.prover, url.try_into()) else { return false };
        prover.dpop.learn(&url, headers);
        is_dpop(self.token_type()) && asks_for_dpop_nonce(headers)
    }

    /// Sets the header of a request, for a token that needs no proof. The one of a token
    /// before it, which had `had_proof`, is removed.
    pub(crate) fn set_bearer(
        &self,
        had_proof: bool,
        headers: &mut HeaderMap,
    ) -> Result<(), AuthorizationError> {
        if !self.0.is_bearer {
            self.demand(Method::GET, Uri::default())?;
        }
        let value = self.0.authorization.clone().ok_or(AuthorizationError::InvalidToken)?;
        if had_proof {
            headers.remove(PROOF);
        }
        headers.insert(header::AUTHORIZATION, value);
        Ok(())
    }

    /// The value of the header, if what the server said makes it a bearer token.
    #[inline]
    pub(crate) fn bearer_of_its_type(&self) -> Option<&HeaderValue> {
        self.0.authorization.as_ref().filter(|_| self.0.is_bearer)
    }

    /// Whether a proof belongs to each request that carries it.
    #[inline]
    pub(crate) fn is_proved(&self) -> bool {
        !self.0.is_bearer && is_dpop(self.token_type())
    }

    /// What has to be signed, if something has to be.
    fn demand<M, U>(&self, method: M, url: U) -> Result<Option<Demand>, AuthorizationError>
    where
        M: TryInto<Method>,
        U: TryInto<Uri>,
    {
        if self.0.is_bearer {
            return Ok(None);
        }
        match self.token_type().map(str::trim) {
            name if is_dpop(name) => {}
            name => {
                return Err(AuthorizationError::UnknownType {
                    token_type: shown(name.unwrap_or_default()),
                });
            }
        }
        let prover = self.0.prover.as_ref().ok_or(AuthorizationError::NoKey)?;
        let (Ok(method), Ok(url)) = (method.try_into(), url.try_into()) else {
            return Err(AuthorizationError::InvalidTarget);
        };
        if url.scheme().is_none() || url.authority().is_none() {
            return Err(AuthorizationError::InvalidTarget);
        }
        // RFC 9449 section 4.2: `ath`.
        let hash = Sha256::digest(self.access_token().expose());
        let hash = URL_SAFE_NO_PAD.encode(hash);
        Ok(Some(prover.dpop.demand(&method, &url, Some(&hash), prover.clock.now())))
    }

    fn headers(
        &self,
        proof: Option<Result<Credential, CredentialError>>,
    ) -> Result<Authorization, AuthorizationError> {
        let proof = proof.transpose().map_err(AuthorizationError::Proof)?;
        // A signer may return what it likes, but encoded it belongs into a header.
        let proof = proof.and_then(|proof| proof.header().ok());
        let authorization = self.0.authorization.clone();
        let authorization = authorization.ok_or(AuthorizationError::InvalidToken)?;
        Ok(Authorization { authorization, proof })
    }
}

/// A name of a token type as RFC 6749 appendix A.11 has it, short enough to be one.
fn shown(name: &str) -> String {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match name.len() <= 32 && name.bytes().all(is_allowed) {
        true => name.to_owned(),
        false => String::new(),
    }
}

/// Whether tokens of this type are bound to a key (RFC 9449 section 5). Names of types
/// are compared in any case (RFC 6749 section 5.1).
pub(crate) fn is_dpop(token_type: Option<&str>) -> bool {
    token_type.is_some_and(|name| name.trim().eq_ignore_ascii_case("dpop"))
}

/// Whether tokens of this type are bearer tokens: also where the server said nothing.
pub(super) fn is_bearer(token_type: Option<&str>) -> bool {
    token_type.is_none_or(|name| name.trim().eq_ignore_ascii_case("bearer"))
}

/// The value of the header `Authorization`.
pub(super) fn authorization(tokens: &TokenSet) -> Option<HeaderValue> {
    let token = &tokens.access_token;
    match is_dpop(tokens.token_type.as_deref()) {
        true => token.authorization_by("DPoP").ok(),
        false => token.authorization().ok(),
    }
}

/// What makes proofs for access tokens: the key, and the clock that says when.
#[derive(Clone)]
pub(crate) struct Prover {
    dpop: Dpop,
    clock: Arc<dyn Clock>,
}

impl Prover {
    pub(crate) fn new(dpop: Dpop, clock: Arc<dyn Clock>) -> Self {
        Self { dpop, clock }
    }
}
