//! Three processes share one login; one of them is killed.
//!
//! ```sh
//! cargo run --example accounts
//! ```
//!
//! It starts a server whose access tokens live for two seconds and whose refresh
//! tokens can be used once: a second use would log everybody out. Then it starts
//! itself three times, as processes that need a token all the time and share a
//! `FileStore`. The process that begins the third refresh is killed just before
//! its request is sent, while it holds the lease.

use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use auth_accounts::{
    BlockingAccounts,
    store::{BlockingTokenStore, Record},
};
use auth_core::{Advice, BlockingTransport, Request, Response, TokenEndpoint, TransportError};
use auth_store::FileStore;
use auth_testkit::FakeAuthServer;
use auth_ureq::{SystemClock, UreqTransport};

const ACCOUNT: &str = "ada@example.com";
const RUN_FOR: Duration = Duration::from_secs(8);
const TOKENS_LIVE_FOR: Duration = Duration::from_secs(2);

/// The environment variables that name the store and the server to a child.
const DIRECTORY: &str = "AUTH_EXAMPLE_DIRECTORY";
const TOKEN_URL: &str = "AUTH_EXAMPLE_TOKEN_URL";

// What a child prints.
const ABOUT_TO_SEND: &str = "about to send";
const REFRESHED: &str = "refreshed the tokens";
const ADOPTED: &str = "took over what another had refreshed";
const LOGGED_OUT: &str = "was logged out";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    match (env::var_os(DIRECTORY), env::var(TOKEN_URL)) {
        (Some(directory), Ok(url)) => use_tokens(Path::new(&directory), &url),
        _ => watch(),
    }
}

/// The child: any program that needs a token from time to time. This is all the
/// code that it takes; the rest of this file is for the demonstration.
fn use_tokens(directory: &Path, url: &str) -> Result<ExitCode, Box<dyn Error>> {
    let i_refreshed = Arc::new(AtomicBool::new(false));
    let transport = Announcing { inner: UreqTransport::new()?, sent: Arc::clone(&i_refreshed) };
    let accounts = BlockingAccounts::new(
        TokenEndpoint::new(url, "my-client")?,
        transport,
        FileStore::open(directory)?,
        SystemClock,
    );
    let account = accounts.account(ACCOUNT);

    let mut last = None;
    loop {
        match account.token() {
            Ok(token) if last.as_ref() != Some(token.access_token()) => {
                let mine = i_refreshed.swap(false, Ordering::Relaxed);
                if last.is_some() || mine {
                    say(if mine { REFRESHED } else { ADOPTED })?;
                }
                last = Some(token.access_token().clone());
            }
            Ok(_) => {}
            Err(error) if error.advice() == Advice::LogIn => {
                say(LOGGED_OUT)?;
                return Err(error.into());
            }
            Err(error) => say(&error.to_string())?,
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Tells the parent before a request is sent, and waits until it may go on.
struct Announcing {
    inner: UreqTransport,
    sent: Arc<AtomicBool>,
}

impl BlockingTransport for Announcing {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        // If the parent is gone, this process ends in a moment.
        let _ = say(ABOUT_TO_SEND);
        let _ = io::stdin().read_line(&mut String::new());
        self.sent.store(true, Ordering::Relaxed);
        self.inner.send_blocking(request)
    }
}

fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// The parent: runs the server, and reports.
fn watch() -> Result<ExitCode, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let directory = scratch.path().join("tokens");
    let server = FakeAuthServer::builder().real_time().access_lifetime(TOKENS_LIVE_FOR).build();
    let listening = server.listen();
    FileStore::open(&directory)?.save_blocking(
        &ACCOUNT.into(),
        &Record::new(server.log_in(ACCOUNT)),
        None,
    )?;

    let (sender, lines) = mpsc::channel();
    let mut children = Vec::new();
    for number in 1..=3 {
        children.push(Process::start(number, &directory, listening.url(), sender.clone())?);
    }

    let started = Instant::now();
    let report = |process: usize, what: &str| {
        let at = started.elapsed().as_secs_f64();
        writeln!(io::stdout(), "{at:6.3} s  process {process} {what}")
    };
    let (mut refreshes_begun, mut logouts) = (0, 0);
    while let Some(left) = RUN_FOR.checked_sub(started.elapsed()) {
        let Ok((number, line)) = lines.recv_timeout(left) else { break };
        if line != ABOUT_TO_SEND {
            logouts += usize::from(line == LOGGED_OUT);
            report(number, &line)?;
            continue;
        }
        refreshes_begun += 1;
        if refreshes_begun == 3 {
            children[number - 1].kill()?;
            report(number, "was killed, about to refresh and holding the lease")?;
        } else {
            children[number - 1].let_go_on()?;
        }
    }
    drop(children);

    let seen = server.report();
    let replays = seen.replays.len();
    writeln!(io::stdout(), "\nexchanges: {}, replays: {replays}, logouts: {logouts}", seen.issued)?;
    Ok(if replays == 0 && logouts == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A child, as the parent sees it. Killed on drop.
struct Process(Child);

impl Process {
    fn start(
        number: usize,
        directory: &Path,
        url: &str,
        lines: Sender<(usize, String)>,
    ) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .env(DIRECTORY, directory)
            .env(TOKEN_URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if lines.send((number, line)).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self(child))
    }

    fn let_go_on(&mut self) -> io::Result<()> {
        match &mut self.0.stdin {
            Some(stdin) => stdin.write_all(b"\n"),
            None => Ok(()),
        }
    }

    /// With SIGKILL, which the child cannot handle.
    fn kill(&mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
