//! This project, and the header that is set by hand.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use auth_accounts::{Account, Accounts, Login, MemoryStore, calls::Calls};
use auth_core::{
    AccessToken, Clock, Dpop, Now, RefreshToken, Response, TimeSource, TokenEndpoint, TokenSet,
    Transport, TransportError,
};
use auth_sign::NewKey;
use auth_tower::CallLayer;
use http::{HeaderValue, header};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Bare, Contender, Send, request, token_text};

pub fn contenders() -> Vec<Contender> {
    vec![
        Contender { name: "bare", make: || Box::pin(async { bare() }) },
        Contender { name: "bare, header by hand", make: || Box::pin(async { by_hand() }) },
        Contender { name: "tower", make: || Box::pin(attach_only(false)) },
        Contender { name: "tower, send_again", make: || Box::pin(send_again(false)) },
        Contender { name: "tower, DPoP", make: || Box::pin(attach_only(true)) },
        Contender { name: "DPoP by hand", make: || Box::pin(proof_by_hand()) },
    ]
}

fn bare() -> Send {
    Box::new(|| Box::pin(async { drop(Bare.call(request()).await) }))
}

fn by_hand() -> Send {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token_text())).unwrap();
    value.set_sensitive(true);
    Box::new(move || {
        let value = value.clone();
        Box::pin(async move {
            let mut request = request();
            request.headers_mut().insert(header::AUTHORIZATION, value);
            drop(Bare.call(request).await);
        })
    })
}

async fn attach_only(proved: bool) -> Send {
    let calls = Calls::new(account(proved).await, ["https://api.example.com"]).unwrap();
    let client = CallLayer::new(calls).layer(Bare);
    Box::new(move || {
        let mut client = client.clone();
        Box::pin(async move { drop(client.call(request()).await) })
    })
}

async fn send_again(proved: bool) -> Send {
    let calls = Calls::new(account(proved).await, ["https://api.example.com"]).unwrap();
    let client = CallLayer::new(calls).send_again().layer(Bare);
    Box::new(move || {
        let mut client = client.clone();
        Box::pin(async move { drop(client.call(request()).await) })
    })
}

/// The token and its proof, set by hand.
async fn proof_by_hand() -> Send {
    let token = account(true).await.token().await.unwrap();
    Box::new(move || {
        let token = token.clone();
        Box::pin(async move {
            let mut request = request();
            let headers = token.authorization("POST", crate::URL).unwrap();
            headers.apply(request.headers_mut());
            drop(Bare.call(request).await);
        })
    })
}

async fn account(proved: bool) -> Account {
    let mut endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let mut tokens = TokenSet::new(AccessToken::new(token_text()));
    tokens.refresh_token = Some(RefreshToken::new("rt-1"));
    tokens.expires_at = Some(SystemTime::now() + Duration::from_secs(3600));
    let mut thumbprint = None;
    if proved {
        let dpop = Dpop::new(NewKey::es256().unwrap().into_key()).unwrap();
        tokens.token_type = Some("DPoP".to_owned());
        thumbprint = Some(dpop.thumbprint().to_owned());
        endpoint = endpoint.dpop(dpop);
    }
    let accounts = Accounts::without_runtime(endpoint, NoEndpoint, MemoryStore::new(), SystemClock);
    let account = accounts.account("ada");
    let mut login = Login::new(tokens);
    if let Some(thumbprint) = thumbprint {
        login = login.dpop_thumbprint(thumbprint);
    }
    account.store_login(login).await.unwrap();
    account
}

struct NoEndpoint;

#[async_trait]
impl Transport for NoEndpoint {
    async fn send(&self, _request: auth_core::Request) -> Result<Response, TransportError> {
        panic!("the token is warm")
    }
}

/// The system's clocks.
struct SystemClock;

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
