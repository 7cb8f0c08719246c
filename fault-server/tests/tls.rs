//! TLS: certificates of every kind, and handshakes that do not end.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use fault_server::{
    Behaviour, Certificate, ClientCertificates, ClientIdentity, ClientIdentityKind, Cut,
    FaultServer, Handshake, Point,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::{BODY, End, connect, expect_silence_after, head, read_all, read_response, send};

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts the test authority and asks for this host.
fn client_for(server: &FaultServer, host: &'static str) -> Stream {
    client_offering(&[], server, host)
}

fn client_offering(alpn: &[&[u8]], server: &FaultServer, host: &'static str) -> Stream {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(FaultServer::ca_der())).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(host).unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(tls, connect(server))
}

fn client(server: &FaultServer) -> Stream {
    client_for(server, "localhost")
}

fn handshake(server: &FaultServer) -> io::Result<Stream> {
    let mut stream = client(server);
    while stream.conn.is_handshaking() {
        let (mut read, mut written) = (0, 0);
        if stream.conn.wants_write() {
            written = stream.conn.write_tls(&mut stream.sock)?;
        }
        if stream.conn.wants_read() {
            read = stream.conn.read_tls(&mut stream.sock)?;
            let processed = stream.conn.process_new_packets();
            if let Err(error) = processed {
                // The alert that tells the server.
                let _ = stream.conn.write_tls(&mut stream.sock);
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
        }
        if read + written == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(stream)
}

#[test]
fn the_client_chooses_the_version() {
    let server = FaultServer::builder()
        .tls(Certificate::Trusted)
        .http2()
        .script([Behaviour::json(200, "{}").then_close()])
        .start()
        .unwrap();
    let chosen = |alpn: &[&[u8]], server| {
        let mut stream = client_offering(alpn, server, "localhost");
        stream.conn.complete_io(&mut stream.sock).unwrap();
        stream.conn.alpn_protocol().map(<[u8]>::to_vec)
    };
    assert_eq!(chosen(&[b"http/1.1", b"h2"], &server).unwrap(), b"h2");
    assert_eq!(chosen(&[b"http/1.1"], &server).unwrap(), b"http/1.1");
    assert_eq!(chosen(&[], &server), None);
    // By default nothing is said of it.
    let silent = FaultServer::plays_over_tls([]);
    assert_eq!(chosen(&[b"h2", b"http/1.1"], &silent), None);
    let mut stream = client(&server);
    send(&mut stream);
    read_response(&mut stream);
    server.verify();
}

#[test]
fn a_good_certificate_for_both_names() {
    let server = FaultServer::plays_over_tls([
        Behaviour::json(200, r#"{"id":7}"#).then_close(),
        Behaviour::json(400, r#"{"error":"no_such_item"}"#).then_close(),
    ]);
    assert!(server.url().starts_with("https://localhost:"), "{}", server.url());
    for host in ["localhost", "127.0.0.1"] {
        let mut stream = client_for(&server, host);
        send(&mut stream);
        read_response(&mut stream);
        // The end is announced.
        assert_eq!(read_all(&mut stream), (String::new(), End::Eof));
    }
    server.verify();
    let connection = &server.connections()[0];
    assert_eq!(connection.handshake, Handshake::Done);
    assert_eq!(connection.bytes, (head() + BODY).into_bytes(), "decrypted");
}

#[test]
fn the_authority_is_one_and_the_same() {
    assert_eq!(FaultServer::ca_der(), FaultServer::ca_der());
    let pem = FaultServer::ca_pem();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
}

#[test]
fn certificates_that_are_not_good() {
    let table = [
        (Certificate::Expired, "expired"),
        (Certificate::NotYetValid, "not valid yet"),
        (Certificate::SelfSigned, "UnknownIssuer"),
        (Certificate::WrongHost, "not valid for name"),
    ];
    for (certificate, why) in table {
        // For the server as such, and for one connection of a good server.
        let servers = [
            FaultServer::builder().tls(certificate).start().unwrap(),
            FaultServer::plays_over_tls([Behaviour::present(certificate)]),
        ];
        for server in servers {
            let error = handshake(&server).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert!(error.to_string().contains(why), "{certificate:?}: {error}");
            server.stop();
            let connection = &server.connections()[0];
            assert!(
                matches!(&connection.handshake, Handshake::Failed(alert) if alert.contains("alert")),
                "{connection:?}"
            );
            assert!(connection.bytes.is_empty());
            server.verify();
        }
    }
}

#[test]
fn a_certificate_that_is_renewed() {
    let server = FaultServer::plays_over_tls([
        Behaviour::present(Certificate::Expired),
        Behaviour::json(200, r#"{"id":7}"#),
    ]);
    handshake(&server).unwrap_err();
    let mut stream = handshake(&server).unwrap();
    send(&mut stream);
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 200 "));
    server.verify();
}

#[test]
fn handshakes_that_are_cut() {
    for point in [Point::OnAccept, Point::OnClientHello] {
        for (cut, kind) in
            [(Cut::Reset, ErrorKind::ConnectionReset), (Cut::Close, ErrorKind::UnexpectedEof)]
        {
            let server = FaultServer::plays_over_tls([Behaviour::response(200).cut(point, cut)]);
            let error = handshake(&server).unwrap_err();
            // A reset may also meet the client when it writes.
            let kinds = [kind, ErrorKind::BrokenPipe];
            assert!(kinds.contains(&error.kind()), "{point} {cut}: {error}");
            server.verify();
            assert_eq!(server.connections()[0].handshake, Handshake::Unfinished);
        }
    }
}

#[test]
fn handshakes_that_stall() {
    for point in [Point::OnAccept, Point::OnClientHello] {
        let server = FaultServer::plays_over_tls([Behaviour::stall(point)]);
        let mut stream = client(&server);
        stream.conn.write_tls(&mut stream.sock).unwrap();
        expect_silence_after(&mut stream.sock, "");
        server.stop();
        assert_eq!(read_all(&mut stream.sock), (String::new(), End::Eof));
        assert_eq!(server.body_bytes_received(), 0);
    }
}

#[test]
fn a_server_of_an_older_tls() {
    let server = FaultServer::plays_over_tls([Behaviour::tls_alert(70)]);
    let error = handshake(&server).unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    server.verify();
}

#[test]
fn an_alert_of_a_server_that_has_read_the_request() {
    for tls12 in [false, true] {
        let alert = Behaviour::response(200).cut(Point::AfterBody, Cut::TlsAlert(49));
        let builder = FaultServer::builder().tls(Certificate::Trusted).script([alert]);
        let server = if tls12 { builder.tls12_only() } else { builder }.start().unwrap();
        let mut stream = client(&server);
        send(&mut stream);
        let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("AccessDenied"), "{tls12}: {error}");
        server.verify();
        assert_eq!(server.body_bytes_received(), BODY.len());
    }
}

#[test]
fn ends_with_and_without_notice() {
    let table = [
        (Cut::Close, None),
        (Cut::Truncate, Some(ErrorKind::UnexpectedEof)),
        (Cut::Reset, Some(ErrorKind::ConnectionReset)),
    ];
    for (cut, expected) in table {
        let response = Behaviour::response(200).body("abcdef").until_close();
        let server = FaultServer::plays_over_tls([response.cut(Point::InResponseBody, cut)]);
        let mut stream = client(&server);
        send(&mut stream);
        let mut bytes = Vec::new();
        let kind = stream.read_to_end(&mut bytes).err().map(|error| error.kind());
        assert!(bytes.ends_with(b"\r\n\r\nabc"), "{bytes:?}");
        assert_eq!(kind, expected, "{cut}");
    }
}

#[test]
fn faults_within_http_are_the_same_under_tls() {
    let server = FaultServer::plays_over_tls([
        Behaviour::reset(Point::AfterHeaders),
        Behaviour::close(Point::AfterBody),
    ]);
    let mut stream = handshake(&server).unwrap();
    stream.write_all(head().as_bytes()).unwrap();
    stream.flush().unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(server.body_bytes_received(), 0);

    let mut stream = client(&server);
    send(&mut stream);
    assert_eq!(read_all(&mut stream), (String::new(), End::Eof));
    assert_eq!(server.body_bytes_received(), BODY.len());
    server.verify();
}

#[test]
fn a_redirect_elsewhere_stays_under_tls() {
    let server = FaultServer::plays_over_tls([Behaviour::redirect_elsewhere(307)]);
    let mut stream = client(&server);
    send(&mut stream);
    let response = read_response(&mut stream);
    assert!(response.contains("location: https://127.0.0.1:"), "{response}");
    let mut stream = client_for(server.elsewhere(), "127.0.0.1");
    send(&mut stream);
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 599 "));
}

/// What the server says of a client that shows this.
fn shown(server: &FaultServer, identity: Option<&ClientIdentity>) -> io::Result<()> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(FaultServer::ca_der())).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some(identity) => {
            let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
            let chain = vec![CertificateDer::from(identity.der.clone())];
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(tls, connect(server));
    send(&mut stream);
    stream.read_to_end(&mut Vec::new()).map(drop)
}

#[test]
fn certificates_of_clients() {
    use ClientCertificates::{NotAsked, Required, Wanted};

    let of = FaultServer::client_identity;
    let (trusted, expired) = (of(ClientIdentityKind::Trusted), of(ClientIdentityKind::Expired));
    let unknown = of(ClientIdentityKind::UnknownAuthority);
    assert_ne!(trusted, of(ClientIdentityKind::Trusted));
    assert!(!format!("{trusted:?}").contains("PRIVATE KEY"));
    for (asks, identity, refused) in [
        (NotAsked, None, None),
        (NotAsked, Some(&unknown), None),
        (Wanted, None, None),
        (Wanted, Some(&trusted), None),
        (Wanted, Some(&expired), Some("CertificateExpired")),
        (Required, None, Some("CertificateRequired")),
        (Required, Some(&trusted), None),
        (Required, Some(&expired), Some("CertificateExpired")),
        (Required, Some(&unknown), Some("UnknownCA")),
    ] {
        for tls12 in [false, true] {
            let builder = FaultServer::builder()
                .tls(Certificate::Trusted)
                .client_certificates(asks)
                .handler(|_| Behaviour::json(200, "{}").then_close());
            let builder = if tls12 { builder.tls12_only() } else { builder };
            let server = builder.start().unwrap();
            let told = shown(&server, identity).err().map(|error| error.to_string());
            let context = format!("{asks:?} {tls12} {refused:?}: {told:?}");
            assert_eq!(told.is_some(), refused.is_some(), "{context}");
            let says = refused.is_none_or(|alert| told.is_some_and(|told| told.contains(alert)));
            assert!(says, "{context}");
            let seen = identity.filter(|_| asks != NotAsked && refused.is_none());
            // The alert may be here before it is on record.
            server.stop();
            let connection = &server.connections()[0];
            assert_eq!(connection.client_certificate, seen.map(|i| i.der.clone()), "{context}");
            let failed = matches!(connection.handshake, Handshake::Failed(_));
            assert_eq!(failed, refused.is_some(), "{context}");
        }
    }
}
