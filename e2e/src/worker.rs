//! One of the processes that share an account.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use auth_accounts::{
    AccountError, Accounts, BlockingAccounts, Settings, Token,
    store::{BlockingTokenStore, Record},
};
use auth_core::{AccessToken, FailureKind, RefreshToken, TokenEndpoint, TokenSet};
use auth_reqwest::TokioClock;
use auth_store::FileStore;
use auth_ureq::SystemClock;
use serde_json::{Value, json};

use crate::{
    child::without_proxies,
    clients::{Network, RUNTIME},
    provider::{ClientKind, Provider, Session, accepts, lives},
    timing::short_setbacks,
};

/// The name of the account in the store.
const ACCOUNT: &str = "shared";

/// How long a worker rests between two tokens.
const PAUSE: Duration = Duration::from_millis(20);

/// How often it asks the server about the token that it was handed.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// What a worker counted.
pub(crate) struct Counted(Value);

impl Counted {
    /// Tokens that it was handed.
    pub(crate) const HANDED_OUT: &str = "handed_out";
    /// Tokens whose time was over before they were asked for.
    pub(crate) const EXPIRED: &str = "expired";
    /// Tokens of which the server was asked what it thinks.
    pub(crate) const ASKED: &str = "asked";
    /// Tokens that the server refused within the time that they were said to
    /// live.
    pub(crate) const REFUSED: &str = "refused";
    /// Responses that the session is over.
    pub(crate) const LOGGED_OUT: &str = "logged_out";
    /// Responses that there is no token now.
    pub(crate) const LATER: &str = "later";

    pub(crate) fn parse(printed: &[u8]) -> Self {
        Self(serde_json::from_slice(printed).expect("JSON"))
    }

    pub(crate) fn of(&self, name: &str) -> u64 {
        self.0[name].as_u64().expect("a number")
    }

    /// Whether the session lived when it was first reported as over.
    pub(crate) fn session_lived(&self) -> Option<bool> {
        self.0["session_lived"].as_bool()
    }
}

/// The worker as a process, of which `mode` says what it does: `worker`, with its
/// [`orders`], or `once`, a single token.
pub(crate) fn command(mode: &str, world: &str, url: &str, store: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    without_proxies(&mut command).args([mode, world, url]).arg(store);
    command
}

/// What a worker is told after the store: how long, and where to ask the server.
pub(crate) fn orders(provider: &Provider, session: &Session, seconds: u64) -> Vec<String> {
    let numbers = [seconds, provider.port().into(), provider.control().into()];
    numbers.map(|number| number.to_string()).into_iter().chain([session.family.clone()]).collect()
}

/// The record of a session whose access token nobody takes.
pub(crate) fn first_record(store: &Path, session: &Session) {
    assert!(session.client == ClientKind::Public, "the one that workers know");
    let mut tokens = TokenSet::new(AccessToken::new("expired"));
    tokens.refresh_token = Some(RefreshToken::new(&session.refresh_token));
    tokens.expires_at = Some(SystemTime::UNIX_EPOCH);
    let store = FileStore::open(store).expect("a store");
    store.save_blocking(&ACCOUNT.into(), &Record::new(tokens), None).expect("a first record");
}

/// In the process that [`command`] starts.
pub(crate) fn run(mode: &str, arguments: &[String]) {
    match (mode, arguments) {
        ("once", [world, url, store]) => {
            let _ = account(world, url, Path::new(store))();
        }
        ("worker", [world, url, store, seconds, port, control, family]) => {
            let token = account(world, url, Path::new(store));
            let port = port.parse().expect("a port");
            let control = control.parse().expect("a port");
            let time = Duration::from_secs(seconds.parse().expect("a number"));
            println!("{}", work(&*token, time, port, &|| lives(control, family)));
        }
        _ => panic!("usage: once|worker async|blocking TOKEN_URL STORE [ORDERS]"),
    }
}

type NextToken = dyn Fn() -> Result<Token, AccountError>;

fn work(token: &NextToken, time: Duration, port: u16, lives: &dyn Fn() -> bool) -> Value {
    let started = Instant::now();
    let (mut handed_out, mut expired, mut asked, mut refused) = (0, 0, 0, 0);
    let (mut logged_out, mut later) = (0, 0);
    let mut session_lived = None;
    let mut last_asked: Option<(Instant, AccessToken)> = None;
    while started.elapsed() < time {
        let called = SystemTime::now();
        match token() {
            Ok(token) => {
                let access_token = token.access_token();
                let ends = token.expires_at().expect("the server says when");
                handed_out += 1;
                expired += u64::from(ends <= called);
                // Each token when it is new, and again and again.
                let is_due = last_asked
                    .as_ref()
                    .is_none_or(|(at, last)| at.elapsed() >= ASKED_EVERY || last != access_token);
                if is_due {
                    last_asked = Some((Instant::now(), access_token.clone()));
                    asked += 1;
                    let taken = accepts(port, access_token.expose());
                    // Its time may have run out while the server was asked.
                    refused += u64::from(!taken && SystemTime::now() < ends);
                }
            }
            Err(error) if error.kind() == Some(FailureKind::Rejected) => {
                // The first time only: it will say so again until a new login.
                session_lived.get_or_insert_with(lives);
                if logged_out == 0 {
                    eprintln!("\n{error}");
                }
                logged_out += 1;
            }
            Err(_) => later += 1,
        }
        std::thread::sleep(PAUSE);
    }
    json!({
        Counted::HANDED_OUT: handed_out,
        Counted::EXPIRED: expired,
        Counted::ASKED: asked,
        Counted::REFUSED: refused,
        Counted::LOGGED_OUT: logged_out,
        Counted::LATER: later,
        "session_lived": session_lived,
    })
}

/// The shared account, as a process opens it.
pub(crate) fn account(world: &str, url: &str, store: &Path) -> Box<NextToken> {
    let endpoint = TokenEndpoint::new(url, ClientKind::Public.id()).expect("an endpoint");
    let store = FileStore::open(store).expect("a store");
    let network = Network::timeout(Duration::from_secs(5));
    // A token of two seconds, refreshed half a second before its end.
    let settings: Settings = short_setbacks().min_ttl(Duration::from_millis(500));
    match world {
        "async" => {
            let account = Accounts::new(endpoint, network.reqwest(), store, TokioClock)
                .policy(network.policy)
                .settings(settings)
                .account(ACCOUNT);
            Box::new(move || RUNTIME.block_on(account.token()))
        }
        "blocking" => {
            let account = BlockingAccounts::new(endpoint, network.ureq(), store, SystemClock)
                .policy(network.policy)
                .settings(settings)
                .account(ACCOUNT);
            Box::new(move || account.token())
        }
        _ => panic!("no such world: {world}"),
    }
}
