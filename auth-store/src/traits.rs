//! The traits of `auth-accounts`, for whoever can do one thing after the other
//! on files.

use std::{thread, time::Duration};

use auth_accounts::{AccountId, Lease, Record, StoreError, Version};
use futures_timer::Delay;

use crate::{error::FileError, lock::Patience};

/// What a store on files does. None of it waits for longer than files take,
/// and for others to do the same.
pub trait Files: Clone + Send + Sync + 'static {
    fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, FileError>;

    fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, FileError>;

    /// The lease, if nobody has it.
    fn try_lease(&self, account: &AccountId) -> Result<Option<Lease>, FileError>;

    /// The error for a lease that somebody else held for all of `waited`.
    fn lease_timeout(&self, account: &AccountId, waited: Duration) -> FileError;
}

pub fn lease_blocking(
    files: &impl Files,
    account: &AccountId,
    wait: Duration,
) -> Result<Lease, StoreError> {
    let mut patience = Patience::new(wait);
    loop {
        if let Some(lease) = files.try_lease(account)? {
            return Ok(lease);
        }
        match patience.next() {
            Some(pause) => thread::sleep(pause),
            None => return Err(files.lease_timeout(account, wait).into()),
        }
    }
}

/// The same, but for the two ways to wait. Between looks it occupies no
/// thread: if waiters did, those who hold a lease might find none left to
/// save with.
pub async fn lease(
    files: &impl Files,
    account: &AccountId,
    wait: Duration,
) -> Result<Lease, StoreError> {
    let mut patience = Patience::new(wait);
    loop {
        let account_ = account.clone();
        // If this future is dropped meanwhile, so is the lease.
        if let Some(lease) = off_thread(files, move |files| files.try_lease(&account_)).await? {
            return Ok(lease);
        }
        match patience.next() {
            Some(pause) => Delay::new(pause).await,
            None => return Err(files.lease_timeout(account, wait).into()),
        }
    }
}

/// Runs `operation` where it may block.
pub async fn off_thread<F: Files, T: Send + 'static>(
    files: &F,
    operation: impl FnOnce(&F) -> Result<T, FileError> + Send + 'static,
) -> Result<T, StoreError> {
    let files = files.clone();
    Ok(blocking::unblock(move || operation(&files)).await?)
}

/// Both traits for `$store`, by the [`Files`] that it is or has.
#[doc(hidden)]
#[macro_export]
macro_rules! token_store {
    ($store:ty, |$this:ident| $files:expr) => {
        impl auth_accounts::BlockingTokenStore for $store {
            fn load_blocking(
                &self,
                account: &AccountId,
            ) -> Result<Option<(Record, Version)>, auth_accounts::StoreError> {
                let $this = self;
                Ok($crate::internal::Files::load($files, account)?)
            }

            fn save_blocking(
                &self,
                account: &AccountId,
                record: &Record,
                expected: Option<&Version>,
            ) -> Result<Version, auth_accounts::StoreError> {
                let $this = self;
                Ok($crate::internal::Files::save($files, account, record, expected)?)
            }

            fn lease_blocking(
                &self,
                account: &AccountId,
                wait: std::time::Duration,
            ) -> Result<auth_accounts::Lease, auth_accounts::StoreError> {
                let $this = self;
                $crate::internal::lease_blocking($files, account, wait)
            }
        }

        #[async_trait::async_trait]
        impl auth_accounts::TokenStore for $store {
            async fn load(
                &self,
                account: &AccountId,
            ) -> Result<Option<(Record, Version)>, auth_accounts::StoreError> {
                let account = account.clone();
                let $this = self;
                $crate::internal::off_thread($files, move |files| {
                    $crate::internal::Files::load(files, &account)
                })
                .await
            }

            async fn save(
                &self,
                account: &AccountId,
                record: &Record,
                expected: Option<&Version>,
            ) -> Result<Version, auth_accounts::StoreError> {
                let (account, record) = (account.clone(), record.clone());
                let expected = expected.cloned();
                let $this = self;
                $crate::internal::off_thread($files, move |files| {
                    $crate::internal::Files::save(files, &account, &record, expected.as_ref())
                })
                .await
            }

            async fn lease(
                &self,
                account: &AccountId,
                wait: std::time::Duration,
            ) -> Result<auth_accounts::Lease, auth_accounts::StoreError> {
                let $this = self;
                $crate::internal::lease($files, account, wait).await
            }
        }
    };
}
