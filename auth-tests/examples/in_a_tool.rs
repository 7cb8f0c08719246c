//! The README's command-line tool. The tests run it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{env, error::Error, process, time::Duration};

use auth_store::{
    FileStore,
    auth_accounts::{BlockingAccounts, auth_core::TokenEndpoint},
};
use auth_ureq::{SystemClock, UreqTransport};

fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = TokenEndpoint::new(&env::var("TOKEN_URL")?, "my-client")?;
    let store = FileStore::open(env::var("ACCOUNTS")?)?;
    let accounts = BlockingAccounts::new(endpoint, UreqTransport::new()?, store, SystemClock);

    // Ctrl-C in the middle of a refresh waits for it: the server may have spent
    // the refresh token already.
    let ending = accounts.clone();
    ctrlc::set_handler(move || {
        eprintln!("{}", ending.close(Duration::from_secs(15)));
        process::exit(130);
    })?;

    let token = accounts.account("me").token()?;
    let request = ureq::get(env::var("API_URL")?);
    let mut response = request.header("authorization", token.authorization()?).call()?;
    println!("{}", response.body_mut().read_to_string()?);
    Ok(())
}
