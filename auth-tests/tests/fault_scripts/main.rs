//! Ten thousand stories of up to twenty events, told by chance: a client that
//! refreshes, and a server that rotates its token and fails in every way that the
//! testkit knows.
//!
//! A failed story prints its seed and its shortest form that still fails.
//! `AUTH_TESTS_SEED=17 cargo test -p auth-tests --test fault_scripts` tells that one
//! again, and `AUTH_TESTS_STORIES` sets how many there are.

// Helpers of tests, though not themselves tests.
#![allow(clippy::expect_used)]

mod session;

use std::time::Duration;

use auth_core::{Backoff, Jitter, RefreshToken};
use auth_testkit::{FakeAuthServer, Fault, Rotation};
use auth_tests::{Chance, Trace, World};

use self::session::Session;

const STORIES: u64 = 10_000;

#[test]
fn no_story_ends_in_a_false_logout_or_an_avoidable_replay() {
    let (first, last) = match from_environment("AUTH_TESTS_SEED") {
        Some(seed) => (seed, seed),
        None => (0, from_environment("AUTH_TESTS_STORIES").unwrap_or(STORIES).max(1) - 1),
    };
    let mut seen = Seen::default();
    for seed in first..=last {
        let story = Story::told_by(seed);
        match story.live_through(Client::Ours) {
            Ok(outcome) => seen.add(&outcome),
            Err(problem) => panic!("{}", story.shortest_that_fails(Client::Ours, problem)),
        }
    }
    // A list of stories in which nothing happens would prove nothing.
    if last - first >= 1000 {
        let stories = last - first + 1;
        assert!(seen.refreshed > stories && seen.gave_up > stories / 10, "{seen:?}");
        assert!(seen.rejected > stories / 20 && seen.possibly_spent > stories / 100, "{seen:?}");
        assert!(seen.forgiven > stories / 50 && seen.abandoned > stories / 10, "{seen:?}");
    }
}

/// The stories would notice a client that does it wrong.
#[test]
fn clients_with_a_flaw_are_found_out() {
    for (client, flaw) in [
        (Client::Forgetful, "avoidable replay"),
        (Client::Hasty, "false rejection"),
        (Client::Impatient, "a wait"),
    ] {
        let problem = (0..200)
            .find_map(|seed| Story::told_by(seed).live_through(client).err())
            .unwrap_or_else(|| panic!("{client:?} was not found out"));
        assert!(problem.contains(flaw), "{client:?}: {problem}");
    }
}

#[test]
fn the_shortest_form_of_a_story_still_fails() {
    let (story, problem) = (0..200)
        .map(Story::told_by)
        .find_map(|story| story.live_through(Client::Forgetful).err().map(|e| (story, e)))
        .expect("a story that fails");
    let text = story.shortest_that_fails(Client::Forgetful, problem);
    assert!(text.contains(&format!("AUTH_TESTS_SEED={}", story.seed)), "{text}");
    // Two refreshes, the second with the spent token.
    assert_eq!(text.matches("Refresh").count(), 2, "{text}");
}

/// Who tells the story's client what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Ours,
    /// Does not keep the rotated refresh token.
    Forgetful,
    /// Takes every 4xx for a dead token.
    Hasty,
    /// Waits by another policy than it was given.
    Impatient,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// The next request meets this.
    Fault(Fault),
    /// The client refreshes.
    Refresh,
    /// The client begins to refresh, and is cancelled.
    Abandon,
    Pass(Duration),
    /// An administrator revokes the session.
    Revoke,
}

#[derive(Debug, Clone)]
struct Story {
    seed: u64,
    rotation: Rotation,
    idle_limit: Option<Duration>,
    rate_limit: Option<u32>,
    brown_out: u8,
    policy: Policy,
    events: Vec<Event>,
}

/// A policy, and its bounds written down once more.
#[derive(Debug, Clone, Copy)]
struct Policy {
    retries: u32,
    base: Duration,
    longest: Duration,
    jitter: Jitter,
    throttled: Option<Duration>,
    seed: u64,
}

/// What happened, for counting.
#[derive(Debug, Default)]
struct Seen {
    refreshed: u64,
    gave_up: u64,
    rejected: u64,
    possibly_spent: u64,
    abandoned: u64,
    forgiven: u64,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.refreshed += other.refreshed;
        self.gave_up += other.gave_up;
        self.rejected += other.rejected;
        self.possibly_spent += other.possibly_spent;
        self.abandoned += other.abandoned;
        self.forgiven += other.forgiven;
    }
}

impl Story {
    fn told_by(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let rotation = match chance.below(3) {
            0 => Rotation::EachUse,
            _ => Rotation::WithGrace(Duration::from_secs(5 + chance.below(55))),
        };
        let policy = Policy {
            retries: chance.below(5) as u32,
            base: Duration::from_millis(chance.below(3000)),
            longest: Duration::from_millis(500 + chance.below(10_000)),
            jitter: [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated]
                [chance.below(4) as usize],
            throttled: (chance.below(2) == 0).then(|| Duration::from_secs(chance.below(90))),
            seed: chance.below(u64::MAX),
        };
        let length = 1 + chance.below(20);
        let idle_limit = (chance.below(4) == 0).then_some(Duration::from_secs(3600));
        let rate_limit = (chance.below(4) == 0).then(|| 1 + chance.below(4) as u32);
        let brown_out = if chance.below(3) == 0 { chance.below(60) as u8 } else { 0 };
        let events = (0..length).map(|_| Event::by(&mut chance)).collect();
        Self { seed, rotation, idle_limit, rate_limit, brown_out, policy, events }
    }

