//! A login brings its endpoint and its client.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use auth_accounts::{
    AccountState, Accounts, BlockingAccounts, Login, MemoryStore, Reason, Registration,
    StoreErrorKind,
    store::{Record, SetUp},
};
use auth_core::{
    ClientAuth, EndpointError, FailureKind, Request, Response, TokenEndpoint, Transport,
    TransportError,
};
use auth_testkit::{CannedResponse, FakeAuthServer, Script, VirtualClock};
use pollster::block_on;
use support::{ADA, World};

/// Many servers, told apart by their hosts.
#[derive(Clone, Default)]
struct Internet(Arc<HashMap<String, FakeAuthServer>>);

#[async_trait]
impl Transport for Internet {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.0.get(&host).unwrap().send(request).await
    }
}

fn host(number: usize) -> String {
    format!("mcp-{number}.example.com")
}

/// The endpoint of that server, with the client that was registered there.
fn registered(server: &FakeAuthServer, number: usize) -> TokenEndpoint {
    let url = format!("https://{}/token", host(number));
    let endpoint = TokenEndpoint::new(&url, server.endpoint().client_id()).unwrap();
    match number % 3 {
        0 => endpoint,
        1 => endpoint.client_auth(ClientAuth::basic(format!("basic-{number}"))),
        _ => endpoint.client_auth(ClientAuth::post(format!("post-{number}"))),
    }
}

/// As programs do that register at each server: 50 servers, 50 clients.
#[test]
fn each_account_is_refreshed_at_its_own_endpoint_by_its_own_client() {
    const SERVERS: usize = 50;
    let clock = VirtualClock::manual();
    let servers: Vec<FakeAuthServer> = (0..SERVERS)
        .map(|number| {
            let builder = FakeAuthServer::builder().clock(&clock).client_id(format!("c-{number}"));
            match number % 3 {
                0 => builder.build(),
                1 => builder.client_secret_basic(format!("basic-{number}")).build(),
                _ => builder.client_secret_post(format!("post-{number}")).build(),
            }
        })
        .collect();
    let hosts = servers.iter().enumerate().map(|(number, server)| (host(number), server.clone()));
    let internet = Internet(Arc::new(hosts.collect()));
    let store = MemoryStore::new();
    // What the accounts were made with is of no use to anybody.
    let process = || {
        let nowhere = TokenEndpoint::new("https://nowhere.example.com/token", "nobody").unwrap();
        Accounts::new(nowhere, internet.clone(), store.clone(), clock.clone())
    };
    let accounts = process();
    for (number, server) in servers.iter().enumerate() {
        let login = Login::new(server.log_in(ADA)).endpoint(registered(server, number));
        block_on(accounts.account(host(number)).store_login(login)).unwrap();
    }
    for round in 1..=3 {
        clock.advance(std::time::Duration::from_secs(3600));
        // After a restart too.
        let accounts = if round == 1 { accounts.clone() } else { process() };
        for (number, server) in servers.iter().enumerate() {
            let token = block_on(accounts.account(host(number)).token()).unwrap();
            assert_eq!(server.subject_of(token.access_token()).as_deref(), Some(ADA));
            assert_eq!((server.report().issued, server.requests().len()), (round, round));
        }
    }
    for (number, server) in servers.iter().enumerate() {
        server.assert_never_replayed();
        let record = store.get(host(number)).unwrap();
        assert_eq!(record.set_up, Some(SetUp::new(registered(server, number)).unwrap()));
        assert_eq!(record.bound_to, None);
    }
}

fn other() -> TokenEndpoint {
    TokenEndpoint::new("https://mcp.example.com/token", "client-7")
        .unwrap()
        .client_auth(ClientAuth::basic("s3cret-client"))
        .parameter("resource", "s3cret-resource")
        .unwrap()
        .header("x-api-key", "s3cret-header")
        .unwrap()
}

/// A world in which Ada's login brought its set-up.
fn logged_in(script: Script) -> World {
    let world = World::new(script);
    let tokens = support::tokens("at-1", "rt-1", world.now(), 3600);
    block_on(world.account().store_login(Login::new(tokens).endpoint(other()))).unwrap();
    world.store.log.take();
    world.pass(3600);
    world
}

