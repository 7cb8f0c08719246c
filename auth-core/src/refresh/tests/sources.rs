//! What is read for each attempt.

use std::{error::Error as _, sync::Mutex};

use super::*;
use crate::{
    AsyncCredentialSource, BasicAuth, ClientAuth, CredentialErrorKind, Source,
    signing::testing::at_once,
};

/// Hands out what it has, one after another.
fn in_turn(texts: &[Result<&str, CredentialErrorKind>]) -> Source {
    let turns = texts.iter().map(|it| it.map(Credential::new)).rev().collect::<Vec<_>>();
    let turns = Mutex::new(turns);
    Source::callback(move || Ok(turns.lock().unwrap().pop().expect("one more turn")?))
}

fn with(auth: impl Into<ClientAuth>) -> Refresh {
    Refresh::new(endpoint().client_auth(auth), RefreshToken::new("rt-secret"))
}

#[track_caller]
fn read(step: Step, now: Now) -> Step {
    let Step::Prove(demand, proving) = step else { panic!("{step:?}") };
    proving.resolve(demand.meet_blocking(), now)
}

#[test]
fn it_is_read_anew_for_each_attempt() {
    type Method = fn(Source) -> ClientAuth;
    let methods: [(Method, &str); 3] = [
        (|source| ClientAuth::post(source), "client_secret="),
        (|source| BasicAuth::new(source).client_id_in_body().into(), ""),
        (ClientAuth::ready_made_assertion, "client_assertion="),
    ];
    for (method, parameter) in methods {
        let source = in_turn(&[Ok("one-secret"), Ok("two-secret")]);
        let (request, pending) = sent(read(with(method(source)).start(at(0)), at(0)));
        let shows = |request: &Request, text: &str| {
            let body = String::from_utf8(request.body().to_vec()).unwrap();
            match request.headers().get("authorization") {
                Some(value) => value == ClientAuthHeader(text).value().as_str(),
                None => body.contains(&format!("{parameter}{text}")),
            }
        };
        assert!(shows(&request, "one-secret"));
        let (_, wait) = waiting(pending.resolve(response(503, ""), at(1)));
        let (request, pending) = sent(read(wait.resume(at(501)), at(501)));
        assert!(shows(&request, "two-secret") && !shows(&request, "one-secret"));

        // What was read is a secret of this request.
        let body = r#"{"error":"invalid_client","error_description":"no two-secret here"}"#;
        let error = failed(pending.resolve(response(401, body), at(502)));
        assert_eq!(error.failure().description(), Some("no [redacted] here"));
        assert_eq!((error.kind(), error.attempts()), (FailureKind::Misconfigured, 2));
    }
}

struct ClientAuthHeader<'a>(&'a str);

impl ClientAuthHeader<'_> {
    fn value(&self) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        format!("Basic {}", STANDARD.encode(format!("c:{}", self.0)))
    }
}

#[test]
fn the_pair_of_basic_is_taken_out_of_what_the_server_says() {
    let source = in_turn(&[Ok("one-secret")]);
    let (request, pending) = sent(read(with(ClientAuth::basic(source)).start(at(0)), at(0)));
    let shown = request.headers()["authorization"].to_str().unwrap().to_owned();
    let body = serde_json::json!({
        "error": "invalid_client", "error_description": format!("bad header {shown}"),
    });
    let error = failed(pending.resolve(response(401, &body.to_string()), at(0)));
    assert_eq!(error.failure().description(), Some("bad header Basic [redacted]"));
}

