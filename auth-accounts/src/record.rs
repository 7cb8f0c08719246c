//! The record that a store keeps for an account.

use std::{fmt, time::SystemTime};

use auth_core::{
    Credential, CredentialError, CredentialErrorKind, ErrorCode, FailureKind, RefreshError,
    RefreshToken, TokenEndpoint, TokenSet,
};
use http::StatusCode;
use sha2::{Digest, Sha256};

use crate::{registration::Registration, set_up::SetUp};

/// What a store keeps for an account: its tokens, and what came of the attempts
/// to refresh them.
///
/// `Debug` and plain `serde` redact the tokens.
/// [`to_json_exposed`](Self::to_json_exposed) and
/// [`record_exposed`](crate::store::record_exposed) show them; the latter describes the
/// JSON form.
///
/// ```
/// use auth_accounts::store::Record;
/// use auth_core::{AccessToken, RefreshToken, TokenSet};
///
/// let mut tokens = TokenSet::new(AccessToken::new("at-1"));
/// tokens.refresh_token = Some(RefreshToken::new("rt-1"));
/// let record = Record::new(tokens);
/// assert!(!format!("{record:?}").contains("rt-1"));
///
/// let json = record.to_json_exposed();
/// assert_eq!(Record::from_json(&json)?, record);
/// # Ok::<(), auth_accounts::store::RecordFormError>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The tokens.
    pub tokens: TokenSet,
    /// Why the last refresh failed, if it did.
    pub setback: Option<Setback>,
    /// The note of a refresh whose outcome is not on record. If nobody holds the
    /// lease, its process died, or has [lost](crate::StoreErrorKind::LeaseLost) it.
    pub note: Option<Note>,
    /// When the tokens were obtained, by the wall clock of the process that
    /// obtained them. `None` for tokens of unknown age.
    pub obtained_at: Option<SystemTime>,
    /// The [login](crate::Account::store_login) that the tokens come from, directly or
    /// by refreshes: a fingerprint of that login's tokens. `None` for tokens that
    /// came otherwise.
    pub login: Option<Fingerprint>,
    /// Set if `tokens.expires_at` is a guess, since nobody said when the access
    /// token expires.
    pub guess: Option<Guess>,
    /// How many access tokens in a row had expired when they came, or soon after,
    /// this one included. 0 if this one had not.
    pub born_expired: u32,
    /// When the last exchanges were made because an API had refused the access
    /// token, oldest first. Only those that the next ones depend on.
    pub refusals: Vec<SystemTime>,
    /// The registration that the tokens were issued to. An account of another one
    /// does not use the record: see [`Reason::OtherEndpoint`](crate::Reason).
    /// `None` in records of older versions, until the next login or refresh, and
    /// where `set_up` says it.
    pub bound_to: Option<Registration>,
    /// The endpoint and the client of this account alone, if its login brought
    /// them.
    pub set_up: Option<SetUp>,
    /// Further access tokens, obtained with the same refresh token: see
    /// [`Account::token_for`](crate::Account::token_for). At most 16.
    pub further: Vec<FurtherToken>,
    /// The thumbprint (RFC 7638) of the key that the tokens were obtained with (DPoP, RFC
    /// 9449). The refresh token may be bound to it: see
    /// [`Reason::OtherKey`](crate::Reason::OtherKey). `None` if there was no key, or nobody knows.
    pub dpop_thumbprint: Option<String>,
}

impl Record {
    /// A record of tokens of unknown age.
    pub fn new(tokens: TokenSet) -> Self {
        Self {
            tokens,
            setback: None,
            note: None,
            obtained_at: None,
            login: None,
            guess: None,
            born_expired: 0,
            refusals: Vec::new(),
            bound_to: None,
            set_up: None,
            further: Vec::new(),
            dpop_thumbprint: None,
        }
    }

