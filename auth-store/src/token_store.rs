//! The traits of `auth-accounts`, for a store on files.

/// Implements `BlockingTokenStore` and `TokenStore` for `$store`, by the
/// [`Files`](crate::files::Files) that it is or has.
///
/// It is reached as `internal::token_store`, and brings its own imports.
#[doc(hidden)]
#[macro_export]
macro_rules! __token_store {
    ($store:ty, |$this:ident| $files:expr) => {
        const _: () = {
            use ::std::{option::Option, result::Result, time::Duration, vec::Vec};
            use $crate::{
                auth_accounts::{
                    AccountId, StoreError,
                    store::{BlockingTokenStore, Lease, Record, TokenStore, Version},
                },
                internal::{
                    Files, Key, async_trait, extend, extend_blocking, lease, lease_blocking,
                    off_thread,
                },
            };

            impl BlockingTokenStore for $store {
                fn load_blocking(
                    &self,
                    account: &AccountId,
                ) -> Result<Option<(Record, Version)>, StoreError> {
                    let $this = self;
                    Ok(Files::load($files, account)?)
                }

                fn save_blocking(
                    &self,
                    account: &AccountId,
                    record: &Record,
                    expected: Option<&Version>,
                ) -> Result<Version, StoreError> {
                    let $this = self;
                    Ok(Files::save($files, account, record, expected)?)
                }

                fn remove_blocking(
                    &self,
                    account: &AccountId,
                    expected: &Version,
                ) -> Result<(), StoreError> {
                    let $this = self;
                    Ok(Files::remove($files, account, expected)?)
                }

                fn list_blocking(
                    &self,
                    after: Option<&AccountId>,
                    most: usize,
                ) -> Result<Vec<AccountId>, StoreError> {
                    let $this = self;
                    Ok(Files::list($files, after, most)?)
                }

                fn lease_blocking(
                    &self,
                    account: &AccountId,
                    wait: Duration,
                ) -> Result<Lease, StoreError> {
                    let $this = self;
                    lease_blocking($files, account, wait)
                }

                fn extend_blocking(
                    &self,
                    account: &AccountId,
                    lease: &Lease,
                ) -> Result<(), StoreError> {
                    let $this = self;
                    extend_blocking($files, account, lease)
                }
            }

            #[async_trait]
            impl TokenStore for $store {
                async fn load(
                    &self,
                    account: &AccountId,
                ) -> Result<Option<(Record, Version)>, StoreError> {
                    let (account, key) = (account.clone(), Key::Record(account.clone()));
                    let $this = self;
                    off_thread($files, key, move |files| Files::load(files, &account)).await
                }

                async fn save(
                    &self,
                    account: &AccountId,
                    record: &Record,
                    expected: Option<&Version>,
                ) -> Result<Version, StoreError> {
                    let (account, record) = (account.clone(), record.clone());
                    let (expected, key) = (expected.cloned(), Key::Record(account.clone()));
                    let $this = self;
                    off_thread($files, key, move |files| {
                        Files::save(files, &account, &record, expected.as_ref())
                    })
                    .await
                }

                async fn remove(
                    &self,
                    account: &AccountId,
                    expected: &Version,
                ) -> Result<(), StoreError> {
                    let (account, expected) = (account.clone(), expected.clone());
                    let $this = self;
                    off_thread($files, Key::Record(account.clone()), move |files| {
                        Files::remove(files, &account, &expected)
                    })
                    .await
                }

                async fn list(
                    &self,
                    after: Option<&AccountId>,
                    most: usize,
                ) -> Result<Vec<AccountId>, StoreError> {
                    let after = after.cloned();
                    let $this = self;
                    off_thread($files, Key::List, move |files| {
                        Files::list(files, after.as_ref(), most)
                    })
                    .await
                }

                async fn lease(
                    &self,
                    account: &AccountId,
                    wait: Duration,
                ) -> Result<Lease, StoreError> {
                    let $this = self;
                    lease($files, account, wait).await
                }

                async fn extend(
                    &self,
                    account: &AccountId,
                    lease: &Lease,
                ) -> Result<(), StoreError> {
                    let $this = self;
                    extend($files, account, lease).await
                }
            }
        };
    };
}
