//! Agents' files that are refused, and left as they are.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{fs, time::Duration};

use agent_files::{claude, claude_file, codex, codex_file, json_at, load, loaded, save};
use auth_accounts::{AccountId, StoreErrorKind, store::BlockingTokenStore};
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use serde_json::json;
use support::{SECRET, names, record, shown};
#[cfg(unix)]
use support::{mode, set_mode};

#[test]
fn a_file_serves_one_account() {
    let (_setup, store) = claude(&claude_file());
    let other = AccountId::from("bob");
    assert_eq!(store.account(), &AccountId::from("claude"));
    assert_eq!(store.load_blocking(&other).unwrap(), None);
    let error = save(&store, "bob", &record(1), None).unwrap_err();
    assert!(error.to_string().contains("for the account claude alone"), "{error}");
    assert!(store.lease_blocking(&other, Duration::ZERO).is_err());
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let damaged: &[(&str, &[u8])] = &[
        ("empty", b""),
        ("not JSON", b"s3cret-at-1"),
        ("cut", br#"{"claudeAiOauth":{"accessToken":"s3cret-"#),
        ("a list", b"[]"),
        ("no object", br#"{"claudeAiOauth":"s3cret-"}"#),
        ("no string", br#"{"claudeAiOauth":{"accessToken":["s3cret-"]}}"#),
        ("no string", br#"{"claudeAiOauth":{"accessToken":"s3cret-","refreshToken":7}}"#),
        ("blank", b" \n"),
        ("a byte-order mark", b"\xef\xbb\xbf"),
        ("NUL", &[0; 700]),
        ("NUL after it", b"{\"claudeAiOauth\":{\"accessToken\":\"s3cret-\"}}\0\0\0"),
        ("NUL within", b"{\"claudeAiOauth\":{\"accessToken\":\"s3c\0\0\0"),
        ("UTF-16", b"\xff\xfe{\0}\0"),
        ("ours, half-written", b"#being written; its content is in .auth-store; 0123#s3cret-"),
    ];
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    for (what, content) in damaged {
        fs::write(&setup.file, content).unwrap();
        let saved = save(&store, "claude", &record(2), Some(&version)).map(drop);
        for error in [load(&store, "claude").map(drop), saved] {
            let error = error.expect_err(what);
            assert_eq!(error.kind(), StoreErrorKind::Damaged, "{what}: {error}");
            let text = shown(&error);
            assert!(text.contains(&setup.file.display().to_string()), "{text}");
            assert!(text.contains("Claude Code's credentials"), "{text}");
            assert!(!text.contains(SECRET), "{text}");
        }
        assert_eq!(&fs::read(&setup.file).unwrap(), content, "{what}");
    }
    let (setup, store) = codex(&codex_file());
    for content in [
        json!({"tokens": []}),
        json!({"tokens": {"access_token": 1}}),
        json!({"tokens": {"access_token": "s3cret-", "refresh_token": {}}}),
    ] {
        fs::write(&setup.file, content.to_string()).unwrap();
        let error = load(&store, "codex").unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged, "{content}: {error}");
        assert!(!shown(&error).contains(SECRET));
    }
}

/// The notes are ours, and no more to be overwritten than a record is.
#[test]
fn damaged_notes_are_left_alone() {
    let (setup, store) = claude(&claude_file());
    let (record, version) = loaded(&store, "claude");
    let version = save(&store, "claude", &record, Some(&version)).unwrap();
    let notes = setup.directory.join(".auth-store/.credentials.json.notes.json");
    let good = fs::read_to_string(&notes).unwrap();
    for (content, kind) in [
        (String::new(), StoreErrorKind::Damaged),
        (good[..good.len() / 2].to_owned(), StoreErrorKind::Damaged),
        (good.replace("\"schema\": 1", "\"schema\": 2"), StoreErrorKind::NewerSchema),
    ] {
        fs::write(&notes, &content).unwrap();
        let saved = save(&store, "claude", &record, Some(&version)).map(drop);
        for error in [load(&store, "claude").map(drop), saved] {
            let error = error.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains(".notes.json"), "{error}");
        }
        assert_eq!(fs::read_to_string(&notes).unwrap(), content);
    }
}

#[cfg(unix)]
#[test]
fn the_mode_is_kept_and_a_looser_one_refused() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    set_mode(&setup.file, 0o400);
    let version = save(&store, "claude", &record(2), Some(&version)).unwrap();
    assert_eq!(mode(&setup.file), 0o400);
    assert_eq!(mode(&setup.directory), 0o755);
    assert_eq!(mode(&setup.directory.join(".auth-store")), 0o700);

    // Claude Code is known to have left such files (anthropics/claude-code
    // issues speak of 0644): its owner is told.
    set_mode(&setup.file, 0o644);
    let before = fs::read(&setup.file).unwrap();
    let saved = save(&store, "claude", &record(3), Some(&version)).map(drop);
    for error in [load(&store, "claude").map(drop), saved] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions);
        assert!(error.to_string().contains("mode is 0644"), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    assert_eq!(fs::read(&setup.file).unwrap(), before);

    // Others may look into the directory, but not change it.
    set_mode(&setup.file, 0o600);
    set_mode(&setup.directory, 0o777);
    let error = load(&store, "claude").unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions);
    assert!(error.to_string().contains("chmod 755"), "{error}");
    assert!(error.to_string().contains("`insecure_modes`"), "{error}");
}

