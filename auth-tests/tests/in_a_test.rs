//! The README's test.

use std::{error::Error, time::Duration};

use auth_accounts::{Accounts, MemoryStore, auth_core::Advice};
use auth_testkit::{FakeAuthServer, Fault};

#[test]
fn a_session_ends_only_when_the_server_says_so() -> Result<(), Box<dyn Error>> {
    let server = FakeAuthServer::new();
    let (api, clock) = (server.api(), server.clock().clone());
    let accounts =
        Accounts::new(server.endpoint(), server.clone(), MemoryStore::new(), clock.clone());
    let ada = accounts.account("ada");

    pollster::block_on(async {
        ada.store_login(server.log_in("ada")).await?;

        // The token has expired, and a proxy is in the way once.
        clock.advance(Duration::from_secs(3600));
        server.fail_next([Fault::Status(502)]);
        let token = ada.token().await?;
        assert_eq!(api.call(Some(&token.bearer()?)).status(), 200);

        // A token dies before its time.
        server.revoke_access(token.access_token());
        assert_eq!(api.call(Some(&token.bearer()?)).status(), 401);
        let token = ada.token_refused(token.access_token()).await?;
        assert_eq!(api.call(Some(&token.bearer()?)).status(), 200);

        // The session is over, and only now.
        server.revoke("ada");
        let error = ada.refresh_now().await.err().ok_or("refreshed")?;
        assert_eq!(error.advice(), Advice::LogIn);
        server.assert_never_replayed();
        Ok(())
    })
}
