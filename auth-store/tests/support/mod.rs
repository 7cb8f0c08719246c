//! What the tests of this crate share.
#![allow(dead_code)]

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use auth_accounts::{
    AccountId,
    store::{BlockingTokenStore, Record, Version},
};
use auth_core::{AccessToken, RefreshToken, TokenSet};
use auth_store::FileStore;
use serde_json::Value;

/// Every token of these tests begins so.
pub(crate) const SECRET: &str = "s3cret-";

pub(crate) fn account() -> AccountId {
    "ada@example.com".into()
}

/// The file of [`account`].
pub(crate) const RECORD: &str = "account-ada%40example.com.json";

pub(crate) fn load(store: &FileStore, account: &AccountId) -> Option<Record> {
    store.load_blocking(account).unwrap().map(|(record, _)| record)
}

/// Saves over whatever is there.
pub(crate) fn save(store: &FileStore, account: &AccountId, record: &Record) -> Version {
    let found = store.load_blocking(account).unwrap();
    let version = found.map(|(_, version)| version);
    store.save_blocking(account, record, version.as_ref()).unwrap()
}

pub(crate) fn tokens(number: u32) -> TokenSet {
    let mut tokens = TokenSet::new(AccessToken::new(format!("{SECRET}at-{number}")));
    tokens.refresh_token = Some(RefreshToken::new(format!("{SECRET}rt-{number}")));
    tokens
}

pub(crate) fn record(number: u32) -> Record {
    Record::new(tokens(number))
}

/// An array in an array, and so on.
pub(crate) fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::from("s3cret-deep"), |inner, _| Value::Array(vec![inner]))
}

/// A directory of this user's alone.
pub(crate) fn scratch() -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    set_mode(scratch.path(), 0o700);
    scratch
}

/// The names in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Waits until these are the names in a directory: lock files go on a thread of the
/// store's.
#[track_caller]
pub(crate) fn come_to(directory: &Path, expected: &[impl AsRef<str>], what: &str) {
    let expected: Vec<_> = expected.iter().map(AsRef::as_ref).collect();
    // Only a failure takes so long.
    let until = Instant::now() + Duration::from_secs(60);
    while names(directory) != expected {
        assert!(Instant::now() < until, "{what}: {:?}", names(directory));
        thread::sleep(Duration::from_millis(1));
    }
}

/// Everything that an error shows.
pub(crate) fn shown(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    text
}

pub(crate) fn seconds(since_epoch: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch)
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
