//! Processes that share one account, and die.

use std::{path::PathBuf, process::Stdio, time::Instant};

use auth_core::FailureKind;
use tempfile::TempDir;

use crate::{
    patience::until,
    provider::{ClientKind, Session},
    proxy::Fault,
    timing::{GRACE_MS, seconds},
    worker::{self, Counted},
    world::World,
};

const WORLDS: [&str; 2] = ["async", "blocking"];

/// A session whose record is in a store of its own.
struct Shared {
    session: Session,
    _directory: TempDir,
    store: PathBuf,
}

impl Shared {
    fn logged_in(world: &World<'_>) -> Self {
        let session = world.log_in(ClientKind::Public);
        let directory = tempfile::tempdir().expect("a directory");
        let store = directory.path().join("tokens");
        worker::first_record(&store, &session);
        Self { session, _directory: directory, store }
    }
}

/// A process killed once its request is out. The next one finds the lease free
/// and a note of what was under way: it tries at once, and if the server has no
/// grace for a token that is spent, it knows that the user did nothing.
pub(super) fn killed(world: &World<'_>) {
    let World { provider, proxy, .. } = world;
    for name in WORLDS {
        for (fault, grace_ms) in [
            (Fault::Stall, 0),
            (Fault::StalledAfterRotation, GRACE_MS),
            (Fault::StalledAfterRotation, 0),
        ] {
            let context = format!("{name} {fault:?}, grace {grace_ms} ms");
            provider.set_grace(grace_ms);
            let shared = Shared::logged_in(world);
            proxy.script(&[fault]);
            let refreshes = proxy.uses().refreshes;
            let mut victim = worker::command("once", name, &proxy.url(), &shared.store)
                .spawn()
                .expect("a process");
            until("the request is out", || {
                let traded = proxy.uses().refreshes > refreshes;
                proxy.seen().len() == 1 && (traded || fault == Fault::Stall)
            });
            victim.kill().expect("it is running");
            victim.wait().expect("a child");

            let result = worker::account(name, &proxy.url(), &shared.store)();
            let token = &shared.session.refresh_token;
            assert!(proxy.seen() == [token.as_str(); 2], "{context}: once more, and no more");
            if fault == Fault::Stall || grace_ms > 0 {
                let token = result.unwrap_or_else(|error| panic!("{context}: {error}"));
                assert!(provider.accepts(token.access_token().expose()), "{context}");
            } else {
                let error = result.expect_err("the token is spent");
                assert_eq!(error.kind(), Some(FailureKind::Rejected), "{context}: {error}");
                world.hear(FailureKind::Rejected, &shared.session.family);
                assert!(error.possibly_spent(), "{context}: {error}");
            }
        }
    }
    assert_eq!(provider.stats().families_revoked, WORLDS.len() as u64);
}

const PROCESSES: usize = 8;

/// How long its access tokens live, in seconds.
const TTL_S: u32 = 2;

/// Tokens of two seconds, eight processes that use one each every few
/// milliseconds, half of them async and half blocking, and every few requests
/// a fault of the network.
pub(super) fn eight_share_an_account(world: &World<'_>) {
    let World { provider, proxy, .. } = world;
    provider.set_access_token_ttl(TTL_S);
    provider.set_grace(GRACE_MS);
    proxy.plan(|number| match number % 10 {
        1 => Fault::Page(502),
        3 => Fault::ResetAfterRequest,
        5 => Fault::LostAfterRotation,
        7 => Fault::ResetAtOnce,
        8 => Fault::PageAfterRotation(504),
        _ => Fault::None,
    });
    let shared = Shared::logged_in(world);
    let started = Instant::now();
    let workers: Vec<_> = WORLDS
        .iter()
        .cycle()
        .take(PROCESSES)
        .map(|name| {
            worker::command("worker", name, &proxy.url(), &shared.store)
                .args(worker::orders(provider, &shared.session, seconds()))
                .stdout(Stdio::piped())
                .spawn()
                .expect("a process")
        })
        .collect();
    let counted: Vec<Counted> = workers
        .into_iter()
        .map(|worker| {
            let output = worker.wait_with_output().expect("its output");
            assert!(output.status.success(), "a process failed");
            Counted::parse(&output.stdout)
        })
        .collect();
    let elapsed = started.elapsed();

    for lives in counted.iter().filter_map(Counted::session_lived) {
        world.logged_out(&shared.session.family, lives);
    }
    let sum = |name: &str| counted.iter().map(|one| one.of(name)).sum::<u64>();
    let [handed_out, asked, later] = [Counted::HANDED_OUT, Counted::ASKED, Counted::LATER].map(sum);
    let all = format!("{handed_out} tokens, {asked} of them shown to the server, {later} later");
    world.note(&all);
    assert_eq!(sum(Counted::LOGGED_OUT), 0, "responses that the session is over; {all}");
    assert_eq!(sum(Counted::EXPIRED), 0, "tokens that had expired when handed out; {all}");
    assert_eq!(sum(Counted::REFUSED), 0, "tokens that the server refused; {all}");
    assert!(later * 100 <= handed_out, "more than one in a hundred was told to come later; {all}");
    let lifetimes = seconds() / u64::from(TTL_S);
    for one in &counted {
        assert!(one.of(Counted::HANDED_OUT) >= lifetimes, "less than one a lifetime; {all}");
    }
    // One refresh for each token that was needed, and those whose response was
    // lost. A quarter of its life is left when a token is refreshed, and up to a
    // second more: the store's dates are whole seconds.
    let delivered = proxy.uses().delivered;
    assert!(delivered >= lifetimes, "{delivered} refreshes are too few; {all}");
    let needed = elapsed.as_secs_f64() / (0.75 * f64::from(TTL_S) - 1.0) + 1.0;
    assert!(delivered as f64 <= needed, "{delivered} refreshes, {needed:.0} would do; {all}");
}
