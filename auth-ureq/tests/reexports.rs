//! A program that depends on this crate alone can name everything that a
//! refresh takes.

use std::{error::Error, time::Duration};

use auth_ureq::{
    BuildError, SystemClock, UreqTransport,
    auth_core::{
        AccessToken, Backoff, BlockingClock, BlockingTransport, Delivery, Grant, Refresh,
        RefreshError, RefreshToken, Request, Response, TokenEndpoint, TokenSet, TransportError,
        refresh_blocking,
    },
    http::{HeaderMap, StatusCode},
    ureq,
};

fn builds(agent: ureq::Agent) -> Result<UreqTransport, BuildError> {
    drop(UreqTransport::from_agent(agent).timeout(Duration::from_secs(1)));
    UreqTransport::builder().timeout(Duration::from_secs(1)).build()
}

fn refreshes(
    endpoint: TokenEndpoint,
    old: RefreshToken,
    transport: &impl BlockingTransport,
    clock: &impl BlockingClock,
) -> Result<AccessToken, RefreshError> {
    let request = Refresh::new(endpoint, old).policy(Backoff::default().max_retries(0));
    let tokens: TokenSet = refresh_blocking(request, transport, clock)?;
    Ok(tokens.access_token)
}

fn sends(
    transport: &UreqTransport,
    request: Request,
) -> Result<(StatusCode, HeaderMap), TransportError> {
    let response: Response = transport.send_blocking(request)?;
    Ok((response.status(), response.headers().clone()))
}

#[test]
fn one_dependency_is_enough() {
    // Nothing listens there.
    let endpoint = TokenEndpoint::new("http://127.0.0.1:1/token", "client").unwrap();
    let transport = UreqTransport::builder().no_proxy().without_system_roots().build().unwrap();
    let request = endpoint.request(&Grant::RefreshToken(RefreshToken::new("rt-1"))).unwrap();
    let error = sends(&transport, request).unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
    let error =
        refreshes(endpoint, RefreshToken::new("rt-1"), &transport, &SystemClock).unwrap_err();
    assert_eq!(error.attempts(), 1);
    let _ = builds;
}

/// The cause is there, though its type is no part of the interface.
#[test]
fn an_error_of_tls_has_its_source() {
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let builder = UreqTransport::builder().no_proxy().without_system_roots();
    let error = builder.root_certificates_pem(pem).build().unwrap_err();
    assert!(matches!(error, BuildError::Tls(_)), "{error:?}");
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("certificate"), "{cause}");
}
