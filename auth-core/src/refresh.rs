//! The machine: one refresh, from start to end, without I/O.
//!
//! All its transitions are in this file:
//!
//! 1. [`Refresh::start`] begins the first request.
//! 2. What has to be read or signed for a request is demanded, one thing after
//!    another: [`Step::Prove`], and [`Proving::resolve`] takes it. Without it the
//!    attempt has failed: see 5.
//! 3. Then the request is there: [`Step::Send`].
//! 4. [`Pending::resolve`] takes the result. Tokens end the refresh:
//!    [`Step::Done`].
//! 5. A failure is passed to the policy. A rejection ends the refresh without it.
//! 6. The policy stops: [`Step::Done`] with the error.
//! 7. The policy retries: [`Step::Wait`].
//! 8. The server demands a proof with the nonce that it sent, for the first time in
//!    this attempt: [`Step::Challenge`], without the policy.
//! 9. [`Waiting::resume`] begins the next request, or the same one once more.
//!
//! Each step owns the only way to the next one, so no step can be skipped or
//! repeated.

mod answer;
mod debug;
mod error;
mod events;
mod extras;
#[cfg(test)]
mod grant_tests;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    Attempt, Backoff, Credential, CredentialError, Decision, Delivery, Demand, Failure,
    FailureKind, Grant, Now, Request, Response, RetryRun, RetrySchedule, TokenEndpoint, TokenSet,
    TransportError,
    endpoint::{Extras, Prepared, Preparing, Purpose, Shown},
};

pub use self::error::RefreshError;

/// A refresh that has not started: the grant, the token endpoint and the
/// policy.
///
/// The default policy is [`Backoff::default`].
///
/// ```
/// use std::time::{Duration, Instant, SystemTime};
/// use auth_core::{Now, Refresh, RefreshToken, Step, TokenEndpoint};
///
/// let now = || Now { monotonic: Instant::now(), wall: SystemTime::now() };
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
///
/// let step = Refresh::new(endpoint, RefreshToken::new("rt-1")).start(now());
/// let Step::Send(request, pending) = step else { unreachable!("always the first") };
/// assert_eq!(request.uri(), "https://auth.example.com/token");
///
/// // Send it with any HTTP client, and pass the result on:
/// let response = http::Response::builder().status(502).body(Vec::new()).unwrap();
/// let Step::Wait(delay, waiting) = pending.resolve(Ok(response), now()) else { panic!() };
/// assert_eq!(delay, Duration::from_millis(500));
///
/// // Wait, then continue:
/// let Step::Send(_request, pending) = waiting.resume(now()) else { panic!() };
/// let response = http::Response::builder()
///     .body(br#"{"access_token":"at-2","refresh_token":"rt-2","expires_in":3600}"#.to_vec())
///     .unwrap();
/// let Step::Done(Ok(tokens)) = pending.resolve(Ok(response), now()) else { panic!() };
/// assert_eq!(tokens.access_token.expose(), "at-2");
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
#[must_use = "nothing is sent until `start` or a driver is called"]
#[derive(Clone)]
pub struct Refresh {
    endpoint: Arc<TokenEndpoint>,
    grant: Grant,
    extras: Extras,
    policy: Arc<dyn RetrySchedule>,
    possibly_spent: bool,
    account: Option<Arc<str>>,
}

impl Refresh {
    /// A refresh of `grant` at `endpoint`. A
    /// [`RefreshToken`](crate::RefreshToken) converts into a grant.
    pub fn new(endpoint: impl Into<Arc<TokenEndpoint>>, grant: impl Into<Grant>) -> Self {
        Self {
            endpoint: endpoint.into(),
            grant: grant.into(),
            extras: Extras::default(),
            policy: Arc::new(Backoff::default()),
            possibly_spent: false,
            account: None,
        }
    }

    /// Sets the retry policy: a [`RetryPolicy`](crate::RetryPolicy), another
    /// [`RetrySchedule`], or an `Arc` of either.
    pub fn policy(self, policy: impl RetrySchedule + 'static) -> Self {
        self.shared_policy(Arc::new(policy))
    }

    /// Sets a policy that is already shared, without wrapping it again.
    pub fn shared_policy(mut self, policy: Arc<dyn RetrySchedule>) -> Self {
        self.policy = policy;
        self
    }

    /// Says whether an earlier refresh with this refresh token was started
    /// whose outcome is unknown, for example because the process died. A
    /// rejection then reports [`RefreshError::possibly_spent`].
    pub fn possibly_spent(mut self, possibly: bool) -> Self {
        self.possibly_spent = possibly;
        self
    }

