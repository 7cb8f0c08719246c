//! A client of an API whose access token expires, is revoked, and is gone for good.
//!
//! ```sh
//! cargo run -p auth-reqwest --features send --example api_client_async
//! ```
//!
//! It starts a server and an API of its own. `Notes` is what a program would have. The
//! exit status is 3, log in again, for that is how the story ends.

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
    redirects, reqwest,
};
use auth_testkit::{FakeAuthServer, ListeningApi, ListeningAuthServer};

/// The API, for one user.
struct Notes {
    http: reqwest::Client,
    account: Account,
    url: String,
}

impl Notes {
    fn new(account: Account, url: &str) -> Result<Self, reqwest::Error> {
        // This program's own server needs no proxy.
        let http = reqwest::Client::builder().redirect(redirects()).no_proxy().build()?;
        Ok(Self { http, account, url: url.to_owned() })
    }

    async fn list(&self) -> Result<String, Box<dyn Error>> {
        let request = self.http.get(&self.url);
        let response = auth_reqwest::send(&self.http, &self.account, request).await?;
        Ok(response.error_for_status()?.text().await?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        eprintln!("usage: api_client_async\n\nIt takes no arguments.");
        return ExitCode::from(2);
    }
    let Err(error) = run().await else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    // 3 log in, 4 try later, 5 the set-up must change.
    AccountError::find(&*error).map_or(1, AccountError::exit_code).into()
}

async fn run() -> Result<(), Box<dyn Error>> {
    let fakes = Fakes::start();
    let transport = ReqwestTransport::builder().no_proxy().without_system_roots().build()?;
    let accounts = Accounts::new(fakes.auth.endpoint(), transport, MemoryStore::new(), TokioClock);
    let ada = accounts.account("ada");
    let mut tokens = fakes.auth.server().log_in("ada");
    tokens.expires_at = Some(SystemTime::now() - Duration::from_secs(1));
    ada.store_login(tokens).await?;
    let notes = Notes::new(ada.clone(), fakes.api.url())?;

    println!("The access token has expired:  {}", notes.list().await?);
    println!("  {}", fakes.story());

    let token = ada.token().await?;
    fakes.auth.server().revoke_access(token.access_token());
    println!("The access token is revoked:   {}", notes.list().await?);
    println!("  {}", fakes.story());

    fakes.auth.server().revoke("ada");
    println!("The session has ended:");
    let ended = notes.list().await;
    println!("  {}", fakes.story());
    ended.map(drop)
}

/// A server and an API on loopback.
struct Fakes {
    auth: ListeningAuthServer,
    api: ListeningApi,
}

impl Fakes {
    fn start() -> Self {
        let server = FakeAuthServer::builder().real_time().build();
        Self { auth: server.listen(), api: server.api().listen() }
    }

    /// What they have seen so far.
    fn story(&self) -> String {
        let (api, auth) = (self.api.api().report(), self.auth.server().report());
        format!(
            "calls so far: {} served, {} refused; refreshes: {} made, {} refused",
            api.served, api.refused, auth.issued, auth.rejected
        )
    }
}
