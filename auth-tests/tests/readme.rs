//! The README's programs are the examples of this crate, which run here against
//! fakes on loopback, and one of its tests.
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
use auth_testkit::{
    ApiResponse, CannedResponse, FakeAuthServer, Fault, Gate, ListeningApi, ListeningAuthServer,
};
use auth_ureq::{SystemClock, UreqTransport};

#[test]
fn the_programs_are_the_examples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("../README.md")).unwrap();
    for (heading, file) in [
        ("## In a server", "examples/in_a_server.rs"),
        ("## In a command-line tool", "examples/in_a_tool.rs"),
        ("## In tests", "tests/in_a_test.rs"),
    ] {
        let program = fs::read_to_string(root.join(file)).unwrap();
        // Without the attributes of this workspace.
        let (_, program) = program.split_once("\n\n").unwrap();
        let (_, section) = readme.split_once(heading).unwrap();
        let (_, block) = section.split_once("```rust").unwrap();
        let (_, block) = block.split_once('\n').unwrap();
        let (block, _) = block.split_once("```\n").unwrap();
        assert!(block == program, "the README's program differs from {file}");
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

    // The store is not read for a customer who was here.
    let away = fakes.scratch.path().join("away");
    fs::rename(fakes.directory(), &away).unwrap();
    assert_eq!(answer(ask("ada")), r#"{"subject":"ada"}"#);
    fs::rename(&away, fakes.directory()).unwrap();

    signal("INT", &program);
    assert_eq!(lines.next().unwrap().unwrap(), "all is on record");
    assert!(program.wait().unwrap().success());
    fakes.lost_nothing(1);
}

#[test]
fn a_tool_that_is_told_to_end_waits_for_its_refresh() {
    for name in ["INT", "TERM"] {
        let fakes = Fakes::with_login("me");
        let (refresh, call) = (Gate::new(), Gate::new());
        fakes.server().hold_next(&refresh);
        // So that it does not end by itself before it sees the signal.
        let response = CannedResponse::status(200).body(ANSWER.trim_end());
        fakes.api.api().respond_next([ApiResponse::from(response).once_open(&call)]);
        let mut program = fakes.start("in_a_tool");
        refresh.block_until_waiting(1);
        signal(name, &program);
        // In vain, if it does not wait.
        thread::sleep(Duration::from_millis(200));
        assert_eq!(program.try_wait().unwrap(), None, "{name}");
        refresh.open();
        assert_eq!(program.wait().unwrap().code(), Some(130), "{name}");
        fakes.lost_nothing(1);

        call.open();
        assert_eq!(fakes.run("in_a_tool"), (Some(0), ANSWER.into(), String::new()));
        fakes.lost_nothing(1);
    }
}

#[test]
fn a_tool_takes_a_new_token_after_a_401() {
    let fakes = Fakes::with_login("me");
    let token = fakes.accounts().account("me").token().unwrap();
    fakes.server().revoke_access(token.access_token());
    assert_eq!(fakes.run("in_a_tool"), (Some(0), ANSWER.into(), String::new()));
    fakes.lost_nothing(2);
}

#[test]
fn a_tool_says_what_to_do_and_exits_with_the_code_of_it() {
    let fakes = Fakes::with_login("ada");
    let words = "there is no token for the request: \
                 account me: there are no tokens on record; the user must log in\n";
    assert_eq!(fakes.run("in_a_tool"), (Some(3), String::new(), words.into()));
}

#[test]
fn a_tool_says_why_the_api_refuses() {
    let fakes = Fakes::with_login("me");
    let challenge = r#"Bearer error="insufficient_scope""#;
    for (response, says) in [
        (
            CannedResponse::status(403).header("www-authenticate", challenge),
            "403 Forbidden: the token does not allow this",
        ),
        (CannedResponse::status(503), "503 Service Unavailable"),
    ] {
        fakes.api.api().respond_next([response]);
        let words = format!("the API responded with {says}\n");
        assert_eq!(fakes.run("in_a_tool"), (Some(1), String::new(), words));
    }
}

/// What the tool prints.
const ANSWER: &str = "{\"subject\":\"me\"}\n";

/// An authorization server and an API on loopback, and a directory of accounts.
struct Fakes {
    auth: ListeningAuthServer,
    api: ListeningApi,
    scratch: tempfile::TempDir,
}

impl Fakes {
    /// With one account, whose access token has expired.
    fn with_login(account: &str) -> Self {
        let server = FakeAuthServer::builder().real_time().build();
        let fakes = Self {
            auth: server.listen(),
            api: server.api().listen(),
            scratch: tempfile::tempdir().unwrap(),
        };
        let mut tokens = server.log_in(account);
        tokens.expires_at = Some(SystemTime::now() - Duration::from_secs(1));
        fakes.accounts().account(account).store_login(tokens).unwrap();
        fakes
    }

    fn accounts(&self) -> BlockingAccounts {
        let store = FileStore::open(self.directory()).unwrap();
        let transport = UreqTransport::new().unwrap();
        BlockingAccounts::new(self.auth.endpoint(), transport, store, SystemClock)
    }

    fn server(&self) -> &FakeAuthServer {
        self.auth.server()
    }

    fn directory(&self) -> std::path::PathBuf {
        self.scratch.path().join("accounts")
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
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The exit code of an example that ends by itself, and what it printed.
    fn run(&self, example: &str) -> (Option<i32>, String, String) {
        let output = self.start(example).wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// So many refreshes, whose responses arrived.
    fn lost_nothing(&self, refreshes: usize) {
        let report = self.server().report();
        assert_eq!((report.issued, report.rejected), (refreshes, 0));
        self.server().assert_never_replayed();
    }
}

fn signal(name: &str, program: &Child) {
    let done = Command::new("kill").args(["-s", name, &program.id().to_string()]).status();
    assert!(done.unwrap().success());
}
