//! Every file of the corpus, every documented response, and every input that once
//! broke a property.

// A helper of tests, though not itself one.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::{fs, path::Path};

use auth_fuzz_properties as properties;
use properties::Outcome;

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
