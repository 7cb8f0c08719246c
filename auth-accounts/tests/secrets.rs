//! Nothing that is printed, logged or written by accident shows a token.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{error::Error, fmt::Debug};

use auth_accounts::{
    Registration, StoreErrorKind,
    store::{Fingerprint, Note, Record, RecordFormError},
};
use auth_core::RefreshToken;
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use serde_json::{Value, json};
use support::{ADA, World, tokens};

const SECRETS: [&str; 5] =
    ["at-secret-1", "rt-secret-1", "it-secret-1", "at-secret-2", "rt-secret-2"];

#[track_caller]
fn silent(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    text
}

fn full_record() -> Record {
    let world = World::new(Script::new());
    let mut tokens = tokens("at-secret-1", "rt-secret-1", world.now(), 3600);
    tokens.extra.insert("id_token", "it-secret-1".into());
    let mut record = Record::obtained(tokens, world.now());
    record.note = Some(Note::new(Fingerprint::of(&RefreshToken::new("rt-secret-1")), world.now()));
    record.bound_to = Some(Registration::of(&support::endpoint()));
    record
}

#[test]
fn values_do_not_show_it() {
    let record = full_record();
    silent("a record", &debug(&record));
    silent("its serde form", &serde_json::to_string(&record).unwrap());

    let world = World::new(Script::new());
    world.store.inner.put(ADA, record);
    let account = world.account();
    let token = block_on(account.token()).unwrap();
    silent("a token", &debug(&token));
    silent("an account", &debug(&account));
    silent("the store", &debug(&world.store.inner));
    silent("what accounts share", &debug(&world.accounts()));
    let status = block_on(account.status()).unwrap();
    silent("the status", &format!("{status} {status:?}"));
    silent("its JSON", &serde_json::to_string(&status).unwrap());
}

