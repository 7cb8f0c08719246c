//! Records that cannot be read, and what a login and a logout make of them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{fs, path::Path};

use auth_accounts::{
    BlockingAccounts, Reason, StoreError, StoreErrorKind,
    store::{BlockingTokenStore, Version},
};
use auth_store::FileStore;
use auth_testkit::FakeAuthServer;
use support::{RECORD, account, load, names, record, save, scratch};

/// What a crash, an editor or another program may leave.
fn damages(good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", vec![]),
        ("half-written", good[..good.len() / 2].to_vec()),
        ("zeros", vec![0; good.len()]),
        ("padded with zeros", [good, &[0; 100]].concat()),
        ("a byte-order mark alone", b"\xEF\xBB\xBF".to_vec()),
        ("UTF-16", vec![0xFF, 0xFE, b'{', 0]),
        ("another program's", br#"{"claudeAiOauth":{"accessToken":"at-1"}}"#.to_vec()),
        ("no tokens", br#"{"schema":1,"account":"a","revision":"","record":{}}"#.to_vec()),
        ("too large", vec![b' '; (4 << 20) + 1]),
    ]
}

/// Writes a file, as this user alone can read it.
fn put(path: &Path, content: impl AsRef<[u8]>) {
    fs::write(path, content).unwrap();
    #[cfg(unix)]
    support::set_mode(path, 0o600);
}

fn damaged_version(error: &StoreError) -> Option<Version> {
    error.get_damaged_version().cloned()
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let marked = [b"\xEF\xBB\xBF", &*fs::read(&path).unwrap()].concat();
    put(&path, marked);
    assert_eq!(load(&store, &account()), Some(record(1)));
    let (_, version) = store.load_blocking(&account()).unwrap().unwrap();
    store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
    assert_eq!(load(&store, &account()), Some(record(2)));
    assert!(!fs::read(&path).unwrap().starts_with(b"\xEF"));
}

/// What is kept of what is damaged: of a file in which there is nothing, nothing. One
/// that is too large is not looked into.
fn kept_of(content: &[u8]) -> &[u8] {
    match content.len() < 1 << 20 && content.iter().all(|byte| b"\0 \n\xEF\xBB\xBF".contains(byte))
    {
        true => b"",
        false => content,
    }
}

/// However often a machine loses its power.
#[test]
fn what_is_blank_never_stands_in_the_way() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    for content in [&b""[..], b"\0\0\0", b"\xEF\xBB\xBF", b" \n"].repeat(4) {
        put(&scratch.path().join(RECORD), content);
        let version = damaged_version(&store.load_blocking(&account()).unwrap_err()).unwrap();
        store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
        assert_eq!(load(&store, &account()), Some(record(2)));
    }
    assert!(!names(scratch.path()).iter().any(|name| name.contains(".damaged")));
}

#[test]
fn what_is_damaged_is_replaced_by_whoever_has_seen_it_and_is_kept() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let good = fs::read(&path).unwrap();
    let aside = scratch.path().join(format!("{RECORD}.damaged"));
    for (what, content) in damages(&good) {
        put(&path, &content);
        let version = damaged_version(&store.load_blocking(&account()).unwrap_err()).expect(what);
        // Damaged in another way since, or mended.
        put(&path, "{ ");
        let error = store.save_blocking(&account(), &record(2), Some(&version)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged, "{what}");
        assert_ne!(damaged_version(&error).unwrap(), version);
        put(&path, &good);
        for refused in [
            store.save_blocking(&account(), &record(2), Some(&version)).map(drop),
            store.remove_blocking(&account(), &version),
        ] {
            assert_eq!(refused.unwrap_err().kind(), StoreErrorKind::Conflict, "{what}");
        }
        assert!(!aside.exists(), "{what}");

        put(&path, &content);
        let version = damaged_version(&store.load_blocking(&account()).unwrap_err()).expect(what);
        store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
        assert_eq!(load(&store, &account()), Some(record(2)));
        assert_eq!(fs::read(&aside).unwrap_or_default(), kept_of(&content), "{what}");
        // The second of two.
        let error = store.save_blocking(&account(), &record(3), Some(&version)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict, "{what}");

        let _ = fs::remove_file(&aside);
        put(&path, &content);
        let version = damaged_version(&store.load_blocking(&account()).unwrap_err()).expect(what);
        store.remove_blocking(&account(), &version).unwrap();
        assert_eq!(fs::read(&aside).unwrap_or_default(), kept_of(&content), "{what}");
        let _ = fs::remove_file(&aside);
        assert!(names(scratch.path()).is_empty(), "{what}");
    }
}

