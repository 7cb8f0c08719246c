use std::{fs, path::Path, time::Duration, time::SystemTime};

use auth_accounts::store::Record;
use auth_core::RefreshToken;
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use serde_json::Value;

use super::{File, Form, Outcome, account};

/// Claude Code's credentials.
pub(super) fn claude(scratch: &Path, content: &[u8]) -> Outcome {
    let path = directory(scratch).join(".credentials.json");
    let store = ClaudeCredentials::new(account(), &path).expect("a store");
    File { store, path }.check(content, &Claude)
}

/// Codex's login.
pub(super) fn codex(scratch: &Path, content: &[u8]) -> Outcome {
    codex_file(scratch).check(content, &Codex)
}

pub(super) fn codex_file(scratch: &Path) -> File<CodexAuth> {
    let path = directory(scratch).join("auth.json");
    let store = CodexAuth::new(account(), &path).expect("a store");
    File { store, path }
}

fn directory(scratch: &Path) -> std::path::PathBuf {
    let directory = scratch.join("inner");
    fs::create_dir(&directory).expect("a directory");
    directory
}

struct Claude;

impl Form for Claude {
    fn is_read(&self, content: &Value, record: &Record) {
        let login = &content["claudeAiOauth"];
        tokens_are(record, &login["accessToken"], &login["refreshToken"]);
        let expires_at = record.tokens.expires_at.map(millis);
        match &login["expiresAt"] {
            Value::Number(number) if !number.is_f64() => assert_eq!(expires_at, number.as_u64()),
            // In whichever form.
            Value::Number(_) | Value::String(_) => {}
            _ => assert_eq!(expires_at, None),
        }
        let scope = match &login["scopes"] {
            Value::Array(scopes) => {
                let texts: Vec<_> = scopes.iter().filter_map(Value::as_str).collect();
                Some(texts.join(" ")).filter(|scope| !scope.is_empty() || scopes.is_empty())
            }
            Value::String(scope) => Some(scope.clone()).filter(|scope| !scope.is_empty()),
            _ => None,
        };
        assert_eq!(record.tokens.scope, scope);
    }

    fn is_replaced(&self, old: &Value, new: &Value, record: &Record) {
        let ours = ["accessToken", "refreshToken", "expiresAt", "refreshTokenExpiresAt", "scopes"];
        others_are_kept(old, new, &["claudeAiOauth"]);
        others_are_kept(&old["claudeAiOauth"], &new["claudeAiOauth"], &ours);
        let login = &new["claudeAiOauth"];
        tokens_are(record, &login["accessToken"], &login["refreshToken"]);
        // What says the same already stays in its form.
        let says = |name: &str, time: Option<SystemTime>| {
            login.get(name) == old["claudeAiOauth"].get(name)
                || login[name].as_u64() == time.map(millis)
        };
        assert!(says("expiresAt", record.tokens.expires_at), "{new}");
        assert!(says("refreshTokenExpiresAt", record.tokens.refresh_expires_at), "{new}");
    }

    fn is_removed(&self, old: &Value, new: Option<&Value>) {
        only_these_go(old, new, &["claudeAiOauth"]);
    }
}

pub(super) struct Codex;

/// By which somebody is logged in to Codex without tokens.
const SECRETS_OF_CODEX: [&str; 4] =
    ["agent_identity", "bedrock_access_keys", "bedrock_api_key", "personal_access_token"];

impl Form for Codex {
    fn is_read(&self, content: &Value, record: &Record) {
        let login = &content["tokens"];
        tokens_are(record, &login["access_token"], &login["refresh_token"]);
        let id_token = [&login["id_token"], &login["id_token"]["raw_jwt"]].into_iter();
        let id_token = id_token.filter_map(some).find(|token| token.is_string());
        assert_eq!(record.tokens.extra.get("id_token"), id_token);
        // In whichever form.
        assert!(record.obtained_at.is_none() || some(&content["last_refresh"]).is_some());
    }

    /// Codex cannot read the file without an ID token; but where that is so already, it
    /// costs no tokens.
    fn may_hold(&self, content: &Value, record: &Record) -> bool {
        record.tokens.extra.get("id_token").is_some()
            || some(&content["tokens"]["access_token"]).is_some()
            || content["tokens"]["id_token"].is_string()
    }

    fn is_replaced(&self, old: &Value, new: &Value, record: &Record) {
        others_are_kept(old, new, &["tokens", "last_refresh"]);
        let ours = ["access_token", "refresh_token", "id_token"];
        others_are_kept(&old["tokens"], &new["tokens"], &ours);
        let login = &new["tokens"];
        tokens_are(record, &login["access_token"], &login["refresh_token"]);
        let id_token = record.tokens.extra.get("id_token");
        let is_kept = login.get("id_token") == old["tokens"].get("id_token");
        assert!(is_kept || id_token == login.get("id_token"), "{new}");
    }

    fn is_another(&self, left: &Value) -> bool {
        let has_secret = |name: &&str| some(&left[*name]).is_some();
        let by_tokens = ["", "apikey", "chatgpt"];
        left["auth_mode"].as_str().is_some_and(|mode| !by_tokens.contains(&mode))
            || SECRETS_OF_CODEX.iter().any(has_secret)
    }

    fn is_removed(&self, old: &Value, new: Option<&Value>) {
        only_these_go(old, new, &["tokens", "last_refresh"]);
    }
}

fn tokens_are(record: &Record, access_token: &Value, refresh_token: &Value) {
    let tokens = &record.tokens;
    assert_eq!(Some(tokens.access_token.expose()), access_token.as_str());
    let found = tokens.refresh_token.as_ref().map(RefreshToken::expose);
    assert_eq!(found, some(refresh_token).and_then(Value::as_str));
}

/// What is neither absent nor empty.
fn some(value: &Value) -> Option<&Value> {
    Some(value).filter(|value| !value.is_null() && *value != "")
}

/// The members `ours` are gone, and the others are all there is.
fn only_these_go(old: &Value, new: Option<&Value>, ours: &[&str]) {
    let mut old = old.clone();
    let members = old.as_object_mut().expect("an object");
    members.retain(|name, _| !ours.contains(&name.as_str()));
    assert_eq!(new, Some(&old));
}

/// Every member but `ours` is what it was.
fn others_are_kept(old: &Value, new: &Value, ours: &[&str]) {
    let Value::Object(old) = old else { return };
    for (name, value) in old.iter().filter(|(name, _)| !ours.contains(&name.as_str())) {
        assert_eq!(new.get(name), Some(value), "the member {name} was changed");
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
