mod foreign;
mod notes;
mod own;

use std::{
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use auth_accounts::{
    AccountId, StoreError, StoreErrorKind,
    store::{BlockingTokenStore, Record, TokenStore, Version},
};
use auth_core::Extra;
use serde_json::Value;

use crate::input::json;

/// Stands in the tokens of the corpus, so that it can be looked for.
const SECRET: &str = "s3cret";

/// What came of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It could be read and was replaced.
    Replaced,
    /// Nobody was logged in, and somebody is now.
    LoggedIn,
    /// It cannot be read, or cannot hold the record; it is what it was.
    LeftAlone,
}

/// Puts the input in the place of a file that somebody else may have written:
/// after a first byte of `C` Claude Code's credentials, after `X` Codex's
/// login, after `N` the notes beside such a login, after any other a record of
/// the file store.
///
/// What can be read is what it says, can be replaced, and keeps what is not
/// ours; what cannot be read is left alone.
pub fn store_file(input: &[u8]) -> Outcome {
    let Some((kind, content)) = input.split_first() else { return Outcome::LeftAlone };
    let scratch = tempfile::tempdir().expect("a directory");
    match kind {
        b'C' => foreign::claude(scratch.path(), content),
        b'X' => foreign::codex(scratch.path(), content),
        b'N' => notes::notes(scratch.path(), content),
        _ => own::own(scratch.path(), content),
    }
}

/// A store of one account, and the file that is looked at.
struct File<S> {
    store: S,
    path: PathBuf,
}

/// What holds of the content of a file.
trait Form {
    /// The record that was read is the one that `content` says.
    fn is_read(&self, content: &Value, record: &Record);

    /// Whether there is a place in `content` for the record.
    fn may_hold(&self, _content: &Value, _record: &Record) -> bool {
        true
    }

    /// What the save wrote is the record, and what was there before and is not
    /// ours.
    fn is_replaced(&self, old: &Value, new: &Value, record: &Record);

    /// Whether what the removal left says that somebody is logged in without the
    /// tokens that it removed.
    fn is_another(&self, _left: &Value) -> bool {
        false
    }

    /// What the removal left is what was there before and is not ours; `None` if
    /// it left no file.
    fn is_removed(&self, old: &Value, new: Option<&Value>);
}

impl<S: BlockingTokenStore + TokenStore> File<S> {
    fn check(&self, content: &[u8], form: &impl Form) -> Outcome {
        write(&self.path, content);
        match self.load() {
            Ok(Some((record, version))) => {
                if let Some(value) = json(without_mark(content)) {
                    form.is_read(&value, &record);
                }
                self.refuses(content, &record, None);
                // As after a response that has none of the other members.
                let next = new_record(record.tokens.extra);
                self.replace(content, &next, Some(&version), Outcome::Replaced, form)
            }
            // A file of another program in which nobody is logged in.
            Ok(None) => {
                self.is_untouched(content);
                let first = new_record(full_record().tokens.extra);
                self.replace(content, &first, None, Outcome::LoggedIn, form)
            }
            Err(error) => {
                silent(&error);
                self.is_listed(true);
                let record = full_record();
                self.refuses(content, &record, None);
                self.refuses(content, &record, Some(&Version::new(*b"another")));
                Outcome::LeftAlone
            }
        }
    }

    fn replace(
        &self,
        content: &[u8],
        next: &Record,
        expected: Option<&Version>,
        outcome: Outcome,
        form: &impl Form,
    ) -> Outcome {
        let old = json(without_mark(content));
        match self.save(next, expected) {
            Ok(version) => {
                self.holds(next, &version);
                self.is_listed(true);
                let new = fs::read(&self.path).expect("the file");
                // What is ignored may be what cannot be read.
                if let Some(old) = old {
                    let new = json(&new).expect("what was written is JSON");
                    form.is_replaced(&old, &new, next);
                }
                self.remove(&version, form);
                outcome
            }
            Err(error) => {
                silent(&error);
                assert!(!old.is_some_and(|old| form.may_hold(&old, next)), "{error}");
                self.is_untouched(content);
                Outcome::LeftAlone
            }
        }
    }

