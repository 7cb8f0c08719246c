//! A client of an API that lives on when its access token has expired, or was revoked
//! before its time, and says what to do when its session has ended.
//!
//! ```sh
//! cargo run -p auth-reqwest --features send --example api_client_async
//! ```
//!
//! It starts an authorization server and an API of its own. With `--log-out` the server
//! ends the session before the last call, as for a user who logs out everywhere; the
//! program exits with 3 then: log in again. `api_client_blocking` is the same over ureq.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    env,
    error::Error,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use auth_reqwest::{
    ReqwestTransport, TokioClock,
    auth_accounts::{Account, AccountError, Accounts, MemoryStore},
    redirects, reqwest, send,
};
use auth_testkit::FakeAuthServer;

const USAGE: &str = "\
usage: api_client_async [--log-out]

  --log-out   the server ends the session before the last call
  --help      print this

Exit status: 0 all calls were served, 2 bad usage, 3 log in again, 4 try later, 5 the set-up must change.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
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
    let Err(error) = run(logs_out).await else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    // 3 log in, 4 try later, 5 the set-up must change.
    AccountError::find(&*error).map_or(1, AccountError::exit_code).into()
}

/// A call of the API. This is all that a program needs.
async fn me(
    client: &reqwest::Client,
    account: &Account,
    url: &str,
) -> Result<String, Box<dyn Error>> {
    let response = send(client, account, client.get(url)).await?;
    Ok(response.error_for_status()?.text().await?)
}

async fn run(logs_out: bool) -> Result<(), Box<dyn Error>> {
    let server = FakeAuthServer::builder().real_time().build();
    let (auth, api) = (server.listen(), server.api().listen());

    // Once for the whole program. Its own servers need neither a proxy nor a certificate.
    let transport = ReqwestTransport::builder().no_proxy().without_system_roots().build()?;
    // A program that is to find its tokens again takes the `FileStore` of auth-store.
    let store = MemoryStore::new();
    let accounts = Accounts::new(auth.endpoint(), transport, store, TokioClock);
    let client = reqwest::Client::builder().redirect(redirects()).no_proxy().build()?;

    // What the server gave when the user logged in, long ago.
    let account = accounts.account("ada");
    let mut tokens = server.log_in("ada");
    tokens.expires_at = Some(SystemTime::now() - Duration::from_secs(60));
    account.store_login(tokens).await?;

    let call = async |what: &str| {
        let body = me(&client, &account, api.url()).await?;
        println!("{what}: {body}; refreshes so far: {}", server.report().issued);
        Ok::<_, Box<dyn Error>>(())
    };
    call("with a token that has expired").await?;
    call("with the new one").await?;

    let revoke = || account.current().map(|token| server.revoke_access(token.access_token()));
    revoke();
    call("with one that was revoked").await?;

    if logs_out {
        server.revoke("ada");
        revoke();
        call("without a session").await?;
    }
    Ok(())
}
