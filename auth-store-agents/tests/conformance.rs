//! The testkit's suite, over every store, for threads and for tasks.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, BlockingTokenStore, Lease, Record, StoreError, TokenStore, Version,
};
use auth_conformance::{self, Damage};
use auth_core::Extra;
use auth_store::FileStore;
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use futures_lite::future::block_on;
use support::scratch;

/// A store that is kept there. Of the kinds that are for one account, each
/// account gets its own.
#[derive(Debug, Clone)]
struct Place {
    kind: Kind,
    directory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Claude,
    Codex,
}

/// An ID token, which Codex cannot do without, for records that have none.
const NONE: &str = "none";

impl Place {
    /// The file of one account.
    fn file(&self, account: &AccountId) -> PathBuf {
        if self.kind == Kind::File {
            let escape = |c: char| match c {
                'a'..='z' => c.to_string(),
                _ => format!("%{:02X}", c as u32),
            };
            let name: String = account.as_str().chars().map(escape).collect();
            return self.directory.join(format!("account-{name}.json"));
        }
        let digits: Vec<_> = account.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut directory = self.directory.join("of");
        digits.chunks(100).for_each(|digits| directory.push(digits.concat()));
        directory.push("end");
        fs::create_dir_all(&directory).unwrap();
        directory.join("credentials.json")
    }

    /// What is kept for one account beside that file.
    fn notes(&self, account: &AccountId) -> PathBuf {
        self.file(account).with_file_name(".auth-store/credentials.json.notes.json")
    }

    fn damage(&self, account: &AccountId, how: Damage) {
        let file = match how {
            // Files of others have no schema; what is beside them does.
            Damage::NewerSchema if self.kind != Kind::File => self.notes(account),
            _ => self.file(account),
        };
        let content = fs::read_to_string(&file).unwrap();
        let damaged = match how {
            Damage::Truncated => content.chars().take(content.len() / 2).collect(),
            Damage::Empty => String::new(),
            Damage::NewerSchema => content.replace("\"schema\": 1", "\"schema\": 9"),
            _ => "PK\u{3}\u{4}".to_owned(),
        };
        assert_ne!(content, damaged);
        fs::write(&file, damaged).unwrap();
    }

    fn read(&self, account: &AccountId) -> Vec<u8> {
        let notes = fs::read(self.notes(account)).unwrap_or_default();
        [fs::read(self.file(account)).unwrap(), notes].concat()
    }

    /// Takes the lease in a process of its own, and kills that.
    fn die_with_lease(&self, account: &AccountId) {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env("AUTH_STORE_TEST_KIND", format!("{:?}", self.kind))
            .env("AUTH_STORE_TEST_DIRECTORY", &self.directory)
            .env("AUTH_STORE_TEST_ACCOUNT", account.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("::leased")));
        let refused = BlockingTokenStore::lease_blocking(self, account, Duration::ZERO);
        assert!(refused.is_err());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The store of one account.
    fn store(&self, account: &AccountId) -> Box<dyn Both> {
        match self.kind {
            Kind::File => Box::new(FileStore::open(&self.directory).unwrap()),
            Kind::Claude => {
                Box::new(ClaudeCredentials::new(account.clone(), self.file(account)).unwrap())
            }
            Kind::Codex => Box::new(CodexAuth::new(account.clone(), self.file(account)).unwrap()),
        }
    }

    /// The record as this kind can keep it.
    fn completed(&self, record: &Record) -> Record {
        let mut record = record.clone();
        if self.kind == Kind::Codex && record.tokens.extra.get("id_token").is_none() {
            record.tokens.extra.insert("id_token", NONE.into());
        }
        record
    }

    /// And back.
    fn restored(&self, mut record: Record) -> Record {
        if record.tokens.extra.get("id_token").is_some_and(|token| token == NONE) {
            let mut extra = Extra::default();
            for (name, value) in record.tokens.extra.iter().filter(|(name, _)| *name != "id_token")
            {
                extra.insert(name, value.clone());
            }
            record.tokens.extra = extra;
        }
        record
    }
}

trait Both: BlockingTokenStore + TokenStore {}
impl<T: BlockingTokenStore + TokenStore> Both for T {}

type Loaded = Option<(Record, Version)>;

impl BlockingTokenStore for Place {
    fn load_blocking(&self, account: &AccountId) -> Result<Loaded, StoreError> {
        let found = BlockingTokenStore::load_blocking(&*self.store(account), account)?;
        Ok(found.map(|(record, version)| (self.restored(record), version)))
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let record = self.completed(record);
        BlockingTokenStore::save_blocking(&*self.store(account), account, &record, expected)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        BlockingTokenStore::lease_blocking(&*self.store(account), account, wait)
    }
}

#[async_trait]
impl TokenStore for Place {
    async fn load(&self, account: &AccountId) -> Result<Loaded, StoreError> {
        let found = TokenStore::load(&*self.store(account), account).await?;
        Ok(found.map(|(record, version)| (self.restored(record), version)))
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let record = self.completed(record);
        TokenStore::save(&*self.store(account), account, &record, expected).await
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        TokenStore::lease(&*self.store(account), account, wait).await
    }
}

#[test]
#[ignore = "what the other tests start and kill"]
fn child() {
    let Ok(kind) = env::var("AUTH_STORE_TEST_KIND") else { return };
    let kinds = [Kind::File, Kind::Claude, Kind::Codex];
    let kind = kinds.into_iter().find(|it| format!("{it:?}") == kind).unwrap();
    let directory = env::var_os("AUTH_STORE_TEST_DIRECTORY").unwrap().into();
    let account = env::var("AUTH_STORE_TEST_ACCOUNT").unwrap().into();
    let place = Place { kind, directory };
    let _held = BlockingTokenStore::lease_blocking(&place, &account, Duration::ZERO).unwrap();
    println!("::leased");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn judge_for_threads(kind: Kind) {
    let scratch = scratch();
    let place = at(kind, scratch.path());
    let (damaging, reading, dying) = (place.clone(), place.clone(), place.clone());
    auth_conformance::blocking_store(move || place.clone())
        .raw(
            move |account, how| damaging.damage(account, how),
            move |account| reading.read(account),
        )
        .die_with_lease(move |account| dying.die_with_lease(account))
        .run()
        .assert();
}

fn judge_for_tasks(kind: Kind) {
    let scratch = scratch();
    let place = at(kind, scratch.path());
    let (damaging, reading, dying) = (place.clone(), place.clone(), place.clone());
    let suite = auth_conformance::store(move || place.clone())
        .raw(
            move |account, how| damaging.damage(account, how),
            move |account| reading.read(account),
        )
        .die_with_lease(move |account| dying.die_with_lease(account));
    block_on(suite.run()).assert();
}

fn at(kind: Kind, directory: &Path) -> Place {
    Place { kind, directory: directory.to_owned() }
}

#[test]
fn file_store_for_threads() {
    judge_for_threads(Kind::File);
}

#[test]
fn file_store_for_tasks() {
    judge_for_tasks(Kind::File);
}

#[test]
fn claude_credentials_for_threads() {
    judge_for_threads(Kind::Claude);
}

#[test]
fn claude_credentials_for_tasks() {
    judge_for_tasks(Kind::Claude);
}

#[test]
fn codex_auth_for_threads() {
    judge_for_threads(Kind::Codex);
}

#[test]
fn codex_auth_for_tasks() {
    judge_for_tasks(Kind::Codex);
}