/// They are not ours to change. On a file system that keeps no modes, and in a container,
/// a program can say that they mean nothing.
#[cfg(unix)]
#[test]
fn whatever_the_modes_are_a_file_is_used_on_request() {
    let (setup, _) = claude(&claude_file());
    let above = setup.directory.parent().unwrap().to_owned();
    let ours = setup.directory.join(".auth-store");
    let (mut number, mut version) = (1, None);
    for (home, directory, file) in [
        (0o777, 0o777, 0o777),
        (0o700, 0o755, 0o644),
        // What kubelet makes of a volume with an `fsGroup`.
        (0o2777, 0o2775, 0o660),
    ] {
        set_mode(&above, home);
        set_mode(&setup.directory, directory);
        set_mode(&setup.file, file);
        if ours.exists() {
            set_mode(&ours, 0o2770);
            set_mode(&ours.join(".credentials.json.notes.json"), 0o660);
        }
        let store = ClaudeCredentials::insecure_modes("claude", &setup.file).unwrap();
        let (found, current) = loaded(&store, "claude");
        assert_eq!(version.replace(current.clone()).unwrap_or(current.clone()), current);
        assert_eq!(found.tokens.access_token.expose(), format!("s3cret-at-{number}"));
        assert_eq!((mode(&setup.directory), mode(&setup.file)), (directory, file));
        number += 1;
        version = Some(save(&store, "claude", &record(number), Some(&current)).unwrap());
        drop(store.lease_blocking(&"claude".into(), Duration::ZERO).unwrap());
        // What is written anew is for this user, and so are our notes.
        assert_eq!(mode(&setup.file) & 0o077, 0);
        assert_eq!(mode(&ours), 0o700);
        for name in names(&ours) {
            assert_eq!(mode(&ours.join(&name)), 0o600, "{name}");
        }
    }
    let link = setup.directory.join("link.json");
    std::os::unix::fs::symlink(&setup.file, &link).unwrap();
    let store = ClaudeCredentials::insecure_modes("claude", &link).unwrap();
    assert!(load(&store, "claude").is_err());
    set_mode(&above, 0o700);
}

/// Claude Code would replace the link by a file of its own, and the two
/// would go separate ways (anthropics/claude-code#76561). Codex follows it: see
/// `tests/links.rs`.
#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let (setup, _) = claude(&claude_file());
    let link = setup.directory.join("link.json");
    std::os::unix::fs::symlink(&setup.file, &link).unwrap();
    let store = ClaudeCredentials::new("claude", &link).unwrap();
    let error = load(&store, "claude").unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions);
    assert!(error.to_string().contains("name what it points to"), "{error}");
}

/// People do link `~/.claude` to where they keep such things.
#[cfg(unix)]
#[test]
fn a_linked_directory_is() {
    let (setup, _) = claude(&claude_file());
    let link = setup.directory.with_file_name("link");
    std::os::unix::fs::symlink(&setup.directory, &link).unwrap();
    let store = ClaudeCredentials::new("claude", link.join(".credentials.json")).unwrap();
    let (_, version) = loaded(&store, "claude");
    drop(store.lease_blocking(&"claude".into(), Duration::ZERO).unwrap());
    save(&store, "claude", &record(2), Some(&version)).unwrap();
    assert_eq!(json_at(&setup.file)["claudeAiOauth"]["refreshToken"], "s3cret-rt-2");

    // A disk that is not there now is not a logout.
    let away = setup.directory.with_file_name("away");
    fs::rename(&setup.directory, &away).unwrap();
    assert_eq!(load(&store, "claude").unwrap_err().kind(), StoreErrorKind::Io);
    fs::rename(&away, &setup.directory).unwrap();

    // What is at its end is judged.
    set_mode(&setup.directory, 0o777);
    let error = load(&store, "claude").unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions);
}

