#![doc = include_str!("../README.md")]

use std::error::Error;

use auth_accounts::{Account, Token};
use lettre::transport::smtp::{
    AsyncSmtpTransportBuilder, Error as SmtpError,
    authentication::{Credentials, Mechanism},
    response::Response,
};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

/// Sends mail as one user, by the tokens of an account.
#[derive(Clone, Debug)]
pub struct Mailer {
    /// Whose tokens.
    pub account: Account,
    /// The address of the mailbox.
    pub user: String,
    /// Of `AsyncSmtpTransport::relay` or `starttls_relay`.
    pub relay: AsyncSmtpTransportBuilder,
}

impl Mailer {
    /// Sends a message, over a connection of its own.
    pub async fn send(&self, message: &Message) -> Result<Response, Box<dyn Error + Send + Sync>> {
        let token = self.account.token().await?;
        match self.transport(&token)?.send(message.clone()).await {
            Err(error) if is_refusal(&error) => {
                let token = self.account.token_refused(token.access_token()).await?;
                Ok(self.transport(&token)?.send(message.clone()).await?)
            }
            sent => Ok(sent?),
        }
    }

    fn transport(
        &self,
        token: &Token,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, Box<dyn Error + Send + Sync>> {
        let credentials = Credentials::new(self.user.clone(), token.expose_bearer()?.to_owned());
        let relay = self.relay.clone().authentication(vec![Mechanism::Xoauth2]);
        Ok(relay.credentials(credentials).build())
    }
}

/// Gmail refuses a token by a challenge with the reason, which lettre takes for an error of
/// the mechanism; others by the reply 535.
fn is_refusal(error: &SmtpError) -> bool {
    error.status().is_some_and(|code| u16::from(code) == 535)
        || error.to_string().contains("does not expect a challenge")
}
