//! The README's command-line tool. The tests run it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    env,
    error::Error,
    process::{self, ExitCode},
    time::Duration,
};

use auth_store::{
    FileStore,
    auth_accounts::{
        AccountError, BlockingAccount, BlockingAccounts, auth_core::TokenEndpoint, calls::NotAgain,
    },
};
use auth_ureq::{SystemClock, UreqTransport, http::Request, send_with};
use ureq::Agent;

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    // 3 log in, 4 try later, 5 the set-up must change.
    let account = error.source().and_then(|source| source.downcast_ref());
    ExitCode::from(account.map_or(1, AccountError::exit_code))
}

fn run() -> Result<(), Box<dyn Error>> {
    let endpoint = TokenEndpoint::new(&env::var("TOKEN_URL")?, "my-client")?;
    let store = FileStore::open(env::var("ACCOUNTS")?)?;
    let accounts = BlockingAccounts::new(endpoint, UreqTransport::new()?, store, SystemClock);

    // Ctrl-C or SIGTERM in the middle of a refresh waits for it: the server may
    // have spent the refresh token already.
    let ending = accounts.clone();
    ctrlc::set_handler(move || {
        close(&ending);
        process::exit(130);
    })?;

    let result = call(&accounts.account("me"), &env::var("API_URL")?);
    close(&accounts);
    println!("{}", result?);
    Ok(())
}

/// Refreshes that are under way end, and their tokens are saved.
fn close(accounts: &BlockingAccounts) {
    let closed = accounts.close(Duration::from_secs(15));
    if !closed.is_complete() {
        eprintln!("{closed}");
    }
}

/// A call of the API. A token that it refuses is renewed, and the request sent again.
fn call(account: &BlockingAccount, url: &str) -> Result<String, Box<dyn Error>> {
    // ureq's error for a 401 or 403 would have no reason.
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = send_with(&agent, account, Request::get(url).body(())?)?;
    let status = response.status();
    match response.extensions().get::<NotAgain>() {
        Some(why) => Err(format!("the API responded with {status}: {why}").into()),
        None if !status.is_success() => Err(format!("the API responded with {status}").into()),
        None => Ok(response.body_mut().read_to_string()?),
    }
}
