//! Why a refresh failed.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use crate::{Advice, Delivery, Failure, FailureKind, TokenEndpoint};

/// A refresh that failed: the last failure, the number of attempts and the time
/// spent. Clones share it, so that many callers can have the same error.
///
/// The message is one line for an operator:
///
/// ```text
/// refresh at auth.example.com failed after 1 attempt in 0.2 s: invalid_grant (HTTP 400); the user must log in again
/// refresh at auth.example.com by client my-client failed after 1 attempt in 0.2 s: invalid_client (HTTP 401); the configuration must be changed
/// ```
///
/// It names the client where the set-up must be changed.
#[must_use = "the error says what to do next"]
#[derive(Clone)]
pub struct RefreshError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    failure: Failure,
    host: String,
    client_id: String,
    attempts: u32,
    elapsed: Duration,
    /// Whether an attempt before the last one may have spent the token.
    spent_before: bool,
    /// Whether the server asked for another proof in one of them.
    asked_for_proof: bool,
    has_refresh_token: bool,
}

impl RefreshError {
    pub(super) fn new(
        failure: Failure,
        endpoint: &TokenEndpoint,
        attempts: u32,
        elapsed: Duration,
        spent_before: bool,
        asked_for_proof: bool,
        has_refresh_token: bool,
    ) -> Self {
        Self(Arc::new(Inner {
            failure,
            host: endpoint.host().to_owned(),
            client_id: endpoint.client_id().to_owned(),
            attempts,
            elapsed,
            spent_before,
            asked_for_proof,
            has_refresh_token,
        }))
    }

    /// The failure of the last attempt.
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// The kind of the last failure.
    pub fn kind(&self) -> FailureKind {
        self.0.failure.kind()
    }

    /// The number of attempts.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The time from the start to the end, waits included.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// How long the server asked the client to wait, counted from the arrival
    /// of its last response.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.failure.retry_after()
    }

    /// The message, with the time that the caller is going to wait in place of the
    /// one that the server asked for. For a caller that has a bound on the latter.
    #[doc(hidden)]
    pub fn display_with_wait(&self, wait: Option<Duration>) -> impl fmt::Display + '_ {
        WithWait(self, wait)
    }

    /// Host and port of the token endpoint.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The identifier of the client that made the attempts.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// Whether the refresh token may be spent: an attempt with it ended with
    /// [`Delivery::Unknown`] or a [challenge](crate::Step::Challenge), or the refresh
    /// was started as [possibly spent](crate::Refresh::possibly_spent).
    pub fn possibly_spent(&self) -> bool {
        self.0.spent_before
            || (self.0.has_refresh_token && self.0.failure.delivery() == Delivery::Unknown)
    }

    /// What the caller should do next. A client without a refresh token has no
    /// user to log in, so a rejection of its credentials is
    /// [`Advice::FixSetup`].
    pub fn advice(&self) -> Advice {
        match self.kind().advice() {
            // A client that stands for itself has no user to log in.
            Advice::LogIn if !self.0.has_refresh_token => Advice::FixSetup,
            advice => advice,
        }
    }
}

impl fmt::Debug for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshError")
            .field("failure", &self.0.failure)
            .field("host", &self.0.host)
            .field("client_id", &self.0.client_id)
            .field("attempts", &self.0.attempts)
            .field("elapsed", &self.0.elapsed)
            .field("possibly_spent", &self.possibly_spent())
            .finish()
    }
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, self.retry_after())
    }
}

struct WithWait<'a>(&'a RefreshError, Option<Duration>);

impl fmt::Display for WithWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, self.1)
    }
}

impl RefreshError {
    fn write(&self, f: &mut fmt::Formatter<'_>, wait: Option<Duration>) -> fmt::Result {
        let Inner { failure, host, attempts, elapsed, .. } = &*self.0;
        let plural = if *attempts == 1 { "" } else { "s" };
        write!(f, "refresh at {host} ")?;
        if self.advice() == Advice::FixSetup {
            write!(f, "by client {} ", self.0.client_id.escape_debug())?;
        }
        write!(f, "failed after {attempts} attempt{plural}")?;
        // It would be 0.0 s.
        if elapsed.as_millis() >= 50 {
            write!(f, " in {:.1} s", elapsed.as_secs_f64())?;
        }
        write!(f, ": {failure}")?;
        if self.kind() == FailureKind::Rejected && self.0.spent_before {
            f.write_str(match self.0.asked_for_proof {
                true => {
                    "; the server may have spent the refresh token when it asked for another DPoP \
                     proof"
                }
                false => {
                    "; an earlier attempt, whose response was lost, may have spent the refresh token"
                }
            })?;
        }
        write!(f, "; {}", self.advice())?;
        match wait {
            Some(wait) if self.advice() == Advice::TryLater => {
                write!(f, ", not before {:.0} s have passed", wait.as_secs_f64().ceil())
            }
            _ => Ok(()),
        }
    }
}

impl Error for RefreshError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The failure's own message is part of ours; the chain goes on below.
        self.0.failure.source()
    }
}
