//! Whose records there are.

use std::collections::BTreeSet;

use auth_accounts::AccountId;

use super::read;
use crate::{
    error::FileError,
    events,
    lock::NOTE_LIMIT,
    names::{Names, Owner, owner},
    sys::Dir,
};

/// At most `most` of the accounts that have a record, in order, strictly after
/// `after`. It looks at the name of every file, and holds no more than a page.
pub(super) fn page(
    dir: &Dir,
    after: Option<&AccountId>,
    most: usize,
) -> Result<Vec<AccountId>, FileError> {
    let mut page = Page { after, most, accounts: BTreeSet::new() };
    if most > 0 {
        dir.for_each_name(|name| {
            let Some(name) = name.to_str() else { return };
            match owner(name) {
                Some(Owner::Account(id)) => page.add(id.into()),
                Some(Owner::InFile { begins }) if page.may_take(&begins) => {
                    match whose(dir, name) {
                        Some(account) => page.add(account),
                        None => events::nobodys_record(&dir.path_of(name)),
                    }
                }
                Some(Owner::InFile { .. }) | None => {}
            }
        })?;
    }
    Ok(page.accounts.into_iter().collect())
}

struct Page<'a> {
    after: Option<&'a AccountId>,
    most: usize,
    accounts: BTreeSet<AccountId>,
}

impl Page<'_> {
    fn add(&mut self, account: AccountId) {
        if self.after.is_some_and(|after| account <= *after) {
            return;
        }
        self.accounts.insert(account);
        if self.accounts.len() > self.most {
            self.accounts.pop_last();
        }
    }

    /// Whether an id that begins so can be on the page. What cannot need not be
    /// read.
    fn may_take(&self, begins: &[u8]) -> bool {
        let is_before = |begins: &[u8], id: &[u8]| begins < id && !id.starts_with(begins);
        if self.after.is_some_and(|after| is_before(begins, after.as_str().as_bytes())) {
            return false;
        }
        match self.accounts.last() {
            Some(last) if self.accounts.len() == self.most => begins <= last.as_str().as_bytes(),
            _ => true,
        }
    }
}

/// Whose record has this name, which does not say so itself: the lock beside it
/// does, else the record. The name has a digest of the id, so that neither is
/// taken at its word.
fn whose(dir: &Dir, name: &str) -> Option<AccountId> {
    let lock = Names::of_record(name)?.lock;
    // It cannot be read if it is missing, or on Windows while it is locked.
    let noted = dir.read(&lock, NOTE_LIMIT).ok().flatten();
    let noted = noted.and_then(|noted| Some(std::str::from_utf8(&noted).ok()?.to_owned()));
    noted
        .filter(|id| Names::of(id).record == name)
        .map(AccountId::from)
        .or_else(|| Some(read(dir, name, None).ok()??.account))
}
