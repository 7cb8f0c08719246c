//! The layer over hyper-util's client and over reqwest's. Each shows one of the two ways
//! to send again.

use std::{convert::Infallible, error::Error, fmt::Debug, future::Future, pin::Pin, sync::Arc};

use auth_accounts::{
    Account,
    calls::{AsyncTokens, CallError, Calls, NotAgain},
};
use auth_tower::{CallLayer, ReqwestService};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper_util::{client::legacy::Client as Hyper, rt::TokioExecutor};
use tower::{Layer as _, Service, ServiceExt as _};

use crate::{
    asked::{Answered, Asked, Body, Came, Failed, Lacking},
    case::{AtRedirect, Client, Kind, Redirect},
    world::{Named, Plan, Source, pool},
};

/// hyper-util's client: bodies that can be cloned below a layer that sends again, and
/// streams below one that does not.
pub(crate) struct TowerHyper;

/// reqwest's client: all bodies below one layer, which asks whether there is a copy.
pub(crate) struct TowerReqwest;

impl Kind for TowerHyper {
    fn name(&self) -> &'static str {
        "tower with hyper"
    }

    fn at_redirect(&self, _: Redirect) -> AtRedirect {
        AtRedirect::HandsOut
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        Ok(with_calls(plan, HyperSender))
    }
}

impl Kind for TowerReqwest {
    fn name(&self) -> &'static str {
        "tower with reqwest"
    }

    fn at_redirect(&self, _: Redirect) -> AtRedirect {
        AtRedirect::HandsOut
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        // There is no TLS here, so that the roots of the system need not be read.
        let builder = reqwest::Client::builder().tls_certs_only([]);
        Ok(with_calls(plan, ReqwestSender(ReqwestService::new(builder).unwrap())))
    }
}

/// Sends by a service below the layer.
trait Send: Clone + Sync + std::marker::Send + 'static {
    fn send<T: AsyncTokens>(
        &self,
        calls: Calls<T>,
        asked: Asked,
    ) -> impl Future<Output = Came> + std::marker::Send
    where
        Lacking: From<T::Error>;
}

fn with_calls(plan: Plan, sender: impl Send) -> Arc<dyn Client> {
    let Plan { source, origins, also_refused_at, .. } = plan;
    match source {
        Source::Account(named) => {
            let calls = Calls::new(named.account, origins).unwrap();
            Arc::new(Sender(calls.also_refused_at(also_refused_at), sender))
        }
        Source::Pool(members) => {
            let calls = Calls::new(pool(&members), origins).unwrap();
            Arc::new(Sender(calls.also_refused_at(also_refused_at), sender))
        }
        Source::Requests => {
            let calls = Calls::<Account>::per_request(origins).unwrap();
            Arc::new(Sender(calls.also_refused_at(also_refused_at), sender))
        }
    }
}

struct Sender<T, S>(Calls<T>, S);

impl<T: AsyncTokens, S: Send> Client for Sender<T, S>
where
    Lacking: From<T::Error>,
{
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + std::marker::Send>> {
        let (calls, sender) = (self.0.clone(), self.1.clone());
        Box::pin(async move { sender.send(calls, asked).await })
    }
}

fn request<B>(asked: &Asked, body: B) -> Request<B> {
    let mut request = asked.with(body);
    if let Some(Named { account, .. }) = asked.account.clone() {
        request.extensions_mut().insert(account);
    }
    request
}

async fn came<S, B, R, E, C>(service: S, request: Request<B>) -> Came
where
    S: Service<Request<B>, Response = Response<R>, Error = CallError<E, C>>,
    R: HttpBody<Error: Debug>,
    E: Into<Lacking> + Debug,
    C: Error,
{
    let response = service.oneshot(request).await.map_err(Failed::from)?;
    Ok(Answered {
        status: response.status().as_u16(),
        why: response.extensions().get::<NotAgain>().cloned(),
        body: response.into_body().collect().await.unwrap().to_bytes().to_vec(),
    })
}

type Frames = futures_util::stream::Iter<std::array::IntoIter<Result<Frame<Bytes>, Infallible>, 1>>;

fn stream(text: &'static str) -> StreamBody<Frames> {
    StreamBody::new(futures_util::stream::iter([Ok(Frame::data(text.into()))]))
}

#[derive(Clone)]
struct HyperSender;

impl Send for HyperSender {
    async fn send<T: AsyncTokens>(&self, calls: Calls<T>, asked: Asked) -> Came
    where
        Lacking: From<T::Error>,
    {
        let layer = CallLayer::new(calls);
        let builder = Hyper::builder(TokioExecutor::new());
        match asked.body {
            Body::Stream(text) => {
                let client = builder.build_http::<StreamBody<Frames>>();
                came(layer.layer(client), request(&asked, stream(text))).await
            }
            body => {
                let client = builder.build_http::<Full<Bytes>>();
                came(layer.send_again().layer(client), request(&asked, body.text().into())).await
            }
        }
    }
}

#[derive(Clone)]
struct ReqwestSender(ReqwestService);

impl Send for ReqwestSender {
    async fn send<T: AsyncTokens>(&self, calls: Calls<T>, asked: Asked) -> Came
    where
        Lacking: From<T::Error>,
    {
        let layer = CallLayer::new(calls).send_again_with(ReqwestService::copy);
        let client = layer.layer(self.0.clone());
        let body = match asked.body {
            Body::Stream(text) => reqwest::Body::wrap(stream(text)),
            body => body.text().into(),
        };
        came(client, request(&asked, body)).await
    }
}
