#![doc = include_str!("../README.md")]

use std::sync::Arc;

use auth_tower::auth_accounts::{Account, calls::Calls};
use auth_tower::{BoxError, CallLayer};
use http::{HeaderValue, Request, Response, header::USER_AGENT};
use http_body::Body;
use octocrab::service::middleware::{base_uri::BaseUriLayer, extra_headers::ExtraHeadersLayer};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tower::Service;

/// A client of the API at this URL, such as `https://api.github.com`, by the account's
/// tokens. `https` sends its requests: hyper-util's client, say.
///
/// # Errors
///
/// If that is no URL, or a token may not go there.
pub fn client<S, B>(account: Account, url: &str, https: S) -> Result<Octocrab, BoxError>
where
    S: Service<Request<OctoBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: std::error::Error + Send + Sync + 'static,
    S::Future: Send,
    B: Body<Data = bytes::Bytes> + Send + Sync + 'static,
    B::Error: Into<BoxError>,
{
    let calls = Calls::new(account, [url])?;
    let headers = vec![(USER_AGENT, HeaderValue::from_static("my-program"))];
    Ok(OctocrabBuilder::new_empty()
        .with_service(https)
        .with_layer(&CallLayer::new(calls).send_again_with(copy))
        .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
        .with_layer(&BaseUriLayer::new(url.parse()?))
        .with_auth(AuthState::None)
        .build()?)
}

/// Its clones share one body, which can be sent once; and an empty one has no copy.
fn copy(body: &OctoBody) -> Option<OctoBody> {
    body.try_clone().or_else(|| body.is_end_stream().then(OctoBody::empty))
}
