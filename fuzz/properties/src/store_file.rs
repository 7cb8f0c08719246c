use std::{error::Error, fs, path::Path};

use auth_accounts::{
    AccountId, BlockingTokenStore, Record, StoreError, StoreErrorKind, TokenStore, Version,
};
use auth_core::{AccessToken, RefreshToken, TokenSet};
use auth_store::{ClaudeCredentials, CodexAuth, FileStore};
use serde_json::Value;

/// Stands in the tokens of the corpus, so that it can be looked for.
const SECRET: &str = "s3cret";

/// Puts the input in the place of a file that somebody else may have written:
/// after a first byte of `C` Claude Code's credentials, after `X` Codex's
/// login, after any other a record of the file store.
///
/// What can be read can be replaced, and keeps what is not ours; what cannot
/// be read is left alone.
pub fn store_file(input: &[u8]) {
    let Some((kind, content)) = input.split_first() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let inner = directory.path().join("inner");
    let ada = AccountId::from("ada");
    match kind {
        b'C' => {
            fs::create_dir(&inner).expect("a directory");
            let file = inner.join(".credentials.json");
            let store = ClaudeCredentials::new(ada.clone(), &file).expect("a store");
            File { store: &store, file: &file, account: &ada }.check(content, |old, new| {
                let (old, new) = (&parse(old), &parse(new));
                let ours = ["accessToken", "refreshToken", "expiresAt", "scopes"];
                others_are_kept(old, new, &["claudeAiOauth"]);
                others_are_kept(&old["claudeAiOauth"], &new["claudeAiOauth"], &ours);
            });
        }
        b'X' => {
            fs::create_dir(&inner).expect("a directory");
            let file = inner.join("auth.json");
            let store = CodexAuth::new(ada.clone(), &file).expect("a store");
            File { store: &store, file: &file, account: &ada }.check(content, |old, new| {
                let (old, new) = (&parse(old), &parse(new));
                others_are_kept(old, new, &["tokens", "last_refresh"]);
                let ours = ["access_token", "refresh_token", "id_token"];
                others_are_kept(&old["tokens"], &new["tokens"], &ours);
            });
        }
        _ => {
            let store = FileStore::open(&inner).expect("a store");
            BlockingTokenStore::save(&store, &ada, &Record::new(new_tokens()), None)
                .expect("a first record, which makes the file");
            let file = fs::read_dir(&inner)
                .expect("the directory")
                .map(|entry| entry.expect("an entry").path())
                .find(|path| path.extension().is_some_and(|extension| extension == "json"))
                .expect("the record's file");
            File { store: &store, file: &file, account: &ada }.check(content, |_, _| {});
        }
    }
}

struct File<'a, S> {
    store: &'a S,
    file: &'a Path,
    account: &'a AccountId,
}

impl<S: BlockingTokenStore + TokenStore> File<'_, S> {
    /// `kept` compares the file before and after a save.
    fn check(&self, content: &[u8], kept: impl Fn(&[u8], &[u8])) {
        fs::write(self.file, content).expect("written");
        match self.load() {
            Ok(Some((record, version))) => {
                self.refuses(content, &record, None);
                let mut next = record;
                let extra = std::mem::take(&mut next.tokens.extra);
                next.tokens = new_tokens();
                next.tokens.extra = extra;
                match self.save(&next, Some(&version)) {
                    Ok(version) => self.holds(content, &next, &version, kept),
                    Err(error) => {
                        silent(&error);
                        self.is_untouched(content);
                    }
                }
            }
            // A file of another program in which nobody is logged in.
            Ok(None) => self.is_untouched(content),
            Err(error) => {
                silent(&error);
                let record = Record::new(new_tokens());
                self.refuses(content, &record, None);
                self.refuses(content, &record, Some(&Version::new(*b"another")));
            }
        }
    }

    fn holds(
        &self,
        content: &[u8],
        saved: &Record,
        version: &Version,
        kept: impl Fn(&[u8], &[u8]),
    ) {
        let (found, found_version) =
            self.load().expect("what was saved can be read").expect("it is there");
        assert!(found_version == *version, "another version than the save returned");
        assert!(found.tokens.access_token == saved.tokens.access_token);
        assert!(found.tokens.refresh_token == saved.tokens.refresh_token);
        kept(content, &fs::read(self.file).expect("the file"));
    }

    /// A save is refused and changes nothing.
    fn refuses(&self, content: &[u8], record: &Record, expected: Option<&Version>) {
        let error = self.save(record, expected).expect_err("an unreadable file is overwritten");
        silent(&error);
        self.is_untouched(content);
    }

    fn is_untouched(&self, content: &[u8]) {
        assert!(fs::read(self.file).expect("the file") == content, "the file was changed");
    }

    fn load(&self) -> Result<Option<(Record, Version)>, StoreError> {
        BlockingTokenStore::load(self.store, self.account)
    }

    fn save(&self, record: &Record, expected: Option<&Version>) -> Result<Version, StoreError> {
        BlockingTokenStore::save(self.store, self.account, record, expected)
    }
}

fn new_tokens() -> TokenSet {
    let mut tokens = TokenSet::new(AccessToken::new("new-access-token"));
    tokens.refresh_token = Some(RefreshToken::new("new-refresh-token"));
    tokens
}

fn parse(json: &[u8]) -> Value {
    let json = json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json);
    serde_json::from_slice(json).expect("what was read is JSON")
}

/// Every member but `ours` is what it was.
fn others_are_kept(old: &Value, new: &Value, ours: &[&str]) {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return };
    for (name, value) in old.iter().filter(|(name, _)| !ours.contains(&name.as_str())) {
        assert_eq!(new.get(name), Some(value), "the member {name} was changed");
    }
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