    /// The story in both worlds, or what went wrong in it.
    fn live_through(&self, client: Client) -> Result<Seen, String> {
        let [one, other] = World::BOTH.map(|world| self.live_in(world, client));
        let ((trace, seen), (other, _)) = (one?, other?);
        if trace != other {
            return Err(format!("the worlds differ:\n{trace:#?}\n{other:#?}"));
        }
        Ok(seen)
    }

    fn live_in(&self, world: World, client: Client) -> Result<(Trace, Seen), String> {
        let mut builder = FakeAuthServer::builder()
            .seed(self.seed)
            .rotation(self.rotation)
            .brown_out(self.brown_out);
        if let Some(limit) = self.idle_limit {
            builder = builder.refresh_idle_limit(limit);
        }
        if let Some(requests) = self.rate_limit {
            builder = builder.rate_limit(requests, Duration::from_secs(60));
        }
        let server = builder.build();
        let mut session = Session::new(&server, self.policy, client);
        for event in &self.events {
            match *event {
                Event::Fault(fault) => server.fail_next([fault]),
                Event::Pass(time) => server.clock().advance(time),
                Event::Revoke => server.revoke("ada"),
                Event::Refresh => session.refresh(world)?,
                Event::Abandon => session.abandon()?,
            }
        }
        session.trace.transcript = server.transcript();
        session.trace.waits = server.clock().sleeps();
        session.seen.forgiven =
            server.report().replays.iter().filter(|replay| replay.forgiven).count() as u64;
        Ok((session.trace, session.seen))
    }

    /// Leaves out events for as long as it still fails, and says so.
    fn shortest_that_fails(&self, client: Client, mut problem: String) -> String {
        let mut story = self.clone();
        let mut at = 0;
        while at < story.events.len() {
            let mut shorter = story.clone();
            shorter.events.remove(at);
            match shorter.live_through(client) {
                Err(still) => (story, problem) = (shorter, still),
                Ok(_) => at += 1,
            }
        }
        format!(
            "AUTH_TESTS_SEED={} fails: {problem}\nits shortest form that fails: {story:#?}",
            self.seed
        )
    }
}

impl Event {
    fn by(chance: &mut Chance) -> Self {
        match chance.below(20) {
            0..9 => Self::Refresh,
            9..16 => Self::Fault(match chance.below(12) {
                0 => Fault::None,
                1 => Fault::Refused,
                2 => Fault::LostBefore,
                3 | 4 => Fault::LostAfter,
                5 => Fault::CutResponse,
                6 => Fault::StallAfter(Duration::from_secs(10)),
                7 => Fault::Delay(Duration::from_millis(chance.below(10_000))),
                8 | 9 => Fault::Status([500, 502, 503, 504, 529][chance.below(5) as usize]),
                10 => Fault::StatusAfter([502, 504][chance.below(2) as usize]),
                // A firewall, a throttle, a proxy: no verdict on a token.
                _ => Fault::Status([403, 429, 408, 407, 400, 401, 200][chance.below(7) as usize]),
            }),
            16 | 17 => Self::Pass(Duration::from_secs(1 << chance.below(13))),
            18 => Self::Abandon,
            _ if chance.below(4) == 0 => Self::Revoke,
            _ => Self::Refresh,
        }
    }
}

impl Policy {
    fn backoff(self) -> Backoff {
        let backoff = Backoff::new()
            .max_retries(self.retries)
            .base_delay(self.base)
            .max_delay(self.longest)
            .jitter(self.jitter)
            .seed(self.seed);
        match self.throttled {
            Some(cap) => backoff.retry_throttled(cap),
            None => backoff,
        }
    }

    /// The waits of one refresh are within the policy.
    fn check(&self, waits: &[Duration]) -> Result<(), String> {
        if waits.len() > self.retries as usize {
            return Err(format!("a wait too many: {waits:?} by {self:?}"));
        }
        let mut full = self.base;
        let mut previous = self.base;
        for wait in waits {
            let (low, high) = match self.jitter {
                Jitter::None => (full, full),
                Jitter::Full => (Duration::ZERO, full),
                Jitter::Equal => (full.min(self.longest) / 2, full),
                _ => (self.base, previous.saturating_mul(3).max(self.base)),
            };
            let (low, high) = (low.min(self.longest), high.min(self.longest));
            // Asked for by the server: longer, but no longer than the cap.
            let asked = self.throttled.is_some_and(|cap| *wait >= high && *wait <= cap);
            if !asked && !(low..=high).contains(wait) {
                return Err(format!("a wait of {wait:?} is not in {low:?}..={high:?} by {self:?}"));
            }
            full = full.saturating_mul(2);
            previous = *wait;
        }
        Ok(())
    }
}

fn log_in(server: &FakeAuthServer) -> RefreshToken {
    server.log_in("ada").refresh_token.expect("a login gives one")
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}
