//! What a store on files does, and how it waits for a lease.

use std::{sync::Arc, thread, time::Duration};

use auth_accounts::{
    AccountId, StoreError,
    internal::{Key, OffThread},
    store::{Lease, Record, Version},
};
use futures_timer::Delay;

use crate::{
    error::{FileError, Problem},
    lock::{FileLock, Patience},
};

/// The operations of a store on files. None of them waits longer than for
/// files, and for other writers to end.
///
/// [`token_store!`](crate::internal::token_store) implements the traits of
/// `auth-accounts` with them.
pub trait Files: Clone + Send + Sync + 'static {
    /// The calls that are under way on other threads. Clones share them.
    fn calls(&self) -> &OffThread;

    fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, FileError>;

    fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, FileError>;

    /// Removes the record if its version is `expected`.
    fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), FileError>;

    /// At most `most` of the accounts that have a record, in order, strictly
    /// after `after`.
    fn list(&self, after: Option<&AccountId>, most: usize) -> Result<Vec<AccountId>, FileError>;

    /// A lease: a lock, and what is held beside it.
    type Held: Held + Send + Sync + 'static;

    /// The lease; `None` if somebody else holds it.
    fn try_lease(&self, account: &AccountId) -> Result<Option<Self::Held>, FileError>;

    /// Confirms that a lease of `account` is still exclusive.
    fn confirm(&self, account: &AccountId, held: &Self::Held) -> Result<(), FileError>;

    /// An error about the lease.
    fn lease_error(&self, account: &AccountId, problem: Problem) -> FileError;
}

/// What is held as a lease.
pub trait Held {
    /// Whether somebody may hold an earlier lease, and not know yet that it is lost.
    fn is_made_anew(&self) -> bool;
}

impl<L: AsRef<FileLock>> Held for L {
    fn is_made_anew(&self) -> bool {
        !self.as_ref().is_marked()
    }
}

/// What a [`Lease`] guards. An operation on another thread keeps it while it lasts.
struct Guard<H>(Arc<H>);

fn given<H: Held + Send + Sync + 'static>(held: H) -> Lease {
    let made_anew = held.is_made_anew();
    Lease::new(Guard(Arc::new(held))).made_anew(made_anew)
}

fn held<F: Files>(
    files: &F,
    account: &AccountId,
    lease: &Lease,
) -> Result<Arc<F::Held>, FileError> {
    let guard = lease.guard::<Guard<F::Held>>().map(|Guard(held)| Arc::clone(held));
    guard.ok_or_else(|| files.lease_error(account, Problem::ForeignLease))
}

/// Confirms that the lease is still exclusive.
pub fn extend_blocking(
    files: &impl Files,
    account: &AccountId,
    lease: &Lease,
) -> Result<(), StoreError> {
    let held = held(files, account, lease)?;
    Ok(files.confirm(account, &held)?)
}

/// Confirms that the lease is still exclusive, on a thread that may block.
pub async fn extend(
    files: &impl Files,
    account: &AccountId,
    lease: &Lease,
) -> Result<(), StoreError> {
    let (held, account) = (held(files, account, lease)?, account.clone());
    off_thread(files, Key::Record(account.clone()), move |files| files.confirm(&account, &held))
        .await
}

/// Takes the lease, blocking the thread between two tries.
pub fn lease_blocking(
    files: &impl Files,
    account: &AccountId,
    wait: Duration,
) -> Result<Lease, StoreError> {
    let mut patience = Patience::new(wait);
    loop {
        if let Some(held) = files.try_lease(account)? {
            return Ok(given(held));
        }
        match patience.next() {
            Some(pause) => thread::sleep(pause),
            None => return Err(timeout(files, account, wait)),
        }
    }
}

fn timeout(files: &impl Files, account: &AccountId, waited: Duration) -> StoreError {
    files.lease_error(account, Problem::LeaseTimeout { waited }).into()
}

/// Takes the lease, occupying no thread between two tries. If waiters occupied
/// all threads, whoever holds the lease would have none left to save with.
pub async fn lease(
    files: &impl Files,
    account: &AccountId,
    wait: Duration,
) -> Result<Lease, StoreError> {
    let mut patience = Patience::new(wait);
    loop {
        let (account_, key) = (account.clone(), Key::Record(account.clone()));
        // If this future is dropped before that ends, the lease is too.
        let lease = off_thread(files, key, move |files| Ok(files.try_lease(&account_)?.map(given)));
        if let Some(lease) = lease.await? {
            return Ok(lease);
        }
        match patience.next() {
            Some(pause) => Delay::new(pause).await,
            None => return Err(timeout(files, account, wait)),
        }
    }
}