#[test]
fn without_it_nothing_is_sent() {
    use CredentialErrorKind::*;
    for (kind, retried, sentence) in [
        (Missing, false, "the credential or key is not there"),
        (Forbidden, false, "the credential or key may not be read"),
        (Empty, true, "the credential or key is empty"),
        (Malformed, true, "the credential or key is not what it should be"),
        (WrongKey, false, "the key cannot be used"),
        (Unavailable, true, "the credential or key cannot be had at the moment"),
        (
            Asynchronous,
            false,
            "the key or the source is asynchronous; an asynchronous driver, or BlockingAccounts, waits for it",
        ),
        (Other, false, "the credential or key could not be had"),
    ] {
        let source = in_turn(&[Err(kind), Ok("s")]);
        let step = read(with(ClientAuth::post(source)).start(at(0)), at(1));
        match retried {
            true => {
                let (delay, wait) = waiting(step);
                assert_eq!((delay.as_millis(), wait.attempts()), (500, 1), "{kind:?}");
                assert_eq!(wait.failure().kind(), FailureKind::Unreachable);
                assert_eq!(wait.failure().delivery(), Delivery::NotSent);
                assert_eq!(wait.failure().to_string(), sentence);
                assert!(!wait.possibly_spent());
                let (_, pending) = sent(read(wait.resume(at(501)), at(501)));
                assert_eq!(pending.attempts(), 2);
            }
            false => {
                let error = failed(step);
                assert_eq!(error.kind(), FailureKind::Misconfigured, "{kind:?}");
                assert_eq!(error.failure().delivery(), Delivery::NotSent);
                assert_eq!(error.failure().credential_error().unwrap().kind(), kind);
                assert!(!error.possibly_spent() && !error.failure().is_stale_assertion());
                assert_eq!(
                    error.to_string(),
                    format!(
                        "refresh at auth.example.com by client c failed after 1 attempt: \
                         {sentence}; the configuration must be changed"
                    )
                );
            }
        }
    }
}

#[test]
fn the_cause_is_below_and_holds_no_token() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN";
    let source = Source::callback(move || {
        let error = CredentialError::new(CredentialErrorKind::Other);
        Err(error.with_detail(format!("no key in {token}\nat line 1")))
    });
    let error = failed(read(with(ClientAuth::ready_made_assertion(source)).start(at(0)), at(0)));
    let source = error.source().unwrap();
    assert_eq!(source.to_string(), "no key in [redacted] at line 1");
}

/// What says all by itself is said once.
#[test]
fn a_transparent_error_speaks_for_itself() {
    let source = Source::callback(|| {
        let io = std::io::Error::other("the disk burns");
        let cause = TransportError::not_sent(TransportErrorKind::Other).with_source(io);
        Err(CredentialError::transparent(CredentialErrorKind::Missing, cause))
    });
    let error = source.read_blocking().unwrap_err();
    let cause = error.get_ref().unwrap().downcast_ref::<TransportError>().unwrap();
    assert_eq!(error.to_string(), cause.to_string());
    assert_eq!(error.kind(), CredentialErrorKind::Missing);
    assert_eq!(error.source().unwrap().to_string(), "the disk burns");

    let error = failed(read(with(ClientAuth::basic(source)).start(at(0)), at(0)));
    assert!(error.to_string().contains(&cause.to_string()), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "the disk burns");
    let attached =
        CredentialError::transparent(CredentialErrorKind::Other, "it").with_source("why");
    assert_eq!(attached.to_string(), "the credential or key could not be had");
}

#[test]
fn nobodys_credential_is_empty() {
    let empty = || Source::callback(|| Ok(Credential::new("")));
    assert_eq!(empty().read_blocking().unwrap_err().kind(), CredentialErrorKind::Empty);
    // Whoever meets demands by himself may forget to look.
    let Step::Prove(_, proving) = with(ClientAuth::post(empty())).start(at(0)) else { panic!() };
    let (_, wait) = waiting(proving.resolve(Ok(Credential::new("")), at(0)));
    let error = wait.failure().credential_error().unwrap();
    assert_eq!(error.kind(), CredentialErrorKind::Empty);
}

#[test]
fn a_source_that_waits_serves_who_waits() {
    #[derive(Debug)]
    struct Vault;
    #[async_trait::async_trait]
    impl AsyncCredentialSource for Vault {
        async fn read(&self) -> Result<Credential, CredentialError> {
            Ok(Credential::new("s3cret"))
        }
    }
    let auth = ClientAuth::post(Source::asynchronous(Vault));
    let Step::Prove(demand, proving) = with(auth.clone()).start(at(0)) else { panic!() };
    let (request, _) = sent(proving.resolve(at_once(demand.meet()), at(0)));
    assert!(request.body().ends_with(b"client_secret=s3cret"));
    let error = failed(read(with(auth).start(at(0)), at(0)));
    let error = error.failure().credential_error().unwrap().kind();
    assert_eq!(error, CredentialErrorKind::Asynchronous);
}