    /// What is removed is gone, and takes nothing else with it.
    fn remove(&self, version: &Version, form: &impl Form) {
        let old = fs::read(&self.path).expect("the file");
        let removed = || BlockingTokenStore::remove_blocking(&self.store, &account(), version);
        removed().expect("what was saved can be removed");
        let new = fs::read(&self.path).ok();
        let new = new.map(|new| json(&new).expect("what was written is JSON"));
        match self.load() {
            Ok(left) => {
                assert!(left.is_none(), "it is still there");
                self.is_listed(false);
            }
            Err(error) => {
                let is_another = error.kind() == StoreErrorKind::OtherLogin;
                assert!(
                    is_another && new.as_ref().is_some_and(|new| form.is_another(new)),
                    "{error}"
                );
                self.is_listed(true);
            }
        }
        form.is_removed(&json(&old).expect("what was written is JSON"), new.as_ref());
        silent(&removed().expect_err("it is removed twice"));
        let again = self.save(&new_record(full_record().tokens.extra), Some(version));
        silent(&again.expect_err("it comes back by a version of before"));
    }

    fn is_listed(&self, wanted: bool) {
        let listed = BlockingTokenStore::list_blocking(&self.store, None, 2).expect("a page");
        assert_eq!(listed.contains(&account()), wanted);
    }

    /// What was saved is found, all of it.
    fn holds(&self, saved: &Record, version: &Version) {
        let (found, found_version) =
            self.load().expect("what was saved can be read").expect("it is there");
        assert!(found_version == *version, "another version than the save returned");
        assert!(found == *saved, "saved {saved:?}, found {found:?}");
    }

    /// A save and a removal are refused and change nothing.
    fn refuses(&self, content: &[u8], record: &Record, expected: Option<&Version>) {
        let error = self.save(record, expected).expect_err("it is overwritten");
        silent(&error);
        let other = Version::new(*b"another");
        let expected = expected.unwrap_or(&other);
        let removed = BlockingTokenStore::remove_blocking(&self.store, &account(), expected);
        silent(&removed.expect_err("it is removed"));
        self.is_untouched(content);
    }

    fn is_untouched(&self, content: &[u8]) {
        assert!(fs::read(&self.path).expect("the file") == content, "the file was changed");
    }

    fn load(&self) -> Result<Option<(Record, Version)>, StoreError> {
        BlockingTokenStore::load_blocking(&self.store, &account())
    }

    fn save(&self, record: &Record, expected: Option<&Version>) -> Result<Version, StoreError> {
        BlockingTokenStore::save_blocking(&self.store, &account(), record, expected)
    }
}

fn account() -> AccountId {
    AccountId::from("ada")
}

/// Writes a file as its programs do: for its owner alone.
fn write(path: &Path, content: &[u8]) {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).expect("a file");
    file.write_all(content).expect("written");
}

/// A record with every member.
fn full_record() -> Record {
    let json = br#"{
        "tokens": {
            "access_token": "new-access-token", "token_type": "Bearer",
            "refresh_token": "new-refresh-token", "expires_at": 1800003600, "scope": "a b",
            "extra": {"id_token": "e30.e30.new-id-token", "team": {"id": 1}}
        },
        "renewed_at": 1800000000,
        "bound_to": {"token_url": "https://auth.example.com/token", "client_id": "c"},
        "dpop_thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "begun": {"refresh_token": "0123456789abcdef", "at": 1800000001},
        "setback": {
            "refresh_token": "fedcba9876543210", "kind": "misconfigured", "code": "invalid_client",
            "status": 401, "after_unknown": true, "since": 1700000000, "failed_at": 1700000001,
            "retry_at": 1700000002, "count": 3, "client": "000000000000abcd"
        }
    }"#;
    Record::from_json(json).expect("a record")
}

fn new_record(extra: Extra) -> Record {
    let mut record = full_record();
    record.tokens.extra = extra;
    record
}

fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json)
}

/// The error holds no token, and is no misplaced "try again".
fn silent(error: &StoreError) {
    let mut text = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(" {error:?} {error}");
        source = error.source();
    }
    assert!(!text.contains(SECRET), "shows a token: {text}");
    assert!(!text.contains("new-refresh-token"), "shows a token: {text}");
    assert!(error.kind() != StoreErrorKind::LeaseTimeout, "nobody else is here");
}
