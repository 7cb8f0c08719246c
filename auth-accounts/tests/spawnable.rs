//! Every public async function can be spawned on a runtime with threads: its
//! future is `Send`, and with owned clones `'static`. The compiler is the judge;
//! `auth-tests` checks that none is missing here.

use std::time::Duration;

use auth_accounts::{Account, AccountId, Accounts, Token};
use auth_core::{AccessToken, ClaimsChallenge, TokenRequest, TokenSet};

/// What the `spawn` of a runtime with threads asks for.
fn spawned<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

/// Calls a function on values that the future owns.
macro_rules! spawnable {
    ($($owned:ident),*; $holder:ident :: $function:ident ($($argument:expr),*)) => {{
        $(let $owned = $owned.clone();)*
        spawned(async move { let _ = $holder::$function($($argument),*).await; });
    }};
}

/// Compiled, and never called.
#[allow(dead_code, clippy::too_many_arguments)]
fn every_function(
    accounts: &Accounts,
    account: &Account,
    id: &AccountId,
    token: &AccessToken,
    tokens: &TokenSet,
    access: &Token,
    request: &TokenRequest,
    claims: &ClaimsChallenge,
) {
    spawnable!(account; Account::token(&account));
    spawnable!(account; Account::token_valid_for(&account, Duration::ZERO));
    spawnable!(account; Account::refresh_now(&account));
    spawnable!(account, token; Account::token_refused(&account, &token));
    spawnable!(account, request; Account::token_for(&account, &request));
    spawnable!(account, request, token; Account::token_for_refused(&account, &request, &token));
    spawnable!(
        account, request, token, claims;
        Account::claims_challenged(&account, &request, &token, &claims)
    );
    spawnable!(account, tokens; Account::store_login(&account, tokens));
    spawnable!(account; Account::logout(&account));
    spawnable!(account; Account::status(&account));
    spawnable!(account; Account::keep_fresh(&account));
    spawnable!(account; Account::refresh_if_due(&account));
    spawnable!(access; Token::authorization_async(&access, "GET", "https://api.example.com/"));
    spawnable!(accounts; Accounts::close(&accounts, Duration::ZERO));
    spawnable!(accounts; Accounts::refresh_due(&accounts, 16));
    spawnable!(accounts; Accounts::keep_all_fresh(&accounts, 16));
    spawnable!(accounts, id; Accounts::statuses(&accounts, Some(&id), 100));
}

#[test]
fn the_types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Accounts>();
    shared::<Account>();
    shared::<auth_accounts::AccountError>();
    shared::<auth_accounts::AccountEvent>();
    shared::<auth_accounts::AccountStatus>();
    shared::<auth_accounts::DueRefreshes>();
    shared::<Token>();
    shared::<auth_accounts::Authorization>();
    shared::<auth_accounts::AuthorizationError>();
}
