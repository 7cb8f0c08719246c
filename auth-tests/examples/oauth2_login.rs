//! A program that logs in with the `oauth2` crate (authorization code and PKCE), hands
//! the tokens over, and does not think of them again: its calls survive an access token
//! that has expired and one that was revoked.
//!
//! `cargo run -p auth-tests --example oauth2_login` needs nothing else: the server, its
//! API and the browser are in here, on loopback. The first two functions are what a
//! program needs.
#![allow(clippy::print_stdout)]

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, SystemTime},
};

use auth_accounts::{BlockingAccount, BlockingAccounts, calls};
use auth_core::TokenSet;
use auth_store::FileStore;
use auth_testkit::FakeAuthServer;
use auth_ureq::UreqTransport;
use http::{Request, Response};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, CsrfToken, HttpRequest, HttpResponse, PkceCodeChallenge,
    RedirectUrl, TokenUrl, basic::BasicClient, url::Url,
};
use ureq::Agent;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Logs in, all by the `oauth2` crate, and takes the tokens over.
fn log_in(
    login_url: String,
    token_url: &str,
    agent: &Agent,
    open_browser: impl FnOnce(Url),
    now: impl Fn() -> SystemTime,
) -> Result<TokenSet> {
    // The browser comes back to a port of this program (RFC 8252 section 7.3).
    let back = TcpListener::bind("127.0.0.1:0")?;
    let client = BasicClient::new(ClientId::new("my-client".to_owned()))
        .set_auth_uri(AuthUrl::new(login_url)?)
        .set_token_uri(TokenUrl::new(token_url.to_owned())?)
        .set_redirect_uri(RedirectUrl::new(format!("http://{}/", back.local_addr()?))?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (login, state) =
        client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge).url();
    open_browser(login);
    let code = returned(&back, &state)?;

    let send = |request: HttpRequest| -> std::result::Result<HttpResponse, ureq::Error> {
        let (head, mut body) = agent.run(request)?.into_parts();
        Ok(Response::from_parts(head, body.read_to_vec()?))
    };
    // The lifetime counts from here.
    let sent = now();
    let response = client.exchange_code(code).set_pkce_verifier(verifier).request(&send)?;
    Ok(TokenSet::from_oauth2(&response, sent)?)
}

/// A call of the API. That is all: no lifetime, no refresh, no 401.
fn call(account: &BlockingAccount, agent: &Agent, url: &str) -> Result<String> {
    let request = Request::get(url).body(())?;
    let mut response = calls::send_blocking(account, request, |request| agent.run(request))?;
    Ok(response.body_mut().read_to_string()?)
}

/// The code with which the browser comes back.
fn returned(back: &TcpListener, state: &CsrfToken) -> Result<AuthorizationCode> {
    let (mut stream, _) = back.accept()?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nYou may close this page.")?;
    let target = line.split(' ').nth(1).unwrap_or_default();
    let url = Url::parse("http://127.0.0.1/")?.join(target)?;
    let get = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    match (get("code"), get("state")) {
        (Some(code), Some(same)) if same == *state.secret() => {
            Ok(AuthorizationCode::new(code.into_owned()))
        }
        _ => Err(get("error").unwrap_or("the browser came back without a code".into()).into()),
    }
}

fn main() -> Result<()> {
    // Instead of a real one. Its tokens live an hour on a clock that we can move.
    let server = FakeAuthServer::builder().authorizes("ada").build();
    let (listening, api) = (server.listen(), server.api().listen());
    // A program takes `auth_ureq::SystemClock`.
    let clock = server.clock().clone();
    let browser = Agent::from(Agent::config_builder().proxy(None).build());
    let open = |url: Url| drop(thread::spawn(move || browser.get(url.as_str()).call()));
    // A token that was refused is no error of the client's, and a code goes nowhere but to
    // the token endpoint.
    let settings = Agent::config_builder().http_status_as_error(false).max_redirects(0);
    let agent = Agent::from(settings.proxy(None).build());

    let tokens =
        log_in(listening.authorization_url(), listening.url(), &agent, open, || clock.now().wall)?;

    let directory = tempfile::tempdir()?;
    let store = FileStore::open(directory.path().join("accounts"))?;
    let transport = UreqTransport::new()?;
    let accounts = BlockingAccounts::new(listening.endpoint(), transport, store, clock.clone());
    let account = accounts.account("ada");
    account.store_login(tokens)?;
    println!("logged in:   {}", call(&account, &agent, api.url())?);

    clock.advance(Duration::from_secs(3600));
    println!("it expired:  {}", call(&account, &agent, api.url())?);

    server.revoke_access(account.token()?.access_token());
    println!("was revoked: {}", call(&account, &agent, api.url())?);

    let (at_server, at_api) = (server.report(), api.api().report());
    println!("calls served: {}, refused: {}", at_api.served, at_api.refused);
    println!("logins: {}, refreshes: {}", at_server.authorized, at_server.issued - 1);
    Ok(())
}
