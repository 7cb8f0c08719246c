//! The tests of the examples, run as programs, once for each adapter.

#![allow(clippy::unwrap_used, reason = "tests, though another crate's")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use auth_testkit::behaviours;
use auth_testkit::fault_server::{Behaviour, ClosedPort, FaultServer, Point};
use serde_json::{Value, json};

const REFRESH_TOKEN: &str = "rt-of-the-environment";
const CLIENT_SECRET: &str = "cs-of-the-environment";

/// The path of the example `name`, in the package whose test calls this. `cargo
/// test` builds it next to the tests.
///
/// # Panics
///
/// If it is not there, as after `cargo test --test NAME` in an empty target
/// directory.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    let program =
        target.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "the example {name} is not built: cargo build --example {name}");
    program
}

/// Checks that without arguments the example refreshes through a 502 and a reset.
///
/// # Panics
///
/// If it does not.
pub fn demonstration(program: &Path) {
    // No proxy is used, whatever the environment says.
    let output = command(program).env("HTTP_PROXY", "http://127.0.0.1:1").output().unwrap();
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let mut rest = told.as_str();
    for part in [
        "attempt 1",
        "HTTP 502",
        "wait 500 ms",
        "attempt 2",
        "the connection was reset",
        "wait 1000 ms",
        "attempt 3",
        "HTTP 200, with new tokens",
        "Refreshed after 3 attempts",
        "good for 3600 s",
        "rotated",
    ] {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} in its place in\n{told}"));
        rest = &rest[at..];
    }
}

/// Checks the exit status and the JSON of every kind of outcome.
///
/// # Panics
///
/// If one is wrong.
pub fn outcomes(program: &Path) {
    let tokens = || behaviours::tokens("at-2", "rt-2", 3600);
    let kept = || Behaviour::json(200, br#"{"access_token":"at-2","token_type":"Bearer"}"#);
    let throttled = || behaviours::oauth_error(429, "slow_down").header("retry-after", "7");
    let failed = |kind: &str, attempts: u32, waits: Value| {
        json!({
            "outcome": "failed", "kind": kind, "code": null, "attempts": attempts,
            "waits_ms": waits, "retry_after_ms": null, "expires_in_s": null, "rotated": false,
        })
    };
    let refreshed = |attempts: u32, waits: Value, expires_in: Value, rotated: bool| {
        json!({
            "outcome": "refreshed", "kind": null, "code": null, "attempts": attempts,
            "waits_ms": waits, "retry_after_ms": null, "expires_in_s": expires_in,
            "rotated": rotated,
        })
    };
    let with = |mut outcome: Value, member: &str, value: Value| {
        outcome[member] = value;
        outcome
    };
    let reset = || Behaviour::reset(Point::AfterBody);
    let table: Vec<(Vec<Behaviour>, &[&str], i32, Value)> = vec![
        (vec![tokens()], &[], 0, refreshed(1, json!([]), json!(3600), true)),
        (vec![kept()], &[], 0, refreshed(1, json!([]), Value::Null, false)),
        (
            vec![Behaviour::nginx(502), reset(), tokens()],
            &[],
            0,
            refreshed(3, json!([1, 2]), json!(3600), true),
        ),
        (
            vec![behaviours::oauth_error(400, "invalid_grant")],
            &[],
            3,
            with(failed("rejected", 1, json!([])), "code", json!("invalid_grant")),
        ),
        (vec![Behaviour::nginx(503); 3], &[], 4, failed("unavailable", 3, json!([1, 2]))),
        (vec![reset(), reset()], &["--max-retries", "1"], 4, failed("interrupted", 2, json!([1]))),
        (
            vec![Behaviour::stall(Point::AfterBody)],
            &["--max-retries", "0", "--timeout-ms", "300"],
            4,
            failed("interrupted", 1, json!([])),
        ),
        (
            vec![throttled()],
            &[],
            4,
            with(
                with(failed("throttled", 1, json!([])), "code", json!("slow_down")),
                "retry_after_ms",
                json!(7000),
            ),
        ),
        (
            vec![behaviours::oauth_error(401, "invalid_client")],
            &[],
            5,
            with(failed("misconfigured", 1, json!([])), "code", json!("invalid_client")),
        ),
        (vec![Behaviour::redirect_elsewhere(307)], &[], 5, failed("misconfigured", 1, json!([]))),
    ];
    for (script, arguments, status, expected) in table {
        let server = FaultServer::plays(script);
        let output = refresh(program, server.url()).args(arguments).output().unwrap();
        check(&output, status, &expected);
        server.stop();
        server.verify();
        for request in server.requests() {
            let body =
                format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}&client_id=c");
            assert_eq!(request.text(), body);
        }
    }
    let port = ClosedPort::new().unwrap();
    let output = refresh(program, &port.url()).output().unwrap();
    check(&output, 4, &failed("unreachable", 3, json!([1, 2])));
}

/// Checks that the server receives what the command line asks for.
///
/// # Panics
///
/// If it does not.
pub fn requests(program: &Path) {
    let server = FaultServer::plays([behaviours::tokens("at-2", "rt-2", 60)]);
    let output = refresh(program, server.url())
        .args(["--body", "json", "--scope", "a b", "--client-secret-env", "SECRET"])
        .env("SECRET", CLIENT_SECRET)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let request = server.requests().remove(0);
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({
        "grant_type": "refresh_token",
        "refresh_token": REFRESH_TOKEN,
        "client_id": "c",
        "client_secret": CLIENT_SECRET,
        "scope": "a b",
    });
    assert_eq!(body, expected);
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(!request.headers.contains_key("authorization"));

    let server = FaultServer::plays([behaviours::tokens("at-2", "rt-2", 60)]);
    let output = refresh(program, server.url())
        .args(["--client-secret-env", "SECRET"])
        .env("SECRET", CLIENT_SECRET)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let request = server.requests().remove(0);
    assert!(request.headers["authorization"].to_str().unwrap().starts_with("Basic "));
    assert_eq!(request.text(), format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}"));
}

