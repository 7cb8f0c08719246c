//! Which tokens go where.

use std::sync::Arc;

use http::{Extensions, HeaderMap, StatusCode, header};

use super::{
    call::Call,
    client::Target,
    error::CallError,
    origin::{Origin, OriginError},
    ready::ReadyCall,
    rules::{Reach, Rules},
    tokens::Tokens,
};
use crate::account::Account;

/// Calls of an API: which tokens go there, and which origins that is. Cloning shares it.
///
/// A `T` in the extensions of a request, such as an [`Account`], takes the place of the one
/// that is named here. It is looked for by this very type: `Calls<TokensFor>` do not see an
/// [`Account`] there, nor `Calls` of a pool its members.
///
/// ```
/// use auth_accounts::{Account, calls::Calls};
///
/// # fn example(account: Account) -> Result<(), Box<dyn std::error::Error>> {
/// let calls = Calls::to(account.clone(), "https://api.example.com")?;
/// // To several origins, or to those of a list:
/// let calls = Calls::new(account, ["https://api.example.com", "https://files.example.com"])?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Calls<T = Account> {
    tokens: Option<T>,
    rules: Arc<Rules>,
}

impl<T: Tokens> Calls<T> {
    /// Calls with these tokens to this one origin: a URL such as `https://api.example.com`, of
    /// which scheme, host and port count.
    ///
    /// # Errors
    ///
    /// [`OriginError`] if it is no such URL.
    pub fn to<O>(tokens: T, origin: O) -> Result<Self, OriginError>
    where
        O: TryInto<Origin>,
        OriginError: From<O::Error>,
    {
        Self::new(tokens, [origin])
    }

    /// Calls with these tokens to these origins: URLs such as `https://api.example.com`,
    /// of which scheme, host and port count.
    ///
    /// # Errors
    ///
    /// [`OriginError`] if one is no such URL, and if there is none.
    pub fn new<O>(tokens: T, origins: impl IntoIterator<Item = O>) -> Result<Self, OriginError>
    where
        O: TryInto<Origin>,
        OriginError: From<O::Error>,
    {
        Ok(Self { tokens: Some(tokens), ..Self::per_request(origins)? })
    }

    /// Calls whose requests each name what gives their tokens: a `T`, such as an
    /// [`Account`], in their extensions. A request to these origins that names none is not sent.
    ///
    /// The type has to be named, for nothing else tells it:
    ///
    /// ```
    /// use auth_accounts::{Account, calls::Calls, http::Request};
    ///
    /// # fn example(account: Account) -> Result<(), Box<dyn std::error::Error>> {
    /// let calls = Calls::<Account>::per_request(["https://api.example.com"])?;
    /// let request = Request::get("https://api.example.com/me").extension(account).body(())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn per_request<O>(origins: impl IntoIterator<Item = O>) -> Result<Self, OriginError>
    where
        O: TryInto<Origin>,
        OriginError: From<O::Error>,
    {
        let origins: Result<Box<[_]>, _> = origins.into_iter().map(TryInto::try_into).collect();
        let origins = origins?;
        if origins.is_empty() {
            return Err(OriginError::None);
        }
        let rules = Rules { origins, also_refused_at: Vec::new() };
        Ok(Self { tokens: None, rules: Arc::new(rules) })
    }

    /// The same calls with other tokens. The rest is shared.
    #[must_use]
    pub fn with(&self, tokens: T) -> Self {
        Self { tokens: Some(tokens), rules: Arc::clone(&self.rules) }
    }

    /// Statuses by which this API says, too, that a token is not good any more, beside
    /// 401. Some have 419 or 498 for it.
    #[must_use]
    pub fn also_refused_at(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        Arc::make_mut(&mut self.rules).also_refused_at = statuses.into_iter().collect();
        self
    }

    /// Whether a token goes there. Nothing is allocated.
    #[must_use]
    pub fn go_to(&self, target: &Target<'_>) -> bool {
        self.rules.find(target).is_some()
    }

    /// Begins the call of a request. `None` if it is to go as it is: to another origin,
    /// or with an `Authorization` of its own. `extensions` are those of the request.
    ///
    /// # Errors
    ///
    /// [`CallError::Unnamed`] if nothing gives a token for it.
    #[must_use = "the request goes without a token where this is `None` only"]
    pub fn begin(
        &self,
        target: &Target<'_>,
        headers: &HeaderMap,
        extensions: Option<&Extensions>,
    ) -> Option<Result<Call<T>, CallError<T::Error>>> {
        let index = self.rules.find(target)?;
        if headers.contains_key(header::AUTHORIZATION) {
            return None;
        }
        let Some(tokens) = self.tokens(extensions) else {
            return Some(Err(CallError::Unnamed));
        };
        let reach = Reach::Named(Arc::clone(&self.rules), index);
        Some(Ok(Call::new(tokens.clone(), reach, None)))
    }

    /// The short way of a call whose token is there and the same for all requests, as most
    /// are: instead of [`begin`](Self::begin), [`peek`](Call::peek) and
    /// [`attach`](Call::attach), and for the same requests. `None` if it is not such a
    /// call; then `begin` says what it is. It does no I/O, and allocates nothing.
    ///
    /// ```
    /// use auth_accounts::{calls::{Calls, Target}, http::Request};
    ///
    /// # fn example(calls: Calls, mut request: Request<()>) {
    /// let ready = calls.begin_ready(&Target::Uri(request.uri()), Some(request.extensions()));
    /// match ready.and_then(|ready| ready.attach(request.headers_mut())) {
    ///     Some(call) => { /* Send the request, and have the call judge its response. */ }
    ///     None => { /* The long way, by `begin`. */ }
    /// }
    /// # }
    /// ```
    #[inline]
    pub fn begin_ready(
        &self,
        target: &Target<'_>,
        extensions: Option<&Extensions>,
    ) -> Option<ReadyCall<'_, T>> {
        let index = self.rules.find(target)?;
        let tokens = self.tokens(extensions)?;
        let held = tokens.peek()?;
        Some(ReadyCall { rules: &self.rules, index, tokens: tokens.clone(), held })
    }

    /// What gives the token for a request with these extensions.
    #[inline]
    fn tokens<'a>(&'a self, extensions: Option<&'a Extensions>) -> Option<&'a T> {
        let named = extensions.and_then(|extensions| extensions.get::<T>());
        named.or(self.tokens.as_ref())
    }
}