    /// Names the account that this refresh is for, in the events of the feature
    /// `tracing`. It has no other effect, and must be no secret.
    pub fn account(mut self, name: impl Into<Arc<str>>) -> Self {
        self.account = Some(name.into());
        self
    }

    /// Starts the refresh (transition 1).
    pub fn start(self, now: Now) -> Step {
        InProgress {
            endpoint: self.endpoint,
            grant: self.grant,
            extras: self.extras,
            retries: self.policy.begin(),
            started: now,
            attempts: 0,
            previous_delay: None,
            possibly_spent: self.possibly_spent,
            challenged: false,
            asked_for_proof: false,
            account: self.account,
        }
        .begin(now)
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh")
            .field("endpoint", &self.endpoint)
            .field("grant", &self.grant)
            .field("extras", &self.extras)
            .field("possibly_spent", &self.possibly_spent)
            .finish_non_exhaustive()
    }
}

/// What to do next. The set of steps is complete, so it is not
/// `#[non_exhaustive]`.
#[must_use = "ignoring a step abandons the refresh, or loses its tokens"]
#[derive(Debug)]
// Steps are made once an attempt and moved at once; boxing would cost more.
#[allow(clippy::large_enum_variant)]
pub enum Step {
    /// Get this, for example by [`Demand::meet`], and pass it to
    /// [`Proving::resolve`]. It happens for endpoints where something is read or
    /// signed for each request, perhaps several times in a row.
    Prove(Demand, Proving),
    /// Send this request once, and pass the result to [`Pending::resolve`].
    Send(Request, Pending),
    /// Wait for this time, then call [`Waiting::resume`].
    Wait(Duration, Waiting),
    /// The server wants the request once more, with a proof that has the nonce it
    /// sent (RFC 9449 section 8). Call [`Waiting::resume`] at once. If others may
    /// refresh with the same token, read the store first, since some servers spend
    /// the refresh token before they ask. It is no failure and no attempt of its
    /// own, and happens once an attempt at most.
    Challenge(Waiting),
    /// The refresh is over.
    Done(Result<TokenSet, RefreshError>),
}

/// A request for which something is still to be had. Nothing of it was sent.
#[must_use = "what was demanded must be passed to `resolve`"]
pub struct Proving {
    refresh: InProgress,
    preparing: Preparing,
}

impl Proving {
    /// Takes what the demand was met with (transition 2). An error is a failure of the
    /// attempt, which [the policy](crate::RetryPolicy) may retry.
    pub fn resolve(self, met: Result<Credential, CredentialError>, now: Now) -> Step {
        let Self { refresh, preparing } = self;
        match preparing.met(met) {
            Ok(preparing) => refresh.go_on(preparing, now),
            Err(error) => refresh.fail(error.into(), now),
        }
    }

    /// The number of attempts so far, the one in progress included.
    pub fn attempts(&self) -> u32 {
        self.refresh.attempts
    }
}

/// A request in progress. Dropping it abandons the refresh; the refresh token
/// may then be spent.
#[must_use = "the result of the request must be passed to `resolve`"]
pub struct Pending {
    refresh: InProgress,
    shown: Shown,
    sent: Now,
}

impl Pending {
    /// Takes the result of the request (transitions 4 to 8). The body of the
    /// response is wiped.
    pub fn resolve(self, response: Result<Response, TransportError>, now: Now) -> Step {
        let Self { refresh, shown, sent } = self;
        refresh.learn(&response);
        match refresh.read(response, &shown, sent, now) {
            Ok(tokens) => refresh.succeed(tokens, now),
            Err(failure) => match refresh.is_challenge(&failure, &shown) {
                true => refresh.challenge(failure),
                false => refresh.fail(failure, now),
            },
        }
    }

    /// The number of attempts so far, the one in progress included.
    pub fn attempts(&self) -> u32 {
        self.refresh.attempts
    }
}

/// A failed attempt, and the wait before the next one; or an attempt that goes on
/// with another proof.
#[must_use = "after the wait, `resume` sends the next request"]
pub struct Waiting {
    refresh: InProgress,
    failure: Failure,
}

impl Waiting {
    /// Tries again with the same grant (transition 9).
    ///
    /// If the refresh token is [possibly spent](Self::possibly_spent) and others
    /// may have refreshed with it, read the store first. If it holds a newer
    /// token, call [`resume_with`](Self::resume_with) instead.
    pub fn resume(self, now: Now) -> Step {
        self.refresh.begin(now)
    }

