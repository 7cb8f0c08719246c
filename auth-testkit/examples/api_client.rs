//! A small downstream crate and its tests: a client of an API, over an account.
//! It must survive a 502 of the token endpoint, must fetch another token when the
//! API refuses one, and must end when the server says `invalid_grant`.
//!
//! `cargo test -p auth-testkit --example api_client` runs the tests;
//! `cargo run -p auth-testkit --example api_client` shows the client at work.

use std::{error::Error, fmt, time::Duration};

use auth_accounts::{Account, AccountError, Accounts, MemoryStore};
use auth_core::{Advice, TokenEndpoint, Transport};
use auth_testkit::{FakeApi, FakeAuthServer, Fault, VirtualClock};
use http::{HeaderValue, StatusCode};

/// A client of some API: what the downstream crate is about.
///
/// The account comes from outside, with its transport, store and clock. In
/// production they are `ReqwestTransport`, `FileStore` and `TokioClock`; nothing
/// here knows.
struct ApiClient<A> {
    account: Account,
    api: A,
}

/// Sends one request to the API. In production, a `reqwest::Client`.
trait Api {
    async fn get(&self, authorization: HeaderValue) -> StatusCode;
}

#[derive(Debug)]
enum ApiError {
    /// The user must log in again.
    LoggedOut,
    /// The session is intact; the caller may come back later.
    Later(AccountError),
    /// The API responded otherwise.
    Api(StatusCode),
}

impl<A: Api> ApiClient<A> {
    /// A call of the API.
    async fn call(&self) -> Result<(), ApiError> {
        let token = self.account.token().await?;
        let mut status = self.api.get(authorization(&token)?).await;
        if status == StatusCode::UNAUTHORIZED {
            // It died before its time. Once: a second 401 is not for want of a
            // token.
            let token = self.account.token_refused(token.access_token()).await?;
            status = self.api.get(authorization(&token)?).await;
        }
        if status.is_success() { Ok(()) } else { Err(ApiError::Api(status)) }
    }
}

/// A token that no header can hold is none.
fn authorization(token: &auth_accounts::Token) -> Result<HeaderValue, ApiError> {
    token.bearer().map_err(|_| ApiError::Api(StatusCode::UNAUTHORIZED))
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        // Only this ends a session: not a 502, not a 429, not a firewall.
        if error.advice() == Advice::LogIn { Self::LoggedOut } else { Self::Later(error) }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedOut => f.write_str("log in, please"),
            Self::Later(_) => f.write_str("the session cannot be refreshed right now"),
            Self::Api(status) => write!(f, "the API responded with {status}"),
        }
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Later(error) => Some(error),
            Self::LoggedOut | Self::Api(_) => None,
        }
    }
}

/// Instead of the real one.
impl Api for FakeApi {
    async fn get(&self, authorization: HeaderValue) -> StatusCode {
        self.call(Some(&authorization)).status()
    }
}

fn accounts(
    endpoint: TokenEndpoint,
    transport: impl Transport + 'static,
    clock: &VirtualClock,
) -> Accounts {
    Accounts::new(endpoint, transport, MemoryStore::new(), clock.clone())
}

/// A client at this server, logged in.
async fn client_at(server: &FakeAuthServer) -> Result<ApiClient<FakeApi>, AccountError> {
    let accounts = accounts(server.endpoint(), server.clone(), server.clock());
    let account = accounts.account("ada");
    account.store_login(server.log_in("ada")).await?;
    Ok(ApiClient { account, api: server.api() })
}

