//! What a response says of the life of its tokens, in whichever form, reaches the
//! agents' files and the program.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{path::Path, time::SystemTime};

use agent_files::{claude, claude_file, codex, codex_file, json_at, jwt, loaded};
use auth_accounts::{
    Accounts, BlockingAccounts, Token,
    store::{BlockingTokenStore, TokenStore},
};
use auth_core::{TokenEndpoint, presets};
use auth_testkit::{CannedResponse, Script, VirtualClock};
use serde_json::{Value, json};
use support::seconds;

/// When the requests are sent.
const NOW: u64 = 1_900_000_000;

/// Members of a response, its access token, and when that and the refresh token
/// expire by them.
fn responses() -> Vec<(Value, String, Option<u64>, Option<u64>)> {
    let opaque = || "s3cret-at-2".to_owned();
    let lives_for = |life: u64| jwt(&json!({"exp": NOW + life}));
    vec![
        (json!({}), lives_for(7200), Some(7200), None),
        (json!({"expires_in": "soon"}), lives_for(7200), Some(7200), None),
        (json!({"expires_in": 3600}), lives_for(3600), Some(3600), None),
        (json!({"expires_in": 3600}), opaque(), Some(3600), None),
        (json!({"expires_at": NOW + 3600}), opaque(), Some(3600), None),
        (json!({"expires_on": (NOW + 3600).to_string()}), opaque(), Some(3600), None),
        (json!({"expires": (NOW + 3600) * 1000}), opaque(), Some(3600), None),
        (json!({"expiry": "2030-03-17T18:46:40Z"}), opaque(), Some(3600), None),
        (json!({"expiresIn": 3600}), opaque(), Some(3600), None),
        (json!({"expires_in": NOW + 3600}), opaque(), Some(3600), None),
        (
            json!({"expires_in": 3600, "refresh_token_expires_in": 86400}),
            opaque(),
            Some(3600),
            Some(86_400),
        ),
    ]
}

fn response(members: &Value, access_token: &str) -> CannedResponse {
    members.as_object().unwrap().iter().fold(
        CannedResponse::tokens(access_token)
            .refresh_token("s3cret-rt-2")
            .member("id_token", "s3cret-id-2"),
        |response, (name, value)| response.member(name, value.clone()),
    )
}

/// Refreshes once, as a task or as a thread.
fn refreshed(
    endpoint: TokenEndpoint,
    store: impl TokenStore + BlockingTokenStore + 'static,
    account: &str,
    response: CannedResponse,
    blocking: bool,
) -> Token {
    let clock = VirtualClock::new();
    clock.set_wall(seconds(NOW));
    let script = Script::with_clock(&clock).then(response);
    let token = if blocking {
        let accounts = BlockingAccounts::new(endpoint, script.clone(), store, clock);
        accounts.account(account).refresh_now().unwrap()
    } else {
        let accounts = Accounts::new(endpoint, script.clone(), store, clock);
        futures_lite::future::block_on(accounts.account(account).refresh_now()).unwrap()
    };
    script.finish();
    token
}

fn at(life: Option<u64>) -> Option<SystemTime> {
    life.map(|life| seconds(NOW + life))
}

#[test]
fn claude_code_knows_how_long_its_tokens_live() {
    for (members, access_token, life, refresh_life) in responses() {
        for blocking in [false, true] {
            let (setup, store) = claude(&claude_file());
            let response = response(&members, &access_token);
            let endpoint = presets::claude(store.registration().client_id());
            let token = refreshed(endpoint, store.clone(), "claude", response, blocking);
            assert_eq!(token.access_token().expose(), access_token);
            assert_eq!(token.expires_at(), at(life), "{members}");

            let oauth = oauth_at(&setup.file);
            assert_eq!(oauth["accessToken"], access_token);
            assert_eq!(
                oauth["expiresAt"],
                json!(life.map(|life| (NOW + life) * 1000)),
                "{members}"
            );
            // Without a word of it, that of the new refresh token is unknown.
            let expected = json!(refresh_life.map(|life| (NOW + life) * 1000));
            assert_eq!(oauth["refreshTokenExpiresAt"], expected, "{members}");

            let (record, _) = loaded(&store, "claude");
            assert_eq!(record.tokens.expires_at, at(life), "{members}");
            assert_eq!(record.tokens.refresh_expires_at, at(refresh_life), "{members}");
        }
    }
}

fn oauth_at(file: &Path) -> Value {
    json_at(file)["claudeAiOauth"].clone()
}

/// Its file has no place for an expiry: its own tokens say it themselves. That of
/// others is noted beside it.
#[test]
fn codex_knows_how_long_its_tokens_live() {
    for (members, access_token, life, refresh_life) in responses() {
        for blocking in [false, true] {
            let (setup, store) = codex(&codex_file());
            let response = response(&members, &access_token);
            let endpoint = presets::openai(store.registration().client_id());
            let token = refreshed(endpoint, store.clone(), "codex", response, blocking);
            assert_eq!(token.access_token().expose(), access_token);
            assert_eq!(token.expires_at(), at(life), "{members}");

            let mut expected = codex_file();
            expected["tokens"]["access_token"] = access_token.as_str().into();
            expected["tokens"]["refresh_token"] = "s3cret-rt-2".into();
            expected["tokens"]["id_token"] = "s3cret-id-2".into();
            expected["last_refresh"] = "2030-03-17T17:46:40Z".into();
            assert_eq!(json_at(&setup.file), expected, "{members}");

            let (record, _) = loaded(&store, "codex");
            assert_eq!(record.tokens.expires_at, at(life), "{members}");
            assert_eq!(record.tokens.refresh_expires_at, at(refresh_life), "{members}");
        }
    }
}
