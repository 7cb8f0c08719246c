//! Imports run one way: no module uses one of a higher layer, and no files use
//! each other in a circle. Each library names its layers in `lib.rs`, lowest
//! first, in comments of the form `// layer: clock json`.
//!
//! An import is a `use`, or a path in the code that begins with `crate`, `super`,
//! `self` or a name that stands for a module. It leads to the file that defines
//! what is named, through all re-exports. A file and the files in the folder of
//! its name are a family: a child may use what its parent defines, and a parent
//! its children. Code under `#[cfg(test)]` is not looked at.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod check;
mod source;

use std::{collections::BTreeMap, path::Path};

use auth_tests::LIBRARIES;

use self::{check::problems, source::Sources};

#[test]
fn imports_run_one_way_in_every_library() {
    let mut wrong = Vec::new();
    for name in LIBRARIES.into_iter().chain(["examples-support"]) {
        judge(name, problems(&of(name), "lib.rs", true), &mut wrong);
    }
    // A program has no layers to name.
    judge("e2e", problems(&of("e2e"), "main.rs", false), &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn judge(name: &str, found: Vec<String>, wrong: &mut Vec<String>) {
    wrong.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
}

/// The sources of a crate of the workspace.
fn of(name: &str) -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
    let mut files = BTreeMap::new();
    collect(&root, "", &mut files);
    assert!(files.len() > 3, "{name} has no sources in {}", root.display());
    files
}

fn collect(directory: &Path, prefix: &str, files: &mut Sources) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// Adds a line to a file of auth-core, and says what is found then.
fn planted(file: &str, line: &str) -> Vec<String> {
    let mut sources = of("auth-core");
    sources.get_mut(file).expect("a file of auth-core").push_str(line);
    problems(&sources, "lib.rs", true)
}

#[test]
fn an_import_of_a_higher_layer_is_found() {
    assert_eq!(planted("clock.rs", ""), [""; 0]);
    for (file, line, told) in [
        (
            "clock.rs",
            "use crate::drive::refresh;",
            "clock.rs uses crate::drive::refresh (drive.rs)",
        ),
        // Through the root, and through a module's own door.
        ("clock.rs", "use crate::Request as R;", "clock.rs uses crate::Request (request.rs)"),
        ("json.rs", "use crate::transport::{self, Response};", "(transport.rs)"),
        ("json/write.rs", "use super::super::policy::Backoff;", "(policy/backoff.rs)"),
        ("clock.rs", "use crate::{policy, token::*};", "(token.rs)"),
        // In the code, in a macro, under another name.
        ("clock.rs", "fn f() -> crate::TokenSet { todo!() }", "(token.rs)"),
        ("clock.rs", "fn f() { assert!(crate::Rule::built_in().is_empty()); }", "(rules.rs)"),
        ("clock.rs", "fn f() { use crate::redact as r; r::scrub(); }", "(redact/scrub.rs)"),
        ("lib.rs", "fn f() -> crate::clock::Now { todo!() }", "lib.rs uses crate::clock::Now"),
    ] {
        let found = planted(file, line);
        assert!(found.iter().any(|problem| problem.contains(told)), "{line}: {found:?}");
        assert!(found.iter().all(|problem| problem.contains(file)), "{line}: {found:?}");
    }
    // Tests may use anything.
    let line = "#[cfg(test)] mod m { use crate::drive::refresh; } #[cfg(test)] use crate::Refresh;";
    assert_eq!(planted("clock.rs", line), [""; 0]);
}

#[test]
fn a_circle_is_found() {
    // Of two files of one folder.
    let found = planted("redact/line.rs", "use super::echo::is_echo;");
    assert_eq!(found, ["a circle: redact/echo.rs, redact/line.rs"]);
    // Through the root.
    let found = planted("request.rs", "use crate::TransportError;");
    assert!(found.contains(&"a circle: request.rs, transport.rs".to_owned()), "{found:?}");

    let circle = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        problems(&files.collect(), "lib.rs", true)
    };
    let root = "// layer: a b c\nmod a; mod b; mod c;\npub use a::A; pub use b::B; pub use c::C;";
    let (a, b) = ("use crate::B; pub struct A;", "use crate::C; pub struct B;");
    let files = [("lib.rs", root), ("a.rs", a), ("b.rs", b), ("c.rs", "pub struct C;")];
    assert_eq!(circle(&files), [""; 0]);
    let files =
        [("lib.rs", root), ("a.rs", a), ("b.rs", b), ("c.rs", "use crate::a::A; struct C;")];
    assert_eq!(circle(&files), ["a circle: a.rs, b.rs, c.rs"]);
    // A family is none, but its way out and back in is.
    let c = "mod d; use self::d::D; pub struct C;";
    let files = [("lib.rs", root), ("a.rs", a), ("b.rs", b), ("c.rs", c)];
    let with = |d| circle(&[&files[..], &[("c/d.rs", d)]].concat());
    assert_eq!(with("use super::C; pub struct D;"), [""; 0]);
    assert_eq!(
        with("use crate::A; pub struct D;"),
        ["a circle: a.rs, b.rs, c.rs, c/d.rs"],
        "a, b, c, d, a"
    );
}

#[test]
fn every_module_has_one_layer() {
    let root = |text: &str| {
        let files = [("lib.rs", text), ("a.rs", ""), ("b.rs", "")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        problems(&files.into(), "lib.rs", true)
    };
    let modules = "\nmod a; pub mod b; #[cfg(test)] mod c;";
    assert_eq!(root(&format!("// layer: a -- the lowest\n// layer: b{modules}")), [""; 0]);
    for layers in ["", "// layer: a", "// layer: a b\n// layer: a", "// layer: a b d"] {
        assert_eq!(root(&format!("{layers}{modules}")).len(), 1, "{layers}");
    }
}
