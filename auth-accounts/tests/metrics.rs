//! What a program can export.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use auth_accounts::{StoreErrorKind, describe_metrics};
use auth_core::{Backoff, ClaimsChallenge, TokenRequest, TransportError, TransportErrorKind};
use auth_testkit::Script;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit, with_local_recorder,
};
use support::{ADA, World, lock, run, tokens};

type Values = Arc<Mutex<BTreeMap<String, Vec<f64>>>>;

/// Remembers what it is told: of a counter and a gauge the value, of a histogram
/// all of them.
#[derive(Default)]
struct Recorded {
    values: Values,
    described: Mutex<BTreeMap<String, Option<Unit>>>,
}

impl Recorded {
    fn entry(&self, key: &Key) -> Arc<Entry> {
        let labels: Vec<_> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::new(Entry { name, values: Arc::clone(&self.values) })
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, description: &SharedString) {
        assert!(!description.is_empty());
        lock(&self.described).insert(name.as_str().to_owned(), unit);
    }

    /// Counters and gauges as `name{labels} value`, histograms as
    /// `name{labels} count`.
    fn lines(&self) -> Vec<String> {
        let values = lock(&self.values);
        values
            .iter()
            .map(|(name, values)| match name.contains("_seconds") {
                true => format!("{name} {}", values.len()),
                false => format!("{name} {}", values.iter().sum::<f64>()),
            })
            .collect()
    }

    fn of(&self, name: &str) -> Vec<f64> {
        lock(&self.values).get(name).cloned().unwrap_or_default()
    }
}

struct Entry {
    name: String,
    values: Values,
}

impl Entry {
    fn add(&self, value: f64) {
        lock(&self.values).entry(self.name.clone()).or_default().push(value);
    }
}

impl CounterFn for Entry {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, _: u64) {
        unreachable!("nothing here counts so");
    }
}

impl GaugeFn for Entry {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        unreachable!("nothing here is set");
    }
}

impl HistogramFn for Entry {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&name, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.entry(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.entry(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.entry(key))
    }
}

#[test]
fn refreshes_are_counted_by_what_they_ended_with() {
    let script = Script::new()
        .tokens("at-2", "rt-2")
        .status(503)
        .then(TransportError::not_sent(TransportErrorKind::Refused))
        .oauth_error("invalid_grant");
    let world = World::new(script).with_record(3600);
    let recorded = Recorded::default();
    with_local_recorder(&recorded, || {
        let account = world.accounts().policy(Backoff::never()).account(ADA);
        let token = run(account.token(), &world.clock).unwrap();
        run(account.token_refused(token.access_token()), &world.clock).unwrap();
        for _ in 0..3 {
            world.pass(4000);
            run(account.token(), &world.clock).unwrap_err();
            run(account.token(), &world.clock).unwrap_err();
        }
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        let login = tokens("at-9", "rt-9", world.now(), 3600);
        run(account.store_login(login), &world.clock).unwrap();
        assert_eq!(recorded.of("auth_accounts_unsaved{}"), [1.0]);
        world.pass(2);
        run(account.token(), &world.clock).unwrap();
    });
    let expected = [
        "auth_account_events_total{event=logged_in} 1",
        "auth_account_events_total{event=login_needed} 1",
        "auth_account_events_total{event=refreshed} 1",
        "auth_account_events_total{event=saved_again} 1",
        // Of two kinds.
        "auth_account_events_total{event=set_back} 2",
        "auth_account_events_total{event=unsaved} 1",
        "auth_accounts_unsaved{} 0",
        "auth_lease_wait_seconds{} 4",
        "auth_refresh_duration_seconds{outcome=login_needed} 1",
        "auth_refresh_duration_seconds{outcome=refreshed} 1",
        "auth_refresh_duration_seconds{outcome=set_back} 2",
        "auth_refresh_failures_total{kind=rejected} 1",
        "auth_refresh_failures_total{kind=unavailable} 1",
        "auth_refresh_failures_total{kind=unreachable} 1",
        // Each was asked for twice, and sent once.
        "auth_refreshes_total{outcome=login_needed} 2",
        "auth_refreshes_total{outcome=on_record} 2",
        "auth_refreshes_total{outcome=refreshed} 1",
        "auth_refreshes_total{outcome=set_back} 4",
        "auth_tokens_refused_total{} 1",
    ];
    assert_eq!(recorded.lines(), expected);
    world.script.finish();
}

#[test]
fn a_token_that_is_refused_is_counted_once() {
    for second in ["mark", "report", "claims"] {
        let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
        let recorded = Recorded::default();
        with_local_recorder(&recorded, || {
            let account = world.account();
            let refused = run(account.token(), &world.clock).unwrap();
            let (request, refused) = (TokenRequest::new(), refused.access_token());
            let claims = ClaimsChallenge::new("{}").unwrap();
            account.mark_refused(&request, refused, None);
            match second {
                "mark" => account.mark_refused(&request, refused, None),
                "claims" => account.mark_refused(&request, refused, Some(&claims)),
                _ => drop(run(account.token_refused(refused), &world.clock).unwrap()),
            }
            run(account.token(), &world.clock).unwrap();
            account.mark_refused(&request, refused, None);
        });
        assert_eq!(recorded.of("auth_tokens_refused_total{}"), [1.0], "{second}");
        world.script.finish();
    }
}

#[test]
fn a_refresh_is_measured_in_seconds() {
    let script = Script::new().status(503).tokens("at-2", "rt-2");
    let world = World::new(script).with_record(0);
    let recorded = Recorded::default();
    with_local_recorder(&recorded, || {
        run(world.account().token(), &world.clock).unwrap();
    });
    let took = recorded.of("auth_refresh_duration_seconds{outcome=refreshed}");
    // The policy waits for half a second before it tries again.
    assert_eq!(took.len(), 1);
    assert!((0.5..0.6).contains(&took[0]), "{took:?}");
}

#[test]
fn all_of_them_are_described_with_their_units() {
    let recorded = Recorded::default();
    with_local_recorder(&recorded, describe_metrics);
    let described = lock(&recorded.described);
    assert_eq!(described.len(), 7);
    for (name, unit) in &*described {
        let expected = if name.ends_with("_seconds") { Unit::Seconds } else { Unit::Count };
        assert_eq!(*unit, Some(expected), "{name}");
        assert!(include_str!("../docs/crate.md").contains(&format!("`{name}`")), "{name}");
    }
}
