//! A server that does not say how long its tokens live, behind the files of the
//! agents: the expiry is in memory, and where the agent looks for it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::time::{Duration, SystemTime};

use agent_files::{claude, claude_file, codex, codex_file, json_at, loaded};
use auth_accounts::{
    Accounts, BlockingAccounts, Token,
    auth_core::TokenEndpoint,
    store::{BlockingTokenStore, TokenStore},
};
use auth_testkit::{CannedResponse, Script, VirtualClock};
use futures_lite::future::block_on;
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3600);

/// What a server gives: tokens and no word about their life.
fn silent(number: u8) -> CannedResponse {
    CannedResponse::tokens(format!("s3cret-at-{number}"))
        .refresh_token(format!("s3cret-rt-{number}"))
}

fn says_8_hours(number: u8) -> CannedResponse {
    silent(number).expires_in(8 * 3600)
}

/// Somebody who uses a file, with tasks or with threads. Each call is another
/// process.
#[derive(Clone)]
struct User<S> {
    script: Script,
    store: S,
    name: &'static str,
    threads: bool,
}

impl<S: TokenStore + BlockingTokenStore + Clone + 'static> User<S> {
    fn token(&self) -> Token {
        let Self { script, store, name, .. } = self.clone();
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "agent").unwrap();
        let clock = script.clock().clone();
        if self.threads {
            BlockingAccounts::new(endpoint, script, store, clock).account(name).token()
        } else {
            block_on(Accounts::new(endpoint, script, store, clock).account(name).token())
        }
        .unwrap()
    }

    /// Gets this token, which is taken to live until then.
    #[track_caller]
    fn gets(&self, number: u8, until: SystemTime, is_guess: bool) {
        let token = self.token();
        assert_eq!(token.access_token().expose(), format!("s3cret-at-{number}"));
        assert_eq!(token.expires_at(), Some(until));
        assert_eq!(token.expiry_is_guessed(), is_guess);
        let (record, _) = loaded(&self.store, self.name);
        assert_eq!(record.tokens.expires_at, Some(until));
        assert_eq!(record.guess.is_some(), is_guess);
    }

    fn now(&self) -> SystemTime {
        self.script.clock().now().wall
    }
}

fn millis(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()
}

#[test]
fn claude_code_finds_the_life_of_the_token_before() {
    for threads in [false, true] {
        let mut file = claude_file();
        file["claudeAiOauth"]["expiresAt"] = 1_000.into();
        file["claudeAiOauth"]["refreshTokenExpiresAt"] = Value::Null;
        let (setup, store) = claude(&file);
        let script = Script::with_clock(&VirtualClock::manual())
            .then(silent(2))
            .then(says_8_hours(3))
            .then(silent(4));
        let user = User { script, store, name: "claude", threads };
        let in_file = || json_at(&setup.file)["claudeAiOauth"]["expiresAt"].clone();

        // Nobody knows when Claude Code obtained the first one.
        let until = user.now() + HOUR;
        user.gets(2, until, true);
        assert_eq!(in_file(), json!(millis(until) as u64));
        user.gets(2, until, true);
        user.script.clock().advance(HOUR);

        let until = user.now() + 8 * HOUR;
        user.gets(3, until, false);
        user.script.clock().advance(8 * HOUR);
        let until = user.now() + 8 * HOUR;
        user.gets(4, until, true);
        assert_eq!(in_file(), json!(millis(until) as u64));
        user.gets(4, until, true);

        // What Claude Code obtains itself is not a guess of ours.
        let mut file = json_at(&setup.file);
        file["claudeAiOauth"]["accessToken"] = "s3cret-at-5".into();
        std::fs::write(&setup.file, file.to_string()).unwrap();
        user.gets(5, until, false);
        user.script.finish();
    }
}

/// Whose access token is opaque for once.
#[test]
fn codex_keeps_the_life_of_the_token_before() {
    for threads in [false, true] {
        let mut file = codex_file();
        file["tokens"]["access_token"] = "s3cret-at-1".into();
        let (setup, store) = codex(&file);
        let script =
            Script::with_clock(&VirtualClock::manual()).then(says_8_hours(2)).then(silent(3));
        let user = User { script, store, name: "codex", threads };
        // Obtained on 2 January: an hour is guessed, and over.
        user.script.clock().advance(30 * 24 * HOUR);

        let until = user.now() + 8 * HOUR;
        user.gets(2, until, false);
        user.script.clock().advance(8 * HOUR);
        let until = user.now() + 8 * HOUR;
        user.gets(3, until, true);
        // Its file has no place for an expiry, but for when it was obtained.
        let (record, _) = loaded(&user.store, "codex");
        assert_eq!(record.obtained_at, Some(user.now()));
        assert!(json_at(&setup.file)["last_refresh"].is_string());
        user.script.finish();
    }
}

/// As Codex leaves it, a JWT says when it expires.
#[test]
fn codex_goes_by_its_token() {
    let (_setup, store) = codex(&codex_file());
    let script = Script::with_clock(&VirtualClock::manual());
    let user = User { script, store, name: "codex", threads: false };
    user.script.clock().advance(30 * 24 * HOUR);
    let token = user.token();
    assert!(!token.expiry_is_guessed());
    assert_eq!(millis(token.expires_at().unwrap()), 2_000_000_000_000);
}
