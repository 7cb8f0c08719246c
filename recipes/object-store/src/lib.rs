#![doc = include_str!("../README.md")]

use async_trait::async_trait;
use auth_accounts::{Account, auth_core::AccessToken, http::header::AUTHORIZATION};
use object_store::client::{self, HttpError, HttpRequest, HttpResponse};
use object_store::{ClientOptions, CredentialProvider, Error, Result, gcp::GcpCredential};
use std::sync::Arc;

/// Gives the account's token to each request: `with_credentials`.
#[derive(Debug)]
pub struct AccountCredentials(pub Account);

#[async_trait]
impl CredentialProvider for AccountCredentials {
    type Credential = GcpCredential;
    async fn get_credential(&self) -> Result<Arc<GcpCredential>> {
        let token = self.0.token().await.map_err(no_token)?;
        let bearer = token.expose_bearer().map_err(no_token)?;
        Ok(Arc::new(GcpCredential { bearer: bearer.to_owned() }))
    }
}

fn no_token(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: "account", source: error.into() }
}

/// Reports a refused token, and sends the request once more: `with_http_connector`.
#[derive(Debug)]
pub struct AccountConnector(pub Account);

impl client::HttpConnector for AccountConnector {
    fn connect(&self, options: &ClientOptions) -> Result<client::HttpClient> {
        let sender = client::ReqwestConnector::default().connect(options)?;
        Ok(client::HttpClient::new(Refreshing(self.0.clone(), sender)))
    }
}

#[derive(Debug)]
struct Refreshing(Account, client::HttpClient);

#[async_trait]
impl client::HttpService for Refreshing {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut again = request.clone();
        let response = self.1.execute(request).await?;
        let sent = again.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match sent.and_then(|value| value.strip_prefix("Bearer ")) {
            Some(sent) if response.status() == 401 => {
                let token = self.0.token_refused(&AccessToken::new(sent)).await.map_err(failed)?;
                again.headers_mut().insert(AUTHORIZATION, token.bearer().map_err(failed)?);
                self.1.execute(again).await
            }
            _ => Ok(response),
        }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(client::HttpErrorKind::Unknown, error)
}
