//! The README's server. The tests run it.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{env, error::Error, pin::pin, time::Duration};

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = TokenEndpoint::new(&env::var("TOKEN_URL")?, "my-client")?;
    let store = FileStore::open(env::var("ACCOUNTS")?)?;
    let accounts = Accounts::new(endpoint, ReqwestTransport::new()?, store, TokioClock);
    let api = reqwest::Client::builder().redirect(redirects()).build()?;

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
                let served = serve(client, accounts.clone(), api.clone());
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
    api: reqwest::Client,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut customer = String::new();
    BufReader::new(&mut client).read_line(&mut customer).await?;
    let answer = call(&api, &accounts.account(customer.trim())).await?;
    client.write_all(answer.as_bytes()).await?;
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
