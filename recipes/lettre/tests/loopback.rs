//! The recipe at an SMTP server on loopback.
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use auth_accounts::auth_core::AccessToken;
use auth_testkit::FakeAuthServer;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::{AsyncSmtpTransport, Message, Tokio1Executor};
use recipe_lettre::Mailer;
use recipe_support::Session;

const MAILBOX: &str = "ada@example.com";

/// How a server refuses a token.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// As Exchange Online does.
    Reply,
    /// As Gmail does: the reply comes after another round.
    /// <https://developers.google.com/workspace/gmail/imap/xoauth2-protocol>
    Challenge,
}

/// Listens until the test ends.
fn smtp_server(tokens: FakeAuthServer, refusal: Refusal) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client may leave in the middle.
            let _ = serve(stream.unwrap(), &tokens, refusal);
        }
    });
    address
}

fn serve(mut stream: TcpStream, tokens: &FakeAuthServer, refusal: Refusal) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut is_allowed = false;
    stream.write_all(b"220 fake\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let reply = match line.split(' ').next().unwrap() {
            "EHLO" => "250-fake\r\n250 AUTH XOAUTH2",
            "AUTH" => {
                is_allowed = is_live(&line, tokens);
                match refusal {
                    _ if is_allowed => "235 2.7.0 accepted",
                    Refusal::Reply => "535 5.7.3 Authentication unsuccessful",
                    // {"status":"401","schemes":"Bearer"}
                    Refusal::Challenge => "334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiQmVhcmVyIn0=",
                }
            }
            "" => "535 5.7.8 Username and Password not accepted",
            "DATA" if is_allowed => {
                stream.write_all(b"354 go on\r\n")?;
                while lines.next().transpose()?.is_some_and(|line| line != ".") {}
                "250 2.0.0 taken"
            }
            "MAIL" | "RCPT" if is_allowed => "250 2.1.0 fine",
            "QUIT" => "221 2.0.0 bye",
            _ => "530 5.7.0 Authentication required",
        };
        stream.write_all(reply.as_bytes())?;
        stream.write_all(b"\r\n")?;
    }
    Ok(())
}

/// Whether the very string of XOAUTH2 has a live token.
fn is_live(line: &str, tokens: &FakeAuthServer) -> bool {
    let initial = line.strip_prefix("AUTH XOAUTH2 ").unwrap();
    let said = String::from_utf8(STANDARD.decode(initial).unwrap()).unwrap();
    let token = said.strip_prefix(&format!("user={MAILBOX}\x01auth=Bearer ")).unwrap();
    let token = token.strip_suffix("\x01\x01").unwrap();
    tokens.subject_of(&AccessToken::new(token)).is_some()
}

#[tokio::test]
async fn it_is_served() {
    let message = Message::builder()
        .from(MAILBOX.parse().unwrap())
        .to("bob@example.com".parse().unwrap())
        .body("Hello".to_owned())
        .unwrap();
    for refusal in [Refusal::Reply, Refusal::Challenge] {
        let session = Session::new();
        let address = smtp_server(session.server().clone(), refusal);
        let relay = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1");
        let account = session.account().await;
        let mailer = Mailer {
            account: account.clone(),
            user: MAILBOX.to_owned(),
            relay: relay.port(address.port()),
        };
        session.is_served(&account, async || mailer.send(&message).await).await;
    }
}
