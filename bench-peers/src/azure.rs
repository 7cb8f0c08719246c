//! The policy of azure_core that authorizes requests with a bearer token, before a
//! transport that does nothing.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use azure_core::{
    Bytes,
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    http::{
        AsyncRawResponse, Context, Method, Request, StatusCode, Url,
        headers::{ACCEPT, AUTHORIZATION, Headers},
        policies::{Policy, PolicyResult, auth::BearerTokenAuthorizationPolicy},
    },
    time::OffsetDateTime,
};

use crate::{Contender, Send, token_text};

pub fn contenders() -> Vec<Contender> {
    vec![
        Contender { name: "azure_core, bare", make: || Box::pin(async { bare() }) },
        Contender {
            name: "azure_core, bare, header by hand",
            make: || Box::pin(async { by_hand() }),
        },
        Contender { name: "azure_core", make: || Box::pin(authorized()) },
    ]
}

fn request(url: &Url) -> Request {
    let mut request = Request::new(url.clone(), Method::Post);
    request.insert_header(ACCEPT, "application/json");
    request.set_body(Bytes::from_static(b"a note"));
    request
}

fn bare() -> Send {
    let url: Arc<Url> = Arc::new(crate::URL.parse().unwrap());
    let policies: Arc<[Arc<dyn Policy>]> = Arc::new([Arc::new(Nothing) as _]);
    Box::new(move || {
        let (url, policies) = (url.clone(), policies.clone());
        Box::pin(async move {
            let mut request = request(&url);
            policies[0].send(&Context::new(), &mut request, &policies[1..]).await.unwrap();
        })
    })
}

fn by_hand() -> Send {
    let url: Arc<Url> = Arc::new(crate::URL.parse().unwrap());
    let value: Arc<str> = format!("Bearer {}", token_text()).into();
    let policies: Arc<[Arc<dyn Policy>]> = Arc::new([Arc::new(Nothing) as _]);
    Box::new(move || {
        let (url, policies, value) = (url.clone(), policies.clone(), value.clone());
        Box::pin(async move {
            let mut request = request(&url);
            request.insert_header(AUTHORIZATION, value.to_string());
            policies[0].send(&Context::new(), &mut request, &policies[1..]).await.unwrap();
        })
    })
}

async fn authorized() -> Send {
    let url: Arc<Url> = Arc::new(crate::URL.parse().unwrap());
    let policy =
        BearerTokenAuthorizationPolicy::new(Arc::new(Warm), ["https://api.example.com/.default"]);
    let policies: Arc<[Arc<dyn Policy>]> =
        Arc::new([Arc::new(policy) as _, Arc::new(Nothing) as _]);
    Box::new(move || {
        let (url, policies) = (url.clone(), policies.clone());
        Box::pin(async move {
            let mut request = request(&url);
            policies[0].send(&Context::new(), &mut request, &policies[1..]).await.unwrap();
        })
    })
}

/// The transport: it responds with 200 and no body.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl Policy for Nothing {
    async fn send(
        &self,
        _: &Context,
        request: &mut Request,
        _: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        std::hint::black_box(request);
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), Bytes::new()))
    }
}

/// Asked once, for the policy keeps the token.
#[derive(Debug)]
struct Warm;

#[async_trait]
impl TokenCredential for Warm {
    async fn get_token(
        &self,
        _scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let expires_on = OffsetDateTime::now_utc() + Duration::from_secs(3600);
        Ok(AccessToken::new(token_text(), expires_on))
    }
}
