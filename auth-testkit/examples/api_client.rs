//! A small downstream crate and its tests: an API client that keeps a session.
//! It must survive a 502 of the token endpoint, and must end when the server
//! says `invalid_grant`.
//!
//! `cargo test -p auth-testkit --example api_client` runs the tests;
//! `cargo run -p auth-testkit --example api_client` shows the client at work.

use std::{error::Error, fmt, time::Duration};

use auth_core::{Advice, Clock, Refresh, RefreshError, TokenEndpoint, TokenSet, Transport};

/// A client of some API: what the downstream crate is about.
///
/// It gets transport and clock from outside. In production they are
/// `ReqwestTransport` and `TokioClock`; nothing here knows.
struct ApiClient<T, C> {
    transport: T,
    clock: C,
    endpoint: TokenEndpoint,
    /// `None`: logged out.
    session: Option<TokenSet>,
}

#[derive(Debug)]
enum ApiError {
    /// The user must log in again.
    LoggedOut,
    /// The session is intact; the caller may come back later.
    Later(RefreshError),
}

impl<T: Transport, C: Clock> ApiClient<T, C> {
    /// An access token for a call of the API, refreshed if it is about to expire.
    async fn access_token(&mut self) -> Result<String, ApiError> {
        let session = self.session.as_ref().ok_or(ApiError::LoggedOut)?;
        let soon = self.clock.now().wall + Duration::from_secs(60);
        if session.expires_at.is_some_and(|at| at <= soon) {
            self.refresh().await?;
        }
        let session = self.session.as_ref().ok_or(ApiError::LoggedOut)?;
        Ok(session.access_token.expose().to_owned())
    }

    async fn refresh(&mut self) -> Result<(), ApiError> {
        let token = self.session.as_ref().and_then(|session| session.refresh_token.clone());
        let token = token.ok_or(ApiError::LoggedOut)?;
        let refresh = Refresh::new(self.endpoint.clone(), token);
        match auth_core::refresh(refresh, &self.transport, &self.clock).await {
            Ok(tokens) => {
                self.session = Some(tokens);
                Ok(())
            }
            // Only this ends a session: not a 502, not a 429, not a firewall.
            Err(error) if error.advice() == Advice::LogIn => {
                self.session = None;
                Err(ApiError::LoggedOut)
            }
            Err(error) => Err(ApiError::Later(error)),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedOut => f.write_str("log in, please"),
            Self::Later(_) => f.write_str("the session cannot be refreshed right now"),
        }
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::LoggedOut => None,
            Self::Later(error) => Some(error),
        }
    }
}

/// The same client, outside of a test, at a server that succeeds at the second
/// try.
#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    let server = auth_testkit::FakeAuthServer::new();
    server.fail_next([auth_testkit::Fault::Status(502)]);
    let mut client = ApiClient {
        transport: server.clone(),
        clock: server.clock().clone(),
        endpoint: server.endpoint(),
        session: Some(server.log_in("ada")),
    };
    server.clock().advance(Duration::from_secs(3600));
    pollster::block_on(client.access_token())?;
    println!("refreshed:\n{}", server.transcript());
    Ok(())
}

#[cfg(test)]
mod tests {
    use auth_core::{AccessToken, RefreshToken, TransportErrorKind};
    use auth_testkit::{
        CallOutcome, CannedResponse, Expect, FakeAuthServer, Fault, Rotation, Script, VirtualClock,
    };

    use super::*;

    /// A client whose access token has just expired.
    fn client(script: &Script) -> ApiClient<Script, VirtualClock> {
        let mut session = TokenSet::new(AccessToken::new("at-1"));
        session.refresh_token = Some(RefreshToken::new("rt-1"));
        session.expires_at = Some(script.clock().now().wall);
        ApiClient {
            transport: script.clone(),
            clock: script.clock().clone(),
            endpoint: TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap(),
            session: Some(session),
        }
    }

    #[tokio::test]
    async fn a_session_survives_a_502() {
        let script = Script::new().status(502).tokens("at-2", "rt-2");
        let mut client = client(&script);

        assert_eq!(client.access_token().await.unwrap(), "at-2");
        // From the cache: the script would fail the test if it were asked again.
        assert_eq!(client.access_token().await.unwrap(), "at-2");

        assert_eq!(script.clock().sleeps(), [Duration::from_millis(500)]);
        script.finish();
    }

    #[tokio::test]
    async fn a_session_survives_an_outage_and_goes_on_afterwards() {
        let script = Script::new()
            .unknown(TransportErrorKind::Reset)
            .status(503)
            .not_sent(TransportErrorKind::Refused)
            .expect(
                Expect::refresh_token("rt-1"),
                CannedResponse::tokens("at-2").refresh_token("rt-2"),
            );
        let mut client = client(&script);

        assert!(matches!(client.access_token().await, Err(ApiError::Later(_))));
        assert_eq!(client.access_token().await.unwrap(), "at-2");
        script.finish();
    }

    #[tokio::test]
    async fn a_session_ends_on_invalid_grant() {
        let script = Script::new().oauth_error("invalid_grant");
        let mut client = client(&script);

        assert!(matches!(client.access_token().await, Err(ApiError::LoggedOut)));
        // For good, and without asking the server again.
        assert!(matches!(client.access_token().await, Err(ApiError::LoggedOut)));
        script.finish();
    }

    #[tokio::test]
    async fn neither_a_throttle_nor_a_firewall_ends_a_session() {
        let firewall =
            CannedResponse::status(403).header("content-type", "text/html").body("<html>No.");
        let script = Script::new()
            .then(CannedResponse::status(429).retry_after(Duration::from_secs(30)))
            .then(firewall)
            .tokens("at-2", "rt-2");
        let mut client = client(&script);

        let Err(ApiError::Later(error)) = client.access_token().await else { panic!() };
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
        assert!(matches!(client.access_token().await, Err(ApiError::Later(_))));
        assert_eq!(client.access_token().await.unwrap(), "at-2");
        script.finish();
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_cancelled_leaves_the_session_as_it_was() {
        let script = Script::new().then(CallOutcome::never()).tokens("at-2", "rt-2");
        let mut client = client(&script);

        let call = tokio::time::timeout(Duration::from_secs(1), client.access_token());
        assert!(call.await.is_err());
        assert_eq!(client.access_token().await.unwrap(), "at-2");
        script.finish();
    }

    /// Weeks of it, against a server with a mind of its own.
    #[tokio::test]
    async fn a_session_lives_for_weeks_on_a_bad_network() {
        let server = FakeAuthServer::builder()
            .rotation(Rotation::WithGrace(Duration::from_secs(60)))
            .build();
        let mut client = ApiClient {
            transport: server.clone(),
            clock: server.clock().clone(),
            endpoint: server.endpoint(),
            session: Some(server.log_in("ada")),
        };
        for hour in 0..500 {
            server.clock().advance(Duration::from_secs(3600));
            server.fail_next((hour % 5 == 0).then_some(Fault::Status(503)));
            server.fail_next((hour % 7 == 0).then_some(Fault::LostAfter));
            let token = client.access_token().await.unwrap();
            assert_eq!(server.subject_of(&AccessToken::new(token)).as_deref(), Some("ada"));
        }
        let report = server.report();
        assert_eq!((report.issued, report.lost_responses, report.rejected), (500, 72, 0));
        server.assert_never_replayed();
    }
}
