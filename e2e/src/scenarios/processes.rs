//! Eight processes that share one account.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use auth_accounts::{BlockingTokenStore, Record};
use auth_core::{AccessToken, RefreshToken, TokenSet};
use auth_store::FileStore;
use serde_json::Value;

use crate::{
    provider::{ClientKind, Provider},
    proxy::{Fault, Proxy},
    report::Counts,
};

const PROCESSES: usize = 8;

/// How long its access tokens live, in seconds.
const TTL_S: u32 = 2;

/// For how long, in seconds: a minute, or what `E2E_SECONDS` says.
fn seconds() -> u64 {
    let text = std::env::var("E2E_SECONDS").unwrap_or_else(|_| "60".to_owned());
    text.parse().expect("E2E_SECONDS is a number")
}

/// Tokens of two seconds, eight processes that use one each every few
/// milliseconds, half of them async and half blocking, and every few requests
/// a fault of the network.
pub(super) fn eight_share_an_account() -> Counts {
    let provider = Provider::with_ttl(TTL_S);
    provider.set_grace(10_000);
    let proxy = Proxy::before(provider.port());
    proxy.plan(|number| match number % 10 {
        1 => Fault::Page(502),
        3 => Fault::ResetAfterRequest,
        5 => Fault::LostAfterRotation,
        7 => Fault::ResetAtOnce,
        8 => Fault::PageAfterRotation(504),
        _ => Fault::None,
    });
    let session = provider.log_in(ClientKind::Public);
    let directory = tempfile::tempdir().expect("a directory");
    let store_path = directory.path().join("tokens");
    let store = FileStore::open(&store_path).expect("a store");
    let mut tokens = TokenSet::new(AccessToken::new("expired"));
    tokens.refresh_token = Some(RefreshToken::new(session.refresh_token));
    tokens.expires_at = Some(std::time::SystemTime::UNIX_EPOCH);
    store.save(&"shared".into(), &Record::new(tokens), None).expect("a first record");

    let workers: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let world = if number % 2 == 0 { "async" } else { "blocking" };
            Command::new(std::env::current_exe().expect("a path"))
                .args(["worker", world, &proxy.url(), &seconds().to_string()])
                .args([&provider.port().to_string()])
                .arg(&store_path)
                .stdout(Stdio::piped())
                .spawn()
                .expect("a process")
        })
        .collect();

    let mut counts = Counts::default();
    let (mut handed_out, mut refused) = (0, 0);
    for worker in workers {
        let output = worker.wait_with_output().expect("its output");
        assert!(output.status.success(), "a process failed");
        let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let number = |name: &str| result[name].as_u64().expect("a number");
        counts.false_logouts += number("logouts");
        handed_out += number("handed_out");
        refused += number("refused");
        assert!(number("handed_out") > 0, "{result}");
    }
    let stats = provider.stats();
    counts.add(&proxy.counts());
    if counts.false_logouts + counts.avoidable_replays > 0 {
        // The report says it all.
        return counts;
    }
    assert_eq!(stats.families_revoked, 0);
    let difference = stats.replays.abs_diff(counts.unavoidable_replays);
    assert!(difference <= proxy.given_up(), "both sides count the same");
    assert_eq!(refused, 0, "the server took every token that was handed out");
    // At most one exchange for each token that was needed, and those whose
    // answer was lost.
    let lifetimes = seconds() / u64::from(TTL_S);
    assert!(counts.exchanges >= lifetimes, "{counts:?}");
    assert!(handed_out > 100 * PROCESSES as u64, "{handed_out} tokens in all");
    counts
}

/// How long a worker rests between two tokens.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);
