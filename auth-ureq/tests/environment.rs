//! What the environment says about proxies and roots, over sockets. Each row is a
//! process of its own, since it needs an environment of its own.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::{error::Error as _, process::Command};

use auth_core::{BlockingTransport, Grant, RefreshToken, TokenEndpoint};
use auth_testkit::behaviours;
use auth_testkit::fault_server::{
    Behaviour, Certificate, ClosedPort, FaultServer, SocksBehaviour, SocksProxy, SocksRequest,
};
use auth_ureq::UreqTransport;

/// All that could decide.
const VARIABLES: [&str; 11] = [
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "no_proxy",
    "NO_PROXY",
    "REQUEST_METHOD",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

const SAID: &str = "what came of it: ";

/// What the transport of a process with these variables makes of one request.
fn sent_with(url: &str, roots: bool, set: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in VARIABLES {
        child.env_remove(name);
    }
    let output = child
        .args(["--exact", "sends_one_request", "--ignored", "--nocapture"])
        .env("ENDPOINT", url)
        .env("ROOTS", if roots { "system" } else { "" })
        .envs(set.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let said = printed.lines().find_map(|line| line.split_once(SAID));
    said.unwrap_or_else(|| panic!("{set:?}: {printed}")).1.to_owned()
}

#[test]
#[ignore = "run by the others, in an environment of its own"]
fn sends_one_request() {
    let endpoint = TokenEndpoint::new(&std::env::var("ENDPOINT").unwrap(), "client").unwrap();
    let request = endpoint.request(&Grant::RefreshToken(RefreshToken::new("rt-1"))).unwrap();
    let mut builder = UreqTransport::builder().root_certificates_pem(FaultServer::ca_pem());
    if std::env::var("ROOTS").unwrap().is_empty() {
        builder = builder.without_system_roots();
    }
    // The authority is another one in each process.
    if let Ok(pem) = std::env::var("AUTHORITY") {
        builder = builder.root_certificates_pem(pem);
    }
    let transport = match builder.build() {
        Ok(transport) => transport,
        Err(error) => return println!("\n{SAID}not built: {error}"),
    };
    match transport.send_blocking(request) {
        Ok(response) => println!("\n{SAID}{}", response.status().as_u16()),
        Err(error) => {
            let kind = auth_core::Failure::from(error.clone()).kind();
            let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            println!("\n{SAID}{kind} {:?}: {error}{cause}", error.kind());
        }
    }
}

fn server(requests: usize) -> FaultServer {
    let tokens = || behaviours::tokens("at-2", "rt-2", 3600);
    FaultServer::plays_over_tls((0..requests).map(|_| tokens()))
}

fn authority() -> (&'static str, String) {
    ("AUTHORITY", FaultServer::ca_pem())
}

#[test]
fn one_variable_decides_and_the_others_do_not_hurt() {
    let closed = ClosedPort::new().unwrap();
    let (dead, dead_socks) =
        (format!("http://{}", closed.address()), format!("socks5://{}", closed.address()));
    let (dead, dead_socks) = (&*dead, &*dead_socks);
    let proxy = FaultServer::plays((0..32).map(|_| Behaviour::relay()));
    let relay = &*format!("http://{}", proxy.address());
    let server = server(32);
    let port = server.address().port();
    let (here, elsewhere) = (&*format!("localhost:{port}"), "localhost:1");
    let (authority, pem) = authority();
    let mut used = 0;
    for (set, through_it) in [
        (&[("HTTPS_PROXY", relay)][..], true),
        (&[("https_proxy", relay), ("all_proxy", dead_socks)], true),
        (&[("https_proxy", relay), ("HTTPS_PROXY", dead)], true),
        (&[("HTTPS_PROXY", relay), ("ALL_PROXY", "gopher://x"), ("HTTP_PROXY", "://")], true),
        (&[("HTTPS_PROXY", ""), ("ALL_PROXY", relay)], true),
        (&[("all_proxy", relay), ("http_proxy", dead)], true),
        (&[("http_proxy", dead), ("HTTP_PROXY", dead)], false),
        (&[("HTTPS_PROXY", dead), ("REQUEST_METHOD", "GET")], false),
        (&[("HTTPS_PROXY", dead), ("NO_PROXY", "a.test, localhost")], false),
        (&[("HTTPS_PROXY", dead), ("NO_PROXY", "*.localhost")], false),
        (&[("HTTPS_PROXY", dead), ("NO_PROXY", here)], false),
        (&[("HTTPS_PROXY", relay), ("NO_PROXY", elsewhere)], true),
        (&[("HTTPS_PROXY", dead), ("NO_PROXY", "*")], false),
        (&[("HTTPS_PROXY", "://"), ("NO_PROXY", "*")], false),
        (&[("HTTPS_PROXY", dead), ("no_proxy", "localhost"), ("NO_PROXY", "a.test")], false),
        (&[("HTTPS_PROXY", relay), ("no_proxy", "a.test"), ("NO_PROXY", "localhost")], true),
    ] {
        let set: Vec<_> = set.iter().copied().chain([(authority, &*pem)]).collect();
        assert_eq!(sent_with(server.url(), false, &set), "200", "{set:?}");
        used += usize::from(through_it);
        assert_eq!(proxy.connections().len(), used, "{set:?}");
    }
    let refused = [("HTTPS_PROXY", dead)];
    assert!(sent_with(server.url(), false, &refused).starts_with("unreachable Proxy"));
}

#[test]
fn a_socks_proxy_is_contacted_or_an_error() {
    let server = server(8);
    let port = server.address().port();
    let (authority, pem) = authority();
    let ask = |proxy: &SocksProxy, scheme: &str, user: &str| {
        let url = format!("{scheme}://{user}{}", proxy.address());
        sent_with(server.url(), false, &[("HTTPS_PROXY", &url), (authority, &pem)])
    };
    for (scheme, version, is_name) in [
        ("socks5", 5, false),
        ("socks5h", 5, true),
        ("socks4", 4, false),
        ("socks4a", 4, true),
        ("socks", 5, false),
    ] {
        let proxy = SocksProxy::start(SocksBehaviour::Serve).unwrap();
        let said = ask(&proxy, scheme, "");
        if !cfg!(feature = "socks") {
            assert!(said.starts_with("not built: the proxy in HTTPS_PROXY"), "{said}");
            assert!(said.contains("feature \"socks\" of auth-ureq; use an http proxy"), "{said}");
            assert_eq!(proxy.connections(), 0);
            continue;
        }
        assert_eq!(said, "200", "{scheme}");
        let host = if is_name { "localhost" } else { "127.0.0.1" };
        let [SocksRequest { version: v, host: h, port: p, is_name: n, .. }] = &*proxy.requests()
        else {
            panic!("{scheme}: {:?}", proxy.requests());
        };
        assert_eq!((*v, &**h, *p, *n), (version, host, port, is_name), "{scheme}");
    }
}

#[cfg(feature = "socks")]
#[test]
fn what_a_socks_proxy_refuses_was_not_sent() {
    let server = server(8);
    let (authority, pem) = authority();
    let password = || SocksBehaviour::Password("ada".to_owned(), "hunter2".to_owned());
    for (behaviour, url, expected) in [
        (password(), "socks5h://ada:hunter2@", "200"),
        (password(), "socks5h://ada:hunter3@", "misconfigured ProxyRefused"),
        (password(), "socks5h://", "misconfigured ProxyRefused"),
        (SocksBehaviour::Refuse(2), "socks5h://", "misconfigured ProxyRefused"),
        (SocksBehaviour::Refuse(1), "socks5h://", "unreachable Proxy:"),
        (SocksBehaviour::Refuse(4), "socks5://", "unreachable Proxy:"),
        (SocksBehaviour::Refuse(5), "socks5h://", "unreachable Proxy:"),
        (SocksBehaviour::Refuse(91), "socks4a://", "unreachable Proxy:"),
        (SocksBehaviour::Close, "socks5h://", "unreachable Proxy:"),
    ] {
        let requests = server.requests().len();
        let proxy = SocksProxy::start(behaviour.clone()).unwrap();
        let url = format!("{url}{}", proxy.address());
        let said = sent_with(server.url(), false, &[("ALL_PROXY", &url), (authority, &pem)]);
        assert!(said.starts_with(expected), "{behaviour:?}: {said}");
        assert!(said == "200" || said.contains("was not sent"), "{behaviour:?}: {said}");
        assert!(!said.contains("hunter"), "{said}");
        assert_eq!(proxy.connections(), 1, "{behaviour:?}");
        let expected = requests + usize::from(said == "200");
        assert_eq!(server.requests().len(), expected, "{behaviour:?}");
    }
    let closed = ClosedPort::new().unwrap();
    let url = format!("socks5h://{}", closed.address());
    let said = sent_with(server.url(), false, &[("ALL_PROXY", &url)]);
    assert!(said.starts_with("unreachable Proxy:"), "{said}");

    // The name is looked up here, and there is none.
    let proxy = SocksProxy::start(SocksBehaviour::Serve).unwrap();
    for scheme in ["socks5", "socks4", "socks"] {
        let url = format!("{scheme}://{}", proxy.address());
        let said = sent_with("https://nobody.invalid/", false, &[("ALL_PROXY", &url)]);
        assert!(said.starts_with("unreachable Dns: ") && said.contains("not sent"), "{said}");
        assert!(said.contains("looked up here; a proxy named with socks5h://"), "{said}");
        assert_eq!(proxy.connections(), 0);
        // That of the proxy is none of the server's.
        let url = format!("{scheme}://nobody.invalid:1080");
        let said = sent_with("https://localhost/", false, &[("ALL_PROXY", &url)]);
        assert!(!said.contains("looked up here"), "{said}");
    }
}

#[cfg(all(unix, not(target_vendor = "apple")))]
#[test]
fn roots_of_the_environment_that_do_not_exist_are_an_error() {
    let server = server(1);
    for (set, wrong) in [
        (
            &[("SSL_CERT_FILE", "/nowhere/roots.pem")][..],
            "SSL_CERT_FILE names \"/nowhere/roots.pem\"",
        ),
        (&[("SSL_CERT_DIR", "/nowhere")], "SSL_CERT_DIR names \"/nowhere\""),
        (&[("SSL_CERT_FILE", "/dev/null")], "SSL_CERT_FILE names \"/dev/null\""),
        (
            &[("SSL_CERT_DIR", "/etc/ssl/certs"), ("SSL_CERT_FILE", "/nowhere/roots.pem")],
            "SSL_CERT_FILE names \"/nowhere/roots.pem\"",
        ),
    ] {
        let said = sent_with(server.url(), true, set);
        assert!(said.starts_with(&format!("not built: {wrong}")), "{set:?}: {said}");
    }
    // Who does not trust the system's does not ask for them.
    let (authority, pem) = authority();
    let set = [("SSL_CERT_FILE", "/nowhere/roots.pem"), (authority, &*pem)];
    assert_eq!(sent_with(server.url(), false, &set), "200");
}

/// A certificate of the future means a clock of the past.
#[test]
fn a_clock_that_is_behind_is_named() {
    let (authority, pem) = authority();
    for (certificate, expected) in [
        (Certificate::NotYetValid, "unreachable Clock: this machine's clock"),
        (Certificate::Expired, "misconfigured BadCertificate"),
    ] {
        let server = FaultServer::plays_over_tls([Behaviour::present(certificate)]);
        let said = sent_with(server.url(), false, &[(authority, &pem)]);
        assert!(said.starts_with(expected), "{said}");
    }
}

/// ureq gives the status in words only: those of the version that is tested here.
#[test]
fn what_a_proxy_answers_to_the_connect() {
    let server = server(1);
    let (authority, pem) = authority();
    let refused =
        |status| format!("misconfigured ProxyRefused: the proxy refused to serve (HTTP {status});");
    let cannot = |status| {
        format!(
            "unreachable Proxy: the proxy could not be reached or could not serve (HTTP {status});"
        )
    };
    for (status, expected) in [
        (400, refused(400)),
        (401, refused(401)),
        (403, refused(403)),
        (405, refused(405)),
        (407, refused(407)),
        (451, refused(451)),
        (501, refused(501)),
        (302, cannot(302)),
        (404, cannot(404)),
        (429, cannot(429)),
        (500, cannot(500)),
        (502, cannot(502)),
        (503, cannot(503)),
        (504, cannot(504)),
    ] {
        let proxy = FaultServer::plays([Behaviour::response(status)]);
        let url = format!("http://{}", proxy.address());
        let said = sent_with(server.url(), false, &[("https_proxy", &url), (authority, &pem)]);
        assert!(said.starts_with(&expected), "{status}: {said}");
        assert!(said.contains("the request was not sent"), "{status}: {said}");
        proxy.stop();
        assert_eq!(proxy.connections().len(), 1, "{status}");
    }
}

#[cfg(feature = "socks")]
#[test]
fn a_socks_proxy_takes_no_more_time_than_there_is() {
    use std::time::Duration;

    use auth_core::{Delivery, TransportErrorKind as Kind};
    use auth_testkit::fault_server::Point;

    let soon = Duration::from_millis(300);
    for (proxy, connect, kinds, delivery) in [
        (SocksBehaviour::Stall, soon, &[Kind::ConnectTimeout, Kind::Proxy][..], Delivery::NotSent),
        (
            SocksBehaviour::Stall,
            100 * soon,
            &[Kind::ConnectTimeout, Kind::Proxy],
            Delivery::NotSent,
        ),
        (SocksBehaviour::Serve, 100 * soon, &[Kind::Timeout], Delivery::Unknown),
    ] {
        let server = FaultServer::plays_over_tls([Behaviour::stall(Point::AfterBody)]);
        let proxy = SocksProxy::start(proxy).unwrap();
        let endpoint = TokenEndpoint::new(server.url(), "client").unwrap();
        let request = endpoint.request(&Grant::RefreshToken(RefreshToken::new("rt-1"))).unwrap();
        let transport = UreqTransport::builder()
            .without_system_roots()
            .root_certificates_pem(FaultServer::ca_pem())
            .proxy(format!("socks5h://{}", proxy.address()))
            .connect_timeout(connect)
            // Time for the handshakes where they are to succeed.
            .timeout(if kinds == [Kind::Timeout] { 5 * soon } else { 2 * soon })
            .build()
            .unwrap();
        let error = transport.send_blocking(request).unwrap_err();
        assert!(kinds.contains(&error.kind()), "{error}");
        assert_eq!(error.delivery(), delivery, "{error}");
    }
}
