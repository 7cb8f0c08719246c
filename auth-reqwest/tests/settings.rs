//! The settings do what they say, and a client of one's own is held to what
//! can be enforced.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::{ffi::OsStr, sync::Once, time::Duration};

use auth_core::{
    Backoff, Delivery, FailureKind, Grant, Refresh, RefreshToken, Request, TokenEndpoint,
    Transport, TransportErrorKind,
};
use auth_reqwest::{BuildError, ReqwestTransport, ReqwestTransportBuilder, TokioClock};
use auth_testkit::behaviours;
use auth_testkit::fault_server::{Behaviour, Certificate, FaultServer, Point};
use http::Version;

fn builder() -> ReqwestTransportBuilder {
    ReqwestTransport::builder().no_proxy().without_system_roots()
}

fn endpoint(url: &str) -> TokenEndpoint {
    TokenEndpoint::new(url, "client").unwrap()
}

fn request(endpoint: &TokenEndpoint) -> Request {
    endpoint.request(&Grant::RefreshToken(RefreshToken::new("rt-1"))).unwrap()
}

fn tokens() -> Behaviour {
    behaviours::tokens("at-2", "rt-2", 3600)
}

/// As reqwest makes it, for better or worse.
fn stock_client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    });
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn stock_http2_client() -> reqwest::Client {
    let _ = stock_client();
    reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap()
}

#[tokio::test]
async fn a_refresh_from_end_to_end() {
    let script = [Behaviour::nginx(502), Behaviour::reset(Point::AfterBody), tokens()];
    let server = FaultServer::plays(script);
    let refresh = Refresh::new(endpoint(server.url()), RefreshToken::new("rt-1"))
        .policy(Backoff::default().base_delay(Duration::ZERO));
    let tokens =
        auth_core::refresh(refresh, &builder().build().unwrap(), &TokioClock).await.unwrap();
    assert_eq!(tokens.access_token.expose(), "at-2");
    server.stop();
    server.verify();
}

#[tokio::test]
async fn the_user_agent() {
    let server = FaultServer::plays([tokens(), tokens(), tokens()]);
    let plain = endpoint(server.url());
    let named = endpoint(server.url()).header("User-Agent", "of-the-endpoint").unwrap();
    builder().build().unwrap().send(request(&plain)).await.unwrap();
    let transport = builder().user_agent("acme/1").build().unwrap();
    transport.send(request(&plain)).await.unwrap();
    transport.send(request(&named)).await.unwrap();
    let seen: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.headers["user-agent"].to_str().unwrap().to_owned())
        .collect();
    let default = concat!("auth-reqwest/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen, [default, "acme/1", "of-the-endpoint"]);
}

fn over_tls(script: impl IntoIterator<Item = Behaviour>) -> FaultServer {
    let server = FaultServer::builder().tls(Certificate::Trusted).http2();
    server.script(script).start().unwrap()
}

#[tokio::test]
async fn http1_from_the_start() {
    let trusting = || builder().root_certificates_pem(FaultServer::ca_pem());
    for (builder, version) in [
        (trusting(), Version::HTTP_2),
        (trusting().http1_only(), Version::HTTP_11),
        (trusting().http2_prior_knowledge().http1_only(), Version::HTTP_11),
        (trusting().http1_only().http2_prior_knowledge(), Version::HTTP_2),
    ] {
        let server = over_tls([tokens()]);
        builder.build().unwrap().send(request(&endpoint(server.url()))).await.unwrap();
        assert_eq!(server.requests()[0].version, version);
    }
}

