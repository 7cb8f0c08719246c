//! An API that speaks gRPC. It asks the fake API what it thinks of a call, and words that
//! as gRPC does: without protoc, since a message here is any bytes.

use std::{convert::Infallible, net::SocketAddr};

use auth_testkit::FakeApi;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

type Frames = futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

/// Listens for as long as the runtime is there. What is wrong is said in trailers, or in
/// headers, as servers do that have nothing else to say.
pub(crate) async fn listen(api: FakeApi, in_trailers: bool) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = socket.accept().await else { return };
            let api = api.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| respond(api.clone(), request, in_trailers));
                let connection = http2::Builder::new(TokioExecutor::new());
                // Clients leave.
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

async fn respond(
    api: FakeApi,
    request: Request<Incoming>,
    in_trailers: bool,
) -> Result<Response<StreamBody<Frames>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(Response::new(stream(Vec::new())));
    };
    // One message: a flag, a length, and the bytes.
    let message = body.to_bytes().get(5..).unwrap_or_default().to_vec();
    let (head, said) = api.respond_async(&Request::from_parts(parts, message)).await.into_parts();

    let mut ending = HeaderMap::new();
    ending.insert("grpc-status", HeaderValue::from(code(head.status.as_u16())));
    for name in ["www-authenticate", "dpop-nonce", "retry-after"] {
        for value in head.headers.get_all(name) {
            ending.append(HeaderName::from_static(name), value.clone());
        }
    }
    let mut frames = Vec::new();
    if head.status.is_success() {
        let mut message = BytesMut::new();
        message.put_u8(0);
        message.put_u32(u32::try_from(said.len()).unwrap_or_default());
        message.put_slice(&said);
        frames.push(Frame::data(message.freeze()));
    } else if let Ok(text) = HeaderValue::from_bytes(&said) {
        ending.insert("grpc-message", text);
    }
    let mut response = Response::new(());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    match in_trailers || head.status.is_success() {
        true => frames.push(Frame::trailers(ending)),
        false => response.headers_mut().extend(ending),
    }
    Ok(response.map(|()| stream(frames)))
}

fn stream(frames: Vec<Frame<Bytes>>) -> StreamBody<Frames> {
    let frames: Vec<_> = frames.into_iter().map(Ok).collect();
    StreamBody::new(futures_util::stream::iter(frames))
}

/// The code that fits a status: google.rpc.Code.
fn code(status: u16) -> u16 {
    match status {
        200 => 0,
        401 => 16,
        403 => 7,
        429 => 8,
        _ => 2,
    }
}
