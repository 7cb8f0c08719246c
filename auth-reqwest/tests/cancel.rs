//! Dropping the future leaves nothing behind that would send the request, or
//! send it again.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::{
    io::{ErrorKind, Read},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use auth_core::{Grant, RefreshToken, Request, TokenEndpoint, Transport};
use auth_reqwest::ReqwestTransport;
use auth_testkit::behaviours;
use auth_testkit::fault_server::{Behaviour, FaultServer, Point};

const TOKEN: &str = "rt-of-a-cancelled-call";

fn transport() -> ReqwestTransport {
    ReqwestTransport::builder().no_proxy().without_system_roots().build().unwrap()
}

fn request(url: &str) -> Request {
    let endpoint = TokenEndpoint::new(url, "client").unwrap();
    endpoint.request(&Grant::RefreshToken(RefreshToken::new(TOKEN))).unwrap()
}

/// Polls a call until `seen` has returned, and drops it. The runtime lives on
/// until `after` has returned.
fn cancelled<S: Send + 'static>(
    url: &str,
    seen: impl FnOnce() -> S + Send + 'static,
    after: impl FnOnce(S) + Send + 'static,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let transport = transport();
        let seen = tokio::task::spawn_blocking(seen);
        let state = tokio::select! {
            result = transport.send(request(url)) => panic!("the call ended: {result:?}"),
            seen = seen => seen.unwrap(),
        };
        tokio::task::spawn_blocking(move || after(state)).await.unwrap();
    });
}

/// Everything that comes until the client closes the connection. A reset ends
/// it as well.
fn rest(mut connection: TcpStream) -> Vec<u8> {
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = Vec::new();
    match connection.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection was left open: {error}"),
    }
    bytes
}

fn nobody_else_came(listener: &TcpListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    matches!(listener.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

fn contains_token(bytes: &[u8]) -> bool {
    bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes())
}

#[test]
fn within_the_tls_handshake_nothing_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://127.0.0.1:{}/token", listener.local_addr().unwrap().port());
    cancelled(
        &url,
        move || {
            let (mut connection, _) = listener.accept().unwrap();
            // The ClientHello has begun to arrive, and is never answered.
            connection.read_exact(&mut [0]).unwrap();
            (listener, connection)
        },
        |(listener, connection)| {
            assert!(!contains_token(&rest(connection)));
            assert!(nobody_else_came(&listener));
        },
    );
}

#[test]
fn after_the_body_was_sent_it_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/token", listener.local_addr().unwrap().port());
    cancelled(
        &url,
        move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            while !contains_token(&bytes) {
                let mut buffer = [0; 1024];
                let length = connection.read(&mut buffer).unwrap();
                bytes.extend_from_slice(&buffer[..length]);
            }
            (listener, connection)
        },
        |(listener, connection)| {
            assert!(!contains_token(&rest(connection)));
            assert!(nobody_else_came(&listener));
        },
    );
}

#[tokio::test]
async fn a_call_that_is_never_polled_does_nothing() {
    let server = FaultServer::plays([behaviours::tokens("at", "rt", 60)]);
    drop(transport().send(request(server.url())));
    server.stop();
    assert!(server.connections().is_empty());
}

#[tokio::test]
async fn the_next_call_is_not_harmed() {
    let script = [Behaviour::stall(Point::AfterBody), behaviours::tokens("at", "rt", 60)];
    let server = FaultServer::plays(script);
    let transport = transport();
    tokio::select! {
        result = transport.send(request(server.url())) => panic!("the call ended: {result:?}"),
        () = async {
            while server.body_bytes_received() == 0 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    let response = transport.send(request(server.url())).await.unwrap();
    assert_eq!(response.status(), 200);
    server.stop();
    server.verify();
}
