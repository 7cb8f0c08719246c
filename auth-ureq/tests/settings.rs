//! The settings do what they say, and an agent of one's own is held to what
//! can be enforced.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::{ffi::OsStr, sync::Arc, time::Duration};

use auth_core::{
    Backoff, BlockingTransport, FailureKind, Grant, Refresh, RefreshToken, Request, TokenEndpoint,
};
use auth_testkit::behaviours;
use auth_testkit::fault_server::{Behaviour, FaultServer, Point};
use auth_ureq::{BuildError, SystemClock, UreqTransport, UreqTransportBuilder};
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

fn builder() -> UreqTransportBuilder {
    UreqTransport::builder().no_proxy().without_system_roots()
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

#[test]
fn a_refresh_from_end_to_end() {
    let script = [Behaviour::nginx(502), Behaviour::reset(Point::AfterBody), tokens()];
    let server = FaultServer::plays(script);
    let refresh = Refresh::new(endpoint(server.url()), RefreshToken::new("rt-1"))
        .policy(Backoff::default().base_delay(Duration::ZERO));
    let tokens =
        auth_core::refresh_blocking(refresh, &builder().build().unwrap(), &SystemClock).unwrap();
    assert_eq!(tokens.access_token.expose(), "at-2");
    server.stop();
    server.verify();
}

#[test]
fn the_user_agent() {
    let server = FaultServer::plays([tokens(), tokens(), tokens()]);
    let plain = endpoint(server.url());
    let named = endpoint(server.url()).header("User-Agent", "of-the-endpoint").unwrap();
    builder().build().unwrap().send_blocking(request(&plain)).unwrap();
    let transport = builder().user_agent("acme/1").build().unwrap();
    transport.send_blocking(request(&plain)).unwrap();
    transport.send_blocking(request(&named)).unwrap();
    let seen: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.headers["user-agent"].to_str().unwrap().to_owned())
        .collect();
    let default = concat!("auth-ureq/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen, [default, "acme/1", "of-the-endpoint"]);
}

#[test]
fn by_default_a_connection_is_not_kept() {
    for (idle, connections) in [(0, 2), (1, 1)] {
        let server = FaultServer::plays([tokens(), tokens()]);
        let transport = builder().max_idle_connections(idle).build().unwrap();
        for _ in 0..2 {
            transport.send_blocking(request(&endpoint(server.url()))).unwrap();
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
        (builder().proxy("socks6://user:hunter2@127.0.0.1").build(), "no proxy"),
    ];
    for (result, what) in errors {
        let error = result.err().unwrap_or_else(|| panic!("{what} was accepted"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{what}: {shown}");
        match (what, error) {
            ("a line break", BuildError::UserAgent)
            | ("half a URL", BuildError::Proxy)
            | ("no proxy", BuildError::ProxyScheme)
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

#[test]
fn a_bad_certificate_is_for_a_person_to_change() {
    let server = FaultServer::plays_over_tls([tokens()]);
    let refresh = Refresh::new(endpoint(server.url()), RefreshToken::new("rt-1"));
    let error = auth_core::refresh_blocking(refresh, &builder().build().unwrap(), &SystemClock)
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Misconfigured);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("UnknownIssuer"), "{cause}");
}

#[test]
fn a_stock_agent_keeps_the_promises() {
    let mut suite = auth_conformance::blocking_transport(|settings| {
        let agent = Agent::config_builder().proxy(None).build().new_agent();
        UreqTransport::from_agent(agent).timeout(settings.timeout)
    });
    for (case, _) in auth_conformance::transport_cases() {
        // Its certificates, its proxy and its connections are its own; HTTP/2 it
        // does not speak.
        let its_own =
            ["tls_", "certificate_", "proxy_", "h2_", "stopped_", "head_with_", "head_of_"];
        // Nor does it have a timeout for connecting, or a bound of ours, also not on the
        // time in which the end of a response that is whole is waited for. And it
        // undoes encodings by what the header says.
        let without = [
            "stall_after_the_response",
            "stall_after_a_short_response",
            "connect_timeout",
            "gzip_cut",
            "gzip_in_name_only",
            "interim_before_a_long_response",
            "interim_without_end",
            "interim_of_half_a_mebibyte",
        ];
        if its_own.iter().all(|kind| !case.starts_with(kind)) && !without.contains(&case) {
            suite = suite.only(case);
        }
    }
    suite.run().assert();
}

/// Why the connections of an agent of ours are made here.
#[test]
fn a_stock_agent_behind_a_slow_proxy_is_found_out() {
    let report = auth_conformance::blocking_transport(|settings| {
        let proxy = ureq::Proxy::new(settings.proxy.as_ref().unwrap()).unwrap();
        let agent = Agent::config_builder().proxy(Some(proxy)).build().new_agent();
        UreqTransport::from_agent(agent).timeout(settings.timeout)
    })
    .only("proxy_drip_past_the_timeout")
    .allowance(Duration::from_secs(1))
    .run();
    assert!(report.to_string().contains("the call had not ended"), "{report}");
}

#[test]
fn an_agent_that_trusts_everybody_is_caught_by_the_suite() {
    let mut suite = auth_conformance::blocking_transport(|_| {
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ))
            .root_certs(RootCerts::new_with_certs(&[]))
            .disable_verification(true)
            .build();
        UreqTransport::from_agent(
            Agent::config_builder().proxy(None).tls_config(tls).build().new_agent(),
        )
    });
    let certificates: Vec<_> = auth_conformance::transport_cases()
        .map(|(case, _)| case)
        .filter(|case| case.starts_with("certificate_"))
        .collect();
    for case in &certificates {
        suite = suite.only(*case);
    }
    let report = suite.run();
    assert_eq!(report.failed().count(), certificates.len(), "{report}");
}

/// Whoever listens there, the token would pass by in clear.
#[test]
fn plain_http_takes_no_proxy_at_all() {
    let proxy = FaultServer::plays([]);
    let server = FaultServer::plays([tokens(), tokens()]);
    let url = format!("http://{}", proxy.address());
    let transport = UreqTransport::builder().without_system_roots().proxy(url).build().unwrap();
    for transport in [transport.clone(), transport.timeout(Duration::from_secs(20))] {
        let response = transport.send_blocking(request(&endpoint(server.url()))).unwrap();
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
#[test]
fn plain_http_on_purpose_takes_no_proxy_either() {
    let proxy = FaultServer::plays([]);
    let server = FaultServer::plays([tokens()]);
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    let endpoint = TokenEndpoint::insecure_plain_http(&url, "client").unwrap();
    assert!(endpoint.is_insecure());
    let proxied = format!("http://{}", proxy.address());
    let transport = UreqTransport::builder().without_system_roots().proxy(proxied).build().unwrap();
    let response = transport.send_blocking(request(&endpoint)).unwrap();
    assert_eq!(response.status(), 200);
    server.stop();
    server.verify();
    proxy.stop();
    assert_eq!(proxy.connections().len(), 0);
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

#[test]
#[ignore = "run by `plain_http_takes_no_proxy_from_the_environment`"]
fn refreshes_at_the_endpoint_of_the_environment() {
    let endpoint = endpoint(&std::env::var("ENDPOINT").unwrap());
    let transport = UreqTransport::builder().without_system_roots().build().unwrap();
    assert_eq!(transport.send_blocking(request(&endpoint)).unwrap().status(), 200);
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
    let builder = || UreqTransport::builder().without_system_roots();
    let error = builder().build().unwrap_err();
    assert!(
        matches!(error, BuildError::ProxyVariable { variable: "HTTPS_PROXY", .. }),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    builder().no_proxy().build().unwrap();
    builder().proxy("http://proxy:3128").build().unwrap();
}
