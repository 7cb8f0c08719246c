//! Refreshes once with each method of client authentication, against a server in this
//! process, and prints what went over the wire. Secrets are redacted.
//!
//! ```sh
//! cargo run --example client_auth
//! cargo run --example client_auth -- --json
//! cargo run --example client_auth -- --help
//! ```
//!
//! The exit status is 0 if every method got tokens, 1 if one did not, and 2 after an
//! option that is not known.

// A program's own output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::{error::Error, process::ExitCode};

use auth_core::{
    Audience, BasicAuth, ClientAuth, Credential, Dpop, Refresh, SigningAlgorithm, SigningKey,
    Source, TokenEndpoint, TokenSet, refresh_blocking,
};
use auth_sign::{Key, NewKey};
use auth_testkit::{
    ClientIdRule, DecodedJwt, FakeAuthServer, FakeAuthServerBuilder, FakeDpop, NonceRule,
    RecordedRequest,
};
use serde_json::{Map, Value, json};

const USAGE: &str = "\
usage: client_auth [--json]   a refresh with each method, at servers of its own

  --json   print one JSON array: method, outcome, token_type, requests
  --help   print this

Exit status: 0 every method got tokens, 1 one did not, 2 bad usage.
";

const SECRET: &str = "s3cret of %: the client, which has 32 bytes or more";
const ISSUER: &str = "https://auth.example.com";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let as_json = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [option] if option == "--json" => true,
        options if options.iter().any(|option| option == "--help" || option == "-h") => {
            print!("{USAGE}");
            return Ok(ExitCode::SUCCESS);
        }
        _ => {
            eprint!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };
    let mut printed = Vec::new();
    let mut all_refreshed = true;
    for method in methods()? {
        let (tokens, requests) = method.run();
        all_refreshed &= tokens.is_some();
        let token_type = tokens.as_ref().and_then(|tokens| tokens.token_type.as_deref());
        let outcome = if tokens.is_some() { "refreshed" } else { "failed" };
        if as_json {
            printed.push(json!({
                "method": method.name,
                "outcome": outcome,
                "token_type": token_type,
                "requests": requests.iter().map(shown).collect::<Vec<_>>(),
            }));
            continue;
        }
        println!("{}: {outcome}, token type {}", method.name, token_type.unwrap_or("unknown"));
        for request in &requests {
            print_request(&shown(request));
        }
        println!();
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&printed)?);
    }
    Ok(if all_refreshed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A method, and a server that takes no other.
struct Method {
    name: &'static str,
    server: FakeAuthServer,
    endpoint: TokenEndpoint,
}

impl Method {
    fn new(
        name: &'static str,
        server: FakeAuthServerBuilder,
        set_up: impl FnOnce(TokenEndpoint) -> TokenEndpoint,
    ) -> Self {
        let server = server.build();
        let endpoint = set_up(server.endpoint());
        Self { name, server, endpoint }
    }

    /// The new tokens, and what was sent for them.
    fn run(&self) -> (Option<TokenSet>, Vec<RecordedRequest>) {
        let session = self.server.log_in("ada");
        let tokens = session.refresh_token.and_then(|token| {
            let refresh = Refresh::new(self.endpoint.clone(), token);
            refresh_blocking(refresh, &self.server, self.server.clock()).ok()
        });
        (tokens, self.server.requests())
    }
}

fn methods() -> Result<Vec<Method>, Box<dyn Error>> {
    use SigningAlgorithm::{Es256, Hs256};

    let server = FakeAuthServer::builder;
    let key = || -> Result<SigningKey, Box<dyn Error>> {
        Ok(Key::from_pem(Es256, NewKey::es256()?.expose_pem())?.key_id("2026-11").into())
    };
    let private_key = key()?;
    let public = private_key.info().public_jwk().unwrap_or_default().to_owned();
    let shared_secret = Key::from_secret(Hs256, SECRET)?;
    let assertion = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl";
    let source = |text: &'static str| Source::callback(move || Ok(Credential::new(text)));
    let dpop = Dpop::new(key()?)?;
    let nonces = FakeDpop::new().nonces(NonceRule::Always);
    Ok(vec![
        Method::new("none", server(), |endpoint| endpoint),
        Method::new("client_secret_basic", server().client_secret_basic(SECRET), |endpoint| {
            endpoint.client_auth(ClientAuth::basic(SECRET))
        }),
        Method::new(
            "client_secret_basic, raw, with client_id in the body",
            server()
                .client_secret_basic(SECRET)
                .raw_basic()
                .client_id_beside_basic(ClientIdRule::Demanded),
            |endpoint| endpoint.client_auth(BasicAuth::new(SECRET).raw().client_id_in_body()),
        ),
        Method::new("client_secret_post", server().client_secret_post(SECRET), |endpoint| {
            endpoint.client_auth(ClientAuth::post(SECRET))
        }),
        Method::new(
            "client_secret_post, read from a source",
            server().client_secret_post(SECRET),
            |endpoint| endpoint.client_auth(ClientAuth::post(source(SECRET))),
        ),
        Method::new("client_secret_jwt", server().client_secret_jwt(SECRET), |endpoint| {
            endpoint.client_auth(ClientAuth::assertion(shared_secret, Audience::TokenEndpoint))
        }),
        Method::new("private_key_jwt", server().private_key_jwt(&public), |endpoint| {
            let audience = Audience::Issuer(ISSUER.to_owned());
            endpoint.client_auth(ClientAuth::assertion(private_key, audience))
        }),
        Method::new(
            "a ready-made assertion",
            server().ready_made_assertion(assertion),
            |endpoint| endpoint.client_auth(ClientAuth::ready_made_assertion(source(assertion))),
        ),
        Method::new("tls_client_auth, without the certificate", server(), |endpoint| {
            endpoint.client_auth(ClientAuth::mutual_tls())
        }),
        Method::new("none, with DPoP and a nonce", server().dpop(nonces), |endpoint| {
            endpoint.dpop(dpop)
        }),
    ])
}

/// What of a request may be shown.
fn shown(request: &RecordedRequest) -> Value {
    let mut headers = Map::new();
    for (name, value) in request.headers() {
        let text = value.to_str().unwrap_or_default();
        let text = match name.as_str() {
            "authorization" => {
                Value::from(format!("{} [redacted]", text.split(' ').next().unwrap_or_default()))
            }
            "dpop" => request.dpop_proof().map_or(Value::Null, |proof| token(&proof)),
            _ => Value::from(text),
        };
        headers.insert(name.to_string(), text);
    }
    let body: Map<_, _> = request
        .params()
        .map(|(name, value)| {
            let value = match name {
                "refresh_token" | "client_secret" => Value::from("[redacted]"),
                "client_assertion" => {
                    request.client_assertion().map_or(Value::Null, |jwt| token(&jwt))
                }
                _ => Value::from(value),
            };
            (name.to_owned(), value)
        })
        .collect();
    json!({
        "method": request.method().as_str(),
        "url": request.uri().to_string(),
        "headers": headers,
        "body": body,
    })
}

/// Without its signature, without which it is of no use to anybody.
fn token(token: &DecodedJwt) -> Value {
    json!({ "header": token.headers(), "claims": token.claims(), "signature": "[redacted]" })
}

fn print_request(request: &Value) {
    println!("  {} {}", text(&request["method"]), text(&request["url"]));
    for (part, mark) in [("headers", ": "), ("body", "=")] {
        for (name, value) in request[part].as_object().into_iter().flatten() {
            println!("    {name}{mark}{}", text(value));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
