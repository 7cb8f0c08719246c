//! Every file of the corpus, every documented response, and every input that once
//! broke a property.

// A helper of tests, though not itself one.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::{fs, path::Path};

use auth_fuzz_properties as properties;
use properties::{Outcome, Read};

/// Runs `property` over `fuzz/corpus/TARGET` and `fuzz/regressions/TARGET`.
fn replay<T>(target: &str, property: fn(&[u8]) -> T) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut inputs = 0;
    for kind in ["corpus", "regressions"] {
        let directory = fuzz.join(kind).join(target);
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            // Names the input if the property panics; shown only then.
            eprintln!("{}", path.display());
            property(&fs::read(&path).unwrap());
            inputs += 1;
        }
    }
    assert!(inputs > 0, "no corpus for {target}");
}

#[test]
fn response() {
    for response in properties::responses() {
        eprintln!("{} of the documented responses", response.id);
        assert_eq!(properties::response(&response.input), response.kind);
    }
    replay("response", properties::response);
}

#[test]
fn reader() {
    replay("reader", properties::reader);
}

#[test]
fn refresh() {
    replay("refresh", properties::refresh);
}

#[test]
fn retry_after() {
    replay("retry_after", properties::retry_after);
}

#[test]
fn token_set() {
    replay("token_set", properties::token_set);
}

#[test]
fn policy() {
    replay("policy", properties::policy);
}

#[test]
fn record() {
    replay("record", properties::record);
}

#[test]
fn store_file() {
    replay("store_file", properties::store_file);
}

#[test]
fn key() {
    replay("key", properties::key);
}

#[test]
fn credential_file() {
    replay("credential_file", properties::credential_file);
}

#[test]
fn nonces() {
    replay("nonces", properties::nonces);
}

#[test]
fn step_up() {
    replay("step_up", properties::step_up);
}

/// Or the target would hold nothing: these files are read as what they are.
#[test]
fn the_corpus_has_keys() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/key");
    for (names, expected) in [
        (&["pem-p256-pkcs8", "pem-p256-sec1", "pem-p384-sec1", "pem-one-line"][..], Read::Key),
        (&["pem-ed25519-pkcs8", "pem-rsa-pkcs8", "pem-rsa-pkcs1", "secret"], Read::Key),
        (&["der-p256-pkcs8", "der-p256-sec1", "der-rsa-pkcs1", "der-ed25519-pkcs8"], Read::Key),
        (&["jwk-ec", "jwk-okp", "jwk-oct", "jwk-rsa", "jwks"], Read::Key),
        (&["pem-p256-pub", "der-p256-pub", "der-rsa-pub1", "jwk-public"], Read::Public),
        (&["signature-256", "signature-short", "signature-521"], Read::Signature),
        (&["signature-zero", "signature-other-curve", "jwk-cut", "pem-cut"], Read::Nothing),
        (&["pem-p256-encrypted", "jwks-unknown", "pem-x25519"], Read::Nothing),
    ] {
        for name in names {
            let read = properties::key(&fs::read(corpus.join(name)).unwrap());
            assert_eq!(read, expected, "{name}");
        }
    }
}

/// Or the target would hold nothing: what these files stand for is reached.
#[test]
fn the_corpus_reaches_a_save() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/store_file");
    for (names, expected) in [
        (&["own", "own-indented", "claude", "claude-float"][..], Outcome::Replaced),
        (&["codex", "codex-indented", "codex-odd-date"], Outcome::Replaced),
        (&["notes", "notes-of-another"], Outcome::Replaced),
        (&["claude-no-login", "codex-api-key"], Outcome::LoggedIn),
        (&["own-cut", "claude-cut", "notes-cut"], Outcome::LeftAlone),
    ] {
        for name in names {
            let outcome = properties::store_file(&fs::read(corpus.join(name)).unwrap());
            assert_eq!(outcome, expected, "{name}");
        }
    }
}
