//! One refresh, async or blocking, in virtual time.

use std::time::Duration;

use auth_core::{
    BlockingTransport, Refresh, RefreshError, TokenEndpoint, TokenSet, Transport, refresh_blocking,
};
use auth_testkit::VirtualClock;

/// Which of the two drivers is under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// [`auth_core::refresh`].
    Async,
    /// [`auth_core::refresh_blocking`].
    Blocking,
}

impl World {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Async, Self::Blocking];

    /// Carries the refresh through.
    pub fn run(
        self,
        refresh: Refresh,
        transport: &(impl Transport + BlockingTransport),
        clock: &VirtualClock,
    ) -> Result<TokenSet, RefreshError> {
        match self {
            Self::Async => {
                // The only one who takes part: time passes at once.
                let _alone = clock.participant();
                pollster::block_on(auth_core::refresh(refresh, transport, clock))
            }
            Self::Blocking => refresh_blocking(refresh, transport, clock),
        }
    }
}

/// Everything that can be seen of some refreshes from outside, for comparing
/// the two worlds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// What was sent and what came back, with the times.
    pub transcript: String,
    /// The client's own waits.
    pub waits: Vec<Duration>,
    /// What was reported in the end, one line for each refresh.
    pub results: Vec<String>,
}

impl Trace {
    /// Notes what a refresh came to.
    pub fn note(&mut self, result: &Result<TokenSet, RefreshError>) {
        self.results.push(match result {
            Ok(tokens) => format!(
                "{} {:?} {:?}",
                tokens.access_token.expose(),
                tokens.refresh_token.as_ref().map(auth_core::RefreshToken::expose),
                tokens.expires_at,
            ),
            Err(error) => format!("{error:?} {error}"),
        });
    }
}

/// A token endpoint for scripts.
pub fn endpoint() -> TokenEndpoint {
    match TokenEndpoint::new("https://auth.example.com/token", "my-client") {
        Ok(endpoint) => endpoint,
        Err(error) => unreachable!("{error}"),
    }
}
