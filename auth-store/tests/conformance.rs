//! The conformance suite, over `FileStore`, for threads and for tasks.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

#[path = "support/judge.rs"]
mod judge;
mod support;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use auth_accounts::{
    AccountId, StoreError,
    store::{BlockingTokenStore, TokenStore},
};
use auth_store::FileStore;
use futures_lite::future::block_on;
use judge::{Kind, hold_lease, judge_for_tasks, judge_for_threads};

struct Files;

impl Kind for Files {
    type Store = FileStore;

    const CHILD: &'static str = "child";

    fn store(directory: &Path, _: &AccountId) -> FileStore {
        FileStore::open(directory).unwrap()
    }

    fn list(
        directory: &Path,
        _: &BTreeSet<AccountId>,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let store = FileStore::open(directory).unwrap();
        let page = store.list_blocking(after, most)?;
        assert_eq!(page, block_on(store.list(after, most))?);
        Ok(page)
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
