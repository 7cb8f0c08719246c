//! The logins of Claude Code and Codex: read, written back in place, and shared
//! with their programs.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{fs, path::Path, thread, time::Duration};

use agent_files::{claude, claude_file, codex, codex_file, json_at, jwt, load, loaded, save};
use auth_accounts::{
    AccountId, StoreErrorKind,
    store::{Fingerprint, Note, Record, TokenStore},
};
use auth_core::{AccessToken, RefreshToken, TokenSet};
use serde_json::json;
use support::{SECRET, names, record, seconds};

#[test]
fn what_claude_code_has_is_read() {
    let (_setup, store) = claude(&claude_file());
    let (record, _) = loaded(&store, "claude");
    let mut tokens = TokenSet::new(AccessToken::new("s3cret-at-1"));
    tokens.refresh_token = Some(RefreshToken::new("s3cret-rt-1"));
    tokens.expires_at = Some(seconds(2_000_000_000) + Duration::from_millis(123));
    tokens.refresh_expires_at = Some(seconds(2_100_000_000));
    tokens.scope = Some("user:inference user:profile".into());
    let mut expected = Record::new(tokens);
    expected.bound_to = Some(store.registration().clone());
    assert_eq!(record, expected);

    // What nothing depends on may be anything.
    let mut file = claude_file();
    file["claudeAiOauth"]["refreshTokenExpiresAt"] = "soon".into();
    let (_setup, store) = claude(&file);
    assert_eq!(loaded(&store, "claude").0.tokens.refresh_expires_at, None);
}

#[test]
fn what_codex_has_is_read() {
    let (_setup, store) = codex(&codex_file());
    let (record, _) = loaded(&store, "codex");
    assert_eq!(record.tokens.access_token.expose(), codex_file()["tokens"]["access_token"]);
    assert_eq!(record.tokens.refresh_token.unwrap().expose(), "s3cret-rt-1");
    assert_eq!(record.tokens.expires_at, Some(seconds(2_000_000_000)));
    assert_eq!(record.tokens.extra.get("id_token").unwrap(), &codex_file()["tokens"]["id_token"]);
    assert_eq!(record.obtained_at, Some(seconds(1_767_323_045) + Duration::from_micros(678_901)));
}

#[test]
fn nobody_logged_in_is_no_record() {
    for content in [
        json!({}),
        json!({"claudeAiOauth": null}),
        json!({"claudeAiOauth": {}}),
        // As Claude Code leaves it when the refresh token proves dead.
        json!({"claudeAiOauth": {"accessToken": "", "refreshToken": ""}}),
        json!({"mcpOAuth": {}}),
    ] {
        let (_setup, store) = claude(&content);
        assert_eq!(load(&store, "claude").unwrap(), None, "{content}");
    }
    for content in [
        json!({}),
        json!({"OPENAI_API_KEY": "sk-s3cret", "auth_mode": "apikey"}),
        json!({"OPENAI_API_KEY": "sk-s3cret", "tokens": null, "last_refresh": null}),
    ] {
        let (_setup, store) = codex(&content);
        assert_eq!(load(&store, "codex").unwrap(), None, "{content}");
    }
    // No file, and no directory: the program was never used.
    let (setup, store) = claude(&json!({}));
    fs::remove_file(&setup.file).unwrap();
    assert_eq!(load(&store, "claude").unwrap(), None);
    fs::remove_dir(&setup.directory).unwrap();
    assert_eq!(load(&store, "claude").unwrap(), None);
    assert!(!setup.directory.exists(), "reading makes nothing");
}

#[test]
fn a_refresh_reaches_claude_code_and_changes_nothing_else() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    let mut refreshed = record(2);
    refreshed.tokens.expires_at = Some(seconds(2_000_030_000));
    refreshed.tokens.token_type = Some("Bearer".into());
    refreshed.tokens.extra.insert("organization", json!({"uuid": "o-1"}));
    refreshed.obtained_at = Some(seconds(2_000_000_000));
    save(&store, "claude", &refreshed, Some(&version)).unwrap();

    let mut expected = claude_file();
    let oauth = &mut expected["claudeAiOauth"];
    oauth["accessToken"] = "s3cret-at-2".into();
    oauth["refreshToken"] = "s3cret-rt-2".into();
    oauth["expiresAt"] = 2_000_030_000_000_u64.into();
    // Nobody said how long the new refresh token lives.
    oauth.as_object_mut().unwrap().remove("refreshTokenExpiresAt");
    assert_eq!(json_at(&setup.file), expected, "the scopes stay, for the response named none");
    assert!(!fs::read_to_string(&setup.file).unwrap().contains('\n'), "it stays on one line");
    assert_eq!(names(&setup.directory), [".auth-store", ".credentials.json"], "no lock is left");

    // Everything comes back, what their file has no place for too.
    let (found, _) = loaded(&store, "claude");
    refreshed.tokens.scope = Some("user:inference user:profile".into());
    refreshed.bound_to = Some(store.registration().clone());
    assert_eq!(found, refreshed);

    // A response that says more.
    let (_, version) = loaded(&store, "claude");
    let mut refreshed = record(3);
    refreshed.obtained_at = Some(seconds(2_000_000_000));
    refreshed.tokens.scope = Some("user:inference".into());
    refreshed.tokens.refresh_expires_at = Some(seconds(2_000_003_600));
    save(&store, "claude", &refreshed, Some(&version)).unwrap();
    let oauth = &json_at(&setup.file)["claudeAiOauth"];
    assert_eq!(oauth["scopes"], json!(["user:inference"]));
    assert_eq!(oauth["refreshTokenExpiresAt"], 2_000_003_600_000_u64);
    // Without a word of its life, it is taken to live as long as the one before.
    assert_eq!(oauth["expiresAt"], 2_000_030_000_000_u64);
    assert_eq!(oauth["subscriptionType"], "max");
    assert_eq!(loaded(&store, "claude").0, {
        refreshed.tokens.scope = Some("user:inference".into());
        refreshed.bound_to = Some(store.registration().clone());
        refreshed
    });
}

