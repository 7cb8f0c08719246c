//! Why a call has no response, and why its request was not sent again.

use std::{convert::Infallible, error::Error, fmt, sync::Arc};

use auth_core::{StepUp, StepUpError};

use super::origin::OriginError;
use crate::{error::AccountError, token::AuthorizationError};

/// Why a call has no response. `E` is the error of what gives the tokens, `C` that of the
/// client that sends.
///
/// Its message is whole: alone it tells a user what to do. That of [`NoToken`](Self::NoToken)
/// has the one of `E`, which is its source all the same: [`AccountError::find`] is to find the
/// error that says what to do, however this one is wrapped. Whoever prints a chain of causes
/// reads that message twice; begin the chain at the `E` of `NoToken` instead, which says
/// each thing once.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum CallError<E = AccountError, C = Infallible> {
    /// There is no token, so that nothing was sent; or the API refused one, and there is
    /// no other.
    NoToken(E),
    /// No account was named for this request, in its extensions.
    Unnamed,
    /// There are no headers for the token.
    Authorization(AuthorizationError),
    /// The request's URL is none that a token may go to, such as plain `http` to a host
    /// that is not loopback.
    Origin(OriginError),
    /// The client failed to send.
    Client(C),
}

impl<E: fmt::Display, C: fmt::Display> fmt::Display for CallError<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken(error) => write!(f, "there is no token for the request: {error}"),
            Self::Unnamed => f.write_str("the request's extensions name no account"),
            Self::Authorization(error) => error.fmt(f),
            Self::Origin(error) => error.fmt(f),
            Self::Client(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static, C: Error + 'static> Error for CallError<E, C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Whoever looks for it by its type does not know which `CallError` this is.
            Self::NoToken(error) => Some(error),
            // Their messages are ours.
            Self::Authorization(error) => error.source(),
            Self::Client(error) => error.source(),
            Self::Unnamed | Self::Origin(_) => None,
        }
    }
}

impl<E> CallError<E> {
    /// The same, where a client could have failed.
    pub fn widen<C>(self) -> CallError<E, C> {
        match self {
            Self::NoToken(error) => CallError::NoToken(error),
            Self::Unnamed => CallError::Unnamed,
            Self::Authorization(error) => CallError::Authorization(error),
            Self::Origin(error) => CallError::Origin(error),
        }
    }
}

impl<E, C> CallError<E, C> {
    /// The client's error; or if it is none, the same without one.
    ///
    /// # Errors
    ///
    /// All others.
    pub fn into_client(self) -> Result<C, CallError<E>> {
        match self {
            Self::NoToken(error) => Err(CallError::NoToken(error)),
            Self::Unnamed => Err(CallError::Unnamed),
            Self::Authorization(error) => Err(CallError::Authorization(error)),
            Self::Origin(error) => Err(CallError::Origin(error)),
            Self::Client(error) => Ok(error),
        }
    }
}

/// Why a request was not sent again, though its response says that the token, or to a pool
/// that the account, is of no use. It is in the extensions of that response, which is handed out.
///
/// ```
/// use auth_accounts::{calls::NotAgain, http::Response};
///
/// # fn example<B>(response: Response<B>) {
/// if let Some(why) = response.extensions().get::<NotAgain>() {
///     eprintln!("{}: {why}", response.status());
/// }
/// # }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum NotAgain {
    /// The request's body cannot be sent again, or it was not to be. The next request
    /// has another token, or another proof.
    Body,
    /// It has been sent again already. Where another token was refused, the next request
    /// has yet another.
    Twice,
    /// The token is good, and does not allow this (RFC 6750 section 3.1,
    /// `insufficient_scope`).
    #[non_exhaustive]
    InsufficientScope {
        /// The scope that the API names, as it does. The message has it if it is one
        /// (RFC 6749 section 3.3) of 256 characters at most.
        scope: Option<String>,
    },
    /// The user must log in again, in this way (RFC 9470).
    StepUp(StepUp),
    /// The API's challenge cannot be used.
    Challenge(StepUpError),
    /// The request, not the token, is at fault (RFC 6750 section 3.1, `invalid_request`;
    /// RFC 9449 section 7.1, `invalid_dpop_proof`).
    Request,
    /// The response is not from where the token went: a redirect led to another origin.
    Elsewhere,
    /// There is no other token for now: this says why. The token was refused, or the
    /// account of a pool has met a limit or may not do this.
    NoOther(Arc<dyn Error + Send + Sync>),
}

impl NotAgain {
    /// Whether it is about what the user may do, which responses with status 403 say, too.
    pub(super) fn is_about_rights(&self) -> bool {
        matches!(self, Self::InsufficientScope { .. } | Self::StepUp(_))
    }
}

impl fmt::Display for NotAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("the API did not take the token or its proof, and the request cannot be sent again; the next one has another"),
            Self::Twice => f.write_str("the request was sent again, and refused, too"),
            Self::InsufficientScope { scope } => {
                f.write_str("the token does not allow this")?;
                match scope.as_deref().filter(|scope| is_to_be_shown(scope)) {
                    Some(scope) => write!(f, "; the API names the scope {scope:?}"),
                    None => Ok(()),
                }
            }
            Self::StepUp(_) => f.write_str("the API wants the user to log in again"),
            Self::Challenge(error) => error.fmt(f),
            Self::Request => f.write_str("the API finds fault with the request, not with the token"),
            Self::Elsewhere => f.write_str("a redirect led to where the token does not go"),
            Self::NoOther(error) => write!(f, "there is no other token for now: {error}"),
        }
    }
}

/// Whether this is the scope of RFC 6749 section 3.3, and not much of it: an API may send
/// anything there.
fn is_to_be_shown(scope: &str) -> bool {
    let is_of_scope = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(is_of_scope);
    scope.len() <= 256 && scope.split(' ').all(is_token)
}

impl Error for NotAgain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its message is ours.
            Self::Challenge(error) => error.source(),
            // As that of `CallError::NoToken`.
            Self::NoOther(error) => Some(&**error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_shown_that_is_one() {
        let long = "a".repeat(256);
        for (scope, is_shown) in [
            ("read", true),
            ("files:read files:write", true),
            ("https://www.googleapis.com/auth/compute.readonly", true),
            ("repository:samalba/my-app:pull,push", true),
            ("!#$%&'()*+,-./[]^_`{|}~", true),
            (&long, true),
            (&format!("{long}a"), false),
            ("", false),
            (" read", false),
            ("read  write", false),
            ("read\twrite", false),
            ("read\u{1b}[31m", false),
            ("a\"b", false),
            ("a\\b", false),
            ("lesen für alle", false),
            ("a\u{202e}b", false),
        ] {
            let error = NotAgain::InsufficientScope { scope: Some(scope.into()) };
            let shown =
                format!("the token does not allow this; the API names the scope \"{scope}\"");
            let expected = if is_shown { &shown } else { "the token does not allow this" };
            assert_eq!(error.to_string(), expected);
        }
        let none = NotAgain::InsufficientScope { scope: None };
        assert_eq!(none.to_string(), "the token does not allow this");
    }
}
