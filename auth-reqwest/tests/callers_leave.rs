//! Accounts with this crate's defaults, and callers that leave while the server
//! takes its time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests, too")]

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use auth_accounts::{Account, Accounts, MemoryStore, store::Record};
use auth_core::{AccessToken, RefreshToken, TokenEndpoint, TokenSet};
use auth_reqwest::{ReqwestTransport, TokioClock};
use auth_testkit::{behaviours, fault_server::FaultServer};

/// A server whose refresh tokens can be used once, and which answers only when
/// the test says so.
struct Server {
    socket: FaultServer,
    arrived: Receiver<()>,
    answer: Sender<()>,
}

impl Server {
    fn start() -> Self {
        let (arrives, arrived) = channel();
        let (answer, answers) = channel();
        let state = std::sync::Mutex::new((answers, 1));
        let socket = FaultServer::with_handler(move |request| {
            let mut state = state.lock().unwrap();
            arrives.send(()).unwrap();
            state.0.recv().unwrap();
            let current = state.1;
            if !request.text().contains(&format!("refresh_token=rt-{current}")) {
                return behaviours::oauth_error(400, "invalid_grant");
            }
            state.1 += 1;
            let [access, refresh] = ["at", "rt"].map(|kind| format!("{kind}-{}", state.1));
            behaviours::tokens(&access, &refresh, 3600)
        });
        Self { socket, arrived, answer }
    }

    /// Returns when a request has arrived, which the server does not answer yet.
    async fn until_asked(&self) {
        while self.arrived.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
    }
}

/// What a new user writes.
fn account(server: &Server, store: &MemoryStore) -> Account {
    let mut tokens = TokenSet::new(AccessToken::new("at-1"));
    tokens.refresh_token = Some(RefreshToken::new("rt-1"));
    tokens.expires_at = Some(std::time::SystemTime::now());
    store.put("ada", Record::new(tokens));
    let endpoint = TokenEndpoint::new(server.socket.url(), "my-client").unwrap();
    let transport = ReqwestTransport::new().unwrap();
    Accounts::new(endpoint, transport, store.clone(), TokioClock).account("ada")
}

/// The caller's patience ends while the server is at work.
async fn leave(account: &Account, server: &Server) {
    tokio::select! {
        biased;
        result = account.token() => panic!("the server has not answered: {result:?}"),
        () = server.until_asked() => {}
    }
}

async fn the_next_caller_gets_what_came_of_it() {
    let (server, store) = (Server::start(), MemoryStore::new());
    let account = account(&server, &store);
    leave(&account, &server).await;
    server.answer.send(()).unwrap();
    let token = account.token().await.unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(store.get("ada").unwrap().tokens.refresh_token, Some(RefreshToken::new("rt-2")));
    assert_eq!(server.socket.requests().len(), 1, "one exchange, and no replay");
}

#[tokio::test]
async fn a_caller_that_leaves_loses_nothing() {
    the_next_caller_gets_what_came_of_it().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_on_several_threads() {
    the_next_caller_gets_what_came_of_it().await;
}

/// Nobody asks again, and the account itself is gone: the new tokens are saved.
#[tokio::test]
async fn what_nobody_waits_for_is_saved() {
    let (server, store) = (Server::start(), MemoryStore::new());
    let account = account(&server, &store);
    leave(&account, &server).await;
    drop(account);
    server.answer.send(()).unwrap();
    while store.get("ada").unwrap().tokens.access_token.expose() != "at-2" {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.socket.requests().len(), 1);
}

/// As a program ends that does not close its accounts: as after a crash, the next
/// one knows that something was sent.
#[test]
fn a_runtime_that_ends_leaves_a_note() {
    let (server, store) = (Server::start(), MemoryStore::new());
    let run = || tokio::runtime::Runtime::new().unwrap();
    let runtime = run();
    runtime.block_on(async { leave(&account(&server, &store), &server).await });
    runtime.shutdown_timeout(Duration::from_secs(60));
    let left = store.get("ada").unwrap();
    assert!(left.note.is_some());

    // The server has done its work; its answer reached nobody.
    server.answer.send(()).unwrap();
    server.answer.send(()).unwrap();
    let endpoint = TokenEndpoint::new(server.socket.url(), "my-client").unwrap();
    let next = Accounts::new(endpoint, ReqwestTransport::new().unwrap(), store, TokioClock);
    let error = run().block_on(next.account("ada").token()).unwrap_err();
    assert!(error.possibly_spent(), "{error}");
}

/// A clock outside of any runtime carries nothing on, and says so by dropping the
/// task: there is no panic.
#[test]
fn outside_of_a_runtime_the_task_is_dropped() {
    let kept = Arc::new(());
    let task = Arc::clone(&kept);
    auth_core::Runtime::spawn(&TokioClock, Box::pin(async move { drop(task) }));
    assert_eq!(Arc::strong_count(&kept), 1);
}
