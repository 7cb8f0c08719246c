//! A gRPC client that goes on when its token has expired, and when the server has revoked
//! it. The servers are part of the demonstration.
//!
//! ```sh
//! cargo run -p auth-tower --features tonic --example grpc_client
//! ```

#[path = "../tests/support/notes.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests need more of it")]
mod notes;

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    time::SystemTime,
};

use auth_reqwest::{ReqwestTransport, TokioClock};
use auth_testkit::FakeAuthServer;
use auth_tower::{
    auth_accounts::{Account, Accounts, MemoryStore, auth_core::TokenEndpoint},
    grpc::{GrpcLayer, GrpcService, call},
    tonic::{
        Request, Status,
        transport::{Channel, Endpoint},
    },
};
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use notes::{Notes, NotesClient, Place};
use tokio::net::TcpListener;
use tower::Layer;

/// The client: what tonic generated, above a channel whose requests carry a token.
type Client = NotesClient<GrpcService<Channel>>;

async fn connect(url: String, account: Account) -> Result<Client, Box<dyn Error>> {
    let endpoint = Endpoint::from_shared(url)?;
    let layer = GrpcLayer::for_channel(account, endpoint.uri())?;
    Ok(NotesClient::new(layer.layer(endpoint.connect().await?)))
}

/// A call that is made once more if the server does not take the token.
async fn note(client: &Client, number: u32) -> Result<String, Status> {
    let response = call(Request::new(number.to_string()), |request| {
        let mut client = client.clone();
        async move { client.get(request).await }
    });
    Ok(response.await?.into_inner())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = FakeAuthServer::builder().real_time().build();
    let listening = server.listen();
    let api = server.api();
    let address = listen(Notes { api: api.clone(), place: Place::Trailers }).await?;

    let endpoint = TokenEndpoint::new(listening.url(), "my-client")?;
    let accounts =
        Accounts::new(endpoint, ReqwestTransport::new()?, MemoryStore::new(), TokioClock);
    let ada = accounts.account("ada");
    let mut login = server.log_in("ada");
    login.expires_at = Some(SystemTime::now());
    ada.store_login(login).await?;

    let mut out = io::stdout();
    let client = connect(format!("http://{address}"), ada.clone()).await?;
    writeln!(out, "with a token that has expired: {}", note(&client, 1).await?)?;

    server.revoke_access(ada.token().await?.access_token());
    writeln!(out, "with a token that was revoked: {}", note(&client, 2).await?)?;

    let report = server.report();
    let (exchanges, replays) = (report.issued, report.replays.len());
    let refused = api.report().refused;
    writeln!(out, "exchanges: {exchanges}, replays: {replays}, refused calls: {refused}")?;
    Ok(())
}

/// The notes, on loopback.
async fn listen(notes: Notes) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let notes = notes.clone();
            let service = service_fn(move |request| {
                let notes = notes.clone();
                async move { Ok::<_, std::convert::Infallible>(notes.respond(request).await) }
            });
            let connection = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
