//! The machine of a revocation (RFC 7009): one request, without retries.
//!
//! What has to be read or signed for it is demanded first, as for a refresh. A server
//! that wants a proof with its nonce is answered once.

use std::{fmt, sync::Arc};

use zeroize::Zeroize;

use crate::{
    Credential, CredentialError, Demand, Failure, Now, RefreshToken, Request, Response,
    TokenEndpoint, TransportError,
    endpoint::{Prepared, Preparing, Purpose, Shown},
    response::{issued, of_what_was_signed, read_revocation_response},
};

/// The revocation of a refresh token that has not started.
///
/// Most servers end the whole session with its refresh token (RFC 7009 section 2.1).
///
/// ```
/// use std::time::{Instant, SystemTime};
/// use auth_core::{Now, RefreshToken, RevocationStep, TokenEndpoint, TokenRevocation};
///
/// let now = || Now { monotonic: Instant::now(), wall: SystemTime::now() };
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?
///     .revocation_url("https://auth.example.com/revoke")?;
///
/// let revocation = TokenRevocation::new(endpoint, RefreshToken::new("rt-1")).expect("a URL");
/// let RevocationStep::Send(request, pending) = revocation.start(now()) else { panic!() };
/// assert_eq!(request.uri(), "https://auth.example.com/revoke");
///
/// // Send it with any HTTP client, and pass the result on:
/// let response = http::Response::new(Vec::new());
/// let RevocationStep::Done(result) = pending.resolve(Ok(response), now()) else { panic!() };
/// assert!(result.is_ok());
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
#[must_use = "nothing is sent until `start` or a driver is called"]
#[derive(Debug, Clone)]
pub struct TokenRevocation {
    endpoint: Arc<TokenEndpoint>,
    token: RefreshToken,
    challenged: bool,
}

/// What to do next. The set of steps is complete, so it is not
/// `#[non_exhaustive]`.
#[must_use = "ignoring a step abandons the revocation"]
#[derive(Debug)]
// As of a refresh.
#[allow(clippy::large_enum_variant)]
pub enum RevocationStep {
    /// Get this, for example by [`Demand::meet`], and pass it to
    /// [`ProvingRevocation::resolve`].
    Prove(Demand, ProvingRevocation),
    /// Send this request once, and pass the result to [`PendingRevocation::resolve`].
    Send(Request, PendingRevocation),
    /// The revocation is over. After a [`Failure`] the token may still be alive.
    /// `unsupported_token_type` is [`Misconfigured`](crate::FailureKind::Misconfigured):
    /// the server does not revoke refresh tokens. A 503 may have a
    /// [`retry_after`](Failure::retry_after) (RFC 7009 section 2.2.1).
    Done(Result<(), Failure>),
}

impl TokenRevocation {
    /// The revocation of `token` at the
    /// [URL](TokenEndpoint::revocation_url) of `endpoint`; `None` without one. The
    /// client authenticates as it does to refresh, and the endpoint's own headers are
    /// set. Parameters that were added are for the token endpoint, and are left out.
    pub fn new(endpoint: impl Into<Arc<TokenEndpoint>>, token: RefreshToken) -> Option<Self> {
        let endpoint = endpoint.into();
        endpoint.get_revocation_url()?;
        Some(Self { endpoint, token, challenged: false })
    }

    /// Starts it.
    pub fn start(self, now: Now) -> RevocationStep {
        self.go_on(Preparing::default(), now)
    }

    fn go_on(self, preparing: Preparing, now: Now) -> RevocationStep {
        match preparing.go_on(&self.endpoint, Purpose::Revocation(&self.token), now) {
            Prepared::Demand(demand, preparing) => {
                RevocationStep::Prove(demand, ProvingRevocation { revocation: self, preparing })
            }
            Prepared::Ready(request, shown) => RevocationStep::Send(
                request,
                PendingRevocation { revocation: self, shown, sent: now },
            ),
            Prepared::Unfit(error) => RevocationStep::Done(Err(error.into())),
        }
    }

    /// A 2xx is success, whatever token it was (RFC 7009 section 2.2), unless there
    /// is an error or a page in it: some servers send errors with a 200, and captive
    /// portals send pages. An error that says that the token is unknown or dead is
    /// success as well.
    #[allow(clippy::result_large_err, reason = "as for `read_response`")]
    fn read(
        &self,
        response: Result<Response, TransportError>,
        shown: &Shown,
        sent: Now,
        now: Now,
    ) -> Result<(), Failure> {
        let mut response = response?;
        let secrets = || self.endpoint.secrets(Purpose::Revocation(&self.token), shown);
        let result = read_revocation_response(&response, self.endpoint.rules(), now, secrets);
        response.body_mut().zeroize();
        result.map_err(|failure| {
            let failure = failure.of_client_with_key(self.endpoint.get_dpop().is_some());
            match shown.is_signed {
                true => of_what_was_signed(failure, response.headers(), issued(sent, now), now),
                false => failure,
            }
        })
    }
}

/// A request for which something is still to be had.
#[must_use = "what was demanded must be passed to `resolve`"]
pub struct ProvingRevocation {
    revocation: TokenRevocation,
    preparing: Preparing,
}

impl ProvingRevocation {
    /// Takes what the demand was met with.
    pub fn resolve(self, met: Result<Credential, CredentialError>, now: Now) -> RevocationStep {
        let Self { revocation, preparing } = self;
        match preparing.met(met) {
            Ok(preparing) => revocation.go_on(preparing, now),
            Err(error) => RevocationStep::Done(Err(error.into())),
        }
    }
}

/// A request in progress.
#[must_use = "the result of the request must be passed to `resolve`"]
pub struct PendingRevocation {
    revocation: TokenRevocation,
    shown: Shown,
    sent: Now,
}

impl PendingRevocation {
    /// Takes the result of the request. The body of the response is wiped.
    pub fn resolve(self, response: Result<Response, TransportError>, now: Now) -> RevocationStep {
        let Self { mut revocation, shown, sent } = self;
        revocation.endpoint.learn(Purpose::Revocation(&revocation.token), &response);
        match revocation.read(response, &shown, sent, now) {
            Err(failure) if !revocation.challenged && failure.asks_for_nonce() => {
                let purpose = Purpose::Revocation(&revocation.token);
                if !revocation.endpoint.has_another_nonce(purpose, &shown) {
                    return RevocationStep::Done(Err(failure));
                }
                revocation.challenged = true;
                revocation.start(now)
            }
            result => RevocationStep::Done(result),
        }
    }
}

impl fmt::Debug for ProvingRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvingRevocation").finish_non_exhaustive()
    }
}

impl fmt::Debug for PendingRevocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingRevocation").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::result_large_err, reason = "as above")]
mod tests;
