//! Records that cannot be stored as they are in files of other programs.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::fs;

use agent_files::{claude, claude_file, json_at, loaded};
use auth_accounts::store::Record;
use auth_core::{AccessToken, TokenSet};
use serde_json::json;
use support::{SECRET, nested, record, shown};

/// `serde_json` has private names, with which it talks to itself. Where a crate
/// of the same program turns on its feature `raw_value`, a member could stand for
/// a text, and that for another, each with a depth of its own.
#[test]
fn a_name_in_a_file_is_only_a_name() {
    let mut file = claude_file();
    let raw = json!({"$serde_json::private::RawValue": "[1]"});
    file["other"] = raw.clone();
    let (setup, store) = claude(&json!({}));
    // As text: to make a value of it is what must not happen.
    fs::write(&setup.file, file.to_string()).unwrap();
    let (_, version) = loaded(&store, "claude");
    agent_files::save(&store, "claude", &record(2), Some(&version)).unwrap();
    let text = fs::read_to_string(&setup.file).unwrap();
    assert!(text.contains(&raw.to_string()), "{text}");
}

/// What cannot be read is never overwritten, by us or by their program.
#[test]
fn what_could_not_be_read_again_is_not_saved_there() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    let before = fs::read(&setup.file).unwrap();
    let too_large = "s3cret-".repeat(200_000);
    let mut large_notes = record(2);
    large_notes.tokens.token_type = Some("s3cret-".repeat(700_000));
    for (unfit, says) in [
        (Record::new(TokenSet::new(AccessToken::new(""))), "no access token"),
        (Record::new(TokenSet::new(AccessToken::new(too_large))), "more than 1048576 bytes"),
        (large_notes, "more than 4194304 bytes"),
    ] {
        let error = agent_files::save(&store, "claude", &unfit, Some(&version)).unwrap_err();
        let text = shown(&error);
        assert!(text.contains(says) && text.contains("nothing was written"), "{text}");
        assert!(!text.contains(SECRET), "{text}");
        assert_eq!(fs::read(&setup.file).unwrap(), before);
    }
    agent_files::save(&store, "claude", &record(2), Some(&version)).unwrap();
    assert_eq!(json_at(&setup.file)["claudeAiOauth"]["accessToken"], "s3cret-at-2");
}

/// The notes would be unreadable, and with them the login.
#[test]
fn an_extra_that_cannot_be_noted_is_left_out() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    let mut refreshed = record(2);
    refreshed.tokens.token_type = Some("Bearer".into());
    refreshed.tokens.scope = Some("user:inference".into());
    refreshed.tokens.extra.insert("organization", nested(200));
    let version = agent_files::save(&store, "claude", &refreshed, Some(&version)).unwrap();
    assert_eq!(json_at(&setup.file)["claudeAiOauth"]["accessToken"], "s3cret-at-2");
    refreshed.tokens.extra.remove("organization");
    refreshed.bound_to = Some(store.registration().clone());
    assert_eq!(loaded(&store, "claude"), (refreshed, version.clone()));
    let notes = setup.directory.join(".auth-store/.credentials.json.notes.json");
    assert_eq!(json_at(&notes)["extra_left_out"], "nested too deeply");
    agent_files::save(&store, "claude", &record(3), Some(&version)).unwrap();
}
