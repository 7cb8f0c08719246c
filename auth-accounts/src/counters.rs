//! What a program can export: counters, histograms and a gauge, through the
//! facade `metrics` with the feature of that name, and nothing without it. No
//! label names an account.

use std::time::Duration;

/// What a refresh has cost.
#[derive(Debug, Default)]
pub(crate) struct Effort {
    /// From its beginning to its end.
    pub(crate) took: Duration,
    /// How long the lease was waited for, if it was.
    pub(crate) lease_wait: Option<Duration>,
    /// Whether a request was sent.
    pub(crate) sent: bool,
}

#[cfg(feature = "metrics")]
mod on {
    use metrics::{
        Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    };

    use super::Effort;
    use crate::{
        account_event::EventKind,
        error::{AccountError, Reason},
        token::Token,
    };

    pub(crate) const ARE_ON: bool = true;

    const REFRESHES: &str = "auth_refreshes_total";
    const FAILURES: &str = "auth_refresh_failures_total";
    const DURATION: &str = "auth_refresh_duration_seconds";
    const LEASE_WAIT: &str = "auth_lease_wait_seconds";
    const EVENTS: &str = "auth_account_events_total";
    const REFUSED: &str = "auth_tokens_refused_total";
    const UNSAVED: &str = "auth_accounts_unsaved";

    /// Describes all metrics of this crate, with their units, to the recorder that
    /// is installed. [`Accounts::new`](crate::Accounts::new) does it too; call it
    /// if the recorder is installed after that.
    pub fn describe_metrics() {
        let count = Unit::Count;
        describe_counter!(REFRESHES, count, "Refreshes that have ended, by what they ended with");
        describe_counter!(FAILURES, count, "Refreshes that failed, by the kind of the failure");
        describe_histogram!(
            DURATION,
            Unit::Seconds,
            "From the beginning to the end of a refresh for which a request was sent"
        );
        describe_histogram!(LEASE_WAIT, Unit::Seconds, "How long a refresh waited for the lease");
        describe_counter!(EVENTS, count, "Changes of accounts, by the kind of the event");
        describe_counter!(REFUSED, count, "Access tokens in use that were reported as refused");
        describe_gauge!(UNSAVED, count, "Accounts whose newest tokens are in memory only");
    }

    pub(crate) fn ended(
        result: &Result<Token, AccountError>,
        is_new: bool,
        was_busy: bool,
        effort: &Effort,
    ) {
        let outcome = match result {
            Ok(token) if is_new && token.unsaved().is_some() => "unsaved",
            Ok(_) if is_new => "refreshed",
            Ok(_) => "on_record",
            Err(_) if was_busy => "lease_busy",
            Err(error) => error.state().as_str(),
        };
        counter!(REFRESHES, "outcome" => outcome).increment(1);
        if let Err(error) = result
            && let (Reason::Refresh(_), Some(kind)) = (error.reason(), error.kind())
        {
            counter!(FAILURES, "kind" => kind.as_str()).increment(1);
        }
        if effort.sent {
            histogram!(DURATION, "outcome" => outcome).record(effort.took.as_secs_f64());
        }
        if let Some(wait) = effort.lease_wait {
            histogram!(LEASE_WAIT).record(wait.as_secs_f64());
        }
    }

    pub(crate) fn event(kind: EventKind) {
        counter!(EVENTS, "event" => kind.as_str()).increment(1);
    }

    pub(crate) fn token_refused() {
        counter!(REFUSED).increment(1);
    }

    /// So many more accounts, or fewer, have tokens in memory only.
    pub(crate) fn unsaved(change: i32) {
        if change != 0 {
            gauge!(UNSAVED).increment(f64::from(change));
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod off {
    use super::Effort;
    use crate::{account_event::EventKind, error::AccountError, token::Token};

    pub(crate) const ARE_ON: bool = false;

    pub(crate) fn describe_metrics() {}
    pub(crate) fn ended(_: &Result<Token, AccountError>, _: bool, _: bool, _: &Effort) {}
    pub(crate) fn event(_: EventKind) {}
    pub(crate) fn token_refused() {}
    pub(crate) fn unsaved(_: i32) {}
}

#[cfg(not(feature = "metrics"))]
pub(crate) use off::{ARE_ON, describe_metrics, ended, event, token_refused, unsaved};
#[cfg(feature = "metrics")]
pub use on::describe_metrics;
#[cfg(feature = "metrics")]
pub(crate) use on::{ARE_ON, ended, event, token_refused, unsaved};
