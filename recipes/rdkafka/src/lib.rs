#![doc = include_str!("../README.md")]

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
    time::{Duration, UNIX_EPOCH},
};

use auth_accounts::{BlockingAccount, Token};
use rdkafka::{
    client::{ClientContext, OAuthToken},
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
};

/// The context of a client that shows the account's tokens to its brokers.
#[derive(Debug)]
pub struct AccountContext {
    account: BlockingAccount,
    given: Mutex<Option<Token>>,
}

impl AccountContext {
    /// Of one client: the next one needs another.
    pub fn new(account: BlockingAccount) -> Self {
        Self { account, given: Mutex::default() }
    }
}

impl ClientContext for AccountContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        // librdkafka asks when a fifth of the token's life is left, then of what is left.
        let token = self.account.token_valid_for(Duration::from_secs(60))?;
        let expires = token.expires_at().ok_or("librdkafka needs to know when a token expires")?;
        let lifetime_ms = expires.duration_since(UNIX_EPOCH)?.as_millis().try_into()?;
        let bearer = token.expose_bearer()?.to_owned();
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        let principal_name = self.account.id().to_string();
        Ok(OAuthToken { token: bearer, principal_name, lifetime_ms })
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log::error!("{error}: {reason}");
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (Some(RDKafkaErrorCode::Authentication), Some(given)) =
            (error.rdkafka_error_code(), given)
            && let Err(error) = self.account.token_refused(given.access_token())
        {
            log::error!("{error}");
        }
    }
}

impl ConsumerContext for AccountContext {}
