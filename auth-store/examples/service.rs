//! A service with a thousand customers whose clients hang up at random, until it
//! is told to end.
//!
//! ```sh
//! cargo run -p auth-store --example service              # until SIGTERM or Ctrl-C
//! cargo run -p auth-store --example service -- --seconds 5 --accounts 200
//! ```
//!
//! The authorization server is part of the demonstration: its access tokens live
//! for two seconds, its responses take their time, and its refresh tokens can
//! be used once. A response that reaches nobody would log a customer out. The exit
//! code is not 0 if that happened, or if a spent token was sent again.

use std::{
    collections::HashMap,
    env,
    error::Error,
    io::{self, Write},
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth_accounts::{Account, AccountError, Accounts, Closed, store::TokenStore};
use auth_core::Advice;
use auth_reqwest::{ReqwestTransport, TokioClock};
use auth_store::FileStore;
use auth_testkit::{FakeAuthServer, Fault, ListeningAuthServer};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// More than the transport's timeout of 10 s, and less than the time that most
/// service managers leave between SIGTERM and SIGKILL.
const TIME_TO_END: Duration = Duration::from_secs(15);

/// The service, as one would write it. Its clients are served until it is told
/// to end; then what it has begun is finished.
async fn serve(
    service: Arc<Service>,
    told_to_end: impl Future<Output = io::Result<()>>,
) -> io::Result<Closed> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(Arc::clone(&service).client());
    }
    told_to_end.await?;
    // Nothing begins from now on, and clients get what is there. They need not
    // have been sent away: a web server may still serve its last requests.
    let closed = service.accounts.close(TIME_TO_END).await;
    clients.shutdown().await;
    Ok(closed)
}

/// Resolves at SIGTERM, or at Ctrl-C. It has to be called before there is anything
/// to finish.
fn signals() -> io::Result<impl Future<Output = io::Result<()>>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            told = tokio::signal::ctrl_c() => told,
            _ = terminate.recv() => Ok(()),
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    })
}

struct Service {
    accounts: Accounts,
    /// The accounts of the customers who were here, each with its token in memory. One that
    /// nobody holds is forgotten, and the next request reads the store.
    kept: Mutex<HashMap<String, Account>>,
    customers: usize,
    seen: Seen,
}

/// What the clients saw.
#[derive(Default)]
struct Seen {
    served: AtomicUsize,
    hung_up: AtomicUsize,
    turned_away: AtomicUsize,
    logouts: AtomicUsize,
}

impl Service {
    /// What a request of a client needs: the account is asked for by its name, and
    /// kept for the next one. Nobody cares whether the client is still there.
    async fn token_of(&self, customer: &str) -> Result<String, AccountError> {
        let account = self.accounts.account(customer);
        let token = account.token().await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(customer.to_owned(), account);
        Ok(token.access_token().expose().to_owned())
    }

    /// A client that asks all the time, and never waits for long.
    async fn client(self: Arc<Self>) {
        loop {
            let customer = name(fastrand::usize(..self.customers));
            let patience = Duration::from_millis(fastrand::u64(..100));
            let count = match timeout(patience, self.token_of(&customer)).await {
                Err(_) => &self.seen.hung_up,
                Ok(Ok(_)) => &self.seen.served,
                Ok(Err(error)) if error.advice() == Advice::LogIn => {
                    let _ = writeln!(io::stderr(), "{error}");
                    &self.seen.logouts
                }
                // The service is ending.
                Ok(Err(_)) => &self.seen.turned_away,
            };
            count.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(fastrand::u64(1..20))).await;
        }
    }
}

fn name(number: usize) -> String {
    format!("customer-{number}")
}

// From here on it is about the demonstration.

const CLIENTS: usize = 100;
const TOKENS_LIVE_FOR: Duration = Duration::from_secs(2);
const SLOW: Fault = Fault::Delay(Duration::from_millis(150));

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(Arguments { seconds, customers }) = Arguments::parse(env::args().skip(1)) else {
        writeln!(io::stderr(), "usage: service [--seconds NUMBER] [--accounts NUMBER]")?;
        return Ok(ExitCode::from(2));
    };
    let signals = signals()?;
    let world = World::start(customers).await?;
    writeln!(io::stdout(), "{customers} customers; SIGTERM or Ctrl-C ends it")?;
    let told_to_end = async {
        match seconds {
            Some(seconds) => tokio::select! {
                told = signals => told,
                () = sleep(Duration::from_secs(seconds)) => Ok(()),
            },
            None => signals.await,
        }
    };
    let closed = serve(Arc::clone(&world.service), told_to_end).await?;
    world.report(&closed).await
}

