//! A web service that acts for a thousand customers: each of its requests names one, and
//! calls the API with the token of that customer.
//!
//! ```sh
//! cargo run -p auth-tower --features reqwest --example many_customers
//! ```
//!
//! The servers and the clients are part of the demonstration. All tokens have expired when
//! it begins, and each customer has three clients at the same time. Then the server revokes
//! the tokens of a hundred customers.

use std::{
    collections::HashMap,
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use auth_reqwest::{ReqwestTransport, TokioClock, reqwest};
use auth_testkit::{FakeAuthServer, ListeningApi};
use auth_tower::{
    CallLayer, CallService, ReqwestService, SendAgain,
    auth_accounts::{
        Account, Accounts, MemoryStore,
        auth_core::TokenEndpoint,
        calls::{CallError, Calls},
    },
    http::{Request, StatusCode},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::{net::TcpListener, task::JoinSet};
use tower::{Layer, ServiceExt};

/// What the handlers share.
#[derive(Clone)]
struct Service {
    accounts: Accounts,
    /// The accounts of the customers who were here, each with its token in memory. One that
    /// nobody holds is forgotten, and the next request reads the store.
    kept: Arc<Mutex<HashMap<String, Account>>>,
    /// One for all customers: each request names its account.
    client: CallService<ReqwestService, Account, SendAgain>,
    api: String,
}

impl Service {
    fn new(accounts: Accounts, api: &str) -> Result<Self, Box<dyn Error>> {
        let client = ReqwestService::new(reqwest::Client::builder())?;
        let client = CallLayer::new(Calls::per_request([api])?).send_again().layer(client);
        Ok(Self { accounts, kept: Arc::default(), client, api: api.to_owned() })
    }

    /// Not for whoever gives a name that nobody has.
    fn keep(&self, customer: String, account: Account) {
        if account.current().is_some() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(customer, account);
        }
    }
}

/// What the API says of a customer.
async fn profile(
    State(service): State<Service>,
    Path(customer): Path<String>,
) -> Result<Bytes, (StatusCode, String)> {
    let mut request = Request::get(&service.api).body(Bytes::new()).map_err(at_fault)?;
    let account = service.accounts.account(customer.as_str());
    request.extensions_mut().insert(account.clone());
    let response = service.client.clone().oneshot(request).await;
    service.keep(customer, account);
    let response = match response {
        Ok(response) => response,
        // It says whether the customer has to log in, or the client to come again.
        Err(CallError::NoToken(error)) => return Err((error.http_status(), error.to_string())),
        Err(error) => return Err(at_fault(error)),
    };
    let status = response.status();
    let body = response.into_body().collect().await.map_err(at_fault)?.to_bytes();
    match status {
        StatusCode::OK => Ok(body),
        _ => Err((StatusCode::BAD_GATEWAY, format!("the API responded with {status}"))),
    }
}

fn at_fault(error: impl Error) -> (StatusCode, String) {
    (StatusCode::BAD_GATEWAY, error.to_string())
}

// From here on it is about the demonstration.

const CUSTOMERS: usize = 1000;
const REVOKED: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = FakeAuthServer::builder().real_time().build();
    let (tokens, api) = (server.listen(), server.api());
    let notes: ListeningApi = api.listen();
    let endpoint = TokenEndpoint::new(tokens.url(), "my-client")?;
    let accounts =
        Accounts::new(endpoint, ReqwestTransport::new()?, MemoryStore::new(), TokioClock);
    for customer in 0..CUSTOMERS {
        let mut login = server.log_in(name(customer));
        login.expires_at = Some(SystemTime::now());
        accounts.account(name(customer)).store_login(login).await?;
    }

    let service = Service::new(accounts.clone(), notes.url())?;
    let router = Router::new().route("/profiles/{customer}", get(profile)).with_state(service);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async { axum::serve(listener, router).await });

    let first = clients(address, 3).await?;
    let refreshes = server.report().issued;
    for customer in 0..REVOKED {
        let token = accounts.account(name(customer)).token().await?;
        server.revoke_access(token.access_token());
    }
    let second = clients(address, 1).await?;
    serving.abort();

    let report = server.report();
    let mut out = io::stdout();
    writeln!(out, "responses: {}", first + second)?;
    writeln!(out, "refreshes when all had expired: {refreshes}")?;
    writeln!(out, "refreshes when some were revoked: {}", report.issued - refreshes)?;
    writeln!(out, "calls of the API: {}", api.report().calls)?;
    writeln!(out, "replays: {}", report.replays.len())?;
    Ok(())
}

fn name(customer: usize) -> String {
    format!("customer-{customer:04}")
}

/// So many clients for each customer, a few customers at a time. Returns how many had
/// the response that is theirs.
async fn clients(address: SocketAddr, each: usize) -> Result<usize, Box<dyn Error>> {
    let client = reqwest::Client::new();
    let (mut tasks, mut served) = (JoinSet::new(), 0);
    for customer in 0..CUSTOMERS {
        for _ in 0..each {
            let url = format!("http://{address}/profiles/{}", name(customer));
            let request = client.get(url);
            tasks.spawn(async move {
                let text = request.send().await?.error_for_status()?.text().await?;
                Ok::<_, reqwest::Error>(text.contains(&name(customer)))
            });
        }
        while tasks.len() > 60 {
            served += usize::from(joined(tasks.join_next().await)?);
        }
    }
    while !tasks.is_empty() {
        served += usize::from(joined(tasks.join_next().await)?);
    }
    Ok(served)
}

type Joined = Result<Result<bool, reqwest::Error>, tokio::task::JoinError>;

fn joined(task: Option<Joined>) -> Result<bool, Box<dyn Error>> {
    Ok(task.transpose()?.transpose()?.unwrap_or_default())
}
