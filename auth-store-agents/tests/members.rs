//! Members of the agents' files that are not as their programs write them: they cost
//! no tokens, and stay as they are until somebody knows better. And logins of Codex
//! that are not refreshed.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    fs,
    time::{Duration, SystemTime},
};

use agent_files::{claude, claude_file, codex, codex_file, json_at, jwt, load, loaded, save};
use auth_accounts::{
    BlockingAccounts, Reason, StoreErrorKind,
    auth_core::{Advice, presets},
    store::{BlockingTokenStore, Note},
};
use auth_core::{AccessToken, RefreshToken};
use auth_store_agents::CodexAuth;
use auth_testkit::{Script, VirtualClock};
use serde_json::{Value, json};
use support::{SECRET, record, seconds, shown};

/// Puts a note on record, as before a refresh: nothing in the agent's file changes.
fn note(store: &impl BlockingTokenStore, account: &str) {
    let (mut record, version) = loaded(store, account);
    record.note = Some(Note::new(record.fingerprint().unwrap(), seconds(2_000_000_000)));
    save(store, account, &record, Some(&version)).unwrap();
    assert_eq!(loaded(store, account).0, record);
}

fn with(mut file: Value, path: &[&str], value: Option<&Value>) -> Value {
    let (last, above) = path.split_last().unwrap();
    let at = above.iter().fold(&mut file, |at, name| &mut at[*name]);
    match value {
        Some(value) => at[*last] = value.clone(),
        None => drop(at.as_object_mut().unwrap().remove(*last)),
    }
    file
}

#[test]
fn claude_codes_times_and_scopes_in_any_form() {
    let millis = |millis| Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
    for (value, expected) in [
        (json!(2_000_000_000_123_u64), millis(2_000_000_000_123)),
        (json!(2_000_000_000_123.7), millis(2_000_000_000_123)),
        (json!("2000000000123"), millis(2_000_000_000_123)),
        (json!("2033-05-18T03:33:20.123Z"), millis(2_000_000_000_123)),
        (json!("2033-05-18 03:33:20"), millis(2_000_000_000_000)),
        (json!("soon"), None),
        (json!(""), None),
        (json!(-1), None),
        (json!(1e300), None),
        (json!(null), None),
        (json!(true), None),
        (json!([1]), None),
        (json!({"at": 1}), None),
    ] {
        for name in ["expiresAt", "refreshTokenExpiresAt"] {
            let file = with(claude_file(), &["claudeAiOauth", name], Some(&value));
            let (setup, store) = claude(&file);
            let tokens = loaded(&store, "claude").0.tokens;
            assert_eq!(tokens.refresh_token, Some(RefreshToken::new("s3cret-rt-1")), "{value}");
            let found = [tokens.expires_at, tokens.refresh_expires_at];
            assert_eq!(found[usize::from(name != "expiresAt")], expected, "{name}: {value}");
            note(&store, "claude");
            assert_eq!(json_at(&setup.file), file, "{name}: {value}");
        }
    }
    for (value, expected) in [
        (json!("user:inference  user:profile"), Some("user:inference  user:profile")),
        (json!(["user:inference", 1, null]), Some("user:inference")),
        (json!([]), Some("")),
        (json!([1]), None),
        (json!(7), None),
        (json!({"user:inference": true}), None),
        (json!(null), None),
    ] {
        let file = with(claude_file(), &["claudeAiOauth", "scopes"], Some(&value));
        let (setup, store) = claude(&file);
        let tokens = loaded(&store, "claude").0.tokens;
        assert_eq!(tokens.scope.as_deref(), expected, "{value}");
        note(&store, "claude");
        assert_eq!(json_at(&setup.file), file, "{value}");
    }
}

