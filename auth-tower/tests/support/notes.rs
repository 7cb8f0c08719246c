//! A gRPC service without generated code: notes, which are texts. It judges a request by
//! the API of a fake server.

use std::{convert::Infallible, future::ready, pin::Pin};

use auth_testkit::FakeApi;
use auth_tower::tonic::{
    self, Code, Request, Response, Status, Streaming,
    body::Body,
    client::GrpcService,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataMap,
};
use bytes::{Buf, BufMut};
use http::{HeaderMap, uri::PathAndQuery};
use http_body::Body as HttpBody;
use tokio_stream::{Stream, iter};
use tower::{BoxError, service_fn, util::BoxCloneService};

/// Where the server says that it does not take a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the headers of a response without a body.
    Headers,
    /// In the trailers, after the body.
    Trailers,
    /// Something before the server says it, in HTTP.
    Proxy,
}

#[derive(Debug, Clone)]
pub struct Notes {
    pub api: FakeApi,
    pub place: Place,
}

const GET: &str = "/notes.Notes/Get";
const LIST: &str = "/notes.Notes/List";
const CHAT: &str = "/notes.Notes/Chat";

type Texts = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

impl Notes {
    pub async fn respond<B>(self, request: http::Request<B>) -> http::Response<Body>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<BoxError> + Send,
    {
        // A stream has begun before the server says so in its trailers.
        let is_late = request.uri().path() == LIST;
        let mut head = http::Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        let judged = self.api.respond(&head);
        let code = match judged.status().as_u16() {
            200 => None,
            401 => Some(Code::Unauthenticated),
            403 => Some(Code::PermissionDenied),
            429 => Some(Code::ResourceExhausted),
            _ => Some(Code::Internal),
        };
        let mut metadata = HeaderMap::new();
        for name in ["www-authenticate", "dpop-nonce"] {
            if let Some(value) = judged.headers().get(name) {
                metadata.insert(name, value.clone());
            }
        }
        let metadata = MetadataMap::from_headers(metadata);
        let status = code.map(|code| Status::with_metadata(code, "not with this token", metadata));
        match (status, self.place) {
            (Some(status), Place::Headers) => status.into_http(),
            (Some(_), Place::Proxy) => judged.map(|_| Body::empty()),
            (Some(status), Place::Trailers) => {
                let notes = if is_late { vec![Ok("one".to_owned())] } else { Vec::new() };
                list(request, notes.into_iter().chain([Err(status)]).collect()).await
            }
            (None, _) => match request.uri().path() {
                GET => {
                    let get = service_fn(|request: Request<String>| {
                        let note = format!("note {}", request.get_ref());
                        ready(Ok::<_, Status>(Response::new(note)))
                    });
                    tonic::server::Grpc::new(Text).unary(get, request).await
                }
                LIST => list(request, vec![Ok("one".to_owned()), Ok("two".to_owned())]).await,
                CHAT => {
                    let chat = service_fn(|request: Request<Streaming<String>>| {
                        ready(Ok::<_, Status>(Response::new(request.into_inner())))
                    });
                    tonic::server::Grpc::new(Text).streaming(chat, request).await
                }
                path => Status::unimplemented(path).into_http(),
            },
        }
    }

    /// As a channel that needs no socket.
    pub fn in_process(&self) -> InProcess {
        let notes = self.clone();
        InProcess::new(service_fn(move |request| {
            let notes = notes.clone();
            async move { Ok(notes.respond(request).await) }
        }))
    }
}

pub type InProcess = BoxCloneService<http::Request<Body>, http::Response<Body>, Infallible>;

async fn list<B>(
    request: http::Request<B>,
    notes: Vec<Result<String, Status>>,
) -> http::Response<Body>
where
    B: HttpBody + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    let mut notes = Some(notes);
    let list = service_fn(move |_: Request<String>| {
        let notes: Texts = Box::pin(iter(notes.take().unwrap_or_default()));
        ready(Ok::<_, Status>(Response::new(notes)))
    });
    tonic::server::Grpc::new(Text).server_streaming(list, request).await
}

/// As tonic generates it.
#[derive(Clone)]
pub struct NotesClient<S>(tonic::client::Grpc<S>);

impl<S> NotesClient<S>
where
    S: GrpcService<Body>,
    S::Error: Into<BoxError>,
    S::ResponseBody: HttpBody<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
{
    pub fn new(channel: S) -> Self {
        Self(tonic::client::Grpc::new(channel))
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.0.ready().await.map_err(|error| Status::from_error(error.into()))
    }

    pub async fn get(&mut self, request: Request<String>) -> Result<Response<String>, Status> {
        self.ready().await?;
        self.0.unary(request, PathAndQuery::from_static(GET), Text).await
    }

    pub async fn list(
        &mut self,
        request: Request<String>,
    ) -> Result<Response<Streaming<String>>, Status> {
        self.ready().await?;
        self.0.server_streaming(request, PathAndQuery::from_static(LIST), Text).await
    }

    pub async fn chat(
        &mut self,
        request: Request<impl Stream<Item = String> + Send + 'static>,
    ) -> Result<Response<Streaming<String>>, Status> {
        self.ready().await?;
        self.0.streaming(request, PathAndQuery::from_static(CHAT), Text).await
    }
}

/// Messages that are texts as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;

    fn encode(&mut self, item: String, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(item.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let text = buffer.copy_to_bytes(buffer.remaining());
        let text = String::from_utf8(text.into());
        text.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
