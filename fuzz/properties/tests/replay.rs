//! Every file of the corpus, every documented answer, and every input that once
//! broke a property.

// A helper of tests, though not itself one.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use std::{fs, path::Path};

use auth_fuzz_properties as properties;

/// Runs `property` over `fuzz/corpus/TARGET` and `fuzz/regressions/TARGET`.
fn replay(target: &str, property: fn(&[u8])) {
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
fn answer() {
    for (name, input) in properties::answers() {
        eprintln!("{name} of the documented answers");
        properties::answer(&input);
    }
    replay("answer", properties::answer);
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
