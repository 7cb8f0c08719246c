//! What a pool remembers, and which account it picks. Everything here happens
//! under one lock, which is never held over an await.

use std::time::SystemTime;

use auth_core::AccessToken;

use crate::{
    availability::Availability,
    due::PoolDue,
    index::Index,
    refusals::Refusals,
    settings::{PoolSettings, Routing},
    sticky::StickyKeys,
};

pub(crate) struct State {
    pub(crate) availability: Availability,
    pub(crate) refusals: Refusals,
    pub(crate) due: PoolDue,
    keys: StickyKeys,
}

impl State {
    pub(crate) fn new(accounts: Index, settings: &PoolSettings) -> Self {
        Self {
            availability: Availability::new(accounts),
            refusals: Refusals::default(),
            due: PoolDue::new(accounts),
            keys: StickyKeys::new(settings.sticky_keys),
        }
    }

    /// The account to use.
    pub(crate) fn pick(
        &mut self,
        key: Option<&str>,
        now: SystemTime,
        routing: Routing,
    ) -> Option<Index> {
        if self.availability.wake(now) {
            self.refusals.forget_all();
        }
        match (routing, key) {
            (Routing::FallbackFirst, _) => self.availability.first_fallback(),
            (Routing::Sticky, Some(key)) => {
                let kept = self.keys.get(key).filter(|&index| self.availability.is_usable(index));
                let index = kept.or_else(|| self.availability.first())?;
                self.keys.set(key, index);
                Some(index)
            }
            (Routing::MainFirst | Routing::Sticky, _) => self.availability.first(),
        }
    }

    /// Whether a 401 for this token leads to a refresh.
    pub(crate) fn may_refresh(
        &mut self,
        index: Index,
        token: &AccessToken,
        now: SystemTime,
    ) -> bool {
        !self.availability.is_disabled(index) && !self.refusals.is_replacement(index, token, now)
    }

    pub(crate) fn take_due(&mut self, now: SystemTime) -> Option<Index> {
        let Self { availability, due, .. } = self;
        due.take(now, |index| availability.is_disabled(index))
    }

    pub(crate) fn enable(&mut self, index: Index) {
        self.availability.enable(index);
        self.refusals.forget(index);
        self.due.enable(index);
    }
}
