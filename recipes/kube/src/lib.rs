#![doc = include_str!("../README.md")]

use auth_tower::auth_accounts::{Account, calls::Calls, calls::Origin};
use auth_tower::{BoxError, CallLayer};
use http::{Request, Response};
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tower::{Service, ServiceBuilder};

/// A client of this cluster by the account's tokens. `https` sends its requests, such as
/// hyper-util's client with `config.rustls_https_connector()`.
///
/// # Errors
///
/// If a token may not go to the URL of the cluster.
pub fn client<S, B>(config: &Config, account: Account, https: S) -> Result<Client, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: std::error::Error + Send + Sync + 'static,
    S::Future: Send,
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let calls = Calls::new(account, [Origin::of(&config.cluster_url)?])?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(CallLayer::new(calls).send_again_with(Body::try_clone))
        .service(https);
    Ok(Client::new(service, config.default_namespace.clone()))
}
