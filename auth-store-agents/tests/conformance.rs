//! The conformance suite, over the logins of agents, for threads and for tasks.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

#[path = "../../auth-store/tests/support/judge.rs"]
mod judge;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use auth_accounts::{AccountId, Registration, store::Record};
use auth_core::{Extra, TokenEndpoint, presets};
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use judge::{Kind, hold_lease, judge_for_tasks, judge_for_threads};

struct Claude;

impl Kind for Claude {
    type Store = ClaudeCredentials;

    const CHILD: &'static str = "claude_child";

    fn store(directory: &Path, account: &AccountId) -> ClaudeCredentials {
        ClaudeCredentials::new(account.clone(), file(directory, account)).unwrap()
    }

    fn files(directory: &Path, account: &AccountId) -> Vec<PathBuf> {
        file_and_notes(directory, account)
    }

    fn restored(record: Record) -> Record {
        unbound(record, &presets::claude("9d1c250a-e61b-44d9-88ed-5944d1962f5e"))
    }
}

struct Codex;

/// An ID token, which Codex cannot do without, for records that have none.
const NONE: &str = "none";

impl Kind for Codex {
    type Store = CodexAuth;

    const CHILD: &'static str = "codex_child";

    fn store(directory: &Path, account: &AccountId) -> CodexAuth {
        CodexAuth::new(account.clone(), file(directory, account)).unwrap()
    }

    fn files(directory: &Path, account: &AccountId) -> Vec<PathBuf> {
        file_and_notes(directory, account)
    }

    fn completed(record: &Record) -> Record {
        let mut record = record.clone();
        if record.tokens.extra.get("id_token").is_none() {
            record.tokens.extra.insert("id_token", NONE.into());
        }
        record
    }

    fn restored(mut record: Record) -> Record {
        if record.tokens.extra.get("id_token").is_some_and(|token| token == NONE) {
            let mut extra = Extra::default();
            for (name, value) in record.tokens.extra.iter().filter(|(name, _)| *name != "id_token")
            {
                extra.insert(name, value.clone());
            }
            record.tokens.extra = extra;
        }
        unbound(record, &presets::openai("app_EMoamEEZ73f0CkXaXp7hrann"))
    }
}

/// A record that was saved without a registration is the agent's.
fn unbound(mut record: Record, agent: &TokenEndpoint) -> Record {
    record.bound_to = record.bound_to.filter(|one| *one != Registration::of(agent));
    record
}

/// An agent's file is for one account, so each account has a directory.
fn file(directory: &Path, account: &AccountId) -> PathBuf {
    let digits: Vec<_> = account.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut directory = directory.join("of");
    digits.chunks(100).for_each(|digits| directory.push(digits.concat()));
    directory.push("end");
    fs::create_dir_all(&directory).unwrap();
    directory.join("credentials.json")
}

/// The form of an agent's file has no version; that of the notes has.
fn file_and_notes(directory: &Path, account: &AccountId) -> Vec<PathBuf> {
    let file = file(directory, account);
    let notes = file.with_file_name(".auth-store/credentials.json.notes.json");
    vec![file, notes]
}

#[test]
#[ignore = "what the other tests start and kill"]
fn claude_child() {
    hold_lease::<Claude>();
}

#[test]
#[ignore = "what the other tests start and kill"]
fn codex_child() {
    hold_lease::<Codex>();
}

#[test]
fn claude_credentials_for_threads() {
    judge_for_threads::<Claude>();
}

#[test]
fn claude_credentials_for_tasks() {
    judge_for_tasks::<Claude>();
}

#[test]
fn codex_auth_for_threads() {
    judge_for_threads::<Codex>();
}

#[test]
fn codex_auth_for_tasks() {
    judge_for_tasks::<Codex>();
}
