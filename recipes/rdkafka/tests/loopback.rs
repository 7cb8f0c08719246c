//! The recipe at a broker on loopback, which goes as far as SASL.
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use auth_accounts::{AccountError, AccountState, BlockingAccount, auth_core::AccessToken};
use auth_testkit::FakeAuthServer;
use rdkafka::{
    ClientConfig, ClientContext,
    consumer::{BaseConsumer, Consumer},
};
use recipe_rdkafka::AccountContext;
use recipe_support::Session;

/// Only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A broker that says, for each client, whether its token is live. It listens until the
/// test ends.
fn broker(tokens: FakeAuthServer) -> (SocketAddr, Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (verdicts, received) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (tokens, verdicts) = (tokens.clone(), verdicts.clone());
            // A client may leave in the middle.
            thread::spawn(move || drop(serve(stream.unwrap(), &tokens, &verdicts)));
        }
    });
    (address, received)
}

/// Each message is behind its length. What the client may ask, and by which mechanism it
/// authenticates, are agreed upon by requests with a key, a version and an identifier.
fn serve(
    mut stream: TcpStream,
    tokens: &FakeAuthServer,
    verdicts: &Sender<bool>,
) -> io::Result<()> {
    loop {
        let request = frame(&mut stream)?;
        let (key, version, id) = (&request[..2], &request[2..4], &request[4..8]);
        match key {
            // ApiVersions: it and SaslHandshake in version 0, which else is an error (35).
            [0, 18] if version == [0, 0] => answer(&mut stream, &[id, &[0, 0], VERSIONS])?,
            [0, 18] => answer(&mut stream, &[id, &[0, 35], VERSIONS])?,
            // SaslHandshake: one mechanism. What follows has no such head.
            [0, 17] => {
                break answer(&mut stream, &[id, &[0, 0, 0, 0, 0, 1, 0, 11], b"OAUTHBEARER"])?;
            }
            _ => panic!("unknown request {key:?}"),
        }
    }
    // RFC 7628 section 3.
    let first = String::from_utf8(frame(&mut stream)?).unwrap();
    let token =
        first.strip_prefix("n,,\x01auth=Bearer ").unwrap().strip_suffix("\x01\x01").unwrap();
    let is_live = tokens.subject_of(&AccessToken::new(token)).is_some();
    answer(&mut stream, &[if is_live { b"" } else { br#"{"status":"invalid_token"}"# }])?;
    let _ = verdicts.send(is_live);
    if !is_live {
        // The client says that it has read why, and waits for the end.
        frame(&mut stream)?;
        answer(&mut stream, &[])?;
    }
    // Until the client has read it, and leaves.
    while frame(&mut stream).is_ok() {}
    Ok(())
}

const VERSIONS: &[u8] = &[0, 0, 0, 2, 0, 17, 0, 0, 0, 0, 0, 18, 0, 0, 0, 0];

fn answer(stream: &mut TcpStream, parts: &[&[u8]]) -> io::Result<()> {
    let answer = parts.concat();
    stream.write_all(&(answer.len() as u32).to_be_bytes())?;
    stream.write_all(&answer)
}

fn frame(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

fn connect(account: &BlockingAccount, broker: SocketAddr) -> BaseConsumer<AccountContext> {
    let client: BaseConsumer<_> = ClientConfig::new()
        .set("bootstrap.servers", broker.to_string())
        .set("group.id", "group")
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "OAUTHBEARER")
        .create_with_context(AccountContext::new(account.clone()))
        .unwrap();
    client.subscribe(&["topic"]).unwrap();
    client
}

/// Serves the client's callbacks until something has come.
#[track_caller]
fn poll<T>(client: &BaseConsumer<AccountContext>, mut come: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        // What it returns are its errors, which the context has had.
        let _ = client.poll(Duration::from_millis(10));
        if let Some(come) = come() {
            return come;
        }
        assert!(start.elapsed() < PATIENCE, "nothing came");
    }
}

#[test]
fn it_is_served() {
    let session = Session::new();
    let (broker, verdicts) = broker(session.server().clone());
    let account = session.blocking_account();

    // The token has expired.
    let client = connect(&account, broker);
    assert!(poll(&client, || verdicts.try_recv().ok()), "the broker refused a new token");
    assert_eq!(session.refreshes(), 1);

    // It is refused: the account hears of it, and the next client has another one.
    session.revoke_access(&account.clone().into());
    let client = connect(&account, broker);
    assert!(!poll(&client, || verdicts.try_recv().ok()));
    poll(&client, || (session.refreshes() == 2).then_some(()));
    drop(client);
    let client = connect(&account, broker);
    assert!(poll(&client, || verdicts.try_recv().ok()), "the broker refused a new token");
    assert_eq!(session.refreshes(), 2);

    // The session is over.
    session.server().revoke("ada");
    session.revoke_access(&account.clone().into());
    let current = account.current().unwrap();
    account.token_refused(current.access_token()).unwrap_err();
    let error = client.context().generate_oauth_token(None).err().unwrap();
    let found = AccountError::find(&*error).map(AccountError::state);
    assert_eq!(found, Some(AccountState::LoginNeeded), "{error}");
    assert_eq!(session.refreshes(), 2);
}
