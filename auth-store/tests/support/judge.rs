//! The conformance suite of stores, over one kind of store at a time.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, BufRead, BufReader},
    marker::PhantomData,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, StoreError,
    store::{BlockingTokenStore, Lease, Record, TokenStore, Version},
};
use auth_conformance::Damage;
use futures_lite::future::block_on;

use super::support::scratch;

/// A kind of store.
pub(crate) trait Kind: 'static {
    type Store: BlockingTokenStore + TokenStore;

    /// The test of this program that calls [`hold_lease`] for this kind.
    const CHILD: &'static str;

    /// The store of one account. Stores may share the directory.
    fn store(directory: &Path, account: &AccountId) -> Self::Store;

    /// The files in which that store keeps the account: first the one with the
    /// tokens, last the one whose form has a version.
    fn files(directory: &Path, account: &AccountId) -> Vec<PathBuf>;

    /// A page of the accounts that the stores in the directory have, all of which
    /// are among `known`.
    fn list(
        directory: &Path,
        known: &BTreeSet<AccountId>,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let mut page = Vec::new();
        for account in known.iter().filter(|account| after.is_none_or(|after| *account > after)) {
            page.extend(Self::store(directory, account).list_blocking(after, most - page.len())?);
            if page.len() == most {
                break;
            }
        }
        Ok(page)
    }

    /// The record as this kind can keep it.
    fn completed(record: &Record) -> Record {
        record.clone()
    }

    /// The record that was completed so.
    fn restored(record: Record) -> Record {
        record
    }
}

const DIRECTORY: &str = "AUTH_STORE_TEST_DIRECTORY";
const ACCOUNT: &str = "AUTH_STORE_TEST_ACCOUNT";

pub(crate) fn judge_for_threads<K: Kind>() {
    let scratch = scratch();
    let place = Place::<K>::at(scratch.path());
    let (damaging, reading, dying) = (place.clone(), place.clone(), place.clone());
    let moving = place.clone();
    auth_conformance::blocking_store(move || place.clone())
        .raw(
            move |account, how| damaging.damage(account, how),
            move |account| reading.read(account),
        )
        .moved_aside(move |account| moving.read_aside(account))
        .die_with_lease(move |account| dying.die_with_lease(account))
        .run()
        .assert();
}

pub(crate) fn judge_for_tasks<K: Kind>() {
    let scratch = scratch();
    let place = Place::<K>::at(scratch.path());
    let (damaging, reading, dying) = (place.clone(), place.clone(), place.clone());
    let moving = place.clone();
    let suite = auth_conformance::store(move || place.clone())
        .raw(
            move |account, how| damaging.damage(account, how),
            move |account| reading.read(account),
        )
        .moved_aside(move |account| moving.read_aside(account))
        .die_with_lease(move |account| dying.die_with_lease(account));
    block_on(suite.run()).assert();
}

/// In the process that [`Place::die_with_lease`] starts and kills.
pub(crate) fn hold_lease<K: Kind>() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let account = env::var(ACCOUNT).unwrap().into();
    let place = Place::<K>::at(directory.as_ref());
    let _held = place.lease_blocking(&account, Duration::ZERO).unwrap();
    println!("::leased");
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// A directory with stores of one kind, as one store.
struct Place<K> {
    directory: Arc<Path>,
    /// Each account that there was.
    known: Arc<Mutex<BTreeSet<AccountId>>>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Place<K> {
    fn clone(&self) -> Self {
        Self {
            directory: Arc::clone(&self.directory),
            known: Arc::clone(&self.known),
            kind: PhantomData,
        }
    }
}

impl<K: Kind> Place<K> {
    fn at(directory: &Path) -> Self {
        Self { directory: directory.into(), known: Arc::default(), kind: PhantomData }
    }

    fn store(&self, account: &AccountId) -> K::Store {
        self.known.lock().unwrap().insert(account.clone());
        K::store(&self.directory, account)
    }

    fn damage(&self, account: &AccountId, how: Damage) {
        let files = K::files(&self.directory, account);
        let file = match how {
            Damage::NewerSchema => files.last(),
            _ => files.first(),
        };
        let file = file.unwrap();
        let content = fs::read_to_string(file).unwrap();
        let damaged = match how {
            Damage::Truncated => content.chars().take(content.len() / 2).collect(),
            Damage::Empty => String::new(),
            Damage::NewerSchema => content.replace("\"schema\": 1", "\"schema\": 9"),
            _ => "PK\u{3}\u{4}".to_owned(),
        };
        assert_ne!(content, damaged);
        fs::write(file, damaged).unwrap();
    }

    fn read(&self, account: &AccountId) -> Vec<u8> {
        let files = K::files(&self.directory, account);
        // What is beside the first need not be there yet.
        let beside = files[1..].iter().flat_map(|file| fs::read(file).unwrap_or_default());
        fs::read(&files[0]).unwrap().into_iter().chain(beside).collect()
    }

    /// What was moved aside, to names that begin as that of the account's file.
    fn read_aside(&self, account: &AccountId) -> Vec<u8> {
        let file = K::files(&self.directory, account).remove(0);
        let begins = format!("{}.damaged", file.file_name().unwrap().to_str().unwrap());
        let mut content = Vec::new();
        for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_str().unwrap().starts_with(&begins) {
                content.extend(fs::read(entry.path()).unwrap());
            }
        }
        content
    }

    /// Takes the lease in a process of its own, and kills that.
    fn die_with_lease(&self, account: &AccountId) {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", K::CHILD, "--ignored", "--nocapture"])
            .env(DIRECTORY, &*self.directory)
            .env(ACCOUNT, account.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("::leased")));
        assert!(self.lease_blocking(account, Duration::ZERO).is_err());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

type Loaded = Option<(Record, Version)>;

fn restored<K: Kind>(found: Loaded) -> Loaded {
    found.map(|(record, version)| (K::restored(record), version))
}

impl<K: Kind> BlockingTokenStore for Place<K> {
    fn load_blocking(&self, account: &AccountId) -> Result<Loaded, StoreError> {
        self.store(account).load_blocking(account).map(restored::<K>)
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.store(account).save_blocking(account, &K::completed(record), expected)
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.store(account).remove_blocking(account, expected)
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let known = self.known.lock().unwrap().clone();
        K::list(&self.directory, &known, after, most)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.store(account).lease_blocking(account, wait)
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.store(account).extend_blocking(account, lease)
    }
}

#[async_trait]
impl<K: Kind> TokenStore for Place<K> {
    async fn load(&self, account: &AccountId) -> Result<Loaded, StoreError> {
        self.store(account).load(account).await.map(restored::<K>)
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.store(account).save(account, &K::completed(record), expected).await
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.store(account).remove(account, expected).await
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let known = self.known.lock().unwrap().clone();
        K::list(&self.directory, &known, after, most)
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.store(account).lease(account, wait).await
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.store(account).extend(account, lease).await
    }
}
