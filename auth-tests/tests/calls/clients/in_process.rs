//! The least that a client can be: [`Calls::send`] over the API in process. It follows
//! redirects as others do.

use std::{collections::HashMap, future::Future, io, pin::Pin, sync::Arc};

use auth_accounts::calls::{AsyncTokens, CallError, Calls, CameFrom, NotAgain, Outgoing, Target};
use auth_testkit::FakeApi;
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri, header};

use crate::{
    asked::{Answered, Asked, Body, Came, Failed, Lacking},
    case::{AtRedirect, Client, Kind, Redirect},
    world::{Named, Plan, Protocol, Source, pool},
};

pub(crate) struct InProcess;

impl Kind for InProcess {
    fn name(&self) -> &'static str {
        "in process"
    }

    fn protocol(&self) -> Protocol {
        Protocol::InProcess
    }

    fn at_redirect(&self, _: Redirect) -> AtRedirect {
        AtRedirect::Follows
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        let Plan { source, origins, also_refused_at, apis } = plan;
        let web = Web(Arc::new(apis));
        Ok(match source {
            Source::Account(named) => {
                let calls = Calls::new(named.account, origins).unwrap();
                Arc::new(Sender { calls: calls.also_refused_at(also_refused_at), web })
            }
            Source::Pool(members) => {
                let calls = Calls::new(pool(&members), origins).unwrap();
                Arc::new(Sender { calls: calls.also_refused_at(also_refused_at), web })
            }
            Source::Requests => {
                let calls = Calls::<auth_accounts::Account>::per_request(origins).unwrap();
                Arc::new(Sender { calls: calls.also_refused_at(also_refused_at), web })
            }
        })
    }
}

struct Sender<T> {
    calls: Calls<T>,
    web: Web,
}

impl<T: AsyncTokens> Client for Sender<T>
where
    Lacking: From<T::Error>,
{
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + Send>> {
        let (calls, web) = (self.calls.clone(), self.web.clone());
        Box::pin(async move {
            let mut request = asked.with(asked.body.text().as_bytes().to_vec());
            if let Some(Named { account, .. }) = asked.account.clone() {
                request.extensions_mut().insert(account);
            }
            let request = Sent { request, body: asked.body };
            let sent = calls.send(request, |sent| web.clone().send(sent.request)).await;
            let response = sent.map_err(failed)?;
            Ok(Answered {
                status: response.status().as_u16(),
                why: response.extensions().get::<NotAgain>().cloned(),
                body: response.into_body(),
            })
        })
    }
}

fn failed<E: Into<Lacking> + std::fmt::Debug>(error: CallError<E, io::Error>) -> Failed {
    error.into()
}

/// A request whose body can be sent once, or again.
pub(crate) struct Sent {
    pub(crate) request: Request<Vec<u8>>,
    pub(crate) body: Body,
}

impl Outgoing for Sent {
    fn target(&self) -> Target<'_> {
        Target::Uri(self.request.uri())
    }

    fn method(&self) -> &Method {
        self.request.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.request.headers_mut()
    }

    fn extensions(&self) -> Option<&Extensions> {
        Some(self.request.extensions())
    }

    fn again(&self) -> Option<Self> {
        match self.body {
            Body::Stream(_) => None,
            body => Some(Self { request: self.request.clone(), body }),
        }
    }
}

/// All servers that there are, by their origins.
#[derive(Clone)]
pub(crate) struct Web(pub(crate) Arc<HashMap<String, FakeApi>>);

impl Web {
    /// A status of 599 stands for a connection that breaks.
    pub(crate) async fn send(self, mut request: Request<Vec<u8>>) -> io::Result<Response<Vec<u8>>> {
        for _ in 0..10 {
            let api = self.0.get(&origin(request.uri())).ok_or(io::ErrorKind::ConnectionRefused)?;
            let mut response = api.respond_async(&request).await;
            if response.status().as_u16() == 599 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            match redirected(&request, &response) {
                Some(next) => request = next,
                None => {
                    response.extensions_mut().insert(CameFrom(request.uri().clone()));
                    return Ok(response);
                }
            }
        }
        panic!("too many redirects");
    }
}

fn origin(uri: &Uri) -> String {
    format!("{}://{}", uri.scheme_str().unwrap(), uri.authority().unwrap())
}

/// The next request, as browsers and reqwest make it.
fn redirected(
    request: &Request<Vec<u8>>,
    response: &Response<Vec<u8>>,
) -> Option<Request<Vec<u8>>> {
    let location = response.headers().get(header::LOCATION)?.to_str().unwrap();
    let location = match location.strip_prefix('/') {
        Some(path) => format!("{}/{path}", origin(request.uri())),
        None => location.to_owned(),
    };
    let mut next = request.clone();
    *next.uri_mut() = location.parse().unwrap();
    match response.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {}
        _ => {
            *next.method_mut() = Method::GET;
            next.body_mut().clear();
        }
    }
    if origin(next.uri()) != origin(request.uri()) {
        next.headers_mut().remove(header::AUTHORIZATION);
        next.headers_mut().remove("dpop");
    }
    Some(next)
}