/// Runs `operation` on a thread that may block. Threads that hang hold up nobody
/// else: see [`OffThread`].
pub async fn off_thread<F: Files, T: Send + 'static>(
    files: &F,
    key: Key,
    operation: impl FnOnce(&F) -> Result<T, FileError> + Send + 'static,
) -> Result<T, StoreError> {
    let operate = {
        let files = files.clone();
        move || operation(&files)
    };
    let start = |job| blocking::unblock(job).detach();
    Ok(files.calls().call(key, start, operate).await?)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Condvar, Mutex},
        task::{Context, Waker},
    };

    use auth_accounts::{StoreErrorKind, store::TokenStore};
    use futures_lite::future::{block_on, or};

    use super::*;
    use crate::internal::token_store;

    /// Files on a file system that answers when it is told to.
    #[derive(Clone, Default)]
    struct Hung {
        calls: OffThread,
        answers: Arc<(Mutex<bool>, Condvar)>,
    }

    impl Hung {
        fn new(answers: bool) -> Self {
            let hung = Self::default();
            *hung.answers.0.lock().unwrap() = answers;
            hung
        }

        fn answer(&self) {
            *self.answers.0.lock().unwrap() = true;
            self.answers.1.notify_all();
        }

        fn wait(&self) {
            let answers = self.answers.0.lock().unwrap();
            drop(self.answers.1.wait_while(answers, |answers| !*answers).unwrap());
        }
    }

    impl Files for Hung {
        fn calls(&self) -> &OffThread {
            &self.calls
        }

        fn load(&self, _: &AccountId) -> Result<Option<(Record, Version)>, FileError> {
            self.wait();
            Ok(None)
        }

        fn save(
            &self,
            _: &AccountId,
            _: &Record,
            _: Option<&Version>,
        ) -> Result<Version, FileError> {
            unreachable!("nothing is saved")
        }

        fn remove(&self, _: &AccountId, _: &Version) -> Result<(), FileError> {
            unreachable!("nothing is removed")
        }

        fn list(&self, _: Option<&AccountId>, _: usize) -> Result<Vec<AccountId>, FileError> {
            unreachable!("nothing is listed")
        }

        type Held = NoLock;

        fn try_lease(&self, _: &AccountId) -> Result<Option<NoLock>, FileError> {
            self.wait();
            Ok(None)
        }

        fn confirm(&self, _: &AccountId, _: &NoLock) -> Result<(), FileError> {
            unreachable!("no lease is given")
        }

        fn lease_error(&self, account: &AccountId, problem: Problem) -> FileError {
            FileError::new(account.as_str(), problem)
        }
    }

    struct NoLock;

    impl AsRef<FileLock> for NoLock {
        fn as_ref(&self) -> &FileLock {
            unreachable!("no lease is given")
        }
    }

    token_store!(Hung, |store| store);

    /// More calls than there are threads in the process's pool, all of which hang.
    #[test]
    fn a_store_that_hangs_leaves_threads_to_others() {
        let (hung, sound) = (Hung::new(false), Hung::new(true));
        let mut context = Context::from_waker(Waker::noop());
        let ids: Vec<AccountId> = (0..600).map(|number| number.to_string().into()).collect();
        let mut calls: Vec<_> = ids.iter().map(|id| TokenStore::load(&hung, id)).collect();
        for call in &mut calls {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        let ada = AccountId::from("ada");
        let load = async { TokenStore::load(&sound, &ada).await.map(drop) };
        // Somebody else holds it, which is an answer.
        let lease = async { TokenStore::lease(&sound, &ada, Duration::ZERO).await.map(drop) };
        let late = async {
            Delay::new(Duration::from_secs(60)).await;
            panic!("it hangs as well");
        };
        let answered = block_on(or(async { (load.await, lease.await) }, late));
        drop(calls);
        hung.answer();
        answered.0.unwrap();
        assert_eq!(answered.1.unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    }
}
