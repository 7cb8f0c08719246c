//! A client of an API that lives on when its access token has expired, or was revoked
//! before its time, and says what to do when its session has ended.
//!
//! ```sh
//! cargo run -p auth-ureq --features middleware --example api_client_blocking
//! ```
//!
//! It starts an authorization server and an API of its own. With `--log-out` the server
//! ends the session before the last call, as for a user who logs out everywhere; the
//! program exits with 3 then: log in again. `api_client_async` is the same over reqwest.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    env,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use auth_testkit::FakeAuthServer;
use auth_ureq::{
    SendError, SystemClock, UreqTransport,
    auth_accounts::{BlockingAccount, BlockingAccounts, MemoryStore},
    http::Request,
    send_with,
    ureq::{self, Agent},
};

const USAGE: &str = "\
usage: api_client_blocking [--log-out]

  --log-out   the server ends the session before the last call
  --help      print this

Exit status: 0 all calls were served, 2 bad usage, 3 log in again, 4 try later, 5 the set-up must change.";

fn main() -> ExitCode {
    let logs_out = match env::args().nth(1).as_deref() {
        None => false,
        Some("--log-out") => true,
        Some("--help") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(logs_out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(SendError::NoToken(error)) => {
            eprintln!("{error}");
            // 3 log in, 4 try later, 5 the set-up must change.
            ExitCode::from(error.exit_code())
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A call of the API. This is all that a program needs.
fn me(agent: &Agent, account: &BlockingAccount, url: &str) -> Result<String, SendError> {
    let request = Request::get(url).body(()).map_err(|error| SendError::Client(error.into()))?;
    let mut response = send_with(agent, account, request)?;
    response.body_mut().read_to_string().map_err(SendError::Client)
}

fn run(logs_out: bool) -> Result<(), SendError> {
    let server = FakeAuthServer::builder().real_time().build();
    let (auth, api) = (server.listen(), server.api().listen());

    // Once for the whole program. Its own servers need neither a proxy nor a certificate.
    let transport = UreqTransport::builder().no_proxy().without_system_roots().build();
    let transport =
        transport.map_err(|error| SendError::Client(ureq::Error::Other(error.into())))?;
    // A program that is to find its tokens again takes the `FileStore` of auth-store.
    let store = MemoryStore::new();
    let accounts = BlockingAccounts::new(auth.endpoint(), transport, store, SystemClock);
    let agent: Agent = Agent::config_builder().proxy(None).build().into();

    // What the server gave when the user logged in, long ago.
    let account = accounts.account("ada");
    let mut tokens = server.log_in("ada");
    tokens.expires_at = Some(SystemTime::now() - Duration::from_secs(60));
    account.store_login(tokens).map_err(SendError::NoToken)?;

    let call = |what: &str| {
        let body = me(&agent, &account, api.url())?;
        println!("{what}: {body}; refreshes so far: {}", server.report().issued);
        Ok::<_, SendError>(())
    };
    call("with a token that has expired")?;
    call("with the new one")?;

    let revoke = || account.current().map(|token| server.revoke_access(token.access_token()));
    revoke();
    call("with one that was revoked")?;

    if logs_out {
        server.revoke("ada");
        revoke();
        call("without a session")?;
    }
    Ok(())
}
