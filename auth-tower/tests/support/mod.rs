//! A world in process: a server, its API, an account, and a client that is a service and
//! minds the contract of one.
#![allow(dead_code, unreachable_pub, reason = "not every test needs all of it")]
#![allow(clippy::unwrap_used, reason = "only tests use it")]

#[cfg(feature = "tonic")]
pub mod notes;

use std::{
    collections::VecDeque,
    future::{Future, ready},
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use auth_testkit::{FakeApi, FakeAuthServer};
use auth_tower::{
    auth_accounts::{Account, Accounts, MemoryStore, calls::Calls},
    http::{Request, Response},
};
use pollster::block_on;
use tower::Service;

pub const API: &str = "https://api.example.com";

pub struct World {
    pub server: FakeAuthServer,
    pub api: FakeApi,
    pub accounts: Accounts,
    pub account: Account,
}

impl World {
    /// A user who has logged in, and whose token is ready.
    pub fn new() -> Self {
        let world = Self::of(FakeAuthServer::new());
        block_on(world.account.store_login(world.server.log_in("ada"))).unwrap();
        block_on(world.account.token()).unwrap();
        world
    }

    pub fn of(server: FakeAuthServer) -> Self {
        let (api, clock) = (server.api(), server.clock().clone());
        let accounts = Accounts::new(server.endpoint(), server.clone(), MemoryStore::new(), clock);
        Self { account: accounts.account("ada"), api, server, accounts }
    }

    pub fn calls(&self) -> Calls<Account> {
        Calls::new(self.account.clone(), [API]).unwrap()
    }

    pub fn client(&self) -> Client {
        Client { api: self.api.clone(), log: Log::default(), plan: Plan::default(), ready: false }
    }

    /// How many refreshes the server has answered with tokens.
    pub fn refreshes(&self) -> usize {
        self.server.report().issued
    }

    /// The tokens that the API has seen, by the order in which they came, from 0 on.
    pub fn seen(&self) -> Vec<Option<usize>> {
        let mut known = Vec::new();
        let mut number = |token| {
            known.iter().position(|known| *known == token).unwrap_or_else(|| {
                known.push(token);
                known.len() - 1
            })
        };
        self.api.calls().iter().map(|call| call.token().cloned().map(&mut number)).collect()
    }
}

/// What is done to a client, in order.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn add(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    pub fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

/// What comes of the next questions whether it is ready: `None` is not yet.
type Plan = Arc<Mutex<VecDeque<Option<io::Result<()>>>>>;

/// A client. It fails the test if it is called without being ready. A clone is not.
#[derive(Debug)]
pub struct Client {
    api: FakeApi,
    pub log: Log,
    plan: Plan,
    ready: bool,
}

impl Client {
    pub fn plan(&self, plan: impl IntoIterator<Item = Option<io::Result<()>>>) {
        self.plan.lock().unwrap().extend(plan);
    }
}

impl Clone for Client {
    fn clone(&self) -> Self {
        self.log.add("clone");
        Self { api: self.api.clone(), log: self.log.clone(), plan: self.plan.clone(), ready: false }
    }
}

impl<B> Service<Request<B>> for Client {
    type Response = Response<Vec<u8>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Vec<u8>>>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.plan.lock().unwrap().pop_front() {
            Some(None) => {
                self.log.add("pending");
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Some(Err(error))) => Poll::Ready(Err(error)),
            Some(Some(Ok(()))) | None => {
                self.log.add("ready");
                self.ready = true;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called before it was ready");
        self.log.add("call");
        Box::pin(ready(Ok(self.api.respond(&request))))
    }
}

pub fn get(path: &str) -> Request<()> {
    Request::get(format!("{API}{path}")).body(()).unwrap()
}
