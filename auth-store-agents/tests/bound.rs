//! The login of an agent belongs to the agent's own client at its own endpoint.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{fs, sync::Arc};

use agent_files::{claude, claude_file, codex, codex_file, loaded, save};
use auth_accounts::{BlockingAccounts, Login, Reason, Registration, StoreErrorKind, store::SetUp};
use auth_core::{TokenEndpoint, presets};
use auth_store_agents::ClaudeCredentials;
use auth_testkit::{Script, VirtualClock};
use support::record;

#[test]
fn it_is_that_of_its_program() {
    let (_setup, store) = claude(&claude_file());
    let registration = loaded(&store, "claude").0.bound_to.unwrap();
    assert_eq!(registration, *store.registration());
    let client_id = registration.client_id().to_owned();
    assert_eq!(registration, Registration::of(&presets::claude(client_id)));

    let (_setup, store) = codex(&codex_file());
    let registration = loaded(&store, "codex").0.bound_to.unwrap();
    assert_eq!(registration, *store.registration());
    let client_id = registration.client_id().to_owned();
    assert_eq!(registration, Registration::of(&presets::openai(client_id)));
}

/// Accounts in a moment in which the agent's token has expired.
fn accounts(
    endpoint: TokenEndpoint,
    script: &Script,
    store: &ClaudeCredentials,
) -> BlockingAccounts {
    let clock: VirtualClock = script.clock().clone();
    BlockingAccounts::new(Arc::new(endpoint), script.clone(), store.clone(), clock)
}

#[test]
fn other_accounts_leave_it_alone_unless_they_say_so() {
    let mut file = claude_file();
    file["claudeAiOauth"]["expiresAt"] = 0.into();
    let (setup, store) = claude(&file);
    let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
    let proxy = || TokenEndpoint::new("https://proxy.example.com/v1/oauth/token", "mine").unwrap();
    let error = accounts(proxy(), &script, &store).account("claude").token().unwrap_err();
    assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }), "{error}");

    let own = store.registration();
    let through = || {
        let accounts = accounts(proxy(), &script, &store);
        accounts.also_accepts(own.token_url(), own.client_id()).unwrap()
    };
    let token = through().account("claude").token().unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    // Whose they are is kept in the notes.
    assert_eq!(loaded(&store, "claude").0.bound_to, Some(Registration::of(&proxy())));
    assert!(!fs::read_to_string(&setup.file).unwrap().contains("proxy"));
    let theirs = presets::claude(own.client_id());
    let error = accounts(theirs.clone(), &script, &store).account("claude").token().unwrap_err();
    assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }), "{error}");

    // After a refresh by the agent they are its own.
    fs::write(&setup.file, file.to_string()).unwrap();
    let token = accounts(theirs, &script, &store).account("claude").token().unwrap();
    assert_eq!(token.access_token().expose(), "at-3");
    script.finish();
}

#[test]
fn what_was_noted_by_an_older_version_is_the_agents() {
    let (_setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    let mut unbound = record(2);
    unbound.bound_to = None;
    save(&store, "claude", &unbound, Some(&version)).unwrap();
    assert_eq!(loaded(&store, "claude").0.bound_to, Some(store.registration().clone()));
}

/// Its program would go on refreshing at its own endpoint.
#[test]
fn it_cannot_bring_an_endpoint() {
    let (setup, store) = claude(&claude_file());
    let (mut changed, version) = loaded(&store, "claude");
    let before = fs::read(&setup.file).unwrap();
    let endpoint = TokenEndpoint::new("https://mcp.example.com/token", "mine").unwrap();
    let script = Script::new();
    let accounts = accounts(presets::claude(store.registration().client_id()), &script, &store);
    let login = Login::new(record(2).tokens).endpoint(endpoint.clone());
    let error = accounts.account("claude").store_login(login).unwrap_err();
    let Reason::Store(why) = error.reason() else { panic!("{error}") };
    assert_eq!(why.kind(), StoreErrorKind::Unfit);
    changed.set_up = Some(SetUp::new(endpoint).unwrap());
    let error = save(&store, "claude", &changed, Some(&version)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unfit);
    assert_eq!(fs::read(&setup.file).unwrap(), before);
}
