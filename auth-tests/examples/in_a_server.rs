//! The README's server. The tests run it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{
    collections::HashMap,
    env,
    error::Error,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_reqwest::{ReqwestTransport, TokioClock, redirects, reqwest};
use auth_store::{
    FileStore,
    auth_accounts::{
        Account, Accounts,
        auth_core::{Advice, TokenEndpoint},
        calls::CallError,
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    signal, time,
};

/// The accounts of the customers who were here, each with its token in memory.
type Kept = Arc<Mutex<HashMap<String, Account>>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = TokenEndpoint::new(&env::var("TOKEN_URL")?, "my-client")?;
    let store = FileStore::open(env::var("ACCOUNTS")?)?;
    let accounts = Accounts::new(endpoint, ReqwestTransport::new()?, store, TokioClock);
    let api = reqwest::Client::builder().redirect(redirects()).build()?;
    let kept = Kept::default();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let mut end = pin!(signal::ctrl_c()); // or SIGTERM
    loop {
        let client = tokio::select! {
            client = listener.accept() => client,
            _ = &mut end => break,
        };
        match client {
            Ok((client, _)) => {
                let served = serve(client, accounts.clone(), kept.clone(), api.clone());
                tokio::spawn(async {
                    if let Err(error) = served.await {
                        eprintln!("{error}");
                    }
                });
            }
            // No more files can be opened, for example, or the client is gone.
            Err(error) => {
                eprintln!("{error}");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    // Refreshes that are under way end, and their tokens are saved.
    let closed = accounts.close(Duration::from_secs(15)).await;
    println!("{closed}");
    if closed.is_complete() { Ok(()) } else { Err("not all is on record".into()) }
}

/// A client sends the name of a customer, and may hang up at any time.
async fn serve(
    mut client: TcpStream,
    accounts: Accounts,
    kept: Kept,
    api: reqwest::Client,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut line = String::new();
    BufReader::new(&mut client).read_line(&mut line).await?;
    let name = line.trim();
    let customer = accounts.account(name);
    let answer = call(&api, &customer).await;
    // Not for whoever gives a name that nobody has.
    if customer.current().is_some() {
        kept.lock().map_err(|_| "a thread panicked")?.insert(name.to_owned(), customer);
    }
    client.write_all(answer?.as_bytes()).await?;
    Ok(())
}

/// A call of the API for a customer.
async fn call(
    client: &reqwest::Client,
    customer: &Account,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    let request = client.get(env::var("API_URL")?);
    match auth_reqwest::send(client, customer, request).await {
        Ok(response) => Ok(response.text().await?),
        Err(CallError::NoToken(error)) if error.advice() == Advice::LogIn => {
            Ok("log in, please".into())
        }
        Err(error) => Err(error.into()),
    }
}