/// The same client, outside of a test, at a server that succeeds at the second
/// try.
#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    pollster::block_on(async {
        let server = FakeAuthServer::new();
        let client = client_at(&server).await?;
        server.fail_next([Fault::Status(502)]);
        server.clock().advance(Duration::from_secs(3600));
        client.call().await?;
        println!("refreshed, and served {}:\n{}", client.api.report().served, server.transcript());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use auth_core::{AccessToken, RefreshToken, TokenSet, TransportErrorKind};
    use auth_testkit::{CannedResponse, Expect, Rotation, Script};

    use super::*;

    /// An API that takes any token but these.
    struct Takes {
        not: &'static [&'static str],
    }

    impl Api for Takes {
        async fn get(&self, authorization: HeaderValue) -> StatusCode {
            let refused = self.not.iter().any(|token| authorization == format!("Bearer {token}"));
            if refused { StatusCode::UNAUTHORIZED } else { StatusCode::OK }
        }
    }

    /// An API that takes no token, and counts.
    struct TakesNone(Cell<usize>);

    impl Api for TakesNone {
        async fn get(&self, _: HeaderValue) -> StatusCode {
            self.0.set(self.0.get() + 1);
            StatusCode::UNAUTHORIZED
        }
    }

    /// A client whose access token has just expired.
    async fn client(script: &Script) -> ApiClient<Takes> {
        let mut session = TokenSet::new(AccessToken::new("at-1"));
        session.refresh_token = Some(RefreshToken::new("rt-1"));
        session.expires_at = Some(script.clock().now().wall + Duration::from_secs(3600));
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
        let accounts = accounts(endpoint, script.clone(), script.clock());
        let account = accounts.account("ada");
        account.store_login(session).await.unwrap();
        script.clock().advance(Duration::from_secs(3600));
        ApiClient { account, api: Takes { not: &["at-1"] } }
    }

    #[tokio::test]
    async fn a_session_survives_a_502() {
        let script = Script::new().status(502).tokens("at-2", "rt-2");
        let client = client(&script).await;

        client.call().await.unwrap();
        // From the cache: the script would fail the test if it were asked again.
        client.call().await.unwrap();

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
        let client = client(&script).await;

        let Err(ApiError::Later(error)) = client.call().await else { panic!() };
        // Not before the time that the error names: nothing would be sent.
        let wait = error.retry_after(script.clock().now().wall).unwrap();
        assert!(matches!(client.call().await, Err(ApiError::Later(_))));
        script.clock().advance(wait);
        client.call().await.unwrap();
        script.finish();
    }

    #[tokio::test]
    async fn a_session_ends_on_invalid_grant() {
        let script = Script::new().oauth_error("invalid_grant");
        let client = client(&script).await;

        assert!(matches!(client.call().await, Err(ApiError::LoggedOut)));
        // For good, and without asking the server again.
        assert!(matches!(client.call().await, Err(ApiError::LoggedOut)));
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
        let client = client(&script).await;

        for least in [Duration::from_secs(30), Duration::from_millis(1)] {
            let Err(ApiError::Later(error)) = client.call().await else { panic!() };
            let wait = error.retry_after(script.clock().now().wall).unwrap();
            assert!(wait >= least, "{wait:?}");
            script.clock().advance(wait);
        }
        client.call().await.unwrap();
        script.finish();
    }

    /// Whoever leaves in the middle of a refresh, as a web server's handler does,
    /// breaks nothing.
    #[tokio::test]
    async fn a_call_that_is_cancelled_leaves_the_session_as_it_was() {
        let server = FakeAuthServer::builder()
            .rotation(Rotation::WithGrace(Duration::from_secs(60)))
            .build();
        let client = client_at(&server).await.unwrap();
        server.clock().advance(Duration::from_secs(3600));
        server.fail_next([Fault::Delay(Duration::from_secs(3))]);

        tokio::select! {
            biased;
            _ = client.call() => panic!("it has to wait"),
            () = std::future::ready(()) => {}
        }
        client.call().await.unwrap();
        server.assert_never_replayed();
    }

    #[tokio::test]
    async fn a_token_that_the_api_refuses_is_replaced_once() {
        let server = FakeAuthServer::new();
        let client = client_at(&server).await.unwrap();
        let token = client.account.token().await.unwrap();

        server.revoke_access(token.access_token());
        client.call().await.unwrap();
        let report = client.api.report();
        assert_eq!((report.refused, report.served, server.report().issued), (1, 1, 1));

        // An API that takes no token at all is not asked for ever.
        let client = ApiClient { account: client.account, api: TakesNone(Cell::new(0)) };
        assert!(matches!(client.call().await, Err(ApiError::Api(StatusCode::UNAUTHORIZED))));
        assert_eq!((client.api.0.get(), server.report().issued), (2, 2));
    }

    /// Weeks of it, against a server with a mind of its own.
    #[tokio::test]
    async fn a_session_lives_for_weeks_on_a_bad_network() {
        let server = FakeAuthServer::builder()
            .rotation(Rotation::WithGrace(Duration::from_secs(60)))
            .build();
        let client = client_at(&server).await.unwrap();
        for hour in 0..500 {
            server.clock().advance(Duration::from_secs(3600));
            server.fail_next((hour % 5 == 0).then_some(Fault::Status(503)));
            server.fail_next((hour % 7 == 0).then_some(Fault::LostAfter));
            client.call().await.unwrap();
        }
        let report = server.report();
        assert_eq!((report.issued, report.lost_responses, report.rejected), (500, 72, 0));
        let api = client.api.report();
        assert_eq!((api.served, api.refused), (500, 0));
        server.assert_never_replayed();
    }
}