    /// A record of tokens obtained at `at`.
    pub fn obtained(tokens: TokenSet, at: SystemTime) -> Self {
        Self { obtained_at: Some(at), ..Self::new(tokens) }
    }

    /// A record of tokens that a login gave at `at`.
    pub(crate) fn logged_in(tokens: TokenSet, at: SystemTime) -> Self {
        Self { login: Some(Fingerprint::of_tokens(&tokens)), ..Self::obtained(tokens, at) }
    }

    /// Which client the tokens were issued to, at which endpoint. `None` in records
    /// of older versions.
    pub fn registration(&self) -> Option<&Registration> {
        self.set_up.as_ref().map(SetUp::registration).or(self.bound_to.as_ref())
    }

    /// The fingerprint of the refresh token, if there is one.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.tokens.refresh_token.as_ref().map(Fingerprint::of)
    }
}

/// An access token for a [request](auth_core::TokenRequest) of its own, obtained with the record's
/// refresh token; and what came of the attempts to obtain it that concerns no other.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct FurtherToken {
    /// The request: a hash of it.
    pub request: Fingerprint,
    /// The access token, without a refresh token. `None` if there was none yet.
    pub tokens: Option<TokenSet>,
    /// As [`Record::obtained_at`].
    pub obtained_at: Option<SystemTime>,
    /// As [`Record::guess`].
    pub guess: Option<Guess>,
    /// As [`Record::born_expired`].
    pub born_expired: u32,
    /// As [`Record::refusals`].
    pub refusals: Vec<SystemTime>,
    /// As [`Record::dpop_thumbprint`].
    pub dpop_thumbprint: Option<String>,
    /// Why the last attempt failed, if that concerns this request alone: the server
    /// does not know the resource, say.
    pub setback: Option<Setback>,
}

impl FurtherToken {
    /// Nothing but the request.
    pub fn new(request: Fingerprint) -> Self {
        Self {
            request,
            tokens: None,
            obtained_at: None,
            guess: None,
            born_expired: 0,
            refusals: Vec::new(),
            dpop_thumbprint: None,
            setback: None,
        }
    }
}

/// That the expiry of an access token is a guess.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guess {
    /// When an API refused a token earlier than was guessed, which shortened the
    /// guess. `None` if that has not happened.
    pub corrected_at: Option<SystemTime>,
}

/// A failed refresh. It concerns one refresh token, and means nothing once the
/// record has another.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub struct Setback {
    /// The refresh token that was tried.
    pub refresh_token: Fingerprint,
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// The error code in the response.
    pub code: Option<ErrorCode>,
    /// The status of the response.
    pub status: Option<StatusCode>,
    /// Whether the token may be spent: the response to an attempt with it was
    /// lost.
    pub possibly_spent: bool,
    /// When the first failure of this series happened.
    pub since: SystemTime,
    /// When the last one happened.
    pub failed_at: SystemTime,
    /// When a refresh may be tried again. `None` if only another refresh token
    /// helps.
    pub retry_at: Option<SystemTime>,
    /// How many refreshes have failed in a row.
    pub count: u32,
    /// After [`FailureKind::Misconfigured`], and where the client's credential could not
    /// be had: a fingerprint of the client's configuration, with the secret that was
    /// read for the attempt. The setback does not apply to a client configured otherwise.
    pub client: Option<Fingerprint>,
    /// What was wrong with the client's credential, or with a key that signs for it, if
    /// that could not be had. Then there was no request.
    pub credential: Option<CredentialErrorKind>,
}

impl Setback {
    /// The first failure of a series, at `now`.
    pub fn new(
        refresh_token: Fingerprint,
        error: &RefreshError,
        now: SystemTime,
        retry_at: Option<SystemTime>,
    ) -> Self {
        let failure = error.failure();
        Self {
            refresh_token,
            kind: failure.kind(),
            code: failure.code().cloned(),
            status: failure.status(),
            credential: failure.credential_error().map(CredentialError::kind),
            possibly_spent: error.possibly_spent(),
            since: now,
            failed_at: now,
            retry_at,
            count: 1,
            client: None,
        }
    }
}