#[test]
fn a_client_that_is_refused_is_named() {
    let world = logged_in(Script::new().then(CannedResponse::oauth_error("invalid_client")));
    let account = world.account();
    let first = block_on(account.token()).unwrap_err();
    assert_eq!(first.kind(), Some(FailureKind::Misconfigured));
    let second = block_on(account.token()).unwrap_err();
    assert!(matches!(second.reason(), Reason::Setback(_)), "{second}");
    for (error, named) in [
        (&first, "at mcp.example.com by client client-7 "),
        (&second, "by client client-7 at https://mcp.example.com/token"),
    ] {
        assert!(error.to_string().contains(named), "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        assert_eq!(error.registration(), Some(&Registration::of(&other())));
    }
    world.script.finish();
}

/// What failed is the client, and there is another one now.
#[test]
fn a_new_registration_ends_the_setback_of_the_old_one() {
    let script =
        Script::new().then(CannedResponse::oauth_error("invalid_client")).tokens("at-3", "rt-3");
    let world = logged_in(script);
    block_on(world.account().token()).unwrap_err();
    assert!(world.record().setback.unwrap().client.is_some());
    // By the program, without a login: the secret was rotated.
    let mut record = world.record();
    let rotated = other().client_auth(ClientAuth::basic("s3cret-rotated"));
    record.set_up = Some(SetUp::new(rotated).unwrap());
    world.store.inner.put(ADA, record);
    assert_eq!(block_on(world.account().token()).unwrap().access_token().expose(), "at-3");
    world.script.finish();
}

#[test]
fn it_is_its_own_measure() {
    let world = logged_in(Script::new().tokens("at-2", "rt-2"));
    // Accounts that were made with another endpoint do not differ in it.
    let elsewhere = TokenEndpoint::new("https://elsewhere.example.com/", "c").unwrap();
    let clock = world.clock.clone();
    let accounts = Accounts::new(elsewhere, world.script.clone(), world.store.clone(), clock);
    assert_eq!(block_on(accounts.account(ADA).token()).unwrap().access_token().expose(), "at-2");
    let request = &world.script.requests()[0];
    assert_eq!(request.uri(), other().uri());
    assert_eq!(request.headers()["x-api-key"], "s3cret-header");
    assert_eq!(request.param("resource"), Some("s3cret-resource"));

    // A login may bring another one, or none.
    let tokens = || support::tokens("at-5", "rt-5", world.now(), 3600);
    let again = TokenEndpoint::new("https://mcp.example.com/token", "client-8").unwrap();
    let login = Login::new(tokens()).endpoint(again);
    block_on(accounts.account(ADA).store_login(login)).unwrap();
    assert_eq!(world.record().registration().unwrap().client_id(), "client-8");
    block_on(accounts.account(ADA).store_login(tokens())).unwrap();
    assert_eq!(world.record().set_up, None);
    assert_eq!(world.record().bound_to.unwrap().token_url(), "https://elsewhere.example.com/");
}

/// It says where the tokens belong, and that is there already.
#[test]
fn a_login_may_bring_the_endpoint_that_the_record_belongs_to() {
    let (old, new) = (World::new(Script::new()), "https://auth.example.com/token");
    let tokens = || support::tokens("at-1", "rt-1", old.now(), 3600);
    block_on(old.account().store_login(tokens())).unwrap();
    let elsewhere = TokenEndpoint::new("https://elsewhere.example.com/", "c").unwrap();
    let elsewhere = elsewhere.revocation_url("https://elsewhere.example.com/revoke").unwrap();
    let clock = old.clock.clone();
    let accounts = Accounts::new(elsewhere, old.script.clone(), old.store.clone(), clock);
    let brings = |client_id| {
        let endpoint = TokenEndpoint::new(new, client_id).unwrap();
        let tokens = support::tokens("at-2", "rt-2", old.now(), 3600);
        let login = Login::new(tokens).endpoint(endpoint).revoke_replaced(true);
        block_on(accounts.account(ADA).store_login(login))
    };
    let error = brings("another").unwrap_err();
    assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }), "{error}");
    brings("my-client").unwrap();
    // The old refresh token is not revoked where it was not issued.
    assert!(old.script.requests().is_empty());
    assert_eq!(old.record().registration().unwrap().client_id(), "my-client");
}

#[test]
fn plain_http_on_purpose_cannot_be_stored() {
    let world = World::new(Script::new());
    let tokens = || support::tokens("at-1", "rt-1", world.now(), 3600);
    let insecure = || TokenEndpoint::insecure_plain_http("http://keycloak:8080/t", "c").unwrap();
    let login = || Login::new(tokens()).endpoint(insecure());
    let blocking = BlockingAccounts::new(
        support::endpoint(),
        world.script.clone(),
        world.store.clone(),
        world.clock.clone(),
    );
    for error in [
        block_on(world.account().store_login(login())).unwrap_err(),
        blocking.account(ADA).store_login(login()).unwrap_err(),
    ] {
        let Reason::SetUp(why) = error.reason() else { panic!("{error}") };
        assert!(matches!(**why, EndpointError::Insecure { .. }), "{error}");
        assert_eq!(error.state(), AccountState::Misconfigured);
    }
    assert_eq!(world.store.inner.get(ADA), None);
    assert_eq!(world.store.log.take(), "", "the store was not asked");
}

