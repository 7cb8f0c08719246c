//! The front page of each library: the table of what to take, a `Cargo.toml` to
//! paste, and a whole program, before anything else. The program is compiled as
//! any example of the docs is.

// Helpers of tests, though not themselves tests.
#![allow(clippy::expect_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use auth_tests::LIBRARIES;
use serde_json::Value;

fn read(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).expect(path)
}

/// What stands before the first heading.
fn top(library: &str) -> String {
    let page = read(&format!("{library}/docs/crate.md"));
    let mut in_code = false;
    page.lines()
        .take_while(|line| {
            in_code ^= line.starts_with("```");
            in_code || !line.starts_with("# ")
        })
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[test]
fn every_page_begins_with_the_same_table_a_manifest_and_a_program() {
    let table = read("docs/which.md");
    for library in LIBRARIES {
        let top = top(library);
        let place = |what: &str| {
            top.find(what).unwrap_or_else(|| panic!("{library}: no {what:?} before the headings"))
        };
        // What is for tests only shows one.
        let program = if top.contains("fn main()") { "fn main()" } else { "#[test]\n" };
        let order = [place(&table), place("```toml\n"), place(program)];
        assert!(order.is_sorted(), "{library}: {order:?}");
        assert!(place(&format!("\n{library} = ")) > order[1], "{library}");
    }
}

#[test]
fn what_the_pages_would_have_pasted_exists() {
    let known = known();
    let mut checked = 0;
    let pages = LIBRARIES.map(|library| format!("{library}/docs/crate.md"));
    for page in pages.iter().map(String::as_str).chain(["README.md"]) {
        for line in manifests(&read(page)) {
            let problem = problem(&line, &known);
            assert_eq!(problem, None, "{page}: {line}");
            checked += 1;
        }
    }
    assert!(checked > LIBRARIES.len(), "{checked}");
}

/// The check would notice.
#[test]
fn a_manifest_that_names_what_is_not_there_is_found() {
    let known = known();
    for (line, right) in [
        (r#"auth-testkit = "0.1""#, true),
        (r#"auth-testkit = { version = "0.1", features = ["server"] }"#, true),
        (r#"auth-testkit = { path = "…" }   # a comment"#, true),
        (r#"auth-testkit = { version = "0.1", features = ["sever"] }"#, false),
        (r#"auth-testkit = "0.2""#, false),
        (r#"auth-no-such-crate = "0.1""#, false),
        (r#"tokio = { version = "1", features = ["rt", "no-such-feature"] }"#, false),
        (r#"tokio = "0.9""#, false),
    ] {
        assert_eq!(problem(line, &known).is_none(), right, "{line}");
    }
}

/// The lines of a page's manifests that name a dependency.
fn manifests(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for block in page.split("```toml\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        lines.extend(block.lines().filter(|line| line.contains(" = ")).map(str::to_owned));
    }
    lines
}

/// What is wrong with a dependency.
fn problem(
    line: &str,
    known: &BTreeMap<String, Vec<(String, BTreeSet<String>)>>,
) -> Option<String> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let (name, rest) = line.split_once(" = ")?;
    let Some(versions) = known.get(name) else { return Some(format!("no crate {name}")) };
    let quoted =
        |text: &str| text.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let (rest, features) = rest.split_once("features = ").unwrap_or((rest, ""));
    let version = quoted(rest).into_iter().next().unwrap_or_default();
    let is_path = rest.contains("path = ");
    let Some((_, all)) = versions
        .iter()
        .find(|(found, _)| is_path || format!("{found}.").starts_with(&format!("{version}.")))
    else {
        return Some(format!("not version {version}"));
    };
    quoted(features).into_iter().find(|feature| !all.contains(feature))
}

/// Every crate of the workspace's tree: its versions, and their features.
fn known() -> BTreeMap<String, Vec<(String, BTreeSet<String>)>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut known = BTreeMap::<_, Vec<_>>::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let text = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
        let features = package["features"].as_object().expect("features");
        known
            .entry(text("name"))
            .or_default()
            .push((text("version"), features.keys().cloned().collect()));
    }
    known
}
