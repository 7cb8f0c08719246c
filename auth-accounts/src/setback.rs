//! What a failed refresh does to the next one.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use auth_core::{FailureKind, Now, RefreshError, TokenEndpoint};

use crate::{
    id::AccountId,
    record::{Fingerprint, Setback},
    seen::Sights,
    settings::Settings,
};

/// The client as it is.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    /// By which it makes its requests.
    pub(crate) endpoint: &'a TokenEndpoint,
    /// Its fingerprint, where its credential was read.
    pub(crate) read: Option<Fingerprint>,
}

impl Client<'_> {
    fn fingerprint(self) -> Fingerprint {
        self.read.unwrap_or_else(|| Fingerprint::of_client(self.endpoint, None))
    }

    /// Whether that was its fingerprint. Of a credential that nobody has read, nobody
    /// can tell.
    fn may_be(self, client: Fingerprint) -> bool {
        let is_unknown = self.read.is_none() && self.endpoint.credential_source().is_some();
        is_unknown || self.fingerprint() == client
    }
}

impl Setback {
    /// The setback after `error`, which follows on `previous` if that concerns
    /// the same refresh token.
    pub(crate) fn after(
        previous: Option<&Self>,
        account: &AccountId,
        refresh_token: Fingerprint,
        error: &RefreshError,
        now: SystemTime,
        client: Client<'_>,
        settings: &Settings,
    ) -> Self {
        let mut setback = Self::new(refresh_token, error, now, None);
        if setback.kind == FailureKind::Rejected && refresh_token == Fingerprint::NO_REFRESH_TOKEN {
            // There is nobody to log in, and no other token to wait for: what
            // was refused is the client.
            setback.kind = FailureKind::Misconfigured;
        }
        let failure = error.failure();
        if setback.kind == FailureKind::Misconfigured || failure.credential_error().is_some() {
            setback.client = Some(client.fingerprint());
        }
        if let Some(previous) = previous.filter(|one| one.refresh_token == refresh_token) {
            setback.count = previous.count.saturating_add(1);
            setback.since = previous.since;
            // What may be spent stays so.
            setback.possibly_spent |= previous.possibly_spent;
        }
        if failure.is_stale_assertion() && setback.count == 1 {
            // The next attempt has another one.
            setback.retry_at = Some(now);
            return setback;
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
            credential: None,
        });
        Self { possibly_spent: true, failed_at: now, retry_at: Some(now), ..setback }
    }

    /// Whether this is about `refresh_token` and the client as they are.
    pub(crate) fn concerns(&self, refresh_token: Fingerprint, client: Client<'_>) -> bool {
        self.refresh_token == refresh_token && self.client.is_none_or(|one| client.may_be(one))
    }

    /// Whether this forbids `client` to try `refresh_token` now.
    pub(crate) fn bars(
        &self,
        refresh_token: Fingerprint,
        client: Client<'_>,
        sights: &Sights,
        now: Now,
    ) -> bool {
        self.concerns(refresh_token, client)
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

/// The series of failures in words: `3 refreshes in a row failed, the last with
/// slow_down (HTTP 429)`.
impl fmt::Display for Setback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 | 1 => f.write_str("the last refresh failed")?,
            count => write!(f, "{count} refreshes in a row failed, the last")?,
        }
        if let Some(what) = self.credential {
            return write!(f, ": {what}");
        }
        f.write_str(" with ")?;
        match (&self.code, self.status) {
            (Some(code), Some(status)) => write!(f, "{code} (HTTP {})", status.as_u16())?,
            (Some(code), None) => write!(f, "{code}")?,
            (None, Some(status)) => write!(f, "HTTP {} ({})", status.as_u16(), self.kind)?,
            (None, None) => write!(f, "{}", self.kind)?,
        }
        match self.kind {
            FailureKind::Rejected if self.possibly_spent => f.write_str(
                "; an earlier attempt, whose response was lost, may have spent the refresh token",
            ),
            _ => Ok(()),
        }
    }
}