/// It says so once, and what to do.
#[test]
fn a_source_cannot_be_stored() {
    let world = World::new(Script::new());
    let source = auth_core::Source::callback(|| Ok(auth_core::Credential::new("s")));
    let endpoint = TokenEndpoint::new("https://auth.example.com/t", "c").unwrap();
    let endpoint = endpoint.client_auth(ClientAuth::basic(source));
    let login = Login::new(support::tokens("at-1", "rt-1", world.now(), 3600)).endpoint(endpoint);
    let error = block_on(world.account().store_login(login)).unwrap_err().to_string();
    let why = "the endpoint of the login cannot be stored: its client authentication is read from \
               a source; set it on `Accounts`; ";
    assert!(error.contains(why), "{error}");
    assert_eq!(error.matches("cannot be stored").count(), 1, "{error}");
}

/// Such as the file of another program.
#[test]
fn a_store_without_a_place_for_it_changes_nothing() {
    let world = World::new(Script::new()).with_record(3600);
    let before = world.record();
    world.store.fail("tokens", [Some(StoreErrorKind::Unfit)]);
    let account = world.account();
    let tokens = support::tokens("at-9", "rt-9", world.now(), 3600);
    let error = block_on(account.store_login(Login::new(tokens).endpoint(other()))).unwrap_err();
    let Reason::Store(why) = error.reason() else { panic!("{error}") };
    assert_eq!(why.kind(), StoreErrorKind::Unfit);
    assert_eq!(error.state(), AccountState::Misconfigured);
    assert_eq!(world.record(), before);
    // Nor does memory keep it.
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
    assert_eq!(world.record(), before);
}

#[test]
fn what_is_in_it_is_shown_nowhere() {
    let world = logged_in(Script::new().then(CannedResponse::oauth_error("invalid_request")));
    let record: Record = world.record();
    let stored = String::from_utf8(record.to_json_exposed().to_vec()).unwrap();
    assert!(stored.contains("s3cret-client") && stored.contains("s3cret-header"));
    assert_eq!(Record::from_json(stored.as_bytes()).unwrap(), record);
    let account = world.account();
    let error = block_on(account.token()).unwrap_err();
    let status = block_on(account.status()).unwrap();
    let login = Login::new(record.tokens.clone()).endpoint(other());
    let redacted = serde_json::to_string(&record).unwrap();
    let shown = format!(
        "{record:?} {redacted} {error} {error:?} {status} {status:?} {account:?} {login:?} {:?} {}",
        world.store.inner,
        serde_json::to_string(&status).unwrap(),
    );
    assert!(!shown.contains("s3cret") && shown.contains("client-7"), "{shown}");
    assert!(Record::from_json(redacted.as_bytes()).is_err());
}

/// It says how tokens are sent, and is not ignored.
#[test]
fn what_cannot_be_read_of_it_is_an_error_of_the_record() {
    let world = logged_in(Script::new());
    let stored = String::from_utf8(world.record().to_json_exposed().to_vec()).unwrap();
    for (from, to, why) in [
        ("client_secret_basic", "private_key_jwt", "needs a newer version"),
        (r#""body_format""#, r#""dpop":true,"body_format""#, "needs a newer version"),
        ("https://mcp.", "http://mcp.", "wrong type"),
        ("https://mcp.", "https://s3cret@mcp.", "wrong type"),
        ("https://mcp.example.com/token", "s3cret", "wrong type"),
    ] {
        let changed = stored.replacen(from, to, 1);
        assert_ne!(changed, stored);
        let error = Record::from_json(changed.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(why), "{to}: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

/// A token is revoked where it was issued, and nowhere else.
#[test]
fn tokens_are_revoked_at_their_own_endpoint() {
    let script = Script::new().then(CannedResponse::status(200)).then(CannedResponse::status(200));
    let world = World::new(script);
    let tokens = |number: u8| {
        support::tokens(&format!("at-{number}"), &format!("rt-{number}"), world.now(), 3600)
    };
    let own = other().revocation_url("https://mcp.example.com/revoke").unwrap();
    let account = world.account();
    block_on(account.store_login(Login::new(tokens(1)).endpoint(own))).unwrap();
    // By a login that brings another endpoint, or none.
    let next = other().revocation_url("https://next.example.com/revoke").unwrap();
    let login = Login::new(tokens(2)).endpoint(next).revoke_replaced(true);
    block_on(account.store_login(login)).unwrap();
    // And by a logout.
    block_on(account.logout()).unwrap();
    let requests = world.script.requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|request| (request.uri().host().unwrap(), request.param("token").unwrap()))
        .collect();
    assert_eq!(sent, [("mcp.example.com", "rt-1"), ("next.example.com", "rt-2")]);
    world.script.finish();
}