/// Which server it was, all clones know, and no other server pays for it.
#[tokio::test]
async fn http1_once_http2_has_failed_at_that_server() {
    let required = || Behaviour::reset_stream(Point::AfterBody, 13);
    let (bad, good) = (over_tls([required(), tokens(), tokens()]), over_tls([tokens()]));
    let transport = builder().root_certificates_pem(FaultServer::ca_pem()).build().unwrap();
    let refresh = Refresh::new(endpoint(bad.url()), RefreshToken::new("rt-1"))
        .policy(Backoff::default().base_delay(Duration::ZERO));
    auth_core::refresh(refresh, &transport, &TokioClock).await.unwrap();
    transport.clone().send(request(&endpoint(bad.url()))).await.unwrap();
    transport.send(request(&endpoint(good.url()))).await.unwrap();
    let versions =
        |server: &FaultServer| server.requests().iter().map(|r| r.version).collect::<Vec<_>>();
    assert_eq!(versions(&bad), [Version::HTTP_2, Version::HTTP_11, Version::HTTP_11]);
    assert_eq!(versions(&good), [Version::HTTP_2]);
}

/// What the cases about it are there to catch.
#[tokio::test]
async fn a_client_of_ones_own_stays_with_http2() {
    let _ = stock_client();
    let report = auth_conformance::transport(|settings| {
        let pem = settings.root_certificate_pem.as_deref().unwrap();
        let root = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
        ReqwestTransport::from_client(client)
    })
    .only("h2_tls_http_1_1_required")
    .await;
    assert!(!report.passed(), "{report}");
}

#[tokio::test]
async fn by_default_a_connection_is_not_kept() {
    for (idle, connections) in [(0, 2), (1, 1)] {
        let server = FaultServer::plays([tokens(), tokens()]);
        let transport = builder().max_idle_connections(idle).build().unwrap();
        for _ in 0..2 {
            transport.send(request(&endpoint(server.url()))).await.unwrap();
        }
        assert_eq!(server.connections().len(), connections);
    }
}

