//! The program whose story is told.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use auth_core::{Backoff, FailureKind, Refresh, RefreshError, RefreshToken, TokenSet, refresh};
use auth_testkit::{FakeAuthServer, Fault, RevokedBecause};
use auth_tests::{Trace, World};

use crate::{Client, Policy, Seen, log_in};

/// What a program keeps between refreshes.
pub(crate) struct Session<'a> {
    pub(crate) server: &'a FakeAuthServer,
    pub(crate) policy: Policy,
    pub(crate) client: Client,
    pub(crate) token: RefreshToken,
    pub(crate) possibly_spent: bool,
    pub(crate) trace: Trace,
    pub(crate) seen: Seen,
}

impl<'a> Session<'a> {
    pub(crate) fn new(server: &'a FakeAuthServer, policy: Policy, client: Client) -> Self {
        Self {
            server,
            policy,
            client,
            token: log_in(server),
            possibly_spent: false,
            trace: Trace::default(),
            seen: Seen::default(),
        }
    }

    pub(crate) fn planned(&self) -> Refresh {
        let policy = match self.client {
            Client::Impatient => Backoff::new().max_retries(9),
            _ => self.policy.backoff(),
        };
        Refresh::new(self.server.endpoint(), self.token.clone())
            .policy(policy)
            .possibly_spent(self.possibly_spent)
    }

    pub(crate) fn refresh(&mut self, world: World) -> Result<(), String> {
        let before = self.server.clock().sleeps().len();
        let result = world.run(self.planned(), self.server, self.server.clock());
        self.conclude(result, before)
    }

    pub(crate) fn abandon(&mut self) -> Result<(), String> {
        self.server.fail_next([Fault::Delay(Duration::from_secs(5))]);
        let before = self.server.clock().sleeps().len();
        let planned = self.planned();
        let polled = {
            let call = pin!(refresh(planned, self.server, self.server.clock()));
            call.poll(&mut Context::from_waker(Waker::noop()))
        };
        match polled {
            Poll::Ready(result) => self.conclude(result, before),
            Poll::Pending => {
                self.seen.abandoned += 1;
                self.possibly_spent = true;
                Ok(())
            }
        }
    }

    pub(crate) fn conclude(
        &mut self,
        result: Result<TokenSet, RefreshError>,
        sleeps_before: usize,
    ) -> Result<(), String> {
        let waits = self.server.clock().sleeps().split_off(sleeps_before);
        self.policy.check(&waits)?;
        self.trace.note(&result);
        if let Some(replay) = self.server.report().avoidable_replays().next() {
            return Err(format!("avoidable replay: {replay:?}\n{}", self.server.transcript()));
        }
        match result {
            Ok(tokens) => self.adopt(tokens),
            Err(error) => self.suffer(&error, waits.len()),
        }
    }

    pub(crate) fn adopt(&mut self, tokens: TokenSet) -> Result<(), String> {
        self.seen.refreshed += 1;
        if self.client == Client::Forgetful {
            return Ok(());
        }
        self.token = tokens.refresh_token.ok_or("the refresh token was lost")?;
        self.possibly_spent = false;
        if self.server.subject_of(&tokens.access_token).as_deref() != Some("ada") {
            return Err("the new access token is not good".to_owned());
        }
        if !self.server.is_live(&self.token) {
            return Err("the new refresh token is not live".to_owned());
        }
        Ok(())
    }

    pub(crate) fn suffer(&mut self, error: &RefreshError, waits: usize) -> Result<(), String> {
        if error.attempts() as usize != waits + 1 {
            return Err(format!("{} attempts with {waits} waits", error.attempts()));
        }
        let refused = error.failure().status().is_some_and(|status| status.is_client_error());
        let rejected =
            error.kind() == FailureKind::Rejected || (self.client == Client::Hasty && refused);
        if !rejected {
            self.seen.gave_up += 1;
            self.possibly_spent |= error.possibly_spent();
            return match error.kind() {
                FailureKind::Misconfigured => Err(format!("nothing is misconfigured: {error}")),
                _ => Ok(()),
            };
        }
        if self.server.is_live(&self.token) {
            return Err(format!("false rejection: {error}\n{}", self.server.transcript()));
        }
        // Shut out by our own second try: then the error says so.
        let reuse = self.server.report().revocations.last().is_some_and(|revocation| {
            revocation.because == RevokedBecause::Reuse
                && revocation.at == self.server.clock().elapsed()
        });
        if reuse && !error.possibly_spent() {
            return Err(format!("a replay was the cause, and {error:?} keeps it quiet"));
        }
        self.seen.rejected += 1;
        self.seen.possibly_spent += u64::from(error.possibly_spent());
        self.token = log_in(self.server);
        self.possibly_spent = false;
        Ok(())
    }
}
