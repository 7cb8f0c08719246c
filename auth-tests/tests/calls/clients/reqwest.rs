//! reqwest: the bare functions, and the middleware of reqwest-middleware. Their clients
//! have the redirect policy that goes with them.

use std::{error::Error, future::Future, pin::Pin, sync::Arc};

use auth_accounts::{
    Account, AccountError,
    calls::{AsyncTokens, CallError, Calls, NotAgain},
};
use auth_pool::PoolError;
use auth_reqwest::{CallMiddleware, redirects, send, send_with_calls};
use bytes::Bytes;
use http_body_util::StreamBody;
use reqwest::{Client as Reqwest, RequestBuilder, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::{
    asked::{Answered, Asked, Body, Came, Failed, Lacking, chain},
    case::{AtRedirect, Client, Kind, Redirect},
    world::{Named, Plan, Source, pool},
};

/// `send`.
pub(crate) struct Bare;

/// `send_with_calls`. An account of the request's own is set in a copy of the calls.
pub(crate) struct WithCalls;

/// reqwest-middleware.
pub(crate) struct Middleware;

impl Kind for Bare {
    fn name(&self) -> &'static str {
        "reqwest"
    }

    fn at_redirect(&self, redirect: Redirect) -> AtRedirect {
        at_redirect(redirect)
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        if !plan.also_refused_at.is_empty() {
            return Err("settings are those of `Calls`");
        }
        let client = client();
        match plan.source {
            Source::Account(named) => Ok(Arc::new(BareSender { client, tokens: named.account })),
            Source::Pool(members) => Ok(Arc::new(BareSender { client, tokens: pool(&members) })),
            Source::Requests => Err("it takes the account beside the request"),
        }
    }
}

impl Kind for WithCalls {
    fn name(&self) -> &'static str {
        "reqwest with Calls"
    }

    fn at_redirect(&self, redirect: Redirect) -> AtRedirect {
        at_redirect(redirect)
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        let Plan { source, origins, also_refused_at, .. } = plan;
        let client = client();
        let by = |calls: &Calls<Account>, named: Named| calls.with(named.account);
        Ok(match source {
            Source::Account(named) => {
                let calls = Calls::new(named.account, origins).unwrap();
                let calls = calls.also_refused_at(also_refused_at);
                Arc::new(CallsSender { client, calls, by })
            }
            Source::Pool(members) => {
                let calls = Calls::new(pool(&members), origins).unwrap();
                let calls = calls.also_refused_at(also_refused_at);
                Arc::new(CallsSender { client, calls, by: |calls, _| calls.clone() })
            }
            Source::Requests => {
                let calls = Calls::<Account>::per_request(origins).unwrap();
                let calls = calls.also_refused_at(also_refused_at);
                Arc::new(CallsSender { client, calls, by })
            }
        })
    }
}

impl Kind for Middleware {
    fn name(&self) -> &'static str {
        "reqwest-middleware"
    }

    fn at_redirect(&self, redirect: Redirect) -> AtRedirect {
        at_redirect(redirect)
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        let Plan { source, origins, also_refused_at, .. } = plan;
        let builder = ClientBuilder::new(client());
        let client = match source {
            Source::Account(named) => {
                let calls = Calls::new(named.account, origins).unwrap();
                builder.with(CallMiddleware::new(calls.also_refused_at(also_refused_at)))
            }
            Source::Pool(members) => {
                let calls = Calls::new(pool(&members), origins).unwrap();
                builder.with(CallMiddleware::new(calls.also_refused_at(also_refused_at)))
            }
            Source::Requests => {
                let calls = Calls::<Account>::per_request(origins).unwrap();
                builder.with(CallMiddleware::new(calls.also_refused_at(also_refused_at)))
            }
        };
        Ok(Arc::new(MiddlewareSender(client.build())))
    }
}

fn client() -> Reqwest {
    // There is no TLS here, so that the roots of the system need not be read.
    Reqwest::builder().redirect(redirects()).tls_certs_only([]).build().unwrap()
}

/// No proof is for another URL.
fn at_redirect(redirect: Redirect) -> AtRedirect {
    if redirect.has_proof { AtRedirect::HandsOut } else { AtRedirect::Follows }
}

fn body(body: Body) -> reqwest::Body {
    match body {
        Body::Stream(text) => {
            let frame = http_body::Frame::data(Bytes::from(text));
            let frames = futures_util::stream::iter([Ok::<_, std::io::Error>(frame)]);
            reqwest::Body::wrap(StreamBody::new(frames))
        }
        body => body.text().into(),
    }
}

fn request(client: &Reqwest, asked: &Asked) -> RequestBuilder {
    let request = client.request(asked.method.clone(), &asked.url);
    let request = request.headers(asked.headers.clone());
    match asked.body {
        Body::Empty => request,
        full => request.body(body(full)),
    }
}

async fn answered(mut response: Response) -> Came {
    let why = response.extensions_mut().remove::<NotAgain>();
    let status = response.status().as_u16();
    Ok(Answered { status, why, body: response.bytes().await.unwrap().to_vec() })
}

struct BareSender<T> {
    client: Reqwest,
    tokens: T,
}

impl<T: AsyncTokens> Client for BareSender<T>
where
    Lacking: From<T::Error>,
{
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + Send>> {
        let (client, tokens) = (self.client.clone(), self.tokens.clone());
        Box::pin(async move {
            let request = request(&client, &asked);
            answered(send(&client, &tokens, request).await?).await
        })
    }
}

struct CallsSender<T> {
    client: Reqwest,
    calls: Calls<T>,
    by: fn(&Calls<T>, Named) -> Calls<T>,
}

impl<T: AsyncTokens> Client for CallsSender<T>
where
    Lacking: From<T::Error>,
{
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + Send>> {
        let client = self.client.clone();
        let calls = match &asked.account {
            Some(named) => (self.by)(&self.calls, named.clone()),
            None => self.calls.clone(),
        };
        Box::pin(async move {
            let request = request(&client, &asked);
            answered(send_with_calls(&client, &calls, request).await?).await
        })
    }
}

struct MiddlewareSender(ClientWithMiddleware);

impl Client for MiddlewareSender {
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let mut request = client.request(asked.method, asked.url).headers(asked.headers);
            if asked.body != Body::Empty {
                request = request.body(body(asked.body));
            }
            if let Some(Named { account, .. }) = asked.account {
                request = request.with_extension(account);
            }
            answered(request.send().await.map_err(|error| failed(&error))?).await
        })
    }
}

/// The errors of a middleware have no type.
fn failed(error: &reqwest_middleware::Error) -> Failed {
    let reqwest_middleware::Error::Middleware(found) = error else {
        return Failed::Client(chain(error));
    };
    type OfAccount = CallError<AccountError, reqwest_middleware::Error>;
    type OfPool = CallError<PoolError, reqwest_middleware::Error>;
    if let Some(error) = found.downcast_ref::<OfAccount>() {
        return named(error);
    }
    match found.downcast_ref::<OfPool>() {
        Some(error) => named(error),
        None => Failed::Other(error.to_string()),
    }
}

fn named<E: Clone + Into<Lacking>, C: Error>(error: &CallError<E, C>) -> Failed
where
    CallError<E, C>: Error,
{
    match error {
        CallError::NoToken(error) => Failed::NoToken(error.clone().into()),
        CallError::Unnamed => Failed::Unnamed,
        other => Failed::Other(other.to_string()),
    }
}