#[test]
fn what_cannot_be_used_is_an_error_without_a_secret() {
    let pem =
        |inside| format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
    let errors = [
        (builder().root_certificates_pem("hunter2").build(), "no certificate"),
        (builder().root_certificates_pem(pem("hunter2!")).build(), "no base64"),
        (builder().root_certificates_pem(pem("hunter2=")).build(), "no DER"),
        (builder().user_agent("hunter2\n").build(), "a line break"),
        (builder().proxy("http://user:hunter2@[").build(), "half a URL"),
    ];
    for (result, what) in errors {
        let error = result.err().unwrap_or_else(|| panic!("{what} was accepted"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{what}: {shown}");
        match (what, error) {
            ("a line break", BuildError::UserAgent)
            | ("half a URL", BuildError::Proxy)
            | ("no DER", BuildError::Tls(_))
            | ("no certificate" | "no base64", BuildError::Certificate) => {}
            (_, error) => panic!("{what}: {error:?}"),
        }
    }
}

#[test]
fn debug_shows_no_password() {
    let builder = builder().proxy("http://user:hunter2@127.0.0.1:3128");
    assert!(!format!("{builder:?}").contains("hunter2"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("hunter2"));
}

#[tokio::test]
async fn a_bad_certificate_is_for_a_person_to_change() {
    let server = FaultServer::plays_over_tls([tokens()]);
    let refresh = Refresh::new(endpoint(server.url()), RefreshToken::new("rt-1"));
    let error =
        auth_core::refresh(refresh, &builder().build().unwrap(), &TokioClock).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Misconfigured);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("UnknownIssuer"), "{cause}");
}

/// What the library below does by itself, and a `Client` does not tell.
const REDIRECTS: [&str; 4] =
    ["redirect_301", "redirect_302", "redirect_303", "redirect_302_to_itself"];

#[tokio::test]
async fn a_stock_client_keeps_the_promises_but_for_redirects() {
    let mut suite = auth_conformance::transport(stock)
        .another_process("makes_a_call_with_a_stock_client")
        // As with the client that is made here.
        .excuse("interim_without_end", "hyper passes over any number")
        .excuse("interim_of_half_a_mebibyte", "hyper passes over any number");
    for (case, _) in auth_conformance::transport_cases() {
        // Its certificates, its proxy, and whether it speaks HTTP/2 are its own.
        let its_own = ["tls_", "certificate_", "proxy_", "h2_", "head_with_", "head_of_"];
        // Nor does it have a timeout for connecting.
        if its_own.iter().any(|kind| case.starts_with(kind)) || case == "connect_timeout" {
            continue;
        }
        if !REDIRECTS.contains(&case) {
            suite = suite.only(case);
        }
    }
    suite.await.assert();
}

fn stock(settings: &auth_conformance::TransportSettings) -> ReqwestTransport {
    ReqwestTransport::from_client(stock_client()).timeout(settings.timeout)
}

#[tokio::test]
#[ignore = "run by `a_stock_client_keeps_the_promises_but_for_redirects`"]
async fn makes_a_call_with_a_stock_client() {
    auth_conformance::transport(stock).make_the_call().await;
}

#[tokio::test]
async fn a_stock_client_that_follows_a_redirect_is_found_out() {
    for status in [301, 302, 303] {
        let transport = ReqwestTransport::from_client(stock_client());
        let elsewhere = FaultServer::plays([tokens()]);
        let server = FaultServer::plays([Behaviour::redirect(status, elsewhere.url())]);
        let error = transport.send(request(&endpoint(server.url()))).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Other);
        assert_eq!(error.delivery(), Delivery::Unknown);
        // The token has not travelled.
        assert_eq!(elsewhere.body_bytes_received(), 0);
        assert!(!elsewhere.requests()[0].headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn a_stock_client_does_not_repeat_what_http2_refused() {
    // Here reqwest retries by default, if only it can clone the body.
    let mut suite = auth_conformance::transport(|settings| {
        ReqwestTransport::from_client(stock_http2_client()).timeout(settings.timeout)
    });
    for (case, _) in auth_conformance::transport_cases().filter(|(case, _)| case.starts_with("h2_"))
    {
        // What these are about is not the client's doing.
        let others =
            ["h2_interim_without_end", "h2_stopped_before_the_response", "h2_head_of_240_fields"];
        if !others.contains(&case) && !case.starts_with("h2_tls_") {
            suite = suite.only(case);
        }
    }
    suite.await.assert();
}

#[tokio::test]
async fn the_repeat_that_a_plain_client_makes() {
    // What the one before guards against: the same client, with a body that
    // can be cloned, sends the token twice.
    let client = stock_http2_client();
    let server = FaultServer::plays([Behaviour::refuse_stream(Point::AfterBody), tokens()]);
    let response = client.post(server.url()).body("refresh_token=rt-1").send().await.unwrap();
    assert_eq!(response.status(), 200);
    server.stop();
    assert_eq!(server.requests().len(), 2);
}

/// Whoever listens there, the token would pass by in clear.
#[tokio::test]
async fn plain_http_takes_no_proxy_at_all() {
    let proxy = FaultServer::plays([]);
    let server = FaultServer::plays([tokens(), tokens()]);
    let url = format!("http://{}", proxy.address());
    let transport = ReqwestTransport::builder().without_system_roots().proxy(url).build().unwrap();
    for transport in [transport.clone(), transport.timeout(Duration::from_secs(20))] {
        let response = transport.send(request(&endpoint(server.url()))).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    server.stop();
    server.verify();
    proxy.stop();
    assert_eq!(proxy.connections().len(), 0);
}

/// Neither does it to a host other than loopback, which 0.0.0.0 is not, though
/// it leads there.
#[cfg(unix)]
#[tokio::test]
async fn plain_http_on_purpose_takes_no_proxy_either() {
    let proxy = FaultServer::plays([]);
    let server = FaultServer::plays([tokens()]);
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    let endpoint = TokenEndpoint::insecure_plain_http(&url, "client").unwrap();
    assert!(endpoint.is_insecure());
    let proxied = format!("http://{}", proxy.address());
    let transport =
        ReqwestTransport::builder().without_system_roots().proxy(proxied).build().unwrap();
    let response = transport.send(request(&endpoint)).await.unwrap();
    assert_eq!(response.status(), 200);
    server.stop();
    server.verify();
    proxy.stop();
    assert_eq!(proxy.connections().len(), 0);
}

/// As hyper divides the time among the addresses: one that is a black hole costs its
/// share, and no more. `auth-ureq` does it by itself.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_first_address_that_is_a_black_hole_does_not_take_all_the_time() {
    let silent = auth_testkit::fault_server::SilentPort::new().unwrap();
    let server = FaultServer::plays([tokens()]);
    let _ = stock_client();
    let client = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .resolve_to_addrs("localhost", &[silent.address(), server.address()])
        .build()
        .unwrap();
    let transport = ReqwestTransport::from_client(client);
    let response = transport.send(request(&endpoint("http://localhost/token"))).await.unwrap();
    assert_eq!(response.status(), 200);
}

/// In a process of its own, since it needs an environment of its own.
#[test]
fn plain_http_takes_no_proxy_from_the_environment() {
    let proxy = FaultServer::plays([]);
    let server = FaultServer::plays([tokens()]);
    let address = format!("http://{}", proxy.address());
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "refreshes_at_the_endpoint_of_the_environment", "--ignored"])
        .env("ENDPOINT", server.url())
        .envs(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].map(|name| (name, &address)))
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    server.stop();
    server.verify();
    proxy.stop();
    assert_eq!(proxy.connections().len(), 0, "the proxy would see the token in clear");
}

