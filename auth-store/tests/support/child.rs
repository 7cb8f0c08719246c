//! This test program, started again as a process of its own, which can be
//! killed.
//!
//! Parent and child talk in lines: the child's begin with `::`, so that they
//! are told from what the test harness prints; the parent's go to a child
//! that waits.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use auth_accounts::{
    AccountId, BlockingAccounts, Settings, StoreError,
    store::{BlockingTokenStore, Lease, Record, Version},
};
use auth_core::{BlockingTransport, TokenEndpoint};
use auth_store::FileStore;
use auth_testkit::FakeAuthServer;
use auth_ureq::{SystemClock, UreqTransport};

use super::support::{save, seconds};

/// The account of all these tests.
pub(crate) const ACCOUNT: &str = "ada";

const JOB: &str = "AUTH_STORE_TEST_JOB";
const DIRECTORY: &str = "AUTH_STORE_TEST_DIRECTORY";
const URL: &str = "AUTH_STORE_TEST_URL";

/// Long enough for the slowest machine; only a failure takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A child process. Killed when it is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
}

impl Child {
    /// Starts the test `child` of this program with a job, a store's directory
    /// and a token endpoint.
    pub(crate) fn start(job: &str, directory: &Path, url: &str) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(JOB, job)
            .env(DIRECTORY, directory)
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // The harness writes `test child ... ` before the first.
                let Some((_, said)) = line.split_once("::") else { continue };
                if sender.send(said.to_owned()).is_err() {
                    break;
                }
            }
        });
        Self { process, lines }
    }

    /// Waits for the child's next line, which must be this one.
    #[track_caller]
    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(self.next().as_deref(), Some(line));
    }

    /// The child's next line; `None` once it has ended.
    #[track_caller]
    pub(crate) fn next(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("the child says nothing"),
        }
    }

    /// Lets a child that waits go on.
    pub(crate) fn go_on(&mut self) {
        self.process.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has ended by itself. Only then are its threads gone, and the
    /// locks that they held: what it says last, it says before.
    #[track_caller]
    pub(crate) fn end(mut self) {
        assert_eq!(self.next(), None);
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Kills it with SIGKILL, and returns what it said last.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// In the child: what it was started for; `None` if it was not started by
/// [`Child::start`].
pub(crate) struct Task {
    pub(crate) job: String,
    pub(crate) store: FileStore,
    endpoint: TokenEndpoint,
}

impl Task {
    pub(crate) fn given() -> Option<Self> {
        let job = env::var(JOB).ok()?;
        let store = FileStore::open(env::var_os(DIRECTORY)?).unwrap();
        let url = env::var(URL).ok()?;
        let revocation = url.replace("/token", "/revoke");
        let endpoint = TokenEndpoint::new(&url, "my-client").unwrap();
        let endpoint = endpoint.revocation_url(&revocation).unwrap();
        Some(Self { job, store, endpoint })
    }

    pub(crate) fn transport(&self) -> UreqTransport {
        UreqTransport::new().unwrap()
    }

    pub(crate) fn accounts(
        &self,
        transport: impl BlockingTransport + 'static,
        store: impl BlockingTokenStore + 'static,
    ) -> BlockingAccounts {
        BlockingAccounts::new(self.endpoint.clone(), transport, Unbound(store), SystemClock)
    }
}

/// Says something to the parent.
pub(crate) fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "::{line}").unwrap();
    stdout.flush().unwrap();
}

/// Waits for the parent.
pub(crate) fn wait_for_parent() {
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// Puts a login in place whose access token has expired, whatever was there.
pub(crate) fn log_in(server: &FakeAuthServer, store: &FileStore) -> Record {
    let mut tokens = server.log_in(ACCOUNT);
    tokens.expires_at = Some(seconds(1_000_000_000));
    let record = Record::new(tokens);
    save(store, &ACCOUNT.into(), &record);
    record
}

/// The account as the next process has it, which knows nothing but the store. Where
/// the dead one had not confirmed its lease, it is waited for: not for long here.
pub(crate) fn next_process(server: &FakeAuthServer, store: &FileStore) -> BlockingAccounts {
    let store = Unbound(store.clone());
    BlockingAccounts::new(server.endpoint(), server.clone(), store, SystemClock)
        .settings(Settings::default().lease_wait(Duration::from_secs(1)))
}

/// A store whose records belong to whoever reads them. The server is the same,
/// and each process knows it by an address of its own.
struct Unbound<S>(S);

impl<S: BlockingTokenStore> BlockingTokenStore for Unbound<S> {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        let found = self.0.load_blocking(account)?;
        Ok(found.map(|(record, version)| {
            let mut record = record;
            record.bound_to = None;
            (record, version)
        }))
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.0.save_blocking(account, record, expected)
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.0.remove_blocking(account, expected)
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.0.list_blocking(after, most)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.0.lease_blocking(account, wait)
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.0.extend_blocking(account, lease)
    }
}
