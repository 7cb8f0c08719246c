//! The access tokens at an API: the userinfo endpoint.

use auth_accounts::{Token, http::HeaderMap};

use super::Ada;
use crate::{
    child::agent,
    clients::{Adapter, Network},
    provider::ClientKind,
    world::World,
};

/// Each request shows the token in the way that it is bound, with a proof of its
/// own. A server that has forgotten its nonces asks for another, once.
pub(in crate::scenarios) fn tokens(world: &World<'_>) {
    let url = format!("http://127.0.0.1:{}/me", world.provider.port());
    let mut accounts = Vec::new();
    for adapter in Adapter::ALL {
        for client in [
            ClientKind::AssertionEs256,
            ClientKind::Dpop,
            ClientKind::DpopEdDsa,
            ClientKind::AssertionDpopNonce,
        ] {
            let proxied = world.proxy.url();
            let ada = Ada::logged_in_at(&proxied, client, world, adapter, Network::default());
            accounts.push((adapter, client, ada));
        }
    }
    let token = |ada: &Ada<'_>| ada.token().expect("a token");
    for (adapter, client, ada) in &accounts {
        let context = format!("{adapter:?} {client:?}");
        let token = token(ada);
        for _ in 0..2 {
            let (status, headers) = get(&url, &headers_of(&token, &url));
            assert_eq!(status, 200, "{context}");
            token.learn_nonce(url.as_str(), &headers);
        }
        let headers = headers_of(&token, &url);
        assert_eq!(get(&url, &headers).0, 200, "{context}");
        let is_bound = client.dpop().is_some();
        let again = if is_bound { 401 } else { 200 };
        assert_eq!(get(&url, &headers).0, again, "{context}: a proof is good once");
        assert_eq!(world.provider.accepts(token.access_token().expose()), !is_bound, "{context}");
    }
    world.provider.kill();
    world.provider.start_again();
    for (adapter, client, ada) in &accounts {
        let context = format!("{adapter:?} {client:?}, after a restart");
        let token = token(ada);
        let (status, headers) = get(&url, &headers_of(&token, &url));
        let is_asked = token.learn_nonce(url.as_str(), &headers);
        assert_eq!(is_asked, client.dpop().is_some(), "{context}: {status} {headers:?}");
        if is_asked {
            assert_eq!(status, 401, "{context}");
            assert_eq!(get(&url, &headers_of(&token, &url)).0, 200, "{context}");
        }
    }
}

fn headers_of(token: &Token, url: &str) -> HeaderMap {
    token.authorization("GET", url).expect("headers").into()
}

/// Status and headers of the response.
fn get(url: &str, headers: &HeaderMap) -> (u16, HeaderMap) {
    let mut request = agent().get(url).config().http_status_as_error(false).build();
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.call().expect("a server");
    (response.status().as_u16(), response.headers().clone())
}