#[test]
fn nothing_is_moved_over_what_was_moved_aside_before() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let damage = |number: usize| {
        put(&path, format!("damaged {number}"));
        damaged_version(&store.load_blocking(&account()).unwrap_err()).unwrap()
    };
    for number in 1..=9 {
        let version = damage(number);
        store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
    }
    for number in 1..=9 {
        let end = if number == 1 { String::new() } else { format!("-{number}") };
        let kept = fs::read_to_string(scratch.path().join(format!("{RECORD}.damaged{end}")));
        assert_eq!(kept.unwrap(), format!("damaged {number}"));
    }
    let version = damage(10);
    for refused in [
        store.save_blocking(&account(), &record(2), Some(&version)).map(drop),
        store.remove_blocking(&account(), &version),
    ] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), damaged_version(&error)), (StoreErrorKind::Damaged, None));
        let says = error.to_string();
        assert!(says.contains(".damaged") && says.contains("move those away"), "{says}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "damaged 10");
    assert_eq!(names(scratch.path()).len(), 10 + 1, "and the lock");
    // A person gives all of it up.
    assert!(store.discard(&account()).unwrap());
    assert_eq!(names(scratch.path()), [] as [&str; 0]);
    assert!(!store.discard(&account()).unwrap());
}

#[test]
fn what_is_not_to_be_trusted_or_understood_is_not_replaced() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let good = fs::read_to_string(&path).unwrap();
    let newer = good.replace("\"schema\": 1", "\"schema\": 2");
    for content in [
        newer.clone(),
        format!("\u{FEFF}{newer}"),
        r#"{"schema":7,"vault":[]}"#.to_owned(),
        good.replace("ada@", "bob@"),
    ] {
        put(&path, &content);
        let error = store.load_blocking(&account()).unwrap_err();
        assert_eq!(damaged_version(&error), None, "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

/// Over whole accounts.
#[test]
fn a_login_and_a_logout_get_past_a_damaged_record_and_a_refresh_does_not() {
    let scratch = scratch();
    let path = scratch.path().join(RECORD);
    let server = FakeAuthServer::new();
    let accounts = || {
        let store = FileStore::open(scratch.path()).unwrap();
        let clock = server.clock().clone();
        BlockingAccounts::new(server.endpoint(), server.clone(), store, clock)
    };
    let kept = || names(scratch.path()).iter().filter(|name| name.contains(".damaged")).count();
    accounts().account("ada@example.com").store_login(server.log_in("ada")).unwrap();
    let good = fs::read(&path).unwrap();
    for (what, content) in damages(&good) {
        put(&path, &content);
        let ada = accounts().account("ada@example.com");
        let error = ada.token().unwrap_err();
        let Reason::Store(store) = error.reason() else { panic!("{what}: {error}") };
        assert_eq!(store.kind(), StoreErrorKind::Damaged, "{what}");
        let says = error.to_string();
        assert!(says.contains("account-ada%40example.com.json"), "{says}");
        assert!(says.contains("log in again"), "{says}");
        assert_eq!((fs::read(&path).unwrap(), kept()), (content.clone(), 0), "{what}");

        let token = ada.store_login(server.log_in("ada")).unwrap();
        assert!(token.unsaved().is_none(), "{what}");
        let again = accounts().account("ada@example.com").token().unwrap();
        assert_eq!(again.access_token(), token.access_token(), "{what}");
        let each = usize::from(!kept_of(&content).is_empty());
        assert_eq!(kept(), each, "{what}");

        put(&path, &content);
        let logout = accounts().account("ada@example.com").logout().unwrap();
        assert!(logout.was_damaged && logout.may_be_alive(), "{what}");
        assert_eq!(kept(), 2 * each, "{what}");
        let error = accounts().account("ada@example.com").token().unwrap_err();
        assert!(matches!(error.reason(), Reason::NotLoggedIn), "{what}");
        let store = FileStore::open(scratch.path()).unwrap();
        assert_eq!(store.discard(&account()).unwrap(), each > 0, "{what}");
    }
    assert_eq!(server.report().requests, 0);
}
