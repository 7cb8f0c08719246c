//! What the benchmarks share.
#![allow(dead_code, unreachable_pub, reason = "not every benchmark needs all of it")]

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;
use auth_accounts::{Accounts, MemoryStore, store::Record};
use auth_core::{
    AccessToken, Clock, Now, RefreshToken, Request, Response, TimeSource, TokenEndpoint, TokenSet,
    Transport, TransportError,
};

/// The system's clocks, and tokio's timer.
pub struct SystemClock;

impl TimeSource for SystemClock {
    fn now(&self) -> Now {
        Now { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[async_trait]
impl Clock for SystemClock {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// An endpoint that responds after so long.
pub struct Endpoint {
    pub delay: Duration,
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, _request: Request) -> Result<Response, TransportError> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        let body = format!(
            r#"{{"access_token":"{}","refresh_token":"rt-2","expires_in":3600}}"#,
            token_text()
        );
        Ok(http::Response::new(body.into_bytes()))
    }
}

/// As long as tokens that are signed often are: 1 KiB.
pub fn token_text() -> String {
    "t".repeat(1024)
}

pub fn record(expires_in: Duration) -> Record {
    let now = SystemTime::now();
    let mut tokens = TokenSet::new(AccessToken::new(token_text()));
    tokens.refresh_token = Some(RefreshToken::new("rt-1"));
    tokens.expires_at = Some(now + expires_in);
    Record::obtained(tokens, now + expires_in - Duration::from_secs(3600))
}

pub fn accounts(store: &MemoryStore, delay: Duration) -> Accounts {
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client");
    let endpoint = endpoint.expect("a valid endpoint");
    Accounts::without_runtime(endpoint, Endpoint { delay }, store.clone(), SystemClock)
}

/// The result of a future that waits for nothing.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing here waits"),
    }
}
