//! What `FileStore` promises within one process.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{fs, path::Path, thread};

use auth_accounts::{
    AccountId, StoreErrorKind,
    store::{BlockingTokenStore, Fingerprint, Note, Record},
};
use auth_core::RefreshToken;
use auth_store::FileStore;
use support::{
    RECORD, SECRET, account, load, names, record, save, scratch, seconds, shown, tokens,
};

#[test]
fn a_record_comes_back_whole() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    assert_eq!(load(&store, &account()), None);

    let mut tokens = tokens(1);
    tokens.token_type = Some("Bearer".into());
    tokens.expires_at = Some(seconds(2_000_000_000));
    tokens.scope = Some("a b".into());
    tokens.extra.insert("id_token", "s3cret-id".into());
    let mut record = Record::obtained(tokens, seconds(1_900_000_000));
    let old = Fingerprint::of(&RefreshToken::new("rt-0"));
    record.note = Some(Note::new(old, seconds(1_900_000_001)));
    let version = save(&store, &account(), &record);

    // By another process, as it were.
    let store = FileStore::open(scratch.path()).unwrap();
    let found = store.load_blocking(&account()).unwrap();
    assert_eq!(found, Some((record, version)));
}

#[test]
fn a_save_needs_the_version_that_is_stored() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let try_save =
        |number, expected: Option<&_>| store.save_blocking(&account(), &record(number), expected);

    let first = try_save(1, None).unwrap();
    assert_eq!(try_save(2, None).unwrap_err().kind(), StoreErrorKind::Conflict);
    // The same content is another record.
    let second = try_save(1, Some(&first)).unwrap();
    assert_ne!(first, second);
    let conflict = try_save(3, Some(&first)).unwrap_err();
    assert_eq!(conflict.kind(), StoreErrorKind::Conflict);
    assert_eq!(
        conflict.to_string(),
        format!(
            "{}: the record was changed by somebody else: somebody else saved; load it again",
            scratch.path().join(RECORD).display()
        )
    );
    assert_eq!(load(&store, &account()), Some(record(1)));

    // After a logout and a login, the version from before is worth nothing.
    assert!(store.discard(&account()).unwrap());
    assert_eq!(try_save(3, Some(&second)).unwrap_err().kind(), StoreErrorKind::Conflict);
    try_save(1, None).unwrap();
    assert_eq!(try_save(3, Some(&second)).unwrap_err().kind(), StoreErrorKind::Conflict);
}

#[test]
fn an_edit_by_hand_is_a_save() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let version = save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let edited = fs::read_to_string(&path).unwrap().replace("rt-1", "rt-9");
    fs::write(&path, edited).unwrap();
    let error = store.save_blocking(&account(), &record(2), Some(&version)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
}

#[test]
fn of_many_who_save_at_once_one_succeeds() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let mut version = save(&store, &account(), &record(0));
    for round in 1..=10 {
        let won: Vec<_> = thread::scope(|scope| {
            let savers: Vec<_> = (0..8)
                .map(|number| {
                    let (store, version) = (&store, &version);
                    scope.spawn(move || {
                        let record = record(round * 10 + number);
                        store
                            .save_blocking(&account(), &record, Some(version))
                            .map(|version| (record, version))
                    })
                })
                .collect();
            savers.into_iter().filter_map(|saver| saver.join().unwrap().ok()).collect()
        });
        assert_eq!(won.len(), 1);
        let found = store.load_blocking(&account()).unwrap();
        assert_eq!(found.as_ref(), won.first());
        version = won[0].1.clone();
    }
}

#[test]
fn accounts_are_listed_and_removed() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let long = "\u{e9}".repeat(10 << 10);
    let ids = ["", "main", "Main", "..", "a/b", "a\0b", "\u{1F511}", "x.json", long.as_str()];
    for (number, id) in ids.into_iter().enumerate() {
        save(&store, &id.into(), &record(number as u32));
    }
    // Not records.
    fs::write(scratch.path().join("notes.txt"), "").unwrap();
    fs::write(scratch.path().join("account-%zz.json"), "").unwrap();

    let mut expected: Vec<_> = ids.into_iter().map(AccountId::from).collect();
    expected.sort();
    assert_eq!(listed(&store), expected);

    for (number, id) in ids.into_iter().enumerate() {
        assert_eq!(load(&store, &id.into()), Some(record(number as u32)), "{id:?}");
        assert!(store.discard(&id.into()).unwrap());
        assert!(!store.discard(&id.into()).unwrap());
        assert_eq!(load(&store, &id.into()), None);
    }
    assert_eq!(listed(&store), []);
}

fn listed(store: &FileStore) -> Vec<AccountId> {
    store.list_blocking(None, 1000).unwrap()
}