/// The note of a refresh. It is saved before the first request is sent, and
/// cleared by the outcome.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The refresh token to be tried.
    pub refresh_token: Fingerprint,
    /// When.
    pub at: SystemTime,
}

impl Note {
    /// The note that `refresh_token` is about to be tried.
    pub fn new(refresh_token: Fingerprint, at: SystemTime) -> Self {
        Self { refresh_token, at }
    }
}

/// Identifies something secret without showing it.
///
/// Of a refresh token it is the first 64 bits of its SHA-256. That is safe to
/// store and to log, since a refresh token cannot be guessed (required by RFC
/// 6749 section 10.10). Zero stands for a grant without a refresh token. Of a
/// login it is a hash of both tokens. Of a client's configuration it is 16 bits
/// of a hash, too few to try out secrets with.
///
/// ```
/// use auth_accounts::store::Fingerprint;
/// use auth_core::RefreshToken;
///
/// let fingerprint = Fingerprint::of(&RefreshToken::new("rt-1"));
/// assert_eq!(fingerprint.to_string().len(), 16);
/// assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// What stands in for the refresh token where a grant has none.
    pub(crate) const NO_REFRESH_TOKEN: Self = Self([0; 8]);

    /// The fingerprint of a refresh token.
    pub fn of(token: &RefreshToken) -> Self {
        Self::head(Sha256::new().chain_update(token.expose()))
    }

    /// The fingerprint of a pair of tokens.
    pub(crate) fn of_tokens(tokens: &TokenSet) -> Self {
        Self::of_tokens_at(tokens, None)
    }

    /// The fingerprint of a pair of tokens and the endpoint that was brought with
    /// them, if one was.
    pub(crate) fn of_tokens_at(tokens: &TokenSet, endpoint: Option<&TokenEndpoint>) -> Self {
        let access = tokens.access_token.expose();
        let refresh = tokens.refresh_token.as_ref().map(RefreshToken::expose);
        let hash = Sha256::new().chain_update((access.len() as u64).to_be_bytes());
        let hash = hash.chain_update(access).chain_update(refresh.unwrap_or_default());
        let endpoint = endpoint.and_then(|endpoint| endpoint.to_json_exposed().ok());
        Self::head(match endpoint {
            None => hash,
            // No token contains this byte.
            Some(form) => hash.chain_update([0]).chain_update(&*form),
        })
    }

    /// The same of a token that belongs to `endpoint`.
    pub(crate) fn at(self, endpoint: &TokenEndpoint) -> Self {
        let hash = Sha256::new().chain_update(self.0);
        match endpoint.to_json_exposed() {
            Ok(form) => Self::head(hash.chain_update(&*form)),
            Err(_) => Self::head(hash),
        }
    }

    /// The fingerprint of a client's set-up, with its secret. Only 16 bits, so
    /// that it is of no use to whoever wants to try out secrets.
    ///
    /// `read` is what the client's credential source holds, if there is one.
    pub(crate) fn of_client(endpoint: &TokenEndpoint, read: Option<&Credential>) -> Self {
        let Self(mut head) = Self::head(Sha256::new().chain_update(&*endpoint.identity(read)));
        head[..6].fill(0);
        Self(head)
    }

    pub(crate) fn head(hash: Sha256) -> Self {
        let digest = hash.finalize();
        let mut head = [0; 8];
        head.copy_from_slice(&digest[..8]);
        Self(head)
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Not sixteen hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 16 hexadecimal digits")]
#[non_exhaustive]
pub struct FingerprintError;

impl std::str::FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FingerprintError);
        }
        let number = u64::from_str_radix(text, 16).map_err(|_| FingerprintError)?;
        Ok(Self(number.to_be_bytes()))
    }
}