#[cfg(unix)]
#[test]
fn nothing_is_made_where_others_may_write() {
    let (setup, store) = claude(&claude_file());
    set_mode(&setup.directory, 0o777);
    assert!(store.lease_blocking(&"claude".into(), Duration::ZERO).is_err());
    assert_eq!(names(&setup.directory), [".credentials.json"]);
}

/// Whoever can rename the directory can have a login planted.
#[cfg(unix)]
#[test]
fn what_is_above_is_looked_at_as_above_a_store() {
    use std::os::unix::fs::{lchown, symlink};

    let (setup, _) = claude(&claude_file());
    let above = setup.directory.parent().unwrap().to_owned();
    let open = |file: &std::path::Path| {
        let claude = ClaudeCredentials::new("claude", file).map(drop);
        let codex = CodexAuth::new("codex", file).map(drop);
        assert_eq!(claude.is_ok(), codex.is_ok());
        claude
    };
    for mode in [0o777, 0o703] {
        set_mode(&above, mode);
        let error = open(&setup.file).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        assert!(error.to_string().starts_with(&above.display().to_string()), "{error}");
        // Before there is a file, too.
        open(&above.join(".codex/auth.json")).unwrap_err();
    }
    for mode in [0o1777, 0o775, 0o755] {
        set_mode(&above, mode);
        open(&setup.file).unwrap();
    }
    // A link in place of the directory is this user's, or is not followed where
    // everybody can make one.
    let link = above.join("link");
    symlink(&setup.directory, &link).unwrap();
    set_mode(&above, 0o1777);
    let file = link.join(".credentials.json");
    open(&file).unwrap();
    // Only root can give things away.
    if lchown(&link, Some(12345), None).is_ok() {
        let error = open(&file).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
    }
    set_mode(&above, 0o700);
}

/// What was missing when the store was made may be there now, made by somebody else.
#[cfg(unix)]
#[test]
fn a_link_that_was_planted_later_is_not_followed() {
    use std::os::unix::fs::{lchown, symlink};

    let scratch = support::scratch();
    let (shared, elsewhere) = (scratch.path().join("shared"), scratch.path().join("elsewhere"));
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o1777);
    fs::create_dir(&elsewhere).unwrap();
    let (link, id) = (shared.join("codex"), AccountId::from("codex"));
    let store = CodexAuth::new("codex", link.join("auth.json")).unwrap();
    assert_eq!(store.load_blocking(&id).unwrap(), None);
    fs::write(elsewhere.join("auth.json"), codex_file().to_string()).unwrap();
    set_mode(&elsewhere.join("auth.json"), 0o600);
    symlink(&elsewhere, &link).unwrap();
    // This user's is followed. Only root can give it away.
    let (_, version) = store.load_blocking(&id).unwrap().unwrap();
    if lchown(&link, Some(12345), None).is_err() {
        return;
    }
    let left = names(&elsewhere);
    for error in [
        store.load_blocking(&id).map(drop).unwrap_err(),
        store.save_blocking(&id, &record(2), Some(&version)).map(drop).unwrap_err(),
        store.remove_blocking(&id, &version).unwrap_err(),
        store.lease_blocking(&id, Duration::ZERO).map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        assert!(error.to_string().contains("link of user 12345"), "{error}");
    }
    assert_eq!(names(&elsewhere), left);
}

#[cfg(unix)]
#[test]
fn a_directory_above_that_everybody_may_write_to_is_refused() {
    let (setup, _) = claude(&claude_file());
    let above = setup.directory.parent().unwrap();
    set_mode(above, 0o777);
    let claude = ClaudeCredentials::new("claude", &setup.file).unwrap_err();
    let codex = CodexAuth::new("codex", setup.directory.join("auth.json")).unwrap_err();
    for (error, constructor) in
        [(claude, "ClaudeCredentials::insecure_modes"), (codex, "CodexAuth::insecure_modes")]
    {
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        let says = format!("open the store with the constructor `{constructor}`");
        assert!(error.to_string().contains(&says), "{error}");
        // That is not said again, in fewer words.
        assert!(error.get_source_says_what_to_do(), "{error}");
    }
    set_mode(above, 0o700);
}

#[test]
fn an_empty_path_is_named_so() {
    for error in [
        ClaudeCredentials::new("claude", "").unwrap_err(),
        CodexAuth::new("codex", "").unwrap_err(),
        CodexAuth::insecure_modes("codex", "").unwrap_err(),
    ] {
        assert!(error.to_string().starts_with("an empty path: "), "{error}");
    }
}
