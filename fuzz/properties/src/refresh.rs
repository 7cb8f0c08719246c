mod prover;

use std::time::Duration;

use auth_core::{
    Advice, Attempt, Backoff, Decision, Delivery, ErrorCode, Failure, FailureKind, Now, Refresh,
    RefreshError, RefreshToken, Request, Response, RetryPolicy, Step, TransportError,
    TransportErrorKind as Kind, Waiting,
};

use self::prover::{Prover, refused};
use crate::{
    input, now,
    response::{REFRESH_TOKEN, check_failure, check_success, check_text},
    verdict::{demands_a_nonce, may_demand_a_nonce},
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
/// retries everything rather than what it does by default, whether the
/// token may be spent from the start, and whether the client shows an `assertion` and
/// a `proof`. Each part holds one outcome: a response, as
/// [`response`](crate::response()) reads it, in which `%PROOF%` and its like stand for
/// what the request has shown; or no response; or that the client's credential could
/// not be had (`no-credential`). Its first line says how to go on to it: with the
/// `other` token that was found in the store, with the `same`, or not at all (`stop`).
/// Parts left over are ignored; if there are too few, the refresh is given up.
pub fn refresh(input: &[u8]) {
    let mut parts = parts(input);
    let (line, first) = parts.next().unwrap_or_default();
    let mut settings = input::words(line);
    let max_retries =
        settings.next().and_then(|number| number.parse().ok()).unwrap_or(2_u32).min(12);
    let flags: Vec<&str> = settings.collect();
    let (eager, spent) = (flags.contains(&"eager"), flags.contains(&"spent"));

    let prover = Prover::new(flags.contains(&"assertion"), flags.contains(&"proof"));

    let refresh = Refresh::new(prover.endpoint(), RefreshToken::new(REFRESH_TOKEN));
    let refresh = refresh.possibly_spent(spent);
    let refresh = if eager {
        refresh.policy(Eager { max_retries })
    } else {
        refresh.policy(Backoff::default().max_retries(max_retries))
    };
    let time = now();
    let mut run = Run {
        max_retries,
        eager,
        token: REFRESH_TOKEN,
        attempts: 0,
        challenged: false,
        spent,
        started: time,
        time,
        prover,
    };
    let mut step = refresh.start(time);
    let mut response = first;
    loop {
        let Some((waiting, delay)) = run.request(step, response) else { return };
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
}

/// What is known of a refresh without asking the machine.
struct Run {
    max_retries: u32,
    eager: bool,
    token: &'static str,
    attempts: u32,
    /// Whether the attempt has had its challenge.
    challenged: bool,
    /// Whether an earlier attempt may have spent the token.
    spent: bool,
    started: Now,
    time: Now,
    prover: Prover,
}

impl Run {
    /// One request, with what is had for it, and its outcome; `None` if that was the
    /// end.
    fn request(&mut self, mut step: Step, response: &[u8]) -> Option<(Waiting, Duration)> {
        if !self.challenged {
            self.attempts += 1;
            assert!(self.attempts <= self.max_retries + 1, "{} attempts", self.attempts);
        }
        self.prover.begin();
        let mut words = input::words(response.split(|byte| *byte == b'\n').next()?);
        let refuses = words.next() == Some("no-credential");
        let word = words.next().unwrap_or_default();
        // The assertion, or if it says so the proof.
        let mut left = u8::from(words.next() == Some("later"));
        while let Step::Prove(demand, proving) = step {
            assert_eq!(proving.attempts(), self.attempts);
            check_text(&format!("{demand:?} {proving:?}"), self.token);
            if refuses && left == 0 {
                let (met, passes) = refused(word);
                let step = proving.resolve(met, self.time);
                return self.after(step, &Outcome::NoCredential { passes });
            }
            left = left.saturating_sub(1);
            let met = self.prover.meet(&demand);
            self.prover.check_text(&format!("{demand:?} {met:?}"));
            step = proving.resolve(Ok(met), self.time);
        }
        let Step::Send(request, pending) = step else { panic!("no request, but {step:?}") };
        assert_eq!(pending.attempts(), self.attempts);
        self.check_request(&request);
        self.time = self.time.plus(Duration::from_millis(100));
        let response = parse(&self.prover.echoed(response));
        if let Ok(response) = &response {
            self.prover.learn(response);
        }
        let step = pending.resolve(response.clone(), self.time);
        self.after(step, &Outcome::of(response))
    }

    fn check_request(&self, request: &Request) {
        let body = std::str::from_utf8(request.body()).expect("a form is text");
        let mut sent =
            form_urlencoded::parse(body.as_bytes()).filter(|(name, _)| name == "refresh_token");
        assert!(sent.next().is_some_and(|(_, value)| value == self.token), "another token");
        assert!(sent.next().is_none(), "two tokens");
        self.prover.check_request(request);
        self.check_text(&format!("{request:?}"));
    }

    fn after(&mut self, step: Step, outcome: &Outcome) -> Option<(Waiting, Duration)> {
        let challenge = self.is_challenge(outcome);
        match step {
            Step::Send(..) | Step::Prove(..) => panic!("two requests without a wait"),
            Step::Challenge(waiting) => {
                assert_ne!(challenge, Some(false), "nobody has asked for a proof");
                assert_eq!(waiting.attempts(), self.attempts);
                assert!(waiting.possibly_spent());
                let failure = waiting.failure();
                assert_eq!(failure.code(), Some(&ErrorCode::USE_DPOP_NONCE));
                self.check_failure(outcome, failure);
                self.check_text(&format!("{waiting:?}"));
                (self.challenged, self.spent) = (true, true);
                Some((waiting, Duration::ZERO))
            }
            Step::Wait(delay, waiting) => {
                assert_ne!(challenge, Some(true), "a demand for a proof is a failure");
                assert_eq!(waiting.attempts(), self.attempts);
                let failure = waiting.failure();
                self.check_failure(outcome, failure);
                assert!(self.goes_on(failure), "retried without a right: {failure:?}");
                assert_eq!(delay, self.delay());
                self.check_text(&format!("{waiting:?}"));
                self.spent |= failure.delivery() == Delivery::Unknown;
                assert_eq!(waiting.possibly_spent(), self.spent);
                self.challenged = false;
                Some((waiting, delay))
            }
            Step::Done(Err(error)) => {
                assert_ne!(challenge, Some(true), "a demand for a proof is the end");
                let failure = error.failure();
                self.check_failure(outcome, failure);
                assert!(!self.goes_on(failure), "given up too early: {failure:?}");
                let spent = self.spent || failure.delivery() == Delivery::Unknown;
                self.check_error(&error, spent);
                None
            }
            Step::Done(Ok(tokens)) => {
                let Outcome::Response(response) = outcome else { panic!("tokens out of nothing") };
                check_success(response, self.token, &tokens, self.time);
                None
            }
        }
    }

    /// Whether the server asks for another proof, and there can be one; `None` if an
    /// independent reading cannot tell.
    fn is_challenge(&self, outcome: &Outcome) -> Option<bool> {
        let Outcome::Response(response) = outcome else { return Some(false) };
        if self.challenged || !self.prover.has_news() || !may_demand_a_nonce(response) {
            return Some(false);
        }
        demands_a_nonce(response).then_some(true)
    }

    /// Whether the policy is to retry, and may.
    fn goes_on(&self, failure: &Failure) -> bool {
        failure.kind() != FailureKind::Rejected
            && self.attempts <= self.max_retries
            && (self.eager || Backoff::retries_by_default(failure))
    }

    fn delay(&self) -> Duration {
        match self.eager {
            true => EAGER_DELAY,
            false => (Duration::from_millis(500) * 2_u32.pow(self.attempts - 1))
                .min(Duration::from_secs(30)),
        }
    }

    fn check_failure(&self, outcome: &Outcome, failure: &Failure) {
        let error = match outcome {
            Outcome::Response(response) => {
                if demands_a_nonce(response) {
                    let expected = match self.prover.has_key {
                        true => FailureKind::Unavailable,
                        false => FailureKind::Misconfigured,
                    };
                    assert_eq!(failure.kind(), expected);
                }
                return check_failure(response, failure);
            }
            Outcome::NoCredential { passes } => {
                let expected = match passes {
                    true => FailureKind::Unreachable,
                    false => FailureKind::Misconfigured,
                };
                assert_eq!(failure.kind(), expected);
                assert_eq!(failure.delivery(), Delivery::NotSent);
                assert!(failure.credential_error().is_some());
                return assert_eq!(Backoff::retries_by_default(failure), *passes);
            }
            Outcome::Lost(error) => error,
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
        assert_eq!(error.attempts(), self.attempts);
        assert_eq!(error.elapsed(), self.time.since(self.started));
        assert_eq!(error.possibly_spent(), spent);
        let rejected = error.kind() == FailureKind::Rejected;
        let says_so = error.to_string().contains("may have spent the refresh token");
        assert_eq!(says_so, rejected && self.spent);
        assert_eq!(error.advice() == Advice::LogIn, rejected, "{error:?}");
        self.check_text(&format!("{error} {error:?}"));
    }

    fn check_text(&self, text: &str) {
        check_text(text, self.token);
        self.prover.check_text(text);
    }
}

/// What came of an attempt.
enum Outcome {
    Response(Response),
    Lost(TransportError),
    /// Nothing was sent. Whether that may pass.
    NoCredential {
        passes: bool,
    },
}

impl Outcome {
    fn of(response: Result<Response, TransportError>) -> Self {
        match response {
            Ok(response) => Self::Response(response),
            Err(error) => Self::Lost(error),
        }
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
