//! One call, without I/O.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method, StatusCode, Uri};

use super::{
    client::Target,
    error::{CallError, NotAgain},
    origin::OriginError,
    refusal::{self, About, Refused, Said},
    rules::Reach,
    tokens::{Replaced, Tokens},
};
use crate::token::{Authorization, AuthorizationError};

/// One call: a request to an API that carries a token, and what is to be done about its
/// response. It is sent once more at most; and for each token once more for a nonce that
/// the API wants in its proof (RFC 9449 section 9), so that it is sent four times if
/// everything happens.
///
/// A client does what it says, in this order: [`obtain`](Self::obtain),
/// [`attach`](Self::attach), send, [`judge`](Self::judge), and by the verdict hand out the
/// response or [`renew`](Self::renew) and begin anew with `attach`.
/// [`Calls::send`](super::Calls::send) does all of it. The machine itself is for clients
/// whose requests are of another kind, such as middleware.
///
/// ```
/// use auth_accounts::{Account, calls::{Call, Calls, Target, Verdict}, http};
///
/// # async fn wait_for(request: http::Request<()>) -> http::Response<Vec<u8>> { todo!() }
/// # async fn example(calls: Calls<Account>) -> Result<(), Box<dyn std::error::Error>> {
/// let request = http::Request::get("https://api.example.com/me").body(())?;
/// let (mut head, ()) = request.into_parts();
/// let target = Target::Uri(&head.uri);
/// if let Some(call) = calls.begin(&target, &head.headers, Some(&head.extensions)) {
///     let mut call = call?;
///     call.obtain().await?;
///     call.attach(&head.method, &target, &mut head.headers)?;
///     let response = wait_for(http::Request::from_parts(head, ())).await;
///     match call.judge(None, response.status(), response.headers()) {
///         Verdict::HandOut(_) => {}
///         // This client sends nothing twice. The next request has another token.
///         Verdict::Renew(why) => call.mark(&why),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing by itself"]
pub struct Call<T: Tokens> {
    tokens: T,
    reach: Reach,
    held: Option<T::Held>,
    /// What the last proof was made for.
    proved_for: Option<Box<Uri>>,
    has_nonce: bool,
    was_renewed: bool,
}

/// What to do about a response.
#[non_exhaustive]
#[derive(Debug, Clone)]
#[must_use]
pub enum Verdict {
    /// Hand it out. If it says that the token is of no use, the reason for which the
    /// request is not sent again.
    HandOut(Option<NotAgain>),
    /// The API wants another proof, and the nonce for it is kept. Nothing is wrong with
    /// the token: attach it anew, and send the request once more.
    Prove,
    /// The API did not take the token. If the request can be sent again, renew the token
    /// and send it; if not, [`mark`](Call::mark) the token and hand out the response.
    Renew(Refused),
}

impl<T: Tokens> Call<T> {
    #[inline]
    pub(super) fn new(tokens: T, reach: Reach, held: Option<T::Held>) -> Self {
        Self { tokens, reach, held, proved_for: None, has_nonce: false, was_renewed: false }
    }

    /// The call of a request that goes there, to whichever origin that is.
    ///
    /// # Errors
    ///
    /// [`OriginError`] if that is no URL that a token may go to, such as plain `http` to
    /// a host that is not loopback.
    pub fn to_its_origin(tokens: T, target: &Target<'_>) -> Result<Self, OriginError> {
        Ok(Self::new(tokens, Reach::of(target)?, None))
    }

    /// Whether its token may go there: only to the origin of the request that it is of.
    /// For clients that can choose anew where to send a request again.
    #[must_use]
    pub fn goes_to(&self, target: &Target<'_>) -> bool {
        self.reach.holds(target)
    }

    /// Takes a token that may be used at once, if there is one. It does no I/O, and
    /// allocates nothing.
    pub fn peek(&mut self) -> bool {
        self.held = self.tokens.peek();
        self.held.is_some()
    }

    /// Obtains a token.
    ///
    /// # Errors
    ///
    /// [`CallError::NoToken`].
    pub async fn obtain(&mut self) -> Result<(), CallError<T::Error>> {
        if !self.peek() {
            self.held = Some(self.tokens.obtain().await.map_err(CallError::NoToken)?);
        }
        Ok(())
    }

