//! What auth-core rests on, by name: no socket, no runtime, no client, and few
//! enough to read through.

// Helpers of tests, though not themselves tests.
#![allow(clippy::expect_used)]

use std::{collections::BTreeSet, process::Command};

/// The most crates that `cargo tree` may show for auth-core, itself and
/// procedural macros included.
const MOST: usize = 30;

/// Everything below auth-core with its default features. Another one is a
/// decision, made here.
const ALLOWED: [&str; 26] = [
    "adler2",
    "async-trait",
    "auth-core",
    "base64",
    "bytes",
    "form_urlencoded",
    "http",
    "httpdate",
    "itoa",
    "memchr",
    "miniz_oxide",
    "percent-encoding",
    "proc-macro2",
    "quote",
    "ryu",
    "secrecy",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "syn",
    "thiserror",
    "thiserror-impl",
    "unicode-ident",
    "zeroize",
    // serde_json prints numbers with one or the other, by its version.
    "zmij",
];

/// What `tracing` adds.
const FOR_TRACING: [&str; 4] = ["once_cell", "pin-project-lite", "tracing", "tracing-core"];

/// A crate with I/O in it, whatever else changes.
const WITH_IO: [&str; 14] = [
    "async-std",
    "curl",
    "hyper",
    "isahc",
    "mio",
    "native-tls",
    "polling",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "socket2",
    "tokio",
    "ureq",
];

#[test]
fn auth_core_rests_on_few_crates_and_none_with_io() {
    let crates = tree("auth-core", &[]);
    assert!(crates.contains("auth-core") && crates.len() > 10, "{crates:?}");
    let others: Vec<_> = crates.iter().filter(|name| !ALLOWED.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "not on the list: {others:?}");
    assert!(crates.len() <= MOST, "{} crates: {crates:?}", crates.len());

    let traced = tree("auth-core", &["--features", "tracing"]);
    let others: Vec<_> = traced
        .iter()
        .filter(|name| !ALLOWED.contains(&name.as_str()) && !FOR_TRACING.contains(&name.as_str()))
        .collect();
    assert!(others.is_empty(), "with `tracing`, not on the list: {others:?}");
    assert!(!traced.iter().any(|name| WITH_IO.contains(&name.as_str())), "{traced:?}");

    // For programs that have that crate, and its client, if any, already.
    let handed_over = tree("auth-core", &["--features", "oauth2"]);
    assert!(handed_over.contains("oauth2") && !crates.contains("oauth2"), "{crates:?}");
    assert!(!handed_over.iter().any(|name| WITH_IO.contains(&name.as_str())), "{handed_over:?}");
}

#[test]
fn the_testkit_pulls_no_server_and_no_runtime() {
    let crates = tree("auth-testkit", &[]);
    assert!(crates.contains("auth-core"), "{crates:?}");
    assert!(!crates.contains("mockall"), "only with its feature `mock`: {crates:?}");
    let io: Vec<_> = crates.iter().filter(|name| WITH_IO.contains(&name.as_str())).collect();
    assert!(io.is_empty(), "{io:?}");
}

/// The check would notice.
#[test]
fn a_crate_with_io_is_found() {
    let crates = tree("auth-testkit", &["--features", "server"]);
    assert!(crates.iter().any(|name| WITH_IO.contains(&name.as_str())), "{crates:?}");
}

/// It has a use outside of this project, and so knows nothing of it.
#[test]
fn the_fault_server_knows_nothing_of_this_project() {
    let crates = tree("fault-server", &["--all-features"]);
    assert!(crates.contains("fault-server"), "{crates:?}");
    assert!(!crates.iter().any(|name| name.starts_with("auth-")), "{crates:?}");
}

/// The names of a package and all that it is built on.
fn tree(package: &str, options: &[&str]) -> BTreeSet<String> {
    // Whatever the test was built with is at hand; only what it was not built
    // with may have to be fetched.
    for offline in [&["--offline"][..], &[]] {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["tree", "--locked", "--edges", "normal", "--prefix", "none"])
            .args(["--format", "{p}", "--package", package])
            .args(options)
            .args(offline)
            .output()
            .expect("cargo runs");
        if output.status.success() {
            let text = String::from_utf8(output.stdout).expect("names in UTF-8");
            return text
                .lines()
                .filter_map(|line| line.split(' ').next())
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
        }
        if offline.is_empty() {
            panic!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    unreachable!("the second try returns or panics")
}