#[test]
fn a_refresh_reaches_codex_and_changes_nothing_else() {
    let (setup, store) = codex(&codex_file());
    let (_, version) = loaded(&store, "codex");
    let access_token = jwt(&json!({"exp": 2_000_030_000.0, "n": 2}));
    let mut tokens = TokenSet::new(AccessToken::new(access_token.clone()));
    tokens.refresh_token = Some(RefreshToken::new("s3cret-rt-2"));
    tokens.expires_at = Some(seconds(2_000_030_000));
    tokens.extra.insert("id_token", "s3cret-id-2".into());
    let mut refreshed = Record::obtained(tokens, seconds(1_999_000_000));
    refreshed.bound_to = Some(store.registration().clone());
    let version = save(&store, "codex", &refreshed, Some(&version)).unwrap();

    let mut expected = codex_file();
    expected["tokens"]["access_token"] = access_token.into();
    expected["tokens"]["refresh_token"] = "s3cret-rt-2".into();
    expected["tokens"]["id_token"] = "s3cret-id-2".into();
    expected["last_refresh"] = "2033-05-06T13:46:40Z".into();
    assert_eq!(json_at(&setup.file), expected);
    assert!(fs::read_to_string(&setup.file).unwrap().contains("\n  "), "it stays indented");
    assert_eq!(loaded(&store, "codex"), (refreshed, version.clone()));
    assert!(
        !all_notes(&setup.directory).contains("s3cret-id"),
        "what the file holds is not kept twice"
    );

    // A response without an ID token: the old one stays, for Codex needs one.
    let mut refreshed = record(3);
    refreshed.obtained_at = Some(seconds(1_999_000_001));
    save(&store, "codex", &refreshed, Some(&version)).unwrap();
    assert_eq!(json_at(&setup.file)["tokens"]["id_token"], "s3cret-id-2");
    let (found, _) = loaded(&store, "codex");
    assert_eq!(found.tokens.access_token.expose(), "s3cret-at-3");
}

/// All that is in our files beside theirs.
fn all_notes(directory: &Path) -> String {
    let side = directory.join(".auth-store");
    names(&side).iter().map(|name| fs::read_to_string(side.join(name)).unwrap()).collect()
}

