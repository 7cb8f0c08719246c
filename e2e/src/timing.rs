//! How long things last in the scenarios.

use std::time::Duration;

use auth_accounts::Settings;

/// How long an attempt may take where a scenario waits for it to be over: short
/// for the suite's sake, and long enough that no busy machine takes it up.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

/// How long a used refresh token is good if the server knows a grace: longer
/// than what follows takes on the busiest machine.
pub(crate) const GRACE_MS: u64 = 60_000;

/// Setbacks shorter than a scenario.
pub(crate) fn short_setbacks() -> Settings {
    Settings::default()
        .setback_base(Duration::from_millis(20))
        .setback_max(Duration::from_millis(200))
}

/// For how long processes share an account, in seconds: a minute, or what `E2E_SECONDS` says.
pub(crate) fn seconds() -> u64 {
    let text = std::env::var("E2E_SECONDS").unwrap_or_else(|_| "60".to_owned());
    text.parse().expect("E2E_SECONDS is a number")
}
