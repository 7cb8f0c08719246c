//! Handlers of connections, and handlers that know their client.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::sync::mpsc;

use fault_server::{Behaviour, FaultServer, Point};
use support::{End, call, connect, read_all, send};

#[test]
fn a_connection_handler_goes_before_the_script() {
    let server = FaultServer::builder()
        .connection_handler(|number| match number {
            1 => Some(Behaviour::reset(Point::OnAccept)),
            2 => Some(Behaviour::response(503).then_close()),
            _ => None,
        })
        .script([Behaviour::response(200).then_close(), Behaviour::response(201).then_close()])
        .start()
        .unwrap();
    assert!(call(&server).0.starts_with("HTTP/1.1 200 "));
    assert_eq!(call(&server), (String::new(), End::Reset));
    assert!(call(&server).0.starts_with("HTTP/1.1 503 "));
    assert!(call(&server).0.starts_with("HTTP/1.1 201 "));
    let taken: Vec<_> = server.connections().into_iter().map(|c| c.behaviour).collect();
    assert_eq!(taken, ["", "reset on accept", "response 503", ""]);
    server.verify();
}

#[test]
#[cfg(unix)]
fn a_handler_learns_that_its_client_has_given_up() {
    for resets in [false, true] {
        let (tell, told) = mpsc::channel();
        let server = FaultServer::builder()
            .handler_with_client(move |_, client| {
                tell.send((client.clone(), client.is_waiting())).unwrap();
                while client.is_waiting() {
                    std::thread::yield_now();
                }
                Behaviour::response(200)
            })
            .start()
            .unwrap();
        let mut stream = connect(&server);
        send(&mut stream);
        let (client, waiting) = told.recv().unwrap();
        assert!(waiting && client.is_waiting());
        if resets {
            let linger = Some(std::time::Duration::ZERO);
            socket2::SockRef::from(&stream).set_linger(linger).unwrap();
        }
        drop(stream);
        server.stop();
        assert!(!client.is_waiting());
    }
}

#[test]
#[cfg(unix)]
fn a_client_is_gone_when_the_server_has_ended_its_connection() {
    let (tell, told) = mpsc::channel();
    let server = FaultServer::builder()
        .handler_with_client(move |_, client| {
            tell.send(client.clone()).unwrap();
            Behaviour::response(200).then_close()
        })
        .start()
        .unwrap();
    let mut stream = connect(&server);
    send(&mut stream);
    read_all(&mut stream);
    drop(stream);
    server.stop();
    assert!(!told.recv().unwrap().is_waiting());
}
