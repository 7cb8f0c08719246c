//! Each method of client authentication, as a form and as JSON, through both adapters:
//! what is on the wire, and that a server which knows the method takes it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use auth_core::{
    Audience, Backoff, BasicAuth, BodyFormat, ClientAuth, Credential, Dpop, Refresh,
    SigningAlgorithm, SigningKey, Source, TokenEndpoint, TokenSet, refresh, refresh_blocking,
};
use auth_reqwest::{ReqwestTransport, TokioClock};
use auth_sign::{Key, NewKey};
use auth_testkit::{
    ClientIdRule, FakeAuthServer, FakeAuthServerBuilder, FakeDpop, ListeningAuthServer, NonceRule,
    RecordedRequest,
};
use auth_ureq::{SystemClock, UreqTransport};

const SECRET: &str = "p+ss: %w/rd ü of 32 bytes or more, so that it will do";

struct Method {
    name: &'static str,
    server: FakeAuthServerBuilder,
    /// `None` is what the server hands out.
    auth: Option<ClientAuth>,
    dpop: Option<Dpop>,
    /// What is on the wire beside the grant, by name.
    headers: &'static [&'static str],
    parameters: &'static [&'static str],
    requests: usize,
}

fn key() -> SigningKey {
    NewKey::es256().unwrap().into_key().into()
}

fn read(text: &'static str) -> Source {
    Source::callback(move || Ok(Credential::new(text)))
}

const ASSERTION: &[&str] = &["client_assertion", "client_assertion_type", "client_id"];

fn methods() -> Vec<Method> {
    let server = || FakeAuthServer::builder().real_time();
    let row = |name, server, auth, headers, parameters| Method {
        name,
        server,
        auth,
        dpop: None,
        headers,
        parameters,
        requests: 1,
    };
    let signer = key();
    let jwk = signer.info().public_jwk().unwrap().to_owned();
    let hs = Key::from_secret(SigningAlgorithm::Hs256, SECRET).unwrap();
    let issuer = Audience::Issuer("https://auth.example.com".to_owned());
    let signed = ClientAuth::assertion(signer, issuer.clone());
    // The audience of a server in process; one on a socket takes it, too.
    let private = || server().private_key_jwt(&jwk);
    let basic = || server().client_secret_basic(SECRET);
    let demands = || basic().client_id_beside_basic(ClientIdRule::Demanded);
    let asks = FakeDpop::new().nonces(NonceRule::Always);
    vec![
        row("none", server(), Some(ClientAuth::none()), &[], &["client_id"]),
        row("tls", server(), Some(ClientAuth::mutual_tls()), &[], &["client_id"]),
        row("basic", basic(), Some(ClientAuth::basic(SECRET)), &["authorization"], &[]),
        row("basic, read", basic(), Some(ClientAuth::basic(read(SECRET))), &["authorization"], &[]),
        row(
            "basic, raw",
            basic().raw_basic(),
            Some(BasicAuth::new(SECRET).raw().into()),
            &["authorization"],
            &[],
        ),
        row(
            "basic, named twice",
            demands(),
            Some(BasicAuth::new(SECRET).client_id_in_body().into()),
            &["authorization"],
            &["client_id"],
        ),
        row(
            "post",
            server().client_secret_post(SECRET),
            Some(ClientAuth::post(SECRET)),
            &[],
            &["client_id", "client_secret"],
        ),
        row(
            "client_secret_jwt",
            server().client_secret_jwt(SECRET),
            Some(ClientAuth::assertion(hs, issuer)),
            &[],
            ASSERTION,
        ),
        row("private_key_jwt", private(), Some(signed.clone()), &[], ASSERTION),
        row(
            "ready-made",
            server().ready_made_assertion("a.b.c"),
            Some(ClientAuth::ready_made_assertion(read("a.b.c"))),
            &[],
            ASSERTION,
        ),
        Method {
            dpop: Some(Dpop::new(key()).unwrap()),
            ..row("none, DPoP", server().dpop(FakeDpop::new()), None, &["dpop"], &["client_id"])
        },
        Method {
            dpop: Some(Dpop::new(key()).unwrap()),
            requests: 2,
            ..row(
                "private_key_jwt, nonce",
                private().dpop(asks),
                Some(signed),
                &["dpop"],
                ASSERTION,
            )
        },
    ]
}

