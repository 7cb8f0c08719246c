//! One of the processes that share an account.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use auth_accounts::{AccountError, Accounts, BlockingAccounts, Settings, Token};
use auth_core::{FailureKind, TokenEndpoint};
use auth_reqwest::TokioClock;
use auth_store::FileStore;
use auth_ureq::SystemClock;
use serde_json::json;

use crate::{
    clients::{Network, RUNTIME},
    provider,
    scenarios::{PAUSE, settings},
};

/// `WORLD TOKEN_URL SECONDS PROVIDER_PORT STORE`; prints what it counted.
pub(crate) fn run(arguments: &[String]) {
    let [world, url, seconds, port, store] = arguments else {
        panic!("usage: worker async|blocking TOKEN_URL SECONDS PROVIDER_PORT STORE");
    };
    let until = Instant::now() + Duration::from_secs(seconds.parse().expect("a number"));
    let port = port.parse().expect("a port");
    let token = account(world, url, Path::new(store));

    let (mut handed_out, mut refused, mut logouts, mut later) = (0, 0, 0, 0);
    let mut last_seen = None;
    while Instant::now() < until {
        match token() {
            Ok(token) => {
                handed_out += 1;
                // Each new token once: the server's answer is the truth.
                if last_seen.as_ref() != Some(token.access_token()) {
                    refused += u64::from(!provider::accepts(port, token.access_token().expose()));
                    last_seen = Some(token.access_token().clone());
                }
            }
            Err(error) if error.kind() == Some(FailureKind::Rejected) => {
                logouts += 1;
                eprintln!("{error}");
            }
            Err(_) => later += 1,
        }
        std::thread::sleep(PAUSE);
    }
    let counted =
        json!({ "handed_out": handed_out, "refused": refused, "logouts": logouts, "later": later });
    println!("{counted}");
}

fn account(world: &str, url: &str, store: &Path) -> Box<dyn Fn() -> Result<Token, AccountError>> {
    let endpoint = TokenEndpoint::new(url, "public").expect("an endpoint");
    let store = FileStore::open(store).expect("a store");
    let network = Network::timeout(Duration::from_millis(1000));
    // A token of two seconds, renewed half a second before its end.
    let settings: Settings = settings().min_ttl(Duration::from_millis(500));
    match world {
        "async" => {
            let account = Accounts::new(endpoint, network.reqwest(), store, TokioClock)
                .policy(network.policy)
                .settings(settings)
                .account("shared");
            Box::new(move || RUNTIME.block_on(account.token()))
        }
        "blocking" => {
            let account = BlockingAccounts::new(endpoint, network.ureq(), store, SystemClock)
                .policy(network.policy)
                .settings(settings)
                .account("shared");
            Box::new(move || account.token())
        }
        _ => panic!("no such world: {world}"),
    }
}
