//! The README's command-line tool. The tests run it.
#![allow(clippy::print_stdout)]

use std::{env, error::Error};

use auth_store::{
    FileStore,
    auth_accounts::{BlockingAccounts, auth_core::TokenEndpoint},
};
use auth_ureq::{SystemClock, UreqTransport};

fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = TokenEndpoint::new(&env::var("TOKEN_URL")?, "my-client")?;
    let store = FileStore::open(env::var("ACCOUNTS")?)?;
    let accounts = BlockingAccounts::new(endpoint, UreqTransport::new()?, store, SystemClock);

    let token = accounts.account("me").token()?;
    let request = ureq::get(env::var("API_URL")?);
    let mut response = request.header("authorization", token.authorization()?).call()?;
    println!("{}", response.body_mut().read_to_string()?);
    Ok(())
}
