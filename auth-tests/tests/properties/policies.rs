//! Policies, for any settings and attempts.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Attempt, Backoff, Decision, Delays, Failure, FailureKind, Jitter, RetryBudget, RetryPolicy,
    RetryRun, RetrySchedule, TransportError, TransportErrorKind, read_response,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::now;

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0_u64..100_000).prop_map(Duration::from_millis),
        1 => any::<(u64, u32)>().prop_map(|(s, n)| Duration::new(s, n % 1_000_000_000)),
        1 => select(vec![Duration::ZERO, Duration::from_nanos(1), Duration::MAX]),
    ]
}

fn factor() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.0_f64..10.0, 1 => any::<f64>()]
}

fn jitter() -> impl Strategy<Value = Jitter> {
    select(&[Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated][..])
}

fn failures() -> impl Strategy<Value = Failure> {
    let network =
        (any::<bool>(), select(&[TransportErrorKind::Reset, TransportErrorKind::Dns][..]))
            .prop_map(|(sent, kind)| {
                Failure::from(if sent {
                    TransportError::unknown(kind)
                } else {
                    TransportError::not_sent(kind)
                })
            });
    let answered = (
        select(&[400_u16, 403, 404, 429, 500, 503][..]),
        option::of(prop_oneof![0_u64..200, any::<u64>()]),
    )
        .prop_map(|(status, wait)| {
            let mut response = http::Response::builder().status(status);
            if let Some(wait) = wait {
                response = response.header("retry-after", wait.to_string());
            }
            read_response(&response.body(Vec::new()).unwrap(), &[], now()).unwrap_err()
        });
    prop_oneof![network, answered]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    /// For any settings, attempt and failure: no overflow, no wait beyond the
    /// longest, none outside of the jitter's bounds.
    #[test]
    fn backoff_stays_within_its_bounds(
        retries in prop_oneof![0_u32..10, any::<u32>()],
        base in duration(),
        longest in duration(),
        factor in factor(),
        jitter in jitter(),
        seed in option::of(any::<u64>()),
        deadline in option::of(duration()),
        cap in option::of(duration()),
        number in prop_oneof![0_u32..20, any::<u32>()],
        elapsed in duration(),
        previous in option::of(duration()),
        failure in failures(),
    ) {
        let mut policy = Backoff::new()
            .max_retries(retries).base_delay(base).max_delay(longest).factor(factor).jitter(jitter);
        if let Some(seed) = seed { policy = policy.seed(seed); }
        if let Some(deadline) = deadline { policy = policy.deadline(deadline); }
        if let Some(cap) = cap { policy = policy.retry_throttled(cap); }
        let mut attempt = Attempt::first(&failure, now());
        attempt.number = number;
        attempt.elapsed = elapsed;
        attempt.previous_delay = previous;

        let Decision::RetryAfter(wait) = policy.decide(&attempt) else {
            return Ok(());
        };
        prop_assert!(number <= retries);
        let throttled = failure.kind() == FailureKind::Throttled;
        prop_assert!(Backoff::retries_by_default(&failure) || (throttled && cap.is_some()));
        let asked = cap.and_then(|cap| {
            let asked = failure.retry_after()?;
            assert!(asked <= cap, "longer than the cap");
            Some(asked)
        });
        prop_assert!(wait <= longest.max(asked.unwrap_or_default()));
        prop_assert!(wait >= asked.unwrap_or_default());
        if let Some(deadline) = deadline {
            prop_assert!(elapsed.saturating_add(wait) <= deadline);
        }
        if asked.is_none() {
            let (low, high) = bounds(base, longest, factor, jitter, number, previous);
            prop_assert!(low <= wait && wait <= high, "{wait:?} is not in {low:?}..={high:?}");
        }
        if seed.is_some() || jitter == Jitter::None {
            prop_assert_eq!(policy.decide(&attempt), Decision::RetryAfter(wait));
        }
    }

    /// However often it is asked, and by whom: no more retries than the bucket
    /// held, the floor gave and successes earned; and a `NotSent` is free.
    #[test]
    fn a_budget_is_not_overdrawn(
        capacity in prop_oneof![0.0_f64..20.0, any::<f64>()],
        floor in prop_oneof![0.0_f64..5.0, any::<f64>()],
        earned in prop_oneof![0.0_f64..2.0, any::<f64>()],
        steps in vec((0_u8..4, 0_u64..3000), 1..100),
    ) {
        let budget = RetryBudget::new(Backoff::new().max_retries(u32::MAX))
            .capacity(capacity).floor_per_second(floor).per_success(earned);
        let sent = Failure::from(TransportError::unknown(TransportErrorKind::Reset));
        let not_sent = Failure::from(TransportError::not_sent(TransportErrorKind::Dns));
        let sane = |x: f64, least: f64| if x.is_nan() { least } else { x.max(least) };
        let (capacity, floor, earned) = (sane(capacity, 1.0), sane(floor, 0.0), sane(earned, 0.0));
        let (mut granted, mut successes, mut at) = (0.0, 0.0, now());
        let start = at;
        for (what, pause) in steps {
            at = at.plus(Duration::from_millis(pause));
            match what {
                0 => {
                    run(&budget).succeeded(at);
                    successes += 1.0;
                }
                1 => {
                    let decision = run(&budget).decide(&Attempt::first(&not_sent, at));
                    prop_assert_ne!(decision, Decision::Stop);
                }
                _ => {
                    if run(&budget).decide(&Attempt::first(&sent, at)) != Decision::Stop {
                        granted += 1.0;
                    }
                }
            }
            let available = budget.available(at);
            prop_assert!((0.0..=capacity).contains(&available), "{available} of {capacity}");
            let income = at.since(start).as_secs_f64() * floor + successes * earned;
            prop_assert!(granted <= capacity + income + 1e-6, "{granted} with {capacity} + {income}");
        }
        // Nothing is lost: what was not granted is there, or ran over the brim.
        at = at.plus(Duration::from_secs(3600));
        if floor >= 0.001 {
            prop_assert_ne!(run(&budget).decide(&Attempt::first(&sent, at)), Decision::Stop);
        }
    }

    /// An iterator's waits come in its order, and end where it ends.
    #[test]
    fn delays_give_what_the_iterator_yields(
        waits in vec(duration(), 0..8),
        deadline in option::of(duration()),
    ) {
        let mut policy = Delays::new({ let waits = waits.clone(); move || waits.clone().into_iter() });
        if let Some(deadline) = deadline { policy = policy.deadline(deadline); }
        let mut run = Arc::new(policy).begin();
        let failure = Failure::from(TransportError::unknown(TransportErrorKind::Reset));
        for (at, wait) in waits.iter().enumerate() {
            let mut attempt = Attempt::first(&failure, now());
            attempt.number = u32::try_from(at + 1).unwrap();
            let expected = match deadline {
                Some(deadline) if *wait > deadline => Decision::Stop,
                _ => Decision::RetryAfter(*wait),
            };
            prop_assert_eq!(run.decide(&attempt), expected);
        }
        prop_assert_eq!(run.decide(&Attempt::first(&failure, now())), Decision::Stop);
    }
}

/// Each of another refresh.
fn run(budget: &RetryBudget<Backoff>) -> Box<dyn RetryRun> {
    Arc::new(budget.clone()).begin()
}

/// The bounds of a wait, by the definitions of the jitters.
fn bounds(
    base: Duration,
    longest: Duration,
    factor: f64,
    jitter: Jitter,
    number: u32,
    previous: Option<Duration>,
) -> (Duration, Duration) {
    let factor = if factor >= 1.0 { factor } else { 1.0 };
    let growth = factor.powi(number.saturating_sub(1).min(i32::MAX as u32) as i32);
    let full = match Duration::try_from_secs_f64(base.as_secs_f64() * growth) {
        Ok(full) => full.min(longest),
        // Nothing times infinity is still nothing.
        Err(_) if base.is_zero() => Duration::ZERO,
        Err(_) => longest,
    };
    match jitter {
        Jitter::None => (full, full),
        Jitter::Full => (Duration::ZERO, full),
        Jitter::Equal => (full / 2, full),
        _ => {
            let high = previous.unwrap_or(base).saturating_mul(3).max(base);
            (base.min(longest), high.min(longest))
        }
    }
}