/// And a refresh writes them as Claude Code does.
#[test]
fn a_refresh_mends_claude_codes_times() {
    for value in [Some(json!("soon")), Some(json!("2000000000123")), Some(Value::Null), None] {
        let mut file = with(claude_file(), &["claudeAiOauth", "expiresAt"], value.as_ref());
        file["claudeAiOauth"]["refreshTokenExpiresAt"] = "soon".into();
        let (setup, store) = claude(&file);
        let (_, version) = loaded(&store, "claude");
        // A response without `expires_in`, and nothing known of the token before.
        let mut refreshed = record(2);
        refreshed.obtained_at = Some(seconds(2_000_000_000));
        save(&store, "claude", &refreshed, Some(&version)).unwrap();
        let oauth = json_at(&setup.file)["claudeAiOauth"].clone();
        assert_eq!(oauth["expiresAt"], 2_000_003_600_000_u64, "{value:?}");
        assert_eq!(oauth.get("refreshTokenExpiresAt"), None, "it was of another token");
        // It is there for Claude Code: nobody has said it.
        assert_eq!(loaded(&store, "claude").0.tokens.expires_at, None);
        note(&store, "claude");
        assert_eq!(json_at(&setup.file)["claudeAiOauth"], oauth);
        // What Claude Code writes there counts.
        let theirs =
            with(json_at(&setup.file), &["claudeAiOauth", "expiresAt"], Some(&json!(2e12)));
        fs::write(&setup.file, theirs.to_string()).unwrap();
        assert_eq!(loaded(&store, "claude").0.tokens.expires_at, Some(seconds(2_000_000_000)));
    }
}

/// The record of an account that guesses nothing, and of one whose clock is all.
#[test]
fn the_time_is_filled_in_whatever_the_record_lacks() {
    let (setup, store) = claude(&json!({}));
    let mut login = record(1);
    (login.obtained_at, login.tokens.expires_at) = (None, None);
    save(&store, "claude", &login, None).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let written = json_at(&setup.file)["claudeAiOauth"]["expiresAt"].as_u64().unwrap();
    let left = Duration::from_millis(written).saturating_sub(now);
    assert!((1_800..=3_600).contains(&left.as_secs()), "{left:?}");
    assert_eq!(loaded(&store, "claude").0.tokens.expires_at, None);

    let (setup, store) = codex(&codex_file());
    let (_, version) = loaded(&store, "codex");
    let mut refreshed = record(2);
    refreshed.obtained_at = None;
    save(&store, "codex", &refreshed, Some(&version)).unwrap();
    assert!(json_at(&setup.file)["last_refresh"].is_string(), "Codex uses no tokens without it");
    assert_eq!(loaded(&store, "codex").0.obtained_at, None);
}

#[test]
fn codexs_last_refresh_in_any_form() {
    let at = |nanos| Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos));
    let (whole, fine) = (1_767_323_045_000_000_000, 1_767_323_045_678_901_000);
    for (value, expected) in [
        (Some(json!("2026-01-02T03:04:05.678901Z")), at(fine)),
        (Some(json!("2026-01-02T04:04:05.678901+01:00")), at(fine)),
        (Some(json!("2026-01-02T03:04:05")), at(whole)),
        (Some(json!("2026-01-02 03:04:05 UTC")), None),
        (Some(json!("Fri, 02 Jan 2026 03:04:05 GMT")), at(whole)),
        (Some(json!(1_767_323_045)), at(whole)),
        (Some(json!(1_767_323_045_000_u64)), at(whole)),
        (Some(json!(1_767_323_045.5)), at(whole)),
        (Some(json!("1767323045")), at(whole)),
        (Some(json!("yesterday")), None),
        (Some(json!(-7)), None),
        (Some(json!({"secs": 1})), None),
        (Some(json!([])), None),
        (Some(json!(true)), None),
        (Some(json!("")), None),
        (Some(json!(null)), None),
        (None, None),
    ] {
        let file = with(codex_file(), &["last_refresh"], value.as_ref());
        let (setup, store) = codex(&file);
        let (found, _) = loaded(&store, "codex");
        assert_eq!(found.obtained_at, expected, "{value:?}");
        assert_eq!(found.tokens.refresh_token, Some(RefreshToken::new("s3cret-rt-1")));
        note(&store, "codex");
        assert_eq!(json_at(&setup.file), file, "{value:?}");
        // A refresh writes it as Codex does.
        let (_, version) = loaded(&store, "codex");
        let mut refreshed = record(2);
        refreshed.obtained_at = Some(seconds(1_999_000_000));
        save(&store, "codex", &refreshed, Some(&version)).unwrap();
        assert_eq!(json_at(&setup.file)["last_refresh"], "2033-05-06T13:46:40Z");
    }
}

