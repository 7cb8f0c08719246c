#![doc = include_str!("../README.md")]

use std::{collections::HashMap, future::Future, io, sync::Arc};

use auth_accounts::{Account, Token};
use futures_core::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use rmcp::{model::ClientJsonRpcMessage, transport::streamable_http_client as mcp};

type Uri = Arc<str>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Answer<T> = Result<T, mcp::StreamableHttpError<reqwest::Error>>;
type Events = BoxStream<'static, Result<sse_stream::Sse, mcp::SseError>>;

/// The HTTP client for `StreamableHttpClientTransport::with_client`.
#[derive(Clone, Debug)]
pub struct AccountHttp {
    /// Whose tokens go with each request.
    pub account: Account,
    /// What sends it.
    pub http: reqwest::Client,
}

impl AccountHttp {
    async fn call<T, F>(&self, send: impl Fn(Option<String>) -> F) -> Answer<T>
    where
        F: Future<Output = Answer<T>>,
    {
        let bearer = |token: &Token| Some(token.access_token().expose().to_owned());
        let token = self.account.token().await.map_err(io::Error::other)?;
        let answer = send(bearer(&token)).await;
        let Err(mcp::StreamableHttpError::AuthRequired(_)) = answer else { return answer };
        let token = self.account.token_refused(token.access_token()).await;
        send(bearer(&token.map_err(io::Error::other)?)).await
    }
}

#[rustfmt::skip] // Three calls that are handed on.
impl mcp::StreamableHttpClient for AccountHttp {
    type Error = reqwest::Error;

    async fn post_message(&self, uri: Uri, message: ClientJsonRpcMessage, session: Option<Uri>,
        _: Option<String>, headers: Headers) -> Answer<mcp::StreamableHttpPostResponse> {
        self.call(|token| self.http.post_message(
            uri.clone(), message.clone(), session.clone(), token, headers.clone())).await
    }

    async fn delete_session(&self, uri: Uri, session: Uri, _: Option<String>,
        headers: Headers) -> Answer<()> {
        self.call(|token| self.http.delete_session(
            uri.clone(), session.clone(), token, headers.clone())).await
    }

    async fn get_stream(&self, uri: Uri, session: Option<Uri>, last_event: Option<String>,
        _: Option<String>, headers: Headers) -> Answer<Events> {
        self.call(|token| self.http.get_stream(
            uri.clone(), session.clone(), last_event.clone(), token, headers.clone())).await
    }
}
