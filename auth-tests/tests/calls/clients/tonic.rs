//! tonic: the layer above a channel, and the helper around calls whose message can be
//! cloned.

use std::{error::Error, future::Future, pin::Pin, sync::Arc};

use auth_accounts::{
    Account, AccountError,
    calls::{AsyncTokens, CallError, Calls, NotAgain},
};
use auth_pool::PoolError;
use auth_tower::grpc::{GrpcLayer, call};
use bytes::{Buf as _, BufMut as _};
use http::Uri;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Endpoint,
};
use tower::Layer as _;

use crate::{
    asked::{Answered, Asked, Body, Came, Failed, chain},
    case::{AtRedirect, Client, Kind, Redirect},
    world::{Named, Plan, Protocol, Source, pool},
};

/// The server says in headers what it thinks of a token.
pub(crate) struct Tonic;

/// It says so in trailers.
pub(crate) struct TonicTrailers;

impl Kind for Tonic {
    fn name(&self) -> &'static str {
        "tonic"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Grpc { in_trailers: false }
    }

    fn at_redirect(&self, _: Redirect) -> AtRedirect {
        AtRedirect::Fails
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        make(plan)
    }
}

impl Kind for TonicTrailers {
    fn name(&self) -> &'static str {
        "tonic with trailers"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Grpc { in_trailers: true }
    }

    fn at_redirect(&self, _: Redirect) -> AtRedirect {
        AtRedirect::Fails
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        make(plan)
    }
}

fn make(plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
    let Plan { source, origins, also_refused_at, .. } = plan;
    if !also_refused_at.is_empty() {
        return Err("gRPC has no other code for it");
    }
    Ok(match source {
        Source::Account(named) => Arc::new(Sender(Calls::new(named.account, origins).unwrap())),
        Source::Pool(members) => Arc::new(Sender(Calls::new(pool(&members), origins).unwrap())),
        Source::Requests => Arc::new(Sender(Calls::<Account>::per_request(origins).unwrap())),
    })
}

struct Sender<T>(Calls<T>);

impl<T: AsyncTokens> Client for Sender<T> {
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + Send>> {
        let calls = self.0.clone();
        Box::pin(async move {
            let uri: Uri = asked.url.parse().unwrap();
            let origin = format!("{}://{}", uri.scheme_str().unwrap(), uri.authority().unwrap());
            let path = uri.path_and_query().unwrap();
            let channel = Endpoint::from_shared(origin.clone()).unwrap().connect_lazy();
            let layer = GrpcLayer::new(calls, &origin.parse().unwrap());
            let layer = layer.map_err(|error| Failed::Other(error.to_string()))?;
            let client = Grpc::new(layer.layer(channel));
            let sent = match asked.body {
                Body::Stream(text) => {
                    let message = futures_util::stream::iter([text.as_bytes().to_vec()]);
                    let request = request(&asked, message);
                    let mut client = client.clone();
                    client
                        .ready()
                        .await
                        .map_err(|error| failed(&Status::from_error(error.into())))?;
                    client.client_streaming(request, path.clone(), Plain).await
                }
                body => {
                    let request = request(&asked, body.text().as_bytes().to_vec());
                    call(request, |request| {
                        let mut client = client.clone();
                        async move {
                            client.ready().await?;
                            client.unary(request, path.clone(), Plain).await
                        }
                    })
                    .await
                }
            };
            match sent {
                Ok(response) => {
                    Ok(Answered { status: 200, body: response.into_inner(), why: None })
                }
                Err(status) => answered(&status),
            }
        })
    }
}

fn request<M>(asked: &Asked, message: M) -> Request<M> {
    let mut request = Request::new(message);
    let headers: &mut http::HeaderMap = request.metadata_mut().as_mut();
    headers.extend(asked.headers.clone());
    if let Some(Named { account, .. }) = asked.account.clone() {
        request.extensions_mut().insert(account);
    }
    request
}

/// The server's verdict, or why there is none.
fn answered(status: &Status) -> Came {
    let http = match status.code() {
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::ResourceExhausted => 429,
        _ => 0,
    };
    let why = find::<NotAgain>(status).cloned();
    // The reason for which a response was handed out may hold one of these, too.
    let has_no_token = || {
        why.is_none()
            && (find::<AccountError>(status).is_some() || find::<PoolError>(status).is_some())
    };
    if http == 0 || has_no_token() {
        return Err(failed(status));
    }
    Ok(Answered { status: http, body: status.message().as_bytes().to_vec(), why })
}

fn failed(status: &Status) -> Failed {
    // It may come from that of an account.
    if let Some(error) = find::<PoolError>(status) {
        return Failed::NoToken(error.clone().into());
    }
    if let Some(error) = find::<AccountError>(status) {
        return Failed::NoToken(error.clone().into());
    }
    match find::<CallError<AccountError>>(status) {
        Some(CallError::Unnamed) => Failed::Unnamed,
        Some(error) => Failed::Other(error.to_string()),
        None => Failed::Client(chain(status)),
    }
}

/// What an error of tonic was made of.
fn find<E: Error + 'static>(status: &Status) -> Option<&E> {
    let mut next = Some(status as &(dyn Error + 'static));
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Messages that are bytes.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}