#[tokio::test]
#[ignore = "run by `plain_http_takes_no_proxy_from_the_environment`"]
async fn refreshes_at_the_endpoint_of_the_environment() {
    let endpoint = endpoint(&std::env::var("ENDPOINT").unwrap());
    let transport = ReqwestTransport::builder().without_system_roots().build().unwrap();
    assert_eq!(transport.send(request(&endpoint)).await.unwrap().status(), 200);
}

/// Otherwise its request would go direct, past the proxy that was wanted.
#[test]
fn a_proxy_of_the_environment_that_cannot_be_used_is_an_error() {
    let unusable = [
        OsStr::new("http//user:hunter2@proxy:3128"),
        // The libraries take one that is not Unicode for none.
        #[cfg(unix)]
        std::os::unix::ffi::OsStrExt::from_bytes(b"http://user:hunter2@pr\xF8xy:3128"),
    ];
    for proxy in unusable {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "is_not_built_in_this_environment", "--ignored"])
            .env("HTTPS_PROXY", proxy)
            .envs(["ALL_PROXY", "all_proxy"].map(|name| (name, "")))
            .env_remove("REQUEST_METHOD")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
}

#[test]
#[ignore = "run by `a_proxy_of_the_environment_that_cannot_be_used_is_an_error`"]
fn is_not_built_in_this_environment() {
    let builder = || ReqwestTransport::builder().without_system_roots();
    let error = builder().build().unwrap_err();
    assert!(
        matches!(error, BuildError::ProxyVariable { variable: "HTTPS_PROXY", .. }),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    builder().no_proxy().build().unwrap();
    builder().proxy("http://proxy:3128").build().unwrap();
}

/// To try HTTP/2 again might cost another refresh token.
#[tokio::test]
async fn http1_stays_though_a_handshake_is_cut() {
    let required = Behaviour::reset_stream(Point::AfterBody, 13);
    let cut = Behaviour::reset(Point::OnClientHello);
    let server = over_tls([required, tokens(), cut, tokens()]);
    let transport = builder().root_certificates_pem(FaultServer::ca_pem()).build().unwrap();
    let send = || transport.send(request(&endpoint(server.url())));
    assert_eq!(send().await.unwrap_err().delivery(), Delivery::Unknown);
    send().await.unwrap();
    assert_eq!(send().await.unwrap_err().delivery(), Delivery::NotSent);
    send().await.unwrap();
    let versions: Vec<_> = server.requests().iter().map(|request| request.version).collect();
    assert_eq!(versions, [Version::HTTP_2, Version::HTTP_11, Version::HTTP_11]);
}
