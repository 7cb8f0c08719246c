//! One call, without I/O.

use http::{HeaderMap, Method, StatusCode};

use super::{
    client::Target,
    error::{CallError, NotAgain},
    refusal::{self, Refused, Said},
    settings::CallRules,
    tokens::{Replaced, Tokens},
};

/// One call: a request to an API that carries a token, and what is to be done about its
/// response. It is sent once more at most; for each token once more for a nonce that the
/// API wants in its proof (RFC 9449 section 9).
///
/// A client does what it says, in this order: [`obtain`](Self::obtain),
/// [`attach`](Self::attach), send, [`judge`](Self::judge), and by the verdict hand out the
/// response or [`renew`](Self::renew) and begin anew with `attach`.
/// [`Calls::send`](super::Calls::send) does all of it.
#[derive(Debug)]
pub struct Call<T: Tokens> {
    tokens: T,
    rules: CallRules,
    held: Option<T::Held>,
    has_nonce: bool,
    was_renewed: bool,
}

/// What to do about a response.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Hand it out. If it says that the token is of no use, the reason for which the
    /// request is not sent again.
    HandOut(Option<NotAgain>),
    /// The API wants another proof. Nothing is wrong with the token: send the request
    /// once more.
    Prove,
    /// The API did not take the token. If the request can be sent again, renew the token
    /// and send it; if not, [`mark`](Call::mark) the token and hand out the response.
    Renew(Refused),
}

impl<T: Tokens> Call<T> {
    pub(super) fn new(tokens: T, rules: CallRules) -> Self {
        Self { tokens, rules, held: None, has_nonce: false, was_renewed: false }
    }

    /// A call to the origin of its request, whichever that is.
    pub fn to_its_origin(tokens: T) -> Self {
        Self::new(tokens, CallRules::own_origin())
    }

    /// Takes a token that may be used at once, if there is one. Nothing is allocated.
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

    /// Sets the headers of the request, for keys that sign at once. No token is an error
    /// of the caller, and leaves the headers as they are.
    ///
    /// # Errors
    ///
    /// [`CallError::Authorization`].
    pub fn attach(
        &self,
        method: &Method,
        target: &Target<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), CallError<T::Error>> {
        let Some(held) = &self.held else { return Ok(()) };
        let token = T::token(held);
        let made = match token.is_proved() {
            false => token.authorization(Method::GET, http::Uri::default()),
            true => token.authorization(method.clone(), target.to_uri()),
        };
        made.map_err(CallError::Authorization)?.apply(headers);
        Ok(())
    }

    /// As [`attach`](Self::attach), for keys that sign asynchronously, too.
    ///
    /// # Errors
    ///
    /// [`CallError::Authorization`].
    pub async fn attach_async(
        &self,
        method: &Method,
        target: &Target<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), CallError<T::Error>> {
        let Some(held) = &self.held else { return Ok(()) };
        let token = T::token(held);
        if !token.is_proved() {
            return self.attach(method, target, headers);
        }
        let made = token.authorization_async(method.clone(), target.to_uri()).await;
        made.map_err(CallError::Authorization)?.apply(headers);
        Ok(())
    }

    /// Judges the head of a response. `target` is where the request went, `came_from`
    /// where the response came from, if the client follows redirects.
    pub fn judge(
        &mut self,
        target: &Target<'_>,
        came_from: Option<&Target<'_>>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Verdict {
        let Some(held) = &self.held else { return Verdict::HandOut(None) };
        let token = T::token(held);
        let _ = came_from;
        if token.is_proved() && token.learn_nonce(target.to_uri(), headers) && !self.has_nonce {
            self.has_nonce = true;
            return Verdict::Prove;
        }
        if !self.tokens.is_refusal(status) && !self.rules.is_refusal(status) {
            return Verdict::HandOut(None);
        }
        match refusal::read(status, headers, std::time::SystemTime::UNIX_EPOCH) {
            Said::Otherwise(why) => Verdict::HandOut(Some(why)),
            Said::Refused(why) if self.was_renewed => {
                self.mark(&why);
                Verdict::HandOut(Some(NotAgain::Twice))
            }
            Said::Refused(why) => Verdict::Renew(why),
        }
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
            Replaced::No(error) => Ok(Some(NotAgain::NoOther(std::sync::Arc::new(error)))),
        }
    }

    /// The token that the request carries.
    pub fn held(&self) -> Option<&T::Held> {
        self.held.as_ref()
    }
}
