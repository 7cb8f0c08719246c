//! A forward proxy that requires authentication, and one that is down. Only the
//! adapters go through it: the example programs are made of them, and take their
//! proxy from the environment.

use auth_core::{Backoff, FailureKind, RefreshToken, TokenEndpoint, TransportErrorKind};
use fault_server::ClosedPort;

use super::tls::check;
use crate::{
    child::{NodeProgram, ask, port},
    clients::{Adapter, Network},
    tally::Tally,
    tls::TlsServers,
};

pub(super) fn demands_authentication(tally: &Tally) {
    let servers = TlsServers::start();
    let (_proxy, ready) = NodeProgram::start("forward_proxy.mjs", &["ada:secret".to_owned()]);
    let (proxy_port, control) = (port(&ready["port"]), port(&ready["control_port"]));
    let mut refreshes = 0;
    for adapter in Adapter::ALL {
        for user in ["", "ada:wrong@"] {
            let network = through(&format!("http://{user}127.0.0.1:{proxy_port}"), &servers);
            let error = refresh(adapter, &servers, &network).expect_err("it was not told who asks");
            check(
                &format!("{adapter:?} as {user:?}"),
                &error,
                FailureKind::Misconfigured,
                TransportErrorKind::ProxyRefused,
                &["407"],
            );
            assert!(!format!("{error:?}").contains("wrong"), "it shows the password: {error:?}");
        }
        assert_eq!(servers.requests("good"), refreshes, "nothing went past the proxy");
        let network = through(&format!("http://ada:secret@127.0.0.1:{proxy_port}"), &servers);
        refresh(adapter, &servers, &network).expect("it knows ada");
        refreshes += 1;
    }
    assert_eq!(servers.requests("good"), refreshes);
    let counts = ask(control, "/", None);
    assert_eq!(counts["tunnels"], refreshes);
    assert_eq!(counts["refused"], 2 * refreshes);
    assert_eq!(counts["forwarded_in_clear"], 0);
    tally.refreshed(refreshes);
}

pub(super) fn is_down(_tally: &Tally) {
    let servers = TlsServers::start();
    let nobody = ClosedPort::new().expect("a port");
    for adapter in Adapter::ALL {
        let network = through(&format!("http://ada:secret@{}", nobody.address()), &servers);
        let error = refresh(adapter, &servers, &network).expect_err("there is no proxy");
        check(
            &format!("{adapter:?}"),
            &error,
            FailureKind::Unreachable,
            TransportErrorKind::Proxy,
            &["refused"],
        );
        assert!(!format!("{error:?}").contains("secret"), "it shows the password: {error:?}");
    }
    assert_eq!(servers.requests("good"), 0, "nothing went past the proxy");
}

fn through(proxy: &str, servers: &TlsServers) -> Network {
    Network {
        proxy: Some(proxy.to_owned()),
        root_pem: Some(servers.root_pem.clone()),
        policy: Backoff::default().max_retries(0),
        ..Network::default()
    }
}

fn refresh(
    adapter: Adapter,
    servers: &TlsServers,
    network: &Network,
) -> Result<(), auth_core::RefreshError> {
    let endpoint = TokenEndpoint::new(&servers.url("good"), "client").expect("an endpoint");
    adapter.refresh(&endpoint, &RefreshToken::new("rt-1"), network).map(drop)
}