#[test]
fn codexs_id_token_in_any_form() {
    let raw = jwt(&json!({"email": "ada@example.com"}));
    for (value, expected) in [
        (Some(json!(raw)), Some(&raw)),
        (Some(json!({"email": "ada@example.com", "raw_jwt": raw})), Some(&raw)),
        (Some(json!({"email": "ada@example.com"})), None),
        (Some(json!({"raw_jwt": 7})), None),
        (Some(json!(7)), None),
        (Some(json!([])), None),
        (Some(json!("")), None),
        (Some(json!(null)), None),
        (None, None),
    ] {
        let file = with(codex_file(), &["tokens", "id_token"], value.as_ref());
        let (setup, store) = codex(&file);
        let (found, _) = loaded(&store, "codex");
        let id_token = found.tokens.extra.get("id_token").and_then(Value::as_str);
        assert_eq!(id_token, expected.map(String::as_str), "{value:?}");
        note(&store, "codex");
        assert_eq!(json_at(&setup.file), file, "{value:?}");
        // The tokens of a response that brings none are saved all the same.
        let (mut refreshed, version) = loaded(&store, "codex");
        refreshed.tokens.access_token = AccessToken::new("s3cret-at-2");
        refreshed.tokens.refresh_token = Some(RefreshToken::new("s3cret-rt-2"));
        let version = save(&store, "codex", &refreshed, Some(&version)).unwrap();
        let tokens = json_at(&setup.file)["tokens"].clone();
        assert_eq!(tokens["refresh_token"], "s3cret-rt-2");
        assert_eq!(tokens.get("id_token"), value.as_ref());
        refreshed.tokens.extra.insert("id_token", "s3cret-id-3".into());
        save(&store, "codex", &refreshed, Some(&version)).unwrap();
        assert_eq!(json_at(&setup.file)["tokens"]["id_token"], "s3cret-id-3");
    }
}

#[test]
fn other_members_may_be_anything() {
    for value in [json!(null), json!(7), json!("x"), json!([]), json!({"a": 1})] {
        for path in [
            &["subscriptionType"][..],
            &["mcpOAuth"],
            &["claudeAiOauth", "subscriptionType"],
            &["claudeAiOauth", "rateLimitTier"],
            &["claudeAiOauth", "somethingNew"],
        ] {
            let file = with(claude_file(), path, Some(&value));
            let (setup, store) = claude(&file);
            note(&store, "claude");
            assert_eq!(json_at(&setup.file), file);
        }
        for path in [
            &["auth_mode"][..],
            &["OPENAI_API_KEY"],
            &["agent_identity"],
            &["personal_access_token"],
            &["tokens", "account_id"],
        ] {
            let file = with(codex_file(), path, Some(&value));
            let (setup, store) = codex(&file);
            note(&store, "codex");
            assert_eq!(json_at(&setup.file), file);
        }
    }
}

/// RFC 8259 section 8.1: a reader may ignore it.
#[test]
fn a_byte_order_mark_is_skipped() {
    let (setup, store) = claude(&claude_file());
    fs::write(&setup.file, format!("\u{feff}{}", claude_file())).unwrap();
    let before = fs::read(&setup.file).unwrap();
    note(&store, "claude");
    assert_eq!(fs::read(&setup.file).unwrap(), before);
    let (_, version) = loaded(&store, "claude");
    save(&store, "claude", &record(2), Some(&version)).unwrap();
    // Without it, as Claude Code can read it.
    assert_eq!(json_at(&setup.file)["claudeAiOauth"]["refreshToken"], "s3cret-rt-2");

    let (setup, store) = codex(&codex_file());
    fs::write(&setup.file, format!("\u{feff}{}", codex_file())).unwrap();
    note(&store, "codex");
    let (_, version) = loaded(&store, "codex");
    save(&store, "codex", &record(2), Some(&version)).unwrap();
    assert_eq!(json_at(&setup.file)["tokens"]["refresh_token"], "s3cret-rt-2");
}

