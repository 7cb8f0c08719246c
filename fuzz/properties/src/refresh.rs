use std::time::Duration;

use auth_core::{
    Advice, Attempt, Backoff, Decision, Delivery, Failure, FailureKind, Now, Pending, Refresh,
    RefreshError, RefreshToken, Request, Response, RetryPolicy, Step, TransportError,
    TransportErrorKind as Kind,
};

use crate::{
    input, now,
    response::{REFRESH_TOKEN, check_failure, check_success, check_text, endpoint},
};

/// What a store may hold when the machine waits.
const OTHER_TOKEN: &str = "rt-1f3e5d7c9b0a2468";

/// A refresh over several attempts. The parts of the input begin with `--`:
///
/// ```text
/// 2 eager spent
/// unknown timeout
/// -- other
/// 502
/// retry-after: 7
///
/// <html>
/// --
/// 200
///
/// {"access_token":"at"}
/// ```
///
/// The first line says how many retries there may be, whether the policy
/// retries everything rather than what it does by default, and whether the
/// token may be spent from the start. Each part holds one outcome: a response, as
/// [`response`](crate::response()) reads it, or no response. Its first
/// line says how to go on to it: with the `other` token that was found in the
/// store, with the `same`, or not at all (`stop`). Parts left over are ignored;
/// if there are too few, the refresh is given up.
pub fn refresh(input: &[u8]) {
    let mut parts = parts(input);
    let (line, first) = parts.next().unwrap_or_default();
    let mut settings = input::words(line);
    let max_retries =
        settings.next().and_then(|number| number.parse().ok()).unwrap_or(2_u32).min(12);
    let flags: Vec<&str> = settings.collect();
    let (eager, spent) = (flags.contains(&"eager"), flags.contains(&"spent"));

    let refresh = Refresh::new(endpoint(), RefreshToken::new(REFRESH_TOKEN)).possibly_spent(spent);
    let refresh = if eager {
        refresh.policy(Eager { max_retries })
    } else {
        refresh.policy(Backoff::default().max_retries(max_retries))
    };
    let time = now();
    let mut run =
        Run { max_retries, eager, token: REFRESH_TOKEN, requests: 0, spent, started: time, time };
    let mut step = refresh.start(time);
    let mut response = first;
    while let Step::Send(request, pending) = step {
        let Some((waiting, delay)) = run.attempt(&request, pending, response) else { return };
        run.time = run.time.plus(delay);
        let Some((command, next)) = parts.next() else { return };
        response = next;
        step = match input::words(command).next() {
            Some("stop") => {
                let failure = format!("{:?}", waiting.failure());
                let error = waiting.stop(run.time);
                assert_eq!(format!("{:?}", error.failure()), failure);
                // Whatever this failure was, it is counted already.
                return run.check_error(&error, run.spent);
            }
            Some("other") => {
                if run.token != OTHER_TOKEN {
                    run.spent = false;
                }
                run.token = OTHER_TOKEN;
                waiting.resume_with(RefreshToken::new(OTHER_TOKEN), run.time)
            }
            Some("same") => waiting.resume_with(RefreshToken::new(run.token), run.time),
            _ => waiting.resume(run.time),
        };
    }
    panic!("after a wait comes a request");
}

/// What is known of a refresh without asking the machine.
struct Run {
    max_retries: u32,
    eager: bool,
    token: &'static str,
    requests: u32,
    /// Whether an earlier attempt may have spent the token.
    spent: bool,
    started: Now,
    time: Now,
}

impl Run {
    /// One request and its outcome; `None` if that was the end.
    fn attempt(
        &mut self,
        request: &Request,
        pending: Pending,
        response: &[u8],
    ) -> Option<(auth_core::Waiting, Duration)> {
        self.requests += 1;
        assert!(self.requests <= self.max_retries + 1, "{} requests", self.requests);
        assert_eq!(pending.attempts(), self.requests);
        let body = std::str::from_utf8(request.body()).expect("a form is text");
        let sent =
            form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "refresh_token");
        assert!(sent.is_some_and(|(_, value)| value == self.token), "another token was sent");