#[test]
fn errors_do_not_tell_it() {
    let echo = "no such token: rt-secret-1";
    let scripts = [
        Script::new().then(CannedResponse::oauth_error("invalid_grant").description(echo)),
        Script::new().then(CannedResponse::oauth_error("invalid_client").description(echo)),
        Script::new().then(CannedResponse::status(403).body(echo)),
        Script::new().then(CannedResponse::status(429).body(r#"{"error":"rt-secret-1"}"#)),
    ];
    for script in scripts {
        let world = World::new(script);
        world.store.inner.put(ADA, full_record());
        world.pass(3600);
        let account = world.account();
        for _ in 0..2 {
            let error = block_on(account.token()).unwrap_err();
            silent("the error", &chain(&error));
        }
        silent("the record", &serde_json::to_string(&world.record()).unwrap());
        let status = block_on(account.status()).unwrap();
        silent("the status", &format!("{status} {}", serde_json::to_string(&status).unwrap()));
    }

    let world = World::new(Script::new().tokens("at-secret-2", "rt-secret-2"));
    world.store.inner.put(ADA, full_record());
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    world.pass(3600);
    let token = block_on(world.account().token()).unwrap();
    silent("a token that is not saved", &debug(&token));
    silent("why", &chain(token.unsaved().unwrap()));
}

#[test]
fn a_record_is_written_in_its_documented_form_when_asked() {
    let record = full_record();
    let form: Value = serde_json::from_slice(&record.to_json_exposed()).unwrap();
    let fingerprint = record.fingerprint().unwrap().to_string();
    assert_eq!(
        form,
        json!({
            "tokens": {
                "access_token": "at-secret-1",
                "refresh_token": "rt-secret-1",
                "expires_at": 1_767_229_200,
                "extra": {"id_token": "it-secret-1"},
            },
            "renewed_at": 1_767_225_600,
            "bound_to": {
                "token_url": "https://auth.example.com/token",
                "client_id": "my-client",
            },
            "begun": {"refresh_token": fingerprint, "at": 1_767_225_600},
        })
    );
    assert_eq!(Record::from_json(&record.to_json_exposed()).unwrap(), record);

    #[derive(serde::Serialize, serde::Deserialize)]
    struct File {
        schema: u32,
        #[serde(with = "auth_accounts::store::record_exposed")]
        record: Record,
    }
    let file = serde_json::to_string(&File { schema: 1, record: record.clone() }).unwrap();
    assert!(file.contains("rt-secret-1"));
    assert_eq!(serde_json::from_str::<File>(&file).unwrap().record, record);
}

#[test]
fn a_setback_is_written_in_its_documented_form() {
    let script = Script::new().then(CannedResponse::oauth_error("invalid_grant"));
    let world = World::new(script).with_record(1);
    world.pass(2);
    block_on(world.account().token()).unwrap_err();
    let record = world.record();
    let form: Value = serde_json::from_slice(&record.to_json_exposed()).unwrap();
    assert_eq!(
        form["setback"],
        json!({
            "refresh_token": record.fingerprint().unwrap().to_string(),
            "kind": "rejected",
            "code": "invalid_grant",
            "status": 400,
            "after_unknown": false,
            "since": 1_767_225_602,
            "failed_at": 1_767_225_602,
            "count": 1,
        })
    );
    assert_eq!(Record::from_json(&record.to_json_exposed()).unwrap(), record);

    // Never earlier than a server allows.
    let mut record = record;
    let setback = record.setback.as_mut().unwrap();
    setback.retry_at = Some(setback.failed_at + std::time::Duration::from_millis(1));
    let form: Value = serde_json::from_slice(&record.to_json_exposed()).unwrap();
    assert_eq!(form["setback"]["retry_at"], 1_767_225_603);
}

#[test]
fn a_form_that_cannot_be_read_is_an_error_without_its_text() {
    let good = String::from_utf8(full_record().to_json_exposed().to_vec()).unwrap();
    let redacted = serde_json::to_string(&full_record()).unwrap();
    let newer = good.replacen('{', r#"{"later": [1], "#, 1);
    assert_eq!(Record::from_json(newer.as_bytes()).unwrap(), full_record());
    let unknown_kind = json!({
        "tokens": {"access_token": "at"},
        "setback": {
            "refresh_token": "0123456789abcdef", "kind": "of-tomorrow", "code": "\u{7}",
            "since": 1, "failed_at": 1, "count": 1,
        },
    });
    let read = Record::from_json(unknown_kind.to_string().as_bytes()).unwrap();
    let setback = read.setback.unwrap();
    assert_eq!((setback.kind.as_str(), setback.code), ("unavailable", None));
    for (number, status) in [(99, None), (429, Some(429)), (1000, None)] {
        let mut stored = unknown_kind.clone();
        stored["setback"]["status"] = number.into();
        let read = Record::from_json(stored.to_string().as_bytes()).unwrap();
        assert_eq!(read.setback.unwrap().status.map(|status| status.as_u16()), status);
    }

    let of = |text: &str| Record::from_json(text.as_bytes()).unwrap_err();
    let broken: Vec<RecordFormError> = vec![
        of(&good[..good.len() / 2]),
        of("at-secret-1"),
        of(&redacted),
        of(&good.replace("1767225600", "\"at-secret-1\"")),
        of(&good.replace("1767225600", "18446744073709551615")),
        of(&good.replace("1767225600", "-1")),
        of(&good.replace("https://auth.example.com/token", "at-secret-1")),
        of(&good.replace("my-client", "at-secret-1").replace("client_id", "client")),
        of("{}"),
        of("[]"),
        of("null"),
        of(""),
    ];
    for error in broken {
        silent("the error", &chain(&error));
    }
    let response = r#"{"access_token":"at-secret-1","expires_in":3600}"#;
    let error = of(response);
    assert!(error.to_string().contains("auth_core::read_response"), "{error}");
    silent("the error", &chain(&error));
    silent("the error", &chain(&of(&format!(r#"{{"tokens":{response}}}"#))));
    for text in ["", "0123456789abcde", "0123456789abcdefg", "0123456789abcdeg", "+123456789abcdef"]
    {
        assert!(text.parse::<Fingerprint>().is_err(), "{text}");
    }
}
