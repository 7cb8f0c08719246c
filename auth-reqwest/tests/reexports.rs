//! A program that depends on this crate alone can name everything that a
//! refresh takes.

use std::{error::Error, time::Duration};

use auth_reqwest::{
    BuildError, ReqwestTransport, TokioClock,
    auth_core::{
        AccessToken, Backoff, Clock, Delivery, Grant, Refresh, RefreshError, RefreshToken, Request,
        Response, TokenEndpoint, TokenSet, Transport, TransportError, refresh,
    },
    http::{HeaderMap, StatusCode},
    reqwest,
};

fn builds(client: reqwest::Client) -> Result<ReqwestTransport, BuildError> {
    drop(ReqwestTransport::from_client(client).timeout(Duration::from_secs(1)));
    ReqwestTransport::builder().timeout(Duration::from_secs(1)).build()
}

async fn refreshes(
    endpoint: TokenEndpoint,
    old: RefreshToken,
    transport: &impl Transport,
    clock: &impl Clock,
) -> Result<AccessToken, RefreshError> {
    let request = Refresh::new(endpoint, old).policy(Backoff::default().max_retries(0));
    let tokens: TokenSet = refresh(request, transport, clock).await?;
    Ok(tokens.access_token)
}

async fn sends(
    transport: &ReqwestTransport,
    request: Request,
) -> Result<(StatusCode, HeaderMap), TransportError> {
    let response: Response = transport.send(request).await?;
    Ok((response.status(), response.headers().clone()))
}

#[tokio::test]
async fn one_dependency_is_enough() {
    // Nothing listens there.
    let endpoint = TokenEndpoint::new("http://127.0.0.1:1/token", "client").unwrap();
    let transport = ReqwestTransport::builder().no_proxy().without_system_roots().build().unwrap();
    let request = endpoint.request(&Grant::RefreshToken(RefreshToken::new("rt-1"))).unwrap();
    let error = sends(&transport, request).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
    let error =
        refreshes(endpoint, RefreshToken::new("rt-1"), &transport, &TokioClock).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    let _ = builds;
}

/// The cause is there, though its type is no part of the interface.
#[test]
fn an_error_of_tls_has_its_source() {
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let builder = ReqwestTransport::builder().no_proxy().without_system_roots();
    let error = builder.root_certificates_pem(pem).build().unwrap_err();
    assert!(matches!(error, BuildError::Tls(_)), "{error:?}");
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("certificate"), "{cause}");
}
