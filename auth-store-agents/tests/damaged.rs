//! A damaged file of an agent: a refresh leaves it as it is, and a login or a logout
//! keeps it aside.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::fs;

use agent_files::{claude, claude_file, codex, codex_file, json_at, load, save};
use auth_accounts::{
    BlockingAccounts, Reason, StoreErrorKind,
    auth_core::{TokenEndpoint, presets},
    store::BlockingTokenStore,
};
use auth_store_agents::ClaudeCredentials;
use auth_testkit::{Script, VirtualClock};
use serde_json::json;
use support::{names, record, tokens};

fn check(
    setup: &agent_files::Setup,
    store: impl BlockingTokenStore + Clone + 'static,
    name: &str,
    endpoint: &TokenEndpoint,
) {
    let file_name = setup.file.file_name().unwrap().to_str().unwrap();
    let blank: [&[u8]; 3] = [b"", b" \n", &[0; 300]];
    let damaged: [&[u8]; 3] = [b"{\"tokens\":{\"access_token\":\"s3c", b"[]", b"s3cret-\0\0"];
    let mut kept: Vec<&[u8]> = Vec::new();
    for content in blank.into_iter().chain(damaged) {
        fs::write(&setup.file, content).unwrap();
        let script = Script::new();
        let account = || {
            let clock: VirtualClock = script.clock().clone();
            BlockingAccounts::new(endpoint.clone(), script.clone(), store.clone(), clock)
                .account(name)
        };
        let error = account().refresh_now().unwrap_err();
        let Reason::Store(why) = error.reason() else { panic!("{error}") };
        assert_eq!(why.kind(), StoreErrorKind::Damaged, "{error}");
        let error = save(&store, name, &record(2), None).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged, "{error}");
        assert_eq!(fs::read(&setup.file).unwrap(), content);

        let mut login = tokens(3);
        login.extra.insert("id_token", "s3cret-id".into());
        let token = account().store_login(login).unwrap();
        assert!(token.unsaved().is_none(), "{:?}", token.unsaved());
        let (found, _) = load(&store, name).unwrap().unwrap();
        assert_eq!(found.tokens.refresh_token, tokens(3).refresh_token);
        json_at(&setup.file);
        if damaged.contains(&content) {
            kept.push(content);
        }
        for (number, content) in kept.iter().enumerate() {
            let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
            let aside = setup.directory.join(format!("{file_name}.damaged{suffix}"));
            assert_eq!(fs::read(aside).unwrap(), *content);
        }
        assert_eq!(names(&setup.directory).len(), 2 + kept.len());
        script.finish();
    }
    // A logout gets past it, too.
    fs::write(&setup.file, "{").unwrap();
    let version = load(&store, name).unwrap_err().get_damaged_version().unwrap().clone();
    store.remove_blocking(&name.into(), &version).unwrap();
    assert_eq!(load(&store, name).unwrap(), None);
    assert_eq!(names(&setup.directory).len(), 3 + kept.len());
    // What is damaged in another way by now is not what was seen.
    fs::write(&setup.file, "[").unwrap();
    let error = store.remove_blocking(&name.into(), &version).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
    assert_eq!(fs::read(&setup.file).unwrap(), b"[");
}

#[test]
fn is_kept_aside_by_a_login() {
    let (setup, store) = claude(&claude_file());
    let endpoint = presets::claude(store.registration().client_id());
    check(&setup, store, "claude", &endpoint);
    let (setup, store) = codex(&codex_file());
    let endpoint = presets::openai(store.registration().client_id());
    check(&setup, store, "codex", &endpoint);
}

/// Only what cannot be read is lost to its reader.
#[test]
fn what_else_is_in_the_file_stays() {
    let log_in = |store: &ClaudeCredentials| {
        let endpoint = presets::claude(store.registration().client_id());
        let script = Script::new();
        let clock: VirtualClock = script.clock().clone();
        let account =
            BlockingAccounts::new(endpoint, script, store.clone(), clock).account("claude");
        let token = account.store_login(tokens(3)).unwrap();
        assert!(token.unsaved().is_none(), "{:?}", token.unsaved());
    };
    // The login is damaged, and what is beside it is not.
    for damaged in [json!("x"), json!([]), json!({"accessToken": 1})] {
        let mut file = claude_file();
        file["claudeAiOauth"] = damaged;
        let (setup, store) = claude(&file);
        log_in(&store);
        let mut after = json_at(&setup.file);
        assert_eq!(after["claudeAiOauth"]["refreshToken"], "s3cret-rt-3");
        assert_eq!(json_at(&setup.directory.join(".credentials.json.damaged")), file);
        after["claudeAiOauth"] = file["claudeAiOauth"].clone();
        assert_eq!(after, file);

        fs::write(&setup.file, file.to_string()).unwrap();
        let version = load(&store, "claude").unwrap_err().get_damaged_version().unwrap().clone();
        store.remove_blocking(&"claude".into(), &version).unwrap();
        file.as_object_mut().unwrap().remove("claudeAiOauth");
        assert_eq!(json_at(&setup.file), file);
    }
    // So are our notes.
    let (setup, store) = claude(&claude_file());
    let (_, version) = agent_files::loaded(&store, "claude");
    save(&store, "claude", &record(2), Some(&version)).unwrap();
    let ours = setup.directory.join(".auth-store");
    let notes = ours.join(".credentials.json.notes.json");
    for (number, content) in ["{\"schema\": 1, \"of", "\0\0", "[]"].into_iter().enumerate() {
        fs::write(&notes, content).unwrap();
        log_in(&store);
        let file = json_at(&setup.file);
        assert_eq!(file["claudeAiOauth"]["refreshToken"], "s3cret-rt-3");
        assert_eq!(file["claudeAiOauth"]["subscriptionType"], "max");
        assert_eq!(file["mcpOAuth"], claude_file()["mcpOAuth"]);
        assert_eq!(names(&setup.directory), [".auth-store", ".credentials.json"]);
        let aside = names(&ours).into_iter().filter(|name| name.contains(".damaged"));
        assert_eq!(aside.count(), [1, 1, 2][number]);
    }
    let kept = |suffix| fs::read(ours.join(format!(".credentials.json.notes.json{suffix}")));
    assert_eq!(kept(".damaged").unwrap(), b"{\"schema\": 1, \"of");
    assert_eq!(kept(".damaged-2").unwrap(), b"[]");
}
