use std::{sync::Arc, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use auth_core::{
    Attempt, Backoff, Decision, Delivery, Failure, FailureKind, Jitter, RetryBudget, RetryPolicy,
    RetryRun, RetrySchedule, TransportError, TransportErrorKind, read_response,
};
use http::{HeaderValue, StatusCode, header};

use crate::now;

#[derive(Debug, Arbitrary)]
struct Settings {
    max_retries: u32,
    base_delay: Duration,
    factor: f64,
    max_delay: Duration,
    jitter: u8,
    seed: Option<u64>,
    deadline: Option<Duration>,
    retry_throttled: Option<Duration>,
    capacity: f64,
    floor_per_second: f64,
    per_success: f64,
    attempts: Vec<AnyAttempt>,
}

#[derive(Debug, Arbitrary)]
struct AnyAttempt {
    failure: AnyFailure,
    number: u32,
    elapsed: Duration,
    previous_delay: Option<Duration>,
    later_by: u32,
    succeeds: bool,
}

#[derive(Debug, Arbitrary)]
enum AnyFailure {
    NotSent,
    Unknown,
    BadCertificate,
    CannedResponse { status: u16, retry_after: Option<u64> },
}

/// The backoff's and the budget's arithmetic with any settings and any
/// attempts.
pub fn policy(input: &[u8]) {
    let Ok(settings) = Settings::arbitrary(&mut Unstructured::new(input)) else { return };
    let jitter = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated]
        [usize::from(settings.jitter % 4)];
    let mut backoff = Backoff::default()
        .max_retries(settings.max_retries)
        .base_delay(settings.base_delay)
        .factor(settings.factor)
        .max_delay(settings.max_delay)
        .jitter(jitter);
    if let Some(seed) = settings.seed {
        backoff = backoff.seed(seed);
    }
    if let Some(deadline) = settings.deadline {
        backoff = backoff.deadline(deadline);
    }
    if let Some(cap) = settings.retry_throttled {
        backoff = backoff.retry_throttled(cap);
    }
    let budget = RetryBudget::new(backoff)
        .capacity(settings.capacity)
        .floor_per_second(settings.floor_per_second)
        .per_success(settings.per_success);

    let mut time = now();
    for any in &settings.attempts {
        let failure = any.failure.build();
        time = time.plus(Duration::from_millis(any.later_by.into()));
        let mut attempt = Attempt::first(&failure, time);
        attempt.number = any.number;
        attempt.elapsed = any.elapsed;
        attempt.previous_delay = any.previous_delay;

        let decision = backoff.decide(&attempt);
        check_backoff(&settings, jitter, &attempt, decision);
        if settings.seed.is_some() {
            assert_eq!(backoff.decide(&attempt), decision, "a seed makes it repeatable");
        }
        // With jitter and a deadline, asking twice may give two responses.
        let repeatable = settings.seed.is_some() || jitter == Jitter::None;
        if repeatable || settings.deadline.is_none() {
            check_budget(&budget, &attempt, decision);
        }
        if any.succeeds {
            run(&budget).succeeded(time);
        }
        let available = budget.available(time);
        assert!(available >= 0.0, "{available} retries left");
        assert!(available <= settings.capacity.max(1.0), "more than the bucket holds");
    }
}

fn check_backoff(settings: &Settings, jitter: Jitter, attempt: &Attempt<'_>, decision: Decision) {
    let failure = attempt.failure;
    let throttled = failure.kind() == FailureKind::Throttled && settings.retry_throttled.is_some();
    let may_retry = Backoff::retries_by_default(failure) || throttled;
    let Decision::RetryAfter(delay) = decision else {
        let asked = settings.retry_throttled.and(failure.retry_after());
        let stops = attempt.number > settings.max_retries
            || !may_retry
            || settings.deadline.is_some()
            || asked.is_some_and(|asked| Some(asked) > settings.retry_throttled);
        assert!(stops, "stopped without a reason");
        return;
    };
    assert!(may_retry && attempt.number <= settings.max_retries, "retried without a right");
    if let Some(deadline) = settings.deadline {
        assert!(attempt.elapsed.saturating_add(delay) <= deadline, "retried after the deadline");
    }
    if let (Some(cap), Some(asked)) = (settings.retry_throttled, failure.retry_after()) {
        assert!(asked <= cap && delay >= asked, "waits {delay:?}, asked for {asked:?}");
        assert!(delay <= settings.max_delay.max(asked));
        return;
    }
    let (low, high) = bounds(settings, jitter, attempt);
    // A double holds 53 bits, and raising to the power of four thousand million
    // loses half of them.
    let slack = |duration: Duration| duration.mul_f64(1e-6) + Duration::from_nanos(1);
    let high = high.saturating_add(slack(high)).min(settings.max_delay);
    let low = low.saturating_sub(slack(low));
    assert!(low <= delay && delay <= high, "{delay:?} is not within {low:?}..={high:?}");
}

/// Between what a wait must lie, by multiplying step by step.
fn bounds(settings: &Settings, jitter: Jitter, attempt: &Attempt<'_>) -> (Duration, Duration) {
    let factor = if settings.factor >= 1.0 { settings.factor } else { 1.0 };
    let mut full = settings.base_delay.as_secs_f64();
    let longest = settings.max_delay.as_secs_f64();
    // A factor close to 1 may need more steps than anybody waits for.
    if factor > 1.0 && full > 0.0 {
        let exponent = f64::from(attempt.number.saturating_sub(1));
        full = (full.ln() + exponent * factor.ln()).exp();
    }
    let full = Duration::try_from_secs_f64(full.min(longest * 2.0))
        .unwrap_or(settings.max_delay)
        .min(settings.max_delay);
    match jitter {
        Jitter::Full => (Duration::ZERO, full),
        Jitter::Equal => (full / 2, full),
        Jitter::Decorrelated => {
            let base = settings.base_delay;
            let high = attempt.previous_delay.unwrap_or(base).saturating_mul(3).max(base);
            (base.min(settings.max_delay), high.min(settings.max_delay))
        }
        _ => (full, full),
    }
}

/// Each of another refresh.
fn run(budget: &RetryBudget<Backoff>) -> Box<dyn RetryRun> {
    Arc::new(budget.clone()).begin()
}

fn check_budget(budget: &RetryBudget<Backoff>, attempt: &Attempt<'_>, inner: Decision) {
    let before = budget.available(attempt.now);
    let granted = matches!(run(budget).decide(attempt), Decision::RetryAfter(_));
    let after = budget.available(attempt.now);
    let asks = matches!(inner, Decision::RetryAfter(_));
    let free = attempt.failure.delivery() == Delivery::NotSent;
    assert_eq!(granted, asks && (free || before >= 1.0), "{before} retries were left");
    let price = if granted && !free { 1.0 } else { 0.0 };
    let paid = before == after && before > 1e15 || (before - after - price).abs() <= 1e-6 * before;
    assert!(paid, "{before} became {after}");
}

impl AnyFailure {
    fn build(&self) -> Failure {
        match *self {
            Self::NotSent => TransportError::not_sent(TransportErrorKind::Refused).into(),
            Self::Unknown => TransportError::unknown(TransportErrorKind::Reset).into(),
            Self::BadCertificate => {
                TransportError::not_sent(TransportErrorKind::BadCertificate).into()
            }
            Self::CannedResponse { status, retry_after } => {
                let mut response = http::Response::new(Vec::new());
                let status = StatusCode::from_u16(400 + status % 200);
                *response.status_mut() = status.expect("400 to 599");
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                read_response(&response, &[], now()).expect_err("no token in an error")
            }
        }
    }
}
