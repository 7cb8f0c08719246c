//! Leases of files that somebody may delete.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
};

use auth_accounts::{StoreError, StoreErrorKind, store::Lease};

use super::support::lock;

/// The lease of one account.
#[derive(Default)]
pub struct Leases(Arc<Mutex<File>>);

/// The file of that name.
#[derive(Default)]
struct File {
    number: u32,
    is_locked: bool,
    /// Whether its lease was extended.
    is_marked: bool,
}

struct Held {
    file: Arc<Mutex<File>>,
    number: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut file = lock(&self.file);
        if file.number == self.number {
            file.is_locked = false;
        }
    }
}

impl Leases {
    /// Whoever holds it may not know.
    pub fn delete(&self) {
        let mut file = lock(&self.0);
        *file = File { number: file.number + 1, ..File::default() };
    }

    pub fn were_deleted(&self) -> bool {
        lock(&self.0).number > 0
    }

    pub fn is_free(&self) -> bool {
        !lock(&self.0).is_locked
    }

    /// Waits for as long as it takes.
    pub async fn take(&self) -> Lease {
        poll_fn(|context| {
            let mut file = lock(&self.0);
            if file.is_locked {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            file.is_locked = true;
            let held = Held { file: Arc::clone(&self.0), number: file.number };
            Poll::Ready(Lease::new(held).made_anew(!file.is_marked))
        })
        .await
    }

    pub fn extend(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut file = lock(&self.0);
        if lease.guard::<Held>().is_none_or(|held| held.number != file.number) {
            return Err(StoreError::new(StoreErrorKind::LeaseLost, "the lease"));
        }
        file.is_marked = true;
        Ok(())
    }
}
