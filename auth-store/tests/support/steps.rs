//! A process that stops at a chosen step of a refresh or a logout, to be killed
//! there.

use std::time::Duration;

use auth_accounts::{
    AccountId, StoreError,
    store::{BlockingTokenStore, Lease, Record, Version},
};
use auth_core::{BlockingTransport, Request, Response, TransportError};

use super::child::{say, wait_for_parent};

/// Where a refresh or a logout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    BeforeLease,
    BeforeNote,
    AfterNote,
    AfterResponse,
    AfterSave,
    BeforeRemoval,
    AfterRemoval,
    BeforeFree,
}

impl Step {
    /// Those of a refresh.
    pub(crate) const REFRESH: [Self; 6] = [
        Self::BeforeLease,
        Self::BeforeNote,
        Self::AfterNote,
        Self::AfterResponse,
        Self::AfterSave,
        Self::BeforeFree,
    ];

    /// Those of a logout; the response is that of the revocation.
    pub(crate) const LOGOUT: [Self; 5] = [
        Self::BeforeLease,
        Self::AfterResponse,
        Self::BeforeRemoval,
        Self::AfterRemoval,
        Self::BeforeFree,
    ];

    pub(crate) fn name(self) -> String {
        format!("{self:?}")
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::REFRESH.into_iter().chain(Self::LOGOUT).find(|step| step.name() == name)
    }
}

/// Says so and waits, if this is the step to stop at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StopAt(pub(crate) Step);

impl StopAt {
    fn reached(self, step: Step) {
        if self.0 == step {
            say(&step.name());
            wait_for_parent();
        }
    }
}

/// A store within which to stop. What it saves can be made larger, so that
/// saving takes long enough to be seen.
pub(crate) struct Stopping<S> {
    pub(crate) inner: S,
    pub(crate) stop: StopAt,
    pub(crate) ballast: usize,
}

impl<S: BlockingTokenStore> BlockingTokenStore for Stopping<S> {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.inner.load_blocking(account)
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let is_note = record.note.is_some();
        if is_note {
            self.stop.reached(Step::BeforeNote);
        }
        let mut record = record.clone();
        if !is_note && self.ballast > 0 {
            record.tokens.extra.insert("ballast", "x".repeat(self.ballast).into());
        }
        let version = self.inner.save_blocking(account, &record, expected)?;
        self.stop.reached(if is_note { Step::AfterNote } else { Step::AfterSave });
        Ok(version)
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.stop.reached(Step::BeforeRemoval);
        self.inner.remove_blocking(account, expected)?;
        self.stop.reached(Step::AfterRemoval);
        Ok(())
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.inner.list_blocking(after, most)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.stop.reached(Step::BeforeLease);
        let lease = self.inner.lease_blocking(account, wait)?;
        let made_anew = lease.get_made_anew();
        Ok(Lease::new(StopBeforeFree { lease, stop: self.stop }).made_anew(made_anew))
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        let held = lease.guard::<StopBeforeFree>().unwrap();
        self.inner.extend_blocking(account, &held.lease)
    }
}

struct StopBeforeFree {
    lease: Lease,
    stop: StopAt,
}

impl Drop for StopBeforeFree {
    fn drop(&mut self) {
        self.stop.reached(Step::BeforeFree);
    }
}

impl<T: BlockingTransport> BlockingTransport for Stopping<T> {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let response = self.inner.send_blocking(request);
        self.stop.reached(Step::AfterResponse);
        response
    }
}
