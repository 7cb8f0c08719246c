//! No public async function is missing from the tests that prove them spawnable:
//! `tests/spawnable.rs` of each crate calls every one of them by its full name.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::Path};

use auth_tests::LIBRARIES;
use syn::{ImplItem, Item, ReturnType, Signature, Type, TypeParamBound, Visibility, parse_file};

/// What is public for the sibling crates only, and hidden. Each is called within a
/// future of an async trait, where it has to be `Send`.
const INTERNAL: [(&str, &str); 5] = [
    ("auth-store", "lease"),
    ("auth-store", "extend"),
    ("auth-store", "off_thread"),
    ("auth-accounts", "refresh_each"),
    ("auth-accounts", "OffThread::call"),
];

#[test]
fn none_is_missing() {
    let mut found = 0;
    for library in LIBRARIES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(library);
        let mut functions = BTreeSet::new();
        collect(&root.join("src"), &mut functions);
        for (_, name) in INTERNAL.iter().filter(|(of, _)| *of == library) {
            assert!(functions.remove(*name), "{library} has no {name} any more");
        }
        let listed = fs::read_to_string(root.join("tests/spawnable.rs")).unwrap_or_default();
        let calls: String = listed.lines().filter(|line| !line.trim().starts_with("//")).collect();
        for function in &functions {
            assert!(
                calls
                    .split(|c: char| !is_of_path(c))
                    .any(|path| { path == function || path.ends_with(&format!("::{function}")) }),
                "{function} is missing from tests/spawnable.rs of {library}"
            );
        }
        found += functions.len();
    }
    assert!(found > 20, "only {found} were found");
}

fn is_of_path(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == ':'
}

/// All public async functions below `directory`, as `Type::name` or `name`.
fn collect(directory: &Path, functions: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, functions);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            within(&parse_file(&fs::read_to_string(&path).unwrap()).unwrap().items, functions);
        }
    }
}

fn within(items: &[Item], functions: &mut BTreeSet<String>) {
    for item in items {
        match item {
            Item::Fn(function) if is_public(&function.vis) && is_async(&function.sig) => {
                functions.insert(function.sig.ident.to_string());
            }
            Item::Impl(block) if block.trait_.is_none() => {
                let Type::Path(holder) = &*block.self_ty else { continue };
                let holder = &holder.path.segments.last().unwrap().ident;
                for item in &block.items {
                    if let ImplItem::Fn(function) = item
                        && is_public(&function.vis)
                        && is_async(&function.sig)
                    {
                        functions.insert(format!("{holder}::{}", function.sig.ident));
                    }
                }
            }
            Item::Mod(module) => {
                let items = module.content.as_ref().map(|(_, items)| &items[..]);
                let is_test = module.attrs.iter().any(|attribute| {
                    attribute.path().is_ident("cfg")
                        && attribute.parse_args::<syn::Ident>().is_ok_and(|what| what == "test")
                });
                if !is_test {
                    within(items.unwrap_or_default(), functions);
                }
            }
            _ => {}
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether it returns a future.
fn is_async(signature: &Signature) -> bool {
    let returned = match &signature.output {
        ReturnType::Type(_, returned) => Some(&**returned),
        ReturnType::Default => None,
    };
    let is_future = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|last| last.ident == "Future")
        }
        _ => false,
    };
    let returns_future = match returned {
        Some(Type::ImplTrait(one)) => one.bounds.iter().any(is_future),
        _ => false,
    };
    signature.asyncness.is_some() || returns_future
}