/// The name of a long account's file does not say whose it is, its content does;
/// a copy has the same.
#[test]
fn a_copy_of_a_file_is_not_the_account_again() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let long = AccountId::from("x".repeat(500));
    save(&store, &long, &record(1));
    let file = long_names(scratch.path(), ".json");
    let (head, digest) = file.strip_suffix(".json").unwrap().split_once('~').unwrap();
    let other: String = digest.chars().rev().collect();
    for copy in [format!("{head}~{other}"), format!("{head}~copy")] {
        for end in [".json", ".lock"] {
            let from = scratch.path().join(long_names(scratch.path(), end));
            fs::copy(from, scratch.path().join(format!("{copy}{end}"))).unwrap();
        }
        assert_eq!(listed(&store), std::slice::from_ref(&long));
        for end in [".json", ".lock"] {
            fs::remove_file(scratch.path().join(format!("{copy}{end}"))).unwrap();
        }
    }
}

/// The name of the only long account's file of this kind.
fn long_names(directory: &Path, end: &str) -> String {
    let mut names = names(directory).into_iter();
    names.find(|name| name.contains('~') && name.ends_with(end)).unwrap()
}

/// A long account's id is in its lock and in its record; either will do.
#[test]
fn a_damaged_record_is_listed() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let long = AccountId::from("x".repeat(500));
    for account in [account(), long.clone()] {
        save(&store, &account, &record(1));
    }
    let both = [account(), long.clone()];
    let path = |end| scratch.path().join(long_names(scratch.path(), end));
    let (file, lock) = (path(".json"), path(".lock"));
    let (whole, noted) = (fs::read(&file).unwrap(), fs::read(&lock).unwrap());
    assert_eq!(noted, long.as_str().as_bytes());

    for damage in ["", "{", "\0"] {
        fs::write(&file, damage).unwrap();
        fs::write(scratch.path().join(RECORD), damage).unwrap();
        assert_eq!(listed(&store), both);
        assert_eq!(store.load_blocking(&long).unwrap_err().kind(), StoreErrorKind::Damaged);
    }
    fs::write(&file, whole).unwrap();
    fs::write(&lock, "").unwrap();
    assert_eq!(listed(&store), both);
    // The next save notes it again.
    save(&store, &long, &record(2));
    assert_eq!(fs::read(&lock).unwrap(), noted);

    // If neither says so, it is nobody's, and hides nobody.
    fs::write(&lock, "").unwrap();
    fs::write(&file, "{").unwrap();
    assert_eq!(listed(&store), [account()]);
}

/// Of the long ones, those that cannot be on the page are told by their names.
#[test]
fn a_page_in_the_middle() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    // Cut within an escape, before and after what is asked for.
    let ids: Vec<AccountId> =
        ["a", "m", "z"].iter().map(|c| format!("{c}{}", "\u{e9}".repeat(100)).into()).collect();
    for (number, id) in ids.iter().enumerate() {
        save(&store, id, &record(number as u32));
    }
    for (after, most, page) in [
        (None, 1, &ids[..1]),
        (None, 2, &ids[..2]),
        (Some("a"), 1, &ids[..1]),
        (Some("b"), 1, &ids[1..2]),
        (Some(ids[1].as_str()), 5, &ids[2..]),
        (Some("m\u{e9}"), 5, &ids[1..]),
        (Some("z\u{ea}"), 5, &[]),
    ] {
        assert_eq!(store.list_blocking(after.map(AccountId::from).as_ref(), most).unwrap(), page);
    }
}

