//! A command-line tool that is interrupted in the middle of a refresh.
//!
//! ```sh
//! cargo run -p auth-store --example cli
//! ```
//!
//! The demonstration starts a server whose refresh tokens can be used once, and
//! itself as the tool. It presses Ctrl-C (on Unix) when the server has spent the
//! tool's refresh token and has not answered yet. Then it runs the tool again.

use std::{
    env,
    error::Error,
    io::{self, Write},
    path::Path,
    process::{self, Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use auth_accounts::{
    BlockingAccounts,
    store::{BlockingTokenStore, Record},
};
use auth_core::TokenEndpoint;
use auth_store::FileStore;
use auth_testkit::{FakeAuthServer, Fault};
use auth_ureq::{SystemClock, UreqTransport};

const ACCOUNT: &str = "ada@example.com";

/// The environment variables that name the store and the server to the tool.
const DIRECTORY: &str = "AUTH_EXAMPLE_DIRECTORY";
const TOKEN_URL: &str = "AUTH_EXAMPLE_TOKEN_URL";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    match (env::var_os(DIRECTORY), env::var(TOKEN_URL)) {
        (Some(directory), Ok(url)) => print_token(Path::new(&directory), &url),
        _ => demonstrate(),
    }
}

/// The tool: prints an access token.
fn print_token(directory: &Path, url: &str) -> Result<ExitCode, Box<dyn Error>> {
    let accounts = BlockingAccounts::new(
        TokenEndpoint::new(url, "my-client")?,
        UreqTransport::new()?,
        FileStore::open(directory)?,
        SystemClock,
    );
    finish_at_ctrl_c(&accounts)?;
    match accounts.account(ACCOUNT).token() {
        Ok(token) => writeln!(io::stdout(), "{}", token.access_token().expose())?,
        Err(error) => {
            writeln!(io::stderr(), "{error}")?;
            return Ok(ExitCode::from(error.exit_code()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// At Ctrl-C (and SIGTERM) a refresh that has begun is finished before the
/// program ends. Otherwise its response, with the only refresh token that is still
/// good, would reach nobody. If `main` ends first, having got its token, so be it.
fn finish_at_ctrl_c(accounts: &BlockingAccounts) -> Result<(), ctrlc::Error> {
    let accounts = accounts.clone();
    // It runs on a thread of its own.
    ctrlc::set_handler(move || {
        let closed = accounts.close(Duration::from_secs(15));
        if !closed.is_complete() {
            let _ = writeln!(io::stderr(), "{closed}");
        }
        // 128 and the number of SIGINT, as shells have it.
        process::exit(130);
    })
}

// From here on it is about the demonstration.

fn demonstrate() -> Result<ExitCode, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let server = FakeAuthServer::builder().real_time().build();
    let listening = server.listen();
    let mut tokens = server.log_in(ACCOUNT);
    tokens.expires_at = Some(std::time::SystemTime::now());
    let store = FileStore::open(scratch.path().join("tokens"))?;
    store.save_blocking(&ACCOUNT.into(), &Record::new(tokens), None)?;
    server.fail_next([Fault::Delay(Duration::from_secs(1))]);

    let tool = || {
        Command::new(env::current_exe()?)
            .env(DIRECTORY, scratch.path().join("tokens"))
            .env(TOKEN_URL, listening.url())
            .stdout(Stdio::null())
            .spawn()
    };
    let mut interrupted = tool()?;
    while server.report().requests == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    press_ctrl_c(&interrupted)?;
    let mut out = io::stdout().lock();
    writeln!(out, "interrupted: {}", interrupted.wait()?)?;
    let again = tool()?.wait()?;
    writeln!(out, "again: {again}")?;

    let report = server.report();
    let logouts = usize::from(!again.success());
    let (exchanges, replays) = (report.issued, report.replays.len());
    writeln!(out, "exchanges: {exchanges}, replays: {replays}, logouts: {logouts}")?;
    Ok(if (replays, logouts) == (0, 0) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(unix)]
fn press_ctrl_c(tool: &Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    Ok(kill_process(Pid::from_child(tool), Signal::INT)?)
}

/// There is no way to do it for one process only: press it yourself.
#[cfg(not(unix))]
fn press_ctrl_c(_: &Child) -> io::Result<()> {
    Ok(())
}
