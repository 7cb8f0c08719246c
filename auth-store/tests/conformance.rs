//! The conformance suite, over `FileStore`, for threads and for tasks.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

#[path = "support/judge.rs"]
mod judge;
mod support;

use std::path::{Path, PathBuf};

use auth_accounts::AccountId;
use auth_store::FileStore;
use judge::{Kind, hold_lease, judge_for_tasks, judge_for_threads};

struct Files;

impl Kind for Files {
    type Store = FileStore;

    const CHILD: &'static str = "child";

    fn store(directory: &Path, _: &AccountId) -> FileStore {
        FileStore::open(directory).unwrap()
    }

    fn files(directory: &Path, account: &AccountId) -> Vec<PathBuf> {
        let escape = |c: char| match c {
            'a'..='z' => c.to_string(),
            _ => format!("%{:02X}", c as u32),
        };
        let name: String = account.as_str().chars().map(escape).collect();
        vec![directory.join(format!("account-{name}.json"))]
    }
}

#[test]
#[ignore = "what the other tests start and kill"]
fn child() {
    hold_lease::<Files>();
}

#[test]
fn file_store_for_threads() {
    judge_for_threads::<Files>();
}

#[test]
fn file_store_for_tasks() {
    judge_for_tasks::<Files>();
}