struct Arguments {
    seconds: Option<u64>,
    customers: usize,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Option<Self> {
        let mut arguments = Self { seconds: None, customers: 1000 };
        while let Some(name) = given.next() {
            let value = given.next()?;
            match name.as_str() {
                "--seconds" => arguments.seconds = Some(value.parse().ok()?),
                "--accounts" => {
                    arguments.customers = value.parse().ok().filter(|count| *count > 0)?;
                }
                _ => return None,
            }
        }
        Some(arguments)
    }
}

/// The service, the server that it depends on, and where it keeps its tokens.
struct World {
    service: Arc<Service>,
    listening: ListeningAuthServer,
    store: FileStore,
    _scratch: tempfile::TempDir,
}

impl World {
    async fn start(customers: usize) -> Result<Self, Box<dyn Error>> {
        let server = FakeAuthServer::builder()
            .real_time()
            .access_lifetime(TOKENS_LIVE_FOR)
            .at_random(SLOW, 30)
            .build();
        let listening = server.listen();
        let scratch = tempfile::tempdir()?;
        let store = FileStore::open(scratch.path().join("tokens"))?;
        let (endpoint, transport) = (listening.endpoint(), ReqwestTransport::new()?);
        let accounts = Accounts::new(endpoint, transport, store.clone(), TokioClock);
        for number in 0..customers {
            let customer = name(number);
            let mut tokens = server.log_in(customer.as_str());
            // They logged in a while ago.
            tokens.expires_at = Some(std::time::SystemTime::now());
            accounts.account(customer).store_login(tokens).await?;
        }
        let service = Arc::new(Service {
            accounts,
            kept: Mutex::default(),
            customers,
            seen: Seen::default(),
        });
        Ok(Self { service, listening, store, _scratch: scratch })
    }

    async fn report(&self, closed: &Closed) -> Result<ExitCode, Box<dyn Error>> {
        let mut lost = 0;
        for number in 0..self.service.customers {
            let found = self.store.load(&name(number).into()).await?;
            let token = found.and_then(|(record, _)| record.tokens.refresh_token);
            lost +=
                usize::from(!token.is_some_and(|token| self.listening.server().is_live(&token)));
        }
        let report = self.listening.server().report();
        let Seen { served, hung_up, turned_away, logouts } = &self.service.seen;
        let [served, hung_up, turned_away, logouts] =
            [served, hung_up, turned_away, logouts].map(|count| count.load(Ordering::Relaxed));
        let (exchanges, replays) = (report.issued, report.replays.len());
        let mut out = io::stdout().lock();
        writeln!(out, "served: {served}, hung up: {hung_up}, turned away: {turned_away}")?;
        writeln!(out, "dead tokens on record: {lost}")?;
        writeln!(out, "closed: {closed}")?;
        writeln!(out, "exchanges: {exchanges}, replays: {replays}, logouts: {logouts}")?;
        let good = closed.is_complete() && (lost, replays, logouts) == (0, 0, 0);
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use auth_accounts::store::Record;

    use super::*;

    /// A response that takes long is waited for, and is on record at the end.
    #[tokio::test]
    async fn sigterm_in_the_middle_of_an_exchange_loses_nothing() {
        let signals = signals().unwrap();
        let world = World::start(1).await.unwrap();
        let server = world.listening.server().clone();
        server.fail_next([Fault::Delay(Duration::from_secs(2))]);
        let terminate = async {
            while server.report().requests == 0 {
                tokio::task::yield_now().await;
            }
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::TERM).unwrap();
        };
        let (closed, ()) = tokio::join!(serve(Arc::clone(&world.service), signals), terminate);
        let closed = closed.unwrap();
        assert!(closed.is_complete(), "{closed}");
        let (record, _): (Record, _) = world.store.load(&name(0).into()).await.unwrap().unwrap();
        assert!(record.note.is_none());
        assert!(server.is_live(&record.tokens.refresh_token.unwrap()));
        let report = server.report();
        assert_eq!((report.issued, report.lost_responses), (1, 0));
        server.assert_never_replayed();
    }
}
