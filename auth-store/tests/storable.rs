//! Records that cannot be stored as they are: what could not be read again, or
//! is too large. What cannot be read is never overwritten, so such a save would
//! be the last one.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::fs;

use auth_accounts::{
    StoreErrorKind,
    store::{BlockingTokenStore, Record},
};
use auth_core::{AccessToken, Extra, TokenSet};
use auth_store::FileStore;
use serde_json::json;
use support::{RECORD, SECRET, account, load, nested, record, save, scratch, seconds, shown};

#[test]
fn what_could_not_be_read_again_is_not_saved() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let version = save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let before = fs::read(&path).unwrap();
    let mut too_large = record(2);
    too_large.tokens.scope = Some(format!("{SECRET}{}", "x".repeat(4 << 20)));
    for (unfit, says) in [
        (Record::new(TokenSet::new(AccessToken::new(""))), "could not be read again"),
        (Record::new(TokenSet::new(AccessToken::new("[redacted]"))), "redacted"),
        (too_large, "more than 4194304 bytes"),
    ] {
        let saved = store.save_blocking(&account(), &unfit, Some(&version));
        let error = saved.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Other, "{error}");
        let text = shown(&error);
        assert!(text.contains(says) && text.contains("nothing was written"), "{text}");
        assert!(text.starts_with(&path.display().to_string()), "{text}");
        assert!(!text.contains(SECRET));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
    assert_eq!(load(&store, &account()), Some(record(2)));
}

/// A refresh token that was rotated is stored, whatever came with it.
#[test]
fn an_extra_that_cannot_be_stored_is_left_out() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let mut version = save(&store, &account(), &record(1));
    for (number, unfit, reason) in [
        (2, nested(200), "nested too deeply"),
        (3, "x".repeat(4 << 20).into(), "too large"),
        // Each of these characters takes six bytes.
        (4, "\u{1}".repeat(1 << 20).into(), "too large"),
    ] {
        let mut whole = record(number);
        whole.tokens.extra.insert("id_token", "s3cret-id".into());
        whole.tokens.extra.insert("unfit", unfit);
        whole.obtained_at = Some(seconds(1_900_000_000));
        version = store.save_blocking(&account(), &whole, Some(&version)).unwrap();

        whole.tokens.extra = Extra::default();
        let found = store.load_blocking(&account()).unwrap();
        assert_eq!(found, Some((whole, version.clone())));
        let content = fs::read_to_string(scratch.path().join(RECORD)).unwrap();
        assert!(content.contains(&format!("\n  \"extra_left_out\": \"{reason}\",\n")), "{content}");
    }
    save(&store, &account(), &record(5));
    assert_eq!(load(&store, &account()), Some(record(5)));
    let content = fs::read_to_string(scratch.path().join(RECORD)).unwrap();
    assert!(!content.contains("extra_left_out"), "{content}");
}

/// For people, who look into it; without becoming larger than what is in it.
#[test]
fn a_record_is_written_in_lines() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let mut record = record(1);
    record.tokens.extra.insert("team", json!({"id": 7, "names": ["a", "b"]}));
    record.obtained_at = Some(seconds(1_900_000_000));
    save(&store, &account(), &record);
    let path = scratch.path().join(RECORD);
    let content = fs::read_to_string(&path).unwrap();
    let revision = content.lines().find(|line| line.contains("revision")).unwrap();
    let expected = format!(
        r#"{{
  "schema": 1,
  "account": "ada@example.com",
{revision}
  "record": {{
    "tokens": {{
      "access_token": "s3cret-at-1",
      "refresh_token": "s3cret-rt-1",
      "extra": {{
        "team": {{"id":7,"names":["a","b"]}}
      }}
    }},
    "renewed_at": 1900000000
  }}
}}
"#
    );
    assert_eq!(content, expected);

    // Indented, this would be a hundred times as large, and not fit.
    let deep: Vec<_> = (0..2_000).map(|_| nested(90)).collect();
    record.tokens.extra.insert("deep", deep.into());
    save(&store, &account(), &record);
    assert!(fs::metadata(&path).unwrap().len() < 500_000);
    assert_eq!(load(&store, &account()), Some(record));
}