    /// Tries again with a newer grant (transition 9). Attempts with the old
    /// grant then no longer count as having possibly spent it. With the same
    /// grant, this is `resume`.
    pub fn resume_with(mut self, grant: impl Into<Grant>, now: Now) -> Step {
        let grant = grant.into();
        if grant != self.refresh.grant {
            self.refresh.grant = grant;
            self.refresh.possibly_spent = false;
            self.refresh.asked_for_proof = false;
        }
        self.refresh.begin(now)
    }

    /// Whether the refresh token may be spent: an attempt with it, not only the
    /// last one, ended with [`Delivery::Unknown`] or a
    /// [challenge](Step::Challenge), or [`Refresh::possibly_spent`] said so.
    pub fn possibly_spent(&self) -> bool {
        self.refresh.possibly_spent
    }

    /// Stops instead of trying again (transition 6).
    pub fn stop(self, now: Now) -> RefreshError {
        let error = self.refresh.error(self.failure, now);
        events::failed(&self.refresh.about(), &error);
        error
    }

    /// How the last attempt failed, or what the server said when it asked for
    /// another proof.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// The number of attempts so far.
    pub fn attempts(&self) -> u32 {
        self.refresh.attempts
    }
}

/// What is known at every step.
struct InProgress {
    endpoint: Arc<TokenEndpoint>,
    grant: Grant,
    extras: Extras,
    retries: Box<dyn RetryRun>,
    started: Now,
    attempts: u32,
    previous_delay: Option<Duration>,
    /// Whether an earlier attempt with this grant may have spent it.
    possibly_spent: bool,
    /// Whether the server has asked for another proof in this attempt.
    challenged: bool,
    /// The same, in any attempt with this grant.
    asked_for_proof: bool,
    account: Option<Arc<str>>,
}

impl InProgress {
    fn about(&self) -> events::About<'_> {
        events::About { endpoint: &self.endpoint, account: self.account.as_deref() }
    }

    /// Begins an attempt, or goes on with one after a challenge.
    fn begin(mut self, now: Now) -> Step {
        if !self.challenged {
            self.attempts = self.attempts.saturating_add(1);
        }
        self.go_on(Preparing::default(), now)
    }

    fn go_on(self, preparing: Preparing, now: Now) -> Step {
        let purpose = Purpose::Tokens(&self.grant, &self.extras);
        match preparing.go_on(&self.endpoint, purpose, now) {
            Prepared::Demand(demand, preparing) => {
                Step::Prove(demand, Proving { refresh: self, preparing })
            }
            Prepared::Ready(request, shown) => {
                events::attempt(&self.about(), self.attempts);
                Step::Send(request, Pending { refresh: self, shown, sent: now })
            }
            Prepared::Unfit(error) => self.fail(error.into(), now),
        }
    }

    fn challenge(mut self, failure: Failure) -> Step {
        events::challenged(&self.about(), self.attempts);
        self.challenged = true;
        self.asked_for_proof = true;
        // Some servers spend the token first.
        self.possibly_spent |= self.grant.refresh_token().is_some();
        Step::Challenge(Waiting { refresh: self, failure })
    }

    fn succeed(mut self, tokens: TokenSet, now: Now) -> Step {
        self.retries.succeeded(now);
        events::refreshed(&self.about(), self.attempts, now.since(self.started));
        Step::Done(Ok(tokens))
    }

    fn fail(mut self, failure: Failure, now: Now) -> Step {
        let attempt = Attempt {
            number: self.attempts,
            elapsed: now.since(self.started),
            failure: &failure,
            previous_delay: self.previous_delay,
            now,
        };
        let decision = match failure.kind() {
            // A refused token stays refused, and asking again may look like an
            // attack (RFC 9700 section 4.14.2).
            FailureKind::Rejected => Decision::Stop,
            _ => self.retries.decide(&attempt),
        };
        match decision {
            Decision::RetryAfter(delay) => {
                self.challenged = false;
                events::retry(&self.about(), self.attempts, &failure, delay);
                self.possibly_spent |=
                    failure.delivery() == Delivery::Unknown && self.grant.refresh_token().is_some();
                self.previous_delay = Some(delay);
                Step::Wait(delay, Waiting { refresh: self, failure })
            }
            Decision::Stop => {
                let error = self.error(failure, now);
                events::failed(&self.about(), &error);
                Step::Done(Err(error))
            }
        }
    }

    fn error(&self, failure: Failure, now: Now) -> RefreshError {
        RefreshError::new(
            failure,
            &self.endpoint,
            self.attempts,
            now.since(self.started),
            self.possibly_spent,
            self.asked_for_proof,
            self.grant.refresh_token().is_some(),
        )
    }
}