        self.time = self.time.plus(Duration::from_millis(100));
        let response = parse(response);
        match pending.resolve(response.clone(), self.time) {
            Step::Send(..) | Step::Prove(..) | Step::Challenge(..) => {
                panic!("two requests without a wait")
            }
            Step::Wait(delay, waiting) => {
                assert_eq!(waiting.attempts(), self.requests);
                let failure = waiting.failure();
                self.check_failure(&response, failure);
                assert!(self.goes_on(failure), "retried without a right: {failure:?}");
                assert_eq!(delay, self.delay());
                check_text(&format!("{waiting:?}"), self.token);
                self.spent |= failure.delivery() == Delivery::Unknown;
                Some((waiting, delay))
            }
            Step::Done(Err(error)) => {
                let failure = error.failure();
                self.check_failure(&response, failure);
                assert!(!self.goes_on(failure), "given up too early: {failure:?}");
                let spent = self.spent || failure.delivery() == Delivery::Unknown;
                self.check_error(&error, spent);
                None
            }
            Step::Done(Ok(tokens)) => {
                let response = response.expect("tokens without a response");
                check_success(&response, self.token, &tokens, self.time);
                None
            }
        }
    }

    /// Whether the policy is to retry, and may.
    fn goes_on(&self, failure: &Failure) -> bool {
        failure.kind() != FailureKind::Rejected
            && self.requests <= self.max_retries
            && (self.eager || Backoff::retries_by_default(failure))
    }

    fn delay(&self) -> Duration {
        match self.eager {
            true => EAGER_DELAY,
            false => (Duration::from_millis(500) * 2_u32.pow(self.requests - 1))
                .min(Duration::from_secs(30)),
        }
    }

    fn check_failure(&self, response: &Result<Response, TransportError>, failure: &Failure) {
        let error = match response {
            Ok(response) => return check_failure(response, failure),
            Err(error) => error,
        };
        assert_eq!(failure.delivery(), error.delivery());
        assert_eq!(failure.transport_error().map(TransportError::kind), Some(error.kind()));
        let expected = match (error.kind(), error.delivery()) {
            (Kind::BadCertificate | Kind::ClientCertificate, _) => FailureKind::Misconfigured,
            (_, Delivery::NotSent) => FailureKind::Unreachable,
            _ => FailureKind::Interrupted,
        };
        assert_eq!(failure.kind(), expected);
        let passes = !matches!(
            error.kind(),
            Kind::BadCertificate | Kind::ClientCertificate | Kind::Cancelled
        );
        assert_eq!(Backoff::retries_by_default(failure), passes, "{error:?}");
    }

    /// `spent` counts the last attempt, `self.spent` does not.
    fn check_error(&self, error: &RefreshError, spent: bool) {
        assert_eq!(error.attempts(), self.requests);
        assert_eq!(error.elapsed(), self.time.since(self.started));
        assert_eq!(error.possibly_spent(), spent);
        let rejected = error.kind() == FailureKind::Rejected;
        let says_so = error.to_string().contains("may have spent the refresh token");
        assert_eq!(says_so, rejected && self.spent);
        assert_eq!(error.advice() == Advice::LogIn, rejected, "{error:?}");
        check_text(&format!("{error} {error:?}"), self.token);
    }
}

/// Retries whatever it is asked about.
struct Eager {
    max_retries: u32,
}

const EAGER_DELAY: Duration = Duration::from_millis(1);

impl RetryPolicy for Eager {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        assert_ne!(attempt.failure.kind(), FailureKind::Rejected, "not the policy's to decide");
        if attempt.number <= self.max_retries {
            Decision::RetryAfter(EAGER_DELAY)
        } else {
            Decision::Stop
        }
    }
}

/// Each part's first line, and the rest of it.
fn parts(input: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let input = rest.take()?;
        let mut part = input;
        if let Some(end) = input.windows(3).position(|window| window == b"\n--") {
            part = &input[..=end];
            rest = Some(&input[end + 3..]);
        }
        let line = input::take_line(&mut part).unwrap_or_default();
        Some((line, part))
    })
}

fn parse(response: &[u8]) -> Result<Response, TransportError> {
    let mut rest = response;
    let line = input::take_line(&mut rest).unwrap_or_default();
    let mut words = input::words(line);
    let error = match words.next() {
        Some("not-sent") => TransportError::not_sent,
        Some("unknown") => TransportError::unknown,
        _ => return Ok(input::response(response)),
    };
    Err(error(match words.next() {
        Some("dns") => Kind::Dns,
        Some("certificate") => Kind::BadCertificate,
        Some("client-certificate") => Kind::ClientCertificate,
        Some("cancelled") => Kind::Cancelled,
        Some("timeout") => Kind::Timeout,
        Some("truncated") => Kind::Truncated,
        _ => Kind::Reset,
    }))
}