/// `AuthMode` in `protocol/src/auth.rs` and `AuthDotJson` in
/// `login/src/auth/storage.rs` of Codex.
#[test]
fn a_login_of_codex_that_is_not_refreshed_has_a_reason_of_its_own() {
    let key = json!({"agent_runtime_id": "a", "agent_private_key": "s3cret-key"});
    for (file, says) in [
        (
            json!({"auth_mode": "personalAccessToken", "personal_access_token": "s3cret-pat"}),
            "personal access token",
        ),
        (json!({"personal_access_token": "s3cret-pat"}), "personal access token"),
        (
            json!({"tokens": null, "personal_access_token": "s3cret-pat", "OPENAI_API_KEY": null}),
            "personal access token",
        ),
        (
            json!({"auth_mode": "agentIdentity", "agent_identity": "s3cret-jwt"}),
            "as an agent with an identity",
        ),
        (json!({"agent_identity": key}), "as an agent with an identity"),
        (
            json!({"auth_mode": "bedrockApiKey", "bedrock_api_key": {"api_key": "s3cret-key"}}),
            "API key of Amazon Bedrock",
        ),
        (json!({"bedrock_access_keys": {"secret": "s3cret-key"}}), "access keys of Amazon"),
        (json!({"auth_mode": "chatgptAuthTokens"}), "by the program around it"),
        (json!({"auth_mode": "s3cret-new", "new": "s3cret-"}), "in a way that is not known"),
    ] {
        let (setup, store) = codex(&file);
        let before = fs::read(&setup.file).unwrap();
        let account = |script: &Script| {
            let endpoint = presets::openai(store.registration().client_id());
            let clock: VirtualClock = script.clock().clone();
            BlockingAccounts::new(endpoint, script.clone(), store.clone(), clock).account("codex")
        };
        let script = Script::new();
        let error = account(&script).token().unwrap_err();
        let Reason::Store(why) = error.reason() else { panic!("{error}") };
        assert_eq!(why.kind(), StoreErrorKind::OtherLogin, "{error}");
        assert_eq!(error.advice(), Advice::FixSetup, "{error}");
        assert!(why.to_string().contains(says), "{error}");
        assert!(!shown(why).contains(SECRET), "{error}");
        // It is not thrown away by a login here either.
        let mut login = record(1);
        login.tokens.extra.insert("id_token", "s3cret-id".into());
        let error = account(&script).store_login(login.tokens.clone()).unwrap_err();
        assert!(matches!(error.reason(), Reason::Store(_)), "{error}");
        let error = save(&store, "codex", &login, None).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::OtherLogin);
        assert_eq!(fs::read(&setup.file).unwrap(), before);
        assert_eq!(store.list_blocking(None, 1).unwrap(), ["codex".into()]);
        script.finish();
    }
}

/// The tokens that the program around Codex gives it have an empty refresh token
/// (`AuthDotJson::from_external_tokens`), and are used for as long as they are good.
#[test]
fn tokens_without_a_refresh_token_end_in_a_login() {
    for mode in ["chatgptAuthTokens", "chatgpt", "somethingNew"] {
        for refresh_token in [json!(""), Value::Null] {
            let mut file = codex_file();
            file["auth_mode"] = json!(mode);
            file["tokens"]["refresh_token"] = refresh_token;
            let (setup, store) = codex(&file);
            let before = fs::read(&setup.file).unwrap();
            let script = Script::new();
            let clock: VirtualClock = script.clock().clone();
            let endpoint = presets::openai(store.registration().client_id());
            let account =
                BlockingAccounts::new(endpoint, script.clone(), store, clock).account("codex");
            account.token().unwrap();
            let error = account.refresh_now().unwrap_err();
            assert!(matches!(error.reason(), Reason::NoRefreshToken), "{mode}: {error}");
            assert_eq!(error.advice(), Advice::LogIn, "{mode}: {error}");
            assert_eq!(fs::read(&setup.file).unwrap(), before, "{mode}");
            script.finish();
        }
    }
}

/// Codex keeps an identity beside the tokens of the one who gave it.
#[test]
fn tokens_beside_another_login_are_a_login() {
    for (name, value) in [
        ("agent_identity", json!({"agent_private_key": "s3cret-key"})),
        ("personal_access_token", json!("s3cret-pat")),
        ("auth_mode", json!("apikey")),
        ("auth_mode", json!("somethingNew")),
    ] {
        let (setup, store) = codex(&with(codex_file(), &[name], Some(&value)));
        let (_, version) = loaded(&store, "codex");
        save(&store, "codex", &record(2), Some(&version)).unwrap();
        assert_eq!(json_at(&setup.file)[name], value);
    }
    // An API key alone is no login, and stays beside one.
    let (_setup, store) = codex(&json!({"OPENAI_API_KEY": "sk-s3cret", "auth_mode": "apikey"}));
    assert_eq!(load(&store, "codex").unwrap(), None);
    let _: &CodexAuth = &store;
}
