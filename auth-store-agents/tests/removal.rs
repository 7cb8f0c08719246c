//! A logout takes this login out of the agents' files, and nothing else.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::fs;

use agent_files::{claude, claude_file, codex, codex_file, json_at, load, loaded, save};
use auth_accounts::{
    AccountId, StoreErrorKind,
    store::{BlockingTokenStore, Note, Version},
};
use serde_json::{Value, json};
use support::{SECRET, names, record, seconds};

fn remove(
    store: &impl BlockingTokenStore,
    account: &str,
    expected: &Version,
) -> Result<(), StoreErrorKind> {
    store.remove_blocking(&account.into(), expected).map_err(|error| error.kind())
}

fn listed(store: &impl BlockingTokenStore) -> Vec<AccountId> {
    store.list_blocking(None, 10).unwrap()
}

fn without(mut file: Value, members: &[&str]) -> Value {
    file.as_object_mut().unwrap().retain(|name, _| !members.contains(&name.as_str()));
    file
}

#[test]
fn only_the_members_of_the_login_go() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    assert_eq!(listed(&store), ["claude".into()]);
    remove(&store, "claude", &version).unwrap();
    assert_eq!(load(&store, "claude").unwrap(), None);
    assert_eq!(listed(&store), []);
    // Byte for byte, and on one line as before.
    let left = without(claude_file(), &["claudeAiOauth"]);
    assert_eq!(fs::read_to_string(&setup.file).unwrap(), left.to_string());
    #[cfg(unix)]
    assert_eq!(support::mode(&setup.file), 0o600);
    assert_eq!(names(&setup.directory), [".auth-store", ".credentials.json"], "no lock is left");

    let (setup, store) = codex(&codex_file());
    let (_, version) = loaded(&store, "codex");
    assert_eq!(listed(&store), ["codex".into()]);
    remove(&store, "codex", &version).unwrap();
    assert_eq!(load(&store, "codex").unwrap(), None);
    let left = without(codex_file(), &["tokens", "last_refresh"]);
    let left = serde_json::to_string_pretty(&left).unwrap() + "\n";
    assert_eq!(fs::read_to_string(&setup.file).unwrap(), left);

    // A file of the login alone stays as well, empty.
    let (setup, store) = claude(&json!({"claudeAiOauth": claude_file()["claudeAiOauth"]}));
    let (_, version) = loaded(&store, "claude");
    remove(&store, "claude", &version).unwrap();
    assert_eq!(json_at(&setup.file), json!({}));
}

#[test]
fn what_was_noted_beside_the_file_goes_too() {
    let (setup, store) = claude(&claude_file());
    let (mut old, version) = loaded(&store, "claude");
    old.tokens.extra.insert("session", format!("{SECRET}session").into());
    old.note = Some(Note::new(old.fingerprint().unwrap(), seconds(2_000_000_000)));
    let version = save(&store, "claude", &old, Some(&version)).unwrap();
    remove(&store, "claude", &version).unwrap();
    let side = setup.directory.join(".auth-store");
    for name in names(&side) {
        let content = fs::read_to_string(side.join(&name)).unwrap();
        assert!(!content.contains(SECRET) && !content.contains("begun"), "{name}: {content}");
    }
}

/// Not even if the agent, or a backup, brings back the very same file.
#[test]
fn no_version_of_before_comes_back() {
    let (setup, store) = codex(&codex_file());
    let whole = fs::read(&setup.file).unwrap();
    let (found, version) = loaded(&store, "codex");
    remove(&store, "codex", &version).unwrap();
    assert_eq!(remove(&store, "codex", &version), Err(StoreErrorKind::Conflict));
    fs::write(&setup.file, &whole).unwrap();
    let (again, now) = loaded(&store, "codex");
    assert_eq!(again, found);
    assert_ne!(now, version);
    assert_eq!(remove(&store, "codex", &version), Err(StoreErrorKind::Conflict));
    assert_eq!(fs::read(&setup.file).unwrap(), whole);
}

/// A login or a refresh in the program itself is a save like any other.
#[test]
fn what_the_program_has_changed_is_not_removed() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    let mut theirs = claude_file();
    theirs["claudeAiOauth"]["refreshToken"] = "s3cret-rt-9".into();
    fs::write(&setup.file, theirs.to_string()).unwrap();
    assert_eq!(remove(&store, "claude", &version), Err(StoreErrorKind::Conflict));
    assert_eq!(json_at(&setup.file), theirs);

    // A change that does not concern the tokens is none, and is kept.
    let (_, version) = loaded(&store, "claude");
    theirs["mcpOAuth"] = json!({"another": "server"});
    fs::write(&setup.file, theirs.to_string()).unwrap();
    remove(&store, "claude", &version).unwrap();
    assert_eq!(json_at(&setup.file), without(theirs, &["claudeAiOauth"]));

    // After a logout there, there is nothing to remove.
    let version = save(&store, "claude", &record(1), None).unwrap();
    fs::write(&setup.file, "{}").unwrap();
    assert_eq!(remove(&store, "claude", &version), Err(StoreErrorKind::Conflict));
    assert_eq!(json_at(&setup.file), json!({}));
}

#[test]
fn what_cannot_be_read_is_listed_and_left_alone() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    for damage in ["{", r#"{"claudeAiOauth": []}"#, r#"{"claudeAiOauth": {"accessToken": 1}}"#] {
        fs::write(&setup.file, damage).unwrap();
        assert_eq!(remove(&store, "claude", &version), Err(StoreErrorKind::Damaged));
        assert_eq!(fs::read_to_string(&setup.file).unwrap(), damage);
        assert_eq!(listed(&store), ["claude".into()]);
    }
}

#[test]
fn a_store_of_one_account_has_one_page() {
    let (_setup, store) = claude(&claude_file());
    let page =
        |after: &str, most| store.list_blocking(Some(&AccountId::from(after)), most).unwrap();
    assert_eq!(page("a", 1), ["claude".into()]);
    assert_eq!(page("a", 0), []);
    assert_eq!(page("claude", 1), []);
    assert_eq!(page("d", 1), []);
    assert_eq!(remove(&store, "bob", &Version::from(1)), Err(StoreErrorKind::Other));
}