#[test]
fn a_note_of_a_refresh_is_kept_beside_the_file() {
    let (setup, store) = claude(&claude_file());
    let before = fs::read(&setup.file).unwrap();
    let (mut record, version) = loaded(&store, "claude");
    record.note = Some(Note::new(record.fingerprint().unwrap(), seconds(2_000_000_000)));
    let noted = save(&store, "claude", &record, Some(&version)).unwrap();
    assert_ne!(noted, version);
    assert_eq!(fs::read(&setup.file).unwrap(), before);
    let notes = all_notes(&setup.directory);
    assert!(notes.contains("begun") && !notes.contains(SECRET), "{notes}");
    assert_eq!(loaded(&store, "claude"), (record.clone(), noted.clone()));

    // The same again is another version, as in every store.
    let again = save(&store, "claude", &record, Some(&noted)).unwrap();
    assert_ne!(again, noted);
    let error = save(&store, "claude", &record, Some(&noted)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
}

/// A login or a refresh in the program itself is a save like any other.
#[test]
fn what_the_program_refreshes_is_found() {
    let (setup, store) = claude(&claude_file());
    let (mut old, version) = loaded(&store, "claude");
    old.tokens.token_type = Some("Bearer".into());
    old.obtained_at = Some(seconds(1_900_000_000));
    old.note = Some(Note::new(old.fingerprint().unwrap(), seconds(2_000_000_000)));
    let version = save(&store, "claude", &old, Some(&version)).unwrap();

    let mut theirs = claude_file();
    theirs["claudeAiOauth"]["accessToken"] = "s3cret-at-9".into();
    theirs["claudeAiOauth"]["refreshToken"] = "s3cret-rt-9".into();
    fs::write(&setup.file, theirs.to_string()).unwrap();
    let (found, now) = loaded(&store, "claude");
    assert_ne!(now, version);
    assert_eq!(found.tokens.refresh_token, Some(RefreshToken::new("s3cret-rt-9")));
    // What was noted of other tokens does not stick to these, but for what
    // names its refresh token.
    assert_eq!((found.tokens.token_type.clone(), found.obtained_at), (None, None));
    assert_eq!(found.note, old.note);
    assert_ne!(found.fingerprint(), Some(Fingerprint::of(&RefreshToken::new("s3cret-rt-1"))));

    // Ours, of the old tokens, comes too late.
    let error = save(&store, "claude", &record(2), Some(&version)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(json_at(&setup.file), theirs);

    // A change that does not concern the tokens is no conflict, and is kept.
    theirs["mcpOAuth"] = json!({"another": "server"});
    fs::write(&setup.file, theirs.to_string()).unwrap();
    save(&store, "claude", &record(3), Some(&now)).unwrap();
    assert_eq!(json_at(&setup.file)["mcpOAuth"], theirs["mcpOAuth"]);

    // After a logout there, a refresh here does not log in again.
    let (_, version) = loaded(&store, "claude");
    fs::write(&setup.file, "{}").unwrap();
    let error = save(&store, "claude", &record(4), Some(&version)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(json_at(&setup.file), json!({}));
}

#[test]
fn a_login_can_be_written_where_there_was_none() {
    let (setup, store) = codex(&json!({"OPENAI_API_KEY": "sk-s3cret", "tokens": null}));
    let error = save(&store, "codex", &record(1), None).unwrap_err();
    assert!(error.to_string().contains("needs an ID token"), "{error}");
    assert_eq!(json_at(&setup.file), json!({"OPENAI_API_KEY": "sk-s3cret", "tokens": null}));
    let mut login = record(1);
    login.tokens.refresh_token = None;
    let error = save(&store, "codex", &login, None).unwrap_err();
    assert!(error.to_string().contains("needs a refresh token"), "{error}");

    let mut login = record(1);
    login.tokens.extra.insert("id_token", "s3cret-id".into());
    save(&store, "codex", &login, None).unwrap();
    assert_eq!(json_at(&setup.file)["OPENAI_API_KEY"], "sk-s3cret");
    assert_eq!(json_at(&setup.file)["tokens"]["refresh_token"], "s3cret-rt-1");

    let (setup, store) = claude(&json!({}));
    fs::remove_file(&setup.file).unwrap();
    let version = save(&store, "claude", &record(1), None).unwrap();
    assert_eq!(loaded(&store, "claude").1, version);
    #[cfg(unix)]
    assert_eq!(support::mode(&setup.file), 0o600);
}

/// A token that is no JWT says nothing of its expiry; then the note of it does.
#[test]
fn an_expiry_that_the_file_cannot_hold_is_noted() {
    let (_setup, store) = codex(&codex_file());
    for token in ["opaque", "a.b", "a.b.c", "a.e30.c", "a.b.c.d", "..", "a.eyJleHAiOi0xfQ.c"] {
        let (_, version) = loaded(&store, "codex");
        let mut record = record(1);
        record.tokens.access_token = AccessToken::new(token);
        save(&store, "codex", &record, Some(&version)).unwrap();
        assert_eq!(loaded(&store, "codex").0.tokens.expires_at, None, "{token}");

        let (_, version) = loaded(&store, "codex");
        record.tokens.expires_at = Some(seconds(2_000_000_000));
        save(&store, "codex", &record, Some(&version)).unwrap();
        let found = loaded(&store, "codex").0.tokens.expires_at;
        assert_eq!(found, Some(seconds(2_000_000_000)), "{token}");
    }
}

/// Codex truncates its file and writes it anew; whoever reads in between sees
/// a part of it.
#[test]
fn a_file_that_is_being_rewritten_is_waited_for() {
    let (setup, store) = codex(&codex_file());
    let content = fs::read(&setup.file).unwrap();
    fs::write(&setup.file, &content[..100]).unwrap();
    let found = thread::scope(|scope| {
        let reader = scope.spawn(|| load(&store, "codex"));
        fs::write(&setup.file, &content).unwrap();
        reader.join().unwrap()
    });
    assert!(found.unwrap().is_some());
}

#[test]
fn tasks_can_use_them_too() {
    let (_setup, store) = claude(&claude_file());
    futures_lite::future::block_on(async {
        let account = AccountId::from("claude");
        let lease = store.lease(&account, Duration::ZERO).await.unwrap();
        let (_, version) = store.load(&account).await.unwrap().unwrap();
        store.save(&account, &record(2), Some(&version)).await.unwrap();
        drop(lease);
        let found = store.load(&account).await.unwrap().unwrap().0;
        assert_eq!(found.tokens.refresh_token, record(2).tokens.refresh_token);
    });
}
