//! What whoever writes a store needs: the traits, and the record that is kept of an
//! account. Whoever matches [`Reason::Setback`](crate::Reason::Setback) meets
//! [`Setback`] too.
//!
//! A program that uses a store hands it to its [`Accounts`](crate::Accounts), and
//! then deals with the accounts only. Above all, a login is stored by
//! [`Account::store_login`](crate::Account::store_login): a record that is saved
//! past the account is a second login to it.

use std::{any::Any, fmt, sync::Arc, time::Duration};

/// The macro by which [`TokenStore`] is implemented.
pub use async_trait::async_trait;

use crate::{id::AccountId, store_error::StoreError};
pub use crate::{
    record::{Fingerprint, FingerprintError, FurtherToken, Guess, Note, Record, Setback},
    record_form::{RecordFormError, record_exposed},
    set_up::SetUp,
    version::Version,
};

/// Keeps one [`Record`] for each account, without blocking.
///
/// # What an implementor owes
///
/// The promises of this crate rest on these.
/// `auth_conformance::store` checks them.
///
/// 1. **Durable on return.** When [`save`](Self::save) has returned a version,
///    the record survives a crash of the process and of the machine.
/// 2. **All or nothing.** A save that fails, or during which the process dies,
///    leaves the old record or the new one, never a mixture.
/// 3. **Compare and swap.** A save takes effect only if the stored version is
///    still the expected one, whoever else saves at that moment. Otherwise it is
///    a [`Conflict`](crate::StoreErrorKind::Conflict) and changes nothing. No two
///    records have the same version, even if their contents are equal.
/// 4. **The lease is exclusive** among all who share the store: tasks, threads,
///    processes, machines. It is freed when the [`Lease`] is dropped, and when
///    its holder dies. Saving does not require it. If a holder that lives can
///    lose it, [`extend`](Self::extend) says so before each attempt, and
///    [`Lease::made_anew`] tells the next holder.
/// 5. **Nothing unreadable is lost.** If a record is damaged, written by a
///    newer version, or not trusted, `load`, `save` and `remove` return an error
///    that names the file or the row, and leave it as it is. There is one exception,
///    for what is damaged: its error may name a
///    [version](StoreError::damaged_version). A `save` or a `remove` that expects that
///    very version moves what is damaged aside, to where a person finds it, and never
///    over what was moved there before. This is how a login or a logout gets past a
///    damaged record. No refresh does: it expects the version of a record that it has
///    read, which is never that of a damaged one.
/// 6. **Silent about secrets.** No error and no event contains a token.
/// 7. **Cancel-safe.** A dropped future has its whole effect, then or later, or
///    none. The future of [`lease`](Self::lease) must not leave a lease behind.
/// 8. **Never blocking.** No future blocks the thread that polls it, least of all
///    that of a `lease` that waits: whoever holds the lease may need that thread.
/// 9. **What is removed stays removed.** [`remove`](Self::remove) is durable, all
///    or nothing, and compare-and-swap as a save is. No version that there was
///    before a removal is accepted after it, whatever is saved then.
/// 10. **Every record is listed.** [`list`](Self::list) names each account that
///     has a record, once, also if the record cannot be read.
///
/// A record is stored by [`Record::to_json_exposed`](crate::store::Record::to_json_exposed)
/// and [`Record::from_json`](crate::store::Record::from_json), or by
/// [`record_exposed`] within a larger form. `save` reads
/// what is stored first: what cannot be read is replaced by nobody who has not seen
/// that.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Returns the record of `account` and its version, or `None` if there is
    /// none.
    ///
    /// # Errors
    ///
    /// If there is a record that cannot be read. That it is
    /// [`Damaged`](crate::StoreErrorKind::Damaged) should go with
    /// [which version of it](StoreError::damaged_version) that is.
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError>;

    /// Replaces the record of `account` if its version is still `expected`, and
    /// returns the new version. `None` expects that there is no record. The
    /// [version of a damaged one](StoreError::damaged_version) expects that it is
    /// still damaged as it was: then it is moved aside.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::StoreErrorKind::Conflict) if the stored version is
    /// another one, also if what was damaged has been mended.
    /// [`Damaged`](crate::StoreErrorKind::Damaged), as for `load`, if what is stored
    /// is damaged, and that was not expected. Any other kind if the record could not be
    /// made durable, or what is damaged not be moved aside.
    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError>;

    /// Removes the record of `account` if its version is still `expected`. Like
    /// saving, it does not require the lease, leaves it to its holder, and moves aside
    /// what is damaged if that is expected.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::StoreErrorKind::Conflict) if the stored version is
    /// another one, or if there is no record: it may have been removed, by
    /// somebody else or by a removal whose success was never heard of. Any other
    /// kind if the record cannot be read, or if the removal could not be made
    /// durable.
    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError>;

    /// Returns a page of the accounts that have a record: those strictly after
    /// `after`, or all if that is `None`, in the ascending order of [`AccountId`],
    /// at most `most` of them. An empty page is the end.
    ///
    /// `after` need not have a record itself. An account that has a record from
    /// the first page to the last is on exactly one of them. One that is saved
    /// or removed meanwhile may be on none. A store with many accounts should
    /// hold no more than a page of them in memory, and need not read records.
    ///
    /// # Errors
    ///
    /// If the accounts cannot be listed. A record that cannot be read is no
    /// error: its account is listed, and `load` says what is wrong.
    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError>;

    /// Takes the lease of `account`. Waits at most `wait`, in real time, until
    /// nobody else holds it. The account need not have a record.
    ///
    /// # Errors
    ///
    /// [`LeaseTimeout`](crate::StoreErrorKind::LeaseTimeout) if somebody else
    /// held the lease all the time. Any other kind if it cannot be taken.
    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError>;

    /// Extends `lease`, a lease of `account` by this store: confirms that it is
    /// still exclusive, and prolongs it where leases have a deadline: for at least
    /// [`Settings::lease_wait`](crate::Settings::lease_wait), which is how long
    /// whoever finds it lost waits. It is called before each attempt that could
    /// spend a refresh token.
    ///
    /// A store whose leases cannot be lost while their holder lives returns `Ok`.
    /// A store that wraps another forwards this, with the lease that the other one
    /// gave. If it has a guard of its own, that keeps the lease:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use auth_accounts::{AccountId, MemoryStore, StoreError, StoreErrorKind};
    /// # use auth_accounts::store::{Lease, TokenStore};
    /// # struct Counter;
    /// # struct Wrapper { inner: MemoryStore }
    /// struct Mine {
    ///     lease: Lease,
    ///     counter: Counter,
    /// }
    ///
    /// # impl Wrapper {
    /// async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
    ///     let lease = TokenStore::lease(&self.inner, account, wait).await?;
    ///     let made_anew = lease.get_made_anew();
    ///     Ok(Lease::new(Mine { lease, counter: Counter }).made_anew(made_anew))
    /// }
    ///
    /// async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
    ///     match lease.guard::<Mine>() {
    ///         Some(mine) => TokenStore::extend(&self.inner, account, &mine.lease).await,
    ///         None => Err(StoreError::new(StoreErrorKind::LeaseLost, "not a lease of this store")),
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LeaseLost`](crate::StoreErrorKind::LeaseLost) if somebody else may hold
    /// the lease by now. Any other kind if that could not be found out. Then
    /// nothing is sent, except a retry of an attempt that may have spent the refresh
    /// token: that must be prompt.
    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError>;
}

/// Keeps one [`Record`] for each account, blocking the thread.
///
/// The duties are those of [`TokenStore`]. Each call is made on a thread of its own,
/// several for one account may run at once, and a caller may leave before it ends.
pub trait BlockingTokenStore: Send + Sync {
    /// See [`TokenStore::load`].
    ///
    /// # Errors
    ///
    /// See [`TokenStore::load`].
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError>;

    /// See [`TokenStore::save`].
    ///
    /// # Errors
    ///
    /// See [`TokenStore::save`].
    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError>;

    /// See [`TokenStore::remove`].
    ///
    /// # Errors
    ///
    /// See [`TokenStore::remove`].
    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError>;

    /// See [`TokenStore::list`].
    ///
    /// # Errors
    ///
    /// See [`TokenStore::list`].
    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError>;

    /// See [`TokenStore::lease`].
    ///
    /// # Errors
    ///
    /// See [`TokenStore::lease`].
    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError>;

    /// See [`TokenStore::extend`].
    ///
    /// # Errors
    ///
    /// See [`TokenStore::extend`].
    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError>;
}

/// A shared or borrowed store is a store.
macro_rules! forward {
    ($($holder:ty),*) => {$(
        #[async_trait]
        impl<T: TokenStore + ?Sized> TokenStore for $holder {
            async fn load(
                &self,
                account: &AccountId,
            ) -> Result<Option<(Record, Version)>, StoreError> {
                (**self).load(account).await
            }
            async fn save(
                &self,
                account: &AccountId,
                record: &Record,
                expected: Option<&Version>,
            ) -> Result<Version, StoreError> {
                (**self).save(account, record, expected).await
            }
            async fn remove(
                &self,
                account: &AccountId,
                expected: &Version,
            ) -> Result<(), StoreError> {
                (**self).remove(account, expected).await
            }
            async fn list(
                &self,
                after: Option<&AccountId>,
                most: usize,
            ) -> Result<Vec<AccountId>, StoreError> {
                (**self).list(after, most).await
            }
            async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
                (**self).lease(account, wait).await
            }
            async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
                (**self).extend(account, lease).await
            }
        }
        impl<T: BlockingTokenStore + ?Sized> BlockingTokenStore for $holder {
            fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
                (**self).load_blocking(account)
            }
            fn save_blocking(
                &self,
                account: &AccountId,
                record: &Record,
                expected: Option<&Version>,
            ) -> Result<Version, StoreError> {
                (**self).save_blocking(account, record, expected)
            }
            fn remove_blocking(
                &self,
                account: &AccountId,
                expected: &Version,
            ) -> Result<(), StoreError> {
                (**self).remove_blocking(account, expected)
            }
            fn list_blocking(
                &self,
                after: Option<&AccountId>,
                most: usize,
            ) -> Result<Vec<AccountId>, StoreError> {
                (**self).list_blocking(after, most)
            }
            fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
                (**self).lease_blocking(account, wait)
            }
            fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
                (**self).extend_blocking(account, lease)
            }
        }
    )*};
}
forward!(&T, Arc<T>, Box<T>);

/// The exclusive right to refresh an account. Dropping it frees the account for
/// others.
#[must_use = "dropping it frees the account for others"]
pub struct Lease {
    guard: Arc<dyn Any + Send + Sync>,
    made_anew: bool,
}

impl Lease {
    /// Released when `guard` is dropped, on any thread, inside or outside a
    /// runtime: the drop must not block for long, need a runtime, or panic.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self { guard: Arc::new(guard), made_anew: false }
    }

    /// Whether somebody may hold an earlier lease of this account and not know yet
    /// that it is lost: its file was deleted, or its time is over. `false` unless
    /// the store says so.
    ///
    /// If the record then holds a young note, somebody may be under way, and is
    /// waited for. It stays so for every holder until one of them has
    /// [extended](TokenStore::extend) the lease.
    pub fn made_anew(mut self, made_anew: bool) -> Self {
        self.made_anew = made_anew;
        self
    }

    /// See [`made_anew`](Self::made_anew).
    pub fn get_made_anew(&self) -> bool {
        self.made_anew
    }

    /// The same lease, for a thread that confirms it.
    pub(crate) fn share(&self) -> Self {
        Self { guard: Arc::clone(&self.guard), made_anew: self.made_anew }
    }

    /// The guard, if it is of this type: for the store that made the lease.
    pub fn guard<T: Any>(&self) -> Option<&T> {
        self.guard.downcast_ref()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}