    /// Whether a proof belongs to the request. Only then do its method and its target
    /// matter to [`attach`](Self::attach).
    #[inline]
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.held.as_ref().is_some_and(|held| T::token(held).is_proved())
    }

    /// Whether no verdict on what is sent next will ask for the request once more, so
    /// that no copy of it is needed.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.was_renewed && (self.has_nonce || !self.is_proved())
    }

    /// Sets the headers of the request, for keys that sign at once. Without a token it
    /// leaves them as they are.
    ///
    /// # Errors
    ///
    /// [`CallError::Authorization`].
    pub fn attach(
        &mut self,
        method: &Method,
        target: &Target<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), CallError<T::Error>> {
        let Some(held) = &self.held else { return Ok(()) };
        if !T::token(held).is_proved() {
            let had_proof = self.proved_for.take().is_some();
            let set = T::token(held).set_bearer(had_proof, headers);
            return set.map_err(CallError::Authorization);
        }
        let (method, uri) = self.proof_for(method, target);
        let Some(held) = &self.held else { return Ok(()) };
        set(T::token(held).authorization(method, uri), headers)
    }

    /// As [`attach`](Self::attach), for keys that sign asynchronously, too.
    ///
    /// # Errors
    ///
    /// [`CallError::Authorization`].
    pub async fn attach_async(
        &mut self,
        method: &Method,
        target: &Target<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), CallError<T::Error>> {
        let (method, uri) = self.proof_for(method, target);
        let Some(held) = &self.held else { return Ok(()) };
        set(T::token(held).authorization_async(method, uri).await, headers)
    }

    /// What the proof is for, if there is to be one.
    fn proof_for(&mut self, method: &Method, target: &Target<'_>) -> (Method, Uri) {
        let uri = self.is_proved().then(|| target.to_uri());
        self.proved_for = uri.clone().map(Box::new);
        uri.map(|uri| (method.clone(), uri)).unwrap_or_default()
    }

    /// Judges the head of a response. `came_from` is where it came from, if the client
    /// follows redirects and says so.
    #[inline]
    pub fn judge(
        &mut self,
        came_from: Option<&Target<'_>>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        // Any response may bring the nonce for the next proof.
        match self.proved_for.is_none() && !self.concerns(status) {
            true => Verdict::HandOut(None),
            false => self.read(came_from, status, headers),
        }
    }

    /// Whether a response with this status may be about the token. Most are not.
    #[inline]
    fn concerns(&self, status: StatusCode) -> bool {
        self.is_refusal(status)
            || self.tokens.moves_on_at(status)
            || status == StatusCode::FORBIDDEN
    }

    #[inline]
    fn is_refusal(&self, status: StatusCode) -> bool {
        self.tokens.is_refusal(status) || self.reach.is_refusal(status)
    }

    #[inline(never)]
    fn read(
        &mut self,
        came_from: Option<&Target<'_>>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        let Some(held) = &self.held else { return Verdict::HandOut(None) };
        let token = T::token(held);
        let is_refusal = self.is_refusal(status);
        if came_from.is_some_and(|from| !self.reach.holds(from)) {
            // Its nonces are for others, too.
            return Verdict::HandOut(is_refusal.then_some(NotAgain::Elsewhere));
        }
        if let Some(uri) = &self.proved_for
            && token.learn_nonce(Uri::clone(uri), headers)
            && status.is_client_error()
        {
            return match std::mem::replace(&mut self.has_nonce, true) {
                false => Verdict::Prove,
                true => Verdict::HandOut(Some(NotAgain::Twice)),
            };
        }
        if !self.concerns(status) {
            return Verdict::HandOut(None);
        }
        let moves_on = self.tokens.moves_on_at(status);
        let said = refusal::read(headers, token.is_proved());
        let about = match said.without(token.access_token().expose()) {
            Said::Refused(claims) if is_refusal => About::Token { claims },
            // Another account may be allowed to, or has not met the limit.
            Said::Otherwise(NotAgain::InsufficientScope { .. }) if moves_on => About::Account,
            Said::Otherwise(why) if is_refusal => return Verdict::HandOut(Some(why)),
            _ if moves_on => About::Account,
            Said::Otherwise(why) if why.is_about_rights() => return Verdict::HandOut(Some(why)),
            _ => return Verdict::HandOut(None),
        };
        let retry_after = auth_core::internal::asked_wait(status, headers, self.tokens.wall());
        let refused = Refused { status, retry_after, about };
        if self.was_renewed {
            self.mark(&refused);
            return Verdict::HandOut(Some(NotAgain::Twice));
        }
        Verdict::Renew(refused)
    }

    /// Reports the token as refused, without obtaining another: the next call has one.
    pub fn mark(&self, why: &Refused) {
        if let Some(held) = &self.held {
            self.tokens.mark(held, why);
        }
    }

    /// Reports the token as refused, and obtains another. If there is to be none for now,
    /// the reason: then hand out the response.
    ///
    /// # Errors
    ///
    /// [`CallError::NoToken`].
    pub async fn renew(&mut self, why: &Refused) -> Result<Option<NotAgain>, CallError<T::Error>> {
        let Some(held) = &self.held else { return Ok(None) };
        (self.was_renewed, self.has_nonce) = (true, false);
        match self.tokens.replace(held, why).await.map_err(CallError::NoToken)? {
            Replaced::By(other) => {
                self.held = Some(other);
                Ok(None)
            }
            Replaced::No(error) => Ok(Some(NotAgain::NoOther(Arc::new(error)))),
        }
    }

    /// The token that the request carries.
    #[inline]
    #[must_use]
    pub fn held(&self) -> Option<&T::Held> {
        self.held.as_ref()
    }
}

/// Without the URLs, whose queries are no business of a log.
impl<T: Tokens> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("has_token", &self.held.is_some())
            .field("was_renewed", &self.was_renewed)
            .finish_non_exhaustive()
    }
}

fn set<E>(
    made: Result<Authorization, AuthorizationError>,
    headers: &mut HeaderMap,
) -> Result<(), CallError<E>> {
    made.map_err(CallError::Authorization)?.set(headers);
    Ok(())
}