/// Checks that a token is printed only with `--show-tokens`.
///
/// # Panics
///
/// If one is printed without it, or none with it.
pub fn secrets(program: &Path) {
    let error =
        json!({"error": "invalid_grant", "error_description": format!("no {REFRESH_TOKEN}")});
    for (behaviour, json) in [
        (behaviours::tokens("at-new", "rt-new", 60), true),
        (behaviours::tokens("at-new", "rt-new", 60), false),
        (Behaviour::json(400, error.to_string()), true),
        (Behaviour::json(400, error.to_string()), false),
        (Behaviour::reset(Point::AfterBody), false),
    ] {
        let server = FaultServer::plays([behaviour]);
        let mut command = refresh_for_a_person(program, server.url());
        command.args(["--max-retries", "0", "--client-secret-env", "SECRET"]);
        command.env("SECRET", CLIENT_SECRET);
        if json {
            command.arg("--json");
        }
        let output = command.output().unwrap();
        let shown = text(&output.stdout) + &text(&output.stderr);
        for secret in ["at-new", "rt-new", REFRESH_TOKEN, CLIENT_SECRET] {
            assert!(!shown.contains(secret), "{secret} is in\n{shown}");
        }
    }
    let server = FaultServer::plays([behaviours::tokens("at-new", "rt-new", 60)]);
    let output = refresh(program, server.url()).arg("--show-tokens").output().unwrap();
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["access_token"], "at-new");
    assert_eq!(outcome["refresh_token"], "rt-new");
}

/// Checks that bad arguments are refused before anything is sent.
///
/// # Panics
///
/// If they are not.
pub fn usage(program: &Path) {
    for (arguments, says) in [
        (&["--token-url", "https://a.example/token"][..], "--client-id is missing"),
        (&["--json"], "--token-url is missing"),
        (&["--client-id", "c", "--token-url", "http://a.example/token"], "must use https"),
        (&["--client-id", "c", "--token-url", "nonsense"], "--token-url"),
        (&["--no-such-option"], "there is no option --no-such-option"),
        (
            &[
                "--client-id",
                "c",
                "--token-url",
                "https://a.example/",
                "--client-secret-env",
                "NONE",
            ],
            "the environment variable NONE is not set",
        ),
    ] {
        let output = command(program).args(arguments).env("REFRESH_TOKEN", "rt").output().unwrap();
        refused(&output, says);
    }
    let no_token = ["--client-id", "c", "--token-url", "https://a.example/token", "--json"];
    let output = command(program).args(no_token).output().unwrap();
    refused(&output, "the environment variable REFRESH_TOKEN is not set");

    let help = command(program).arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).starts_with("usage:"));
}

/// Checks that the client of an API survives an expired token and a revoked one, and says
/// when its session has ended.
///
/// # Panics
///
/// If it does not.
pub fn api_client(program: &Path) {
    // No proxy is used, whatever the environment says.
    let run = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("HTTP_PROXY", "http://127.0.0.1:1").output().unwrap()
    };
    let lines = [
        r#"with a token that has expired: {"subject":"ada"}; refreshes so far: 1"#,
        r#"with the new one: {"subject":"ada"}; refreshes so far: 1"#,
        r#"with one that was revoked: {"subject":"ada"}; refreshes so far: 2"#,
    ];
    for (arguments, status) in [(&[][..], 0), (&["--log-out"], 3)] {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert_eq!(text(&output.stdout).lines().collect::<Vec<_>>(), lines, "{error}");
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert_eq!(error.contains("account ada: ") && error.contains("log in"), status == 3);
    }
    for (arguments, status) in [(["--help"], 0), (["--no-such-option"], 2)] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(status));
        let told = if status == 0 { output.stdout } else { output.stderr };
        assert!(text(&told).starts_with("usage: api_client_"));
    }
}

fn refused(output: &Output, says: &str) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    // Below the usage message, which is long.
    let last = told.lines().last().unwrap();
    assert!(last.contains(says) && told.starts_with("usage:"), "no {says:?} at the end of\n{told}");
    assert_eq!(text(&output.stdout), "");
}

fn check(output: &Output, status: i32, expected: &Value) {
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(status), "{printed}{}", text(&output.stderr));
    // One line, one object.
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let mut outcome: Value = serde_json::from_str(&printed).unwrap();
    let elapsed = outcome.as_object_mut().unwrap().remove("elapsed_ms");
    assert!(elapsed.is_some_and(|elapsed| elapsed.is_u64()), "{printed}");
    assert_eq!(&outcome, expected);
    // A failure is printed on standard error too.
    assert_eq!(output.stderr.is_empty(), status == 0, "{}", text(&output.stderr));
}

fn refresh(program: &Path, url: &str) -> Command {
    let mut command = refresh_for_a_person(program, url);
    command.arg("--json");
    command
}

fn refresh_for_a_person(program: &Path, url: &str) -> Command {
    let mut command = command(program);
    command.args(["--token-url", url, "--client-id", "c", "--base-delay-ms", "1"]);
    command.env("REFRESH_TOKEN", REFRESH_TOKEN);
    command
}

/// Without the variables that the environment of the test may hold.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REFRESH_TOKEN"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
