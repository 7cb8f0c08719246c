//! What a failed refresh does to the next one.

use std::time::{Duration, SystemTime};

use auth_core::{FailureKind, Now, RefreshError, TokenEndpoint};

use crate::{
    id::AccountId,
    record::{Fingerprint, Setback},
    seen::Sights,
    settings::Settings,
};

impl Setback {
    /// The setback after `error`, which follows on `previous` if that concerns
    /// the same refresh token.
    pub(crate) fn after(
        previous: Option<&Self>,
        account: &AccountId,
        refresh_token: Fingerprint,
        error: &RefreshError,
        now: SystemTime,
        endpoint: &TokenEndpoint,
        settings: &Settings,
    ) -> Self {
        let mut setback = Self::new(refresh_token, error, now, None);
        if setback.kind == FailureKind::Rejected && refresh_token == Fingerprint::NO_REFRESH_TOKEN {
            // There is nobody to log in, and no other token to wait for: what
            // was refused is the client.
            setback.kind = FailureKind::Misconfigured;
        }
        if setback.kind == FailureKind::Misconfigured {
            setback.client = Some(Fingerprint::of_client(endpoint));
        }
        if let Some(previous) = previous.filter(|one| one.refresh_token == refresh_token) {
            setback.count = previous.count.saturating_add(1);
            setback.since = previous.since;
            // What may be spent stays so.
            setback.possibly_spent |= previous.possibly_spent;
        }
        setback.retry_at = delay(&setback, error.retry_after(), settings, || {
            settings.random((account, setback.count))
        })
        .map(|delay| now.checked_add(delay).unwrap_or(now));
        setback
    }

    /// The doubt about `refresh_token` that a refresh leaves which was given up between
    /// two attempts. It follows on `previous` if that concerns the same refresh token,
    /// and holds up nobody.
    pub(crate) fn of_doubt(
        previous: Option<Self>,
        refresh_token: Fingerprint,
        now: SystemTime,
    ) -> Self {
        let previous = previous.filter(|one| one.refresh_token == refresh_token);
        let setback = previous.unwrap_or(Self {
            refresh_token,
            kind: FailureKind::Interrupted,
            code: None,
            status: None,
            possibly_spent: true,
            since: now,
            failed_at: now,
            retry_at: None,
            count: 1,
            client: None,
        });
        Self { possibly_spent: true, failed_at: now, retry_at: Some(now), ..setback }
    }

    /// Whether this is about `refresh_token` and `endpoint` as they are.
    pub(crate) fn concerns(&self, refresh_token: Fingerprint, endpoint: &TokenEndpoint) -> bool {
        self.refresh_token == refresh_token
            && self.client.is_none_or(|client| client == Fingerprint::of_client(endpoint))
    }

    /// Whether this forbids to try `refresh_token` at `endpoint` now.
    pub(crate) fn bars(
        &self,
        refresh_token: Fingerprint,
        endpoint: &TokenEndpoint,
        sights: &Sights,
        now: Now,
    ) -> bool {
        self.concerns(refresh_token, endpoint)
            && sights.retry_at(self, now).is_none_or(|at| now.wall < at)
    }
}

/// How long to wait; `None` is until the refresh token changes.
fn delay(
    setback: &Setback,
    asked: Option<Duration>,
    settings: &Settings,
    random: impl FnOnce() -> f64,
) -> Option<Duration> {
    let times = match setback.kind {
        FailureKind::Rejected => return None,
        // A lost response wants a prompt retry: the grace in which servers
        // accept a spent token again is short.
        FailureKind::Unreachable | FailureKind::Interrupted => 1,
        FailureKind::Throttled => 30,
        FailureKind::Misconfigured => 60,
        _ => 5,
    };
    let doubled = 2_u32.saturating_pow(setback.count.saturating_sub(1));
    let longest = settings
        .setback_base
        .saturating_mul(times)
        .saturating_mul(doubled)
        .min(settings.setback_max);
    let own = longest / 2 + (longest / 2).mul_f64(random());
    let asked = asked.map(|asked| asked.min(settings.retry_after_max));
    Some(match (setback.kind, asked) {
        (FailureKind::Throttled, Some(asked)) => asked,
        (_, asked) => own.max(asked.unwrap_or_default()),
    })
}
