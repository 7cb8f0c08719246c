//! Files as the agents leave them.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use auth_accounts::{
    StoreError,
    store::{BlockingTokenStore, Record, Version},
};
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::support::scratch;

/// A file as Claude Code 2.1 leaves it, on one line.
pub(crate) fn claude_file() -> Value {
    json!({
        "claudeAiOauth": {
            "accessToken": "s3cret-at-1",
            "refreshToken": "s3cret-rt-1",
            "expiresAt": 2_000_000_000_123_u64,
            "refreshTokenExpiresAt": 2_100_000_000_000_u64,
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
            "rateLimitTier": "default_claude_max_5x"
        },
        "mcpOAuth": {"server|1": {"accessToken": "s3cret-mcp", "expiresAt": 1.5}},
        "somethingNew": [null, true, "\u{1F511}"]
    })
}

pub(crate) fn jwt(claims: &Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()), part("s3cret-"))
}

/// A file as Codex leaves it, indented.
pub(crate) fn codex_file() -> Value {
    json!({
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": jwt(&json!({"email": "ada@example.com"})),
            "access_token": jwt(&json!({"exp": 2_000_000_000})),
            "refresh_token": "s3cret-rt-1",
            "account_id": "account-1"
        },
        "last_refresh": "2026-01-02T03:04:05.678901Z",
        "somethingNew": {"kept": true}
    })
}

pub(crate) struct Setup {
    _scratch: tempfile::TempDir,
    pub(crate) directory: PathBuf,
    pub(crate) file: PathBuf,
}

/// A home directory with `content` in its place.
pub(crate) fn setup(directory: &str, name: &str, content: &[u8]) -> Setup {
    let scratch = scratch();
    let directory = scratch.path().join(directory);
    fs::create_dir(&directory).unwrap();
    let file = directory.join(name);
    fs::write(&file, content).unwrap();
    #[cfg(unix)]
    {
        // As the agents create them.
        super::support::set_mode(&directory, 0o755);
        super::support::set_mode(&file, 0o600);
    }
    Setup { _scratch: scratch, directory, file }
}

pub(crate) fn claude(content: &Value) -> (Setup, ClaudeCredentials) {
    let setup = setup(".claude", ".credentials.json", content.to_string().as_bytes());
    let store = ClaudeCredentials::new("claude", &setup.file).unwrap();
    (setup, store)
}

pub(crate) fn codex(content: &Value) -> (Setup, CodexAuth) {
    let content = serde_json::to_string_pretty(content).unwrap();
    let setup = setup(".codex", "auth.json", content.as_bytes());
    let store = CodexAuth::new("codex", &setup.file).unwrap();
    (setup, store)
}

pub(crate) fn json_at(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn load(
    store: &impl BlockingTokenStore,
    account: &str,
) -> Result<Option<(Record, Version)>, StoreError> {
    store.load_blocking(&account.into())
}

pub(crate) fn save(
    store: &impl BlockingTokenStore,
    account: &str,
    record: &Record,
    expected: Option<&Version>,
) -> Result<Version, StoreError> {
    store.save_blocking(&account.into(), record, expected)
}

pub(crate) fn loaded(store: &impl BlockingTokenStore, account: &str) -> (Record, Version) {
    load(store, account).unwrap().unwrap()
}
