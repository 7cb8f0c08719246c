//! How long a store that does not answer is waited for.

use std::time::Duration;

use super::{Confirming, Load, Save, run::Run};

/// Before a retry with a token that may be spent. Servers that have a grace for
/// spent tokens give 5 s and more.
const PROMPTLY: Duration = Duration::from_secs(3);

impl Load {
    pub(crate) fn patience(&self) -> Duration {
        match self {
            Self::Retry(_) => promptly(self.run()),
            _ => usually(self.run()),
        }
    }
}

impl Save {
    pub(crate) fn patience(&self, usual: Duration) -> Duration {
        match self {
            // Others may wait for it, and a retry does.
            Self::TakeBack(_) => usual.min(PROMPTLY),
            _ => usual,
        }
    }
}

impl Confirming {
    pub(crate) fn patience(&self) -> Duration {
        let run = &self.attempt.run;
        if self.is_doubtful() { promptly(run) } else { usually(run) }
    }
}

fn usually(run: &Run) -> Duration {
    run.context.shared.settings.lease_wait
}

fn promptly(run: &Run) -> Duration {
    usually(run).min(PROMPTLY)
}