#[derive(Debug, Clone, Copy)]
enum Adapter {
    Reqwest,
    Ureq,
}

/// Made once, for that reads all root certificates.
struct Adapters {
    runtime: tokio::runtime::Runtime,
    reqwest: ReqwestTransport,
    ureq: UreqTransport,
}

impl Adapters {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let reqwest = runtime.block_on(async { ReqwestTransport::new() }).unwrap();
        Self { runtime, reqwest, ureq: UreqTransport::new().unwrap() }
    }

    fn run(&self, adapter: Adapter, endpoint: TokenEndpoint, session: TokenSet) -> TokenSet {
        let refresh = Refresh::new(endpoint, session.refresh_token.unwrap());
        let refresh = refresh.policy(Backoff::never());
        match adapter {
            Adapter::Reqwest => {
                self.runtime.block_on(self::refresh(refresh, &self.reqwest, &TokioClock))
            }
            Adapter::Ureq => refresh_blocking(refresh, &self.ureq, &SystemClock),
        }
        .unwrap()
    }
}

/// The server, and its endpoint with the client of this row.
fn set_up(method: &Method, format: BodyFormat) -> (ListeningAuthServer, TokenEndpoint) {
    let listening = method.server.clone().body_format(format).build().listen();
    let mut endpoint = listening.endpoint();
    if let Some(auth) = &method.auth {
        endpoint = endpoint.client_auth(auth.clone());
    }
    if let Some(dpop) = &method.dpop {
        // Each server is another origin, with a nonce of its own.
        endpoint = endpoint.dpop(dpop.clone());
    }
    (listening, endpoint)
}

#[test]
fn every_method_in_every_format_through_both_adapters() {
    let adapters = Adapters::new();
    for method in methods() {
        for format in [BodyFormat::Form, BodyFormat::Json, BodyFormat::JsonCamelCase] {
            let mut seen = Vec::new();
            for adapter in [Adapter::Reqwest, Adapter::Ureq] {
                let about = format!("{}, {format:?}, {adapter:?}", method.name);
                let (listening, endpoint) = set_up(&method, format);
                let tokens = adapters.run(adapter, endpoint, listening.server().log_in("ada"));
                assert!(tokens.refresh_token.is_some(), "{about}");
                let requests = listening.server().requests();
                assert_eq!(requests.len(), method.requests, "{about}");
                for request in &requests {
                    check(&method, format, request, &about);
                }
                seen.push(requests.iter().map(fixed).collect::<Vec<_>>());
            }
            assert_eq!(seen[0], seen[1], "{}: the adapters differ", method.name);
        }
    }
}

fn check(method: &Method, format: BodyFormat, request: &RecordedRequest, about: &str) {
    assert_eq!(request.format(), Some(format), "{about}");
    for name in ["authorization", "dpop"] {
        let count = request.headers().get_all(name).iter().count();
        assert_eq!(count, usize::from(method.headers.contains(&name)), "{about}: {name}");
    }
    for name in
        ["client_id", "client_secret", "client_assertion", "client_assertion_type", "grant_type"]
    {
        let is_expected = method.parameters.contains(&name) || name == "grant_type";
        assert_eq!(request.param(name).is_some(), is_expected, "{about}: {name}");
    }
}

/// What of a request is the same each time.
fn fixed(request: &RecordedRequest) -> BTreeMap<String, String> {
    let is_fixed = |name: &str| {
        !["client_assertion", "clientAssertion", "refresh_token", "refreshToken"].contains(&name)
    };
    let body = request.params().filter(|(name, _)| is_fixed(name));
    let body = body.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let authorization = request.header("authorization").unwrap_or_default().to_owned();
    body.chain([("header authorization".to_owned(), authorization)]).collect()
}
