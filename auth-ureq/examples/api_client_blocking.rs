//! A client of an API that lives on when its access token has expired, or was revoked
//! before its time, and says what to do when its session has ended.
//!
//! ```sh
//! cargo run -p auth-ureq --features middleware --example api_client_blocking
//! ```
//!
//! It starts an authorization server and an API of its own. With `--log-out` the server
//! ends the session before the last call, as for a user who logs out everywhere; the
//! program exits with 3 then: log in again.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    env,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use auth_testkit::FakeAuthServer;
use auth_ureq::{
    SystemClock, UreqTransport,
    auth_accounts::{
        AccountError, BlockingAccount, BlockingAccounts, MemoryStore, calls::CallError,
    },
    http::Request,
    send_with,
    ureq::{self, Agent},
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(CallError::NoToken(error)) => {
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

type Failed = CallError<AccountError, ureq::Error>;

/// A call of the API. This is all that a program needs.
fn me(agent: &Agent, account: &BlockingAccount, url: &str) -> Result<String, Failed> {
    let request = Request::get(url).body(()).map_err(|error| Failed::Client(error.into()))?;
    let mut response = send_with(agent, account, request)?;
    response.body_mut().read_to_string().map_err(Failed::Client)
}

fn run() -> Result<(), Failed> {
    let logs_out = env::args().any(|argument| argument == "--log-out");
    let server = FakeAuthServer::builder().real_time().build();
    let (auth, api) = (server.listen(), server.api().listen());

    // Once for the whole program. Its own servers need neither a proxy nor a certificate.
    let transport = UreqTransport::builder().no_proxy().without_system_roots().build();
    let transport = transport.map_err(|error| Failed::Client(ureq::Error::Other(error.into())))?;
    // A program that is to find its tokens again takes the `FileStore` of auth-store.
    let store = MemoryStore::new();
    let accounts = BlockingAccounts::new(auth.endpoint(), transport, store, SystemClock);
    let agent: Agent = Agent::config_builder().proxy(None).build().into();

    // What the server gave when the user logged in, long ago.
    let account = accounts.account("ada");
    let mut tokens = server.log_in("ada");
    tokens.expires_at = Some(SystemTime::now() - Duration::from_secs(60));
    account.store_login(tokens).map_err(Failed::NoToken)?;

    let call = |what: &str| {
        let body = me(&agent, &account, api.url())?;
        println!("{what}: {body}; refreshes so far: {}", server.report().issued);
        Ok::<_, Failed>(())
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