/// Contents that no save has written: each is an error that names the file, and
/// is left as it is.
#[test]
fn what_cannot_be_read_is_left_alone() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let version = save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let good = fs::read(&path).unwrap();
    let good_text = String::from_utf8(good.clone()).unwrap();

    let damaged = StoreErrorKind::Damaged;
    let mut table: Vec<(&str, Vec<u8>, StoreErrorKind, &str)> = vec![
        ("empty", vec![], damaged, "it is empty"),
        ("zeros, as after a power failure", vec![0; good.len()], damaged, "not JSON"),
        ("not JSON", b"s3cret-at-1".to_vec(), damaged, "not JSON"),
        (
            "not UTF-8",
            good.iter().map(|b| if *b == b'a' { 0xFF } else { *b }).collect(),
            damaged,
            "",
        ),
        ("a byte-order mark alone", b"\xEF\xBB\xBF".to_vec(), damaged, "it is empty"),
        ("padded with zeros", [good.clone(), vec![0; 100]].concat(), damaged, "not JSON"),
        ("something behind it", [good.clone(), b"{}".to_vec()].concat(), damaged, "not JSON"),
        ("twice", [good.clone(), good.clone()].concat(), damaged, "not JSON"),
        ("a list", b"[]".to_vec(), damaged, "wrong type"),
        ("null", b"null".to_vec(), damaged, "wrong type"),
        ("nothing in it", b"{}".to_vec(), damaged, "missing"),
        (
            "no tokens",
            br#"{"schema":1,"account":"ada@example.com","revision":"","record":{}}"#.to_vec(),
            damaged,
            "missing",
        ),
        (
            "another program's",
            br#"{"claudeAiOauth":{"accessToken":"s3cret-at-1"}}"#.to_vec(),
            damaged,
            "missing",
        ),
        ("no schema", good_text.replace("\"schema\"", "\"scheme\"").into(), damaged, "missing"),
        (
            "a schema that is no number",
            good_text.replace("\"schema\": 1", "\"schema\": \"s3cret-\"").into(),
            damaged,
            "wrong type",
        ),
        ("schema 0", good_text.replace("\"schema\": 1", "\"schema\": 0").into(), damaged, ""),
        ("redacted", good_text.replace("s3cret-at-1", "[redacted]").into(), damaged, "redacted"),
        ("another account's", good_text.replace("ada@", "bob@").into(), damaged, "another account"),
        ("deeply nested", b"[".repeat(100_000), damaged, ""),
        (
            "a newer schema",
            good_text.replace("\"schema\": 1", "\"schema\": 2").into(),
            StoreErrorKind::NewerSchema,
            "version 2",
        ),
        (
            "a newer schema that looks like nothing else",
            br#"{"schema":7,"vault":["s3cret-"]}"#.to_vec(),
            StoreErrorKind::NewerSchema,
            "version 7",
        ),
        ("too large", vec![b' '; (4 << 20) + 1], damaged, "larger than 4194304 bytes"),
    ];
    // Cut short anywhere.
    for len in 1..good.len() - 1 {
        table.push(("cut short", good[..len].to_vec(), damaged, ""));
    }
    for (what, content, kind, says) in table {
        fs::write(&path, &content).unwrap();
        let loaded = store.load_blocking(&account());
        let saved = store.save_blocking(&account(), &record(2), Some(&version));
        let created = store.save_blocking(&account(), &record(2), None);
        let removed = store.remove_blocking(&account(), &version);
        for error in [loaded.map(drop), saved.map(drop), created.map(drop), removed] {
            let error = error.expect_err(what);
            assert_eq!(error.kind(), kind, "{what}: {error}");
            let shown = shown(&error);
            assert!(shown.contains(&path.display().to_string()), "{what}: {shown}");
            assert!(shown.contains(says), "{what}: {shown}");
            assert!(!shown.contains(SECRET), "{what}: {shown}");
        }
        assert_eq!(fs::read(&path).unwrap(), content, "{what}: it was changed");
    }
    // And it is all there when repaired.
    fs::write(&path, &good).unwrap();
    assert_eq!(load(&store, &account()), Some(record(1)));
}

#[test]
fn no_error_says_what_was_to_be_saved() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let mut record = record(1);
    record.tokens.scope = Some(format!("{SECRET}{}", "x".repeat(5 << 20)));
    let error = store.save_blocking(&account(), &record, None).unwrap_err();
    let text = shown(&error);
    assert!(text.contains("nothing was written"), "{text}");
    assert!(!text.contains(SECRET));
    assert_eq!(names(scratch.path()), [] as [&str; 0]);
}

#[test]
fn what_a_dead_writer_left_is_removed() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let left = scratch.path().join(format!("{RECORD}.tmp"));

    // By the next who opens the store,
    fs::write(&left, "half a rec").unwrap();
    let store = FileStore::open(scratch.path()).unwrap();
    assert!(!left.exists());
    assert_eq!(load(&store, &account()), Some(record(1)));

    // by the next save,
    fs::write(&left, "half a rec").unwrap();
    save(&store, &account(), &record(2));
    assert!(!left.exists());
    assert_eq!(load(&store, &account()), Some(record(2)));

    // and with its account.
    fs::write(&left, "half a rec").unwrap();
    store.discard(&account()).unwrap();
    assert!(!left.exists());
}

#[test]
fn what_a_live_writer_is_writing_is_not_removed() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    // Another process within a save, as far as the file system shows.
    let lock = fs::File::open(scratch.path().join("account-ada%40example.com.lock")).unwrap();
    lock.lock().unwrap();
    let left = scratch.path().join(format!("{RECORD}.tmp"));
    fs::write(&left, "half a rec").unwrap();
    FileStore::open(scratch.path()).unwrap();
    assert!(left.exists());
}

#[test]
fn an_application_has_a_plain_name() {
    for name in ["", ".", "..", "a/b", "/a", "..\\a", "C:", "a\0b"] {
        let error = FileStore::for_application(name).unwrap_err();
        assert!(error.to_string().contains("plain name of one directory"), "{error}");
    }
}

/// A directory that is gone is not an account that is logged out.
#[test]
fn a_missing_directory_is_an_error() {
    let scratch = scratch();
    let directory = scratch.path().join("tokens");
    let store = FileStore::open(&directory).unwrap();
    save(&store, &account(), &record(1));
    fs::remove_dir_all(&directory).unwrap();
    let error = store.load_blocking(&account()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Io);
    assert!(error.to_string().contains("could not open directory"), "{error}");
    assert!(store.save_blocking(&account(), &record(1), None).is_err());
    // A fresh start makes it anew.
    let store = FileStore::open(&directory).unwrap();
    assert_eq!(load(&store, &account()), None);
}
