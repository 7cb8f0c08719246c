//! The README's programs are the examples of this crate, which run here against
//! fakes on loopback.
#![cfg(unix)]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use auth_store::{FileStore, auth_accounts::BlockingAccounts};
use auth_testkit::{FakeAuthServer, Fault, ListeningApi, ListeningAuthServer};
use auth_ureq::{SystemClock, UreqTransport};

#[test]
fn the_programs_are_the_examples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("../README.md")).unwrap();
    for (heading, example) in
        [("## In a server", "in_a_server"), ("## In a command-line tool", "in_a_tool")]
    {
        let file = root.join("examples").join(example).with_extension("rs");
        let file = fs::read_to_string(file).unwrap();
        // Without the attributes of this workspace.
        let (_, program) = file.split_once("\n\n").unwrap();
        let (_, section) = readme.split_once(heading).unwrap();
        let (_, block) = section.split_once("```rust,no_run\n").unwrap();
        let (block, _) = block.split_once("```\n").unwrap();
        assert!(block == program, "the README's program differs from {example}.rs");
    }
}

#[test]
fn a_server_serves_and_ends_in_order() {
    let fakes = Fakes::with_login("ada");
    let mut program = fakes.start("in_a_server");
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap();
    let ask = |customer: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(format!("{customer}\n").as_bytes()).unwrap();
        stream
    };
    let answer = |mut stream: TcpStream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };

    // One hangs up while the server refreshes; the next one is served.
    fakes.server().fail_next([Fault::Delay(Duration::from_millis(300))]);
    drop(ask("ada"));
    assert_eq!(answer(ask("ada")), r#"{"subject":"ada"}"#);
    assert_eq!(answer(ask("bob")), "log in, please");

    interrupt(&program);
    assert_eq!(lines.next().unwrap().unwrap(), "all is on record");
    assert!(program.wait().unwrap().success());
    fakes.lost_nothing();
}

#[test]
fn a_tool_that_is_interrupted_waits_for_its_refresh() {
    let fakes = Fakes::with_login("me");
    fakes.server().fail_next([Fault::Delay(Duration::from_millis(500))]);
    let mut program = fakes.start("in_a_tool");
    while fakes.server().report().requests == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    interrupt(&program);
    assert_eq!(program.wait().unwrap().code(), Some(130));
    fakes.lost_nothing();

    let program = fakes.start("in_a_tool").wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&program.stdout), "{\"subject\":\"me\"}\n");
    fakes.lost_nothing();
}

/// An authorization server and an API on loopback, and a directory of accounts.
struct Fakes {
    auth: ListeningAuthServer,
    api: ListeningApi,
    accounts: tempfile::TempDir,
}

impl Fakes {
    /// With one account, whose access token has expired.
    fn with_login(account: &str) -> Self {
        let server = FakeAuthServer::builder().real_time().build();
        let fakes = Self {
            auth: server.listen(),
            api: server.api().listen(),
            accounts: tempfile::tempdir().unwrap(),
        };
        let store = FileStore::open(fakes.directory()).unwrap();
        let transport = UreqTransport::new().unwrap();
        let mut tokens = server.log_in(account);
        tokens.expires_at = Some(SystemTime::now() - Duration::from_secs(1));
        BlockingAccounts::new(fakes.auth.endpoint(), transport, store, SystemClock)
            .account(account)
            .store_login(tokens)
            .unwrap();
        fakes
    }

    fn server(&self) -> &FakeAuthServer {
        self.auth.server()
    }

    fn directory(&self) -> std::path::PathBuf {
        self.accounts.path().join("accounts")
    }

    fn start(&self, example: &str) -> Child {
        let test = std::env::current_exe().unwrap();
        let target = test.parent().and_then(Path::parent).unwrap();
        let program = target.join("examples").join(example);
        assert!(program.exists(), "not built: cargo build -p auth-tests --example {example}");
        Command::new(program)
            .env("TOKEN_URL", self.auth.url())
            .env("API_URL", self.api.url())
            .env("ACCOUNTS", self.directory())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// One refresh, whose response arrived.
    fn lost_nothing(&self) {
        let report = self.server().report();
        assert_eq!((report.issued, report.rejected), (1, 0));
        self.server().assert_never_replayed();
    }
}

fn interrupt(program: &Child) {
    let done = Command::new("kill").args(["-INT", &program.id().to_string()]).status();
    assert!(done.unwrap().success());
}
