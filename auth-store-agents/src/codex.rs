//! Codex's `auth.json`.

use std::{
    env,
    path::{Path, PathBuf},
    time::SystemTime,
};

use auth_accounts::{AccountId, Registration, StoreError, store::Record};
use auth_core::{
    AccessToken, RefreshToken, TokenEndpoint, TokenSet, internal::jwt_expiry, presets,
};
use auth_store::internal::{FileError, Modes, token_store};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    agent_file::{AgentFile, in_home},
    document::{Document, cut, put, text},
    format::{Fill, Format, Found, Unread},
    our_lock::OurLock,
    times::{Unit, rounded, time_of},
};

/// Uses the login of Codex in place: its file `auth.json` is the store of one
/// account.
///
/// The store reads the tokens from the file's member `tokens` and writes them
/// back to it. Every other member stays, `OPENAI_API_KEY` among them, as does
/// what the file's mode allows its owner. So Codex uses the tokens that were
/// refreshed here, and the other way round.
///
/// The file must have mode 0600 or less, and its directory must not be writable by
/// others. What a user's own group may do, in which nobody else is, counts for nothing.
/// The file is [written in place](crate#writing), as Codex writes it. A symbolic
/// link in its place is followed, if it belongs to this user or to root.
///
/// Codex takes no lock that others could take. It reads the file before it
/// refreshes and uses the tokens that it finds there, so a refresh here is safe
/// unless Codex begins one in the same second. Codex refreshes when its access
/// token has less than 5 minutes left, and 8 days after the last refresh. To
/// refresh before Codex does, ask for tokens with more time left.
///
/// The tokens belong to Codex's [registration](Self::registration): its client
/// identifier, and the endpoint of
/// [`presets::openai`](auth_core::presets::openai). Accounts of another endpoint,
/// such as a proxy or the server of a test, say so by
/// [`Accounts::also_accepts`](auth_accounts::Accounts::also_accepts).
///
/// Setbacks and notes of refreshes are kept in the directory `.auth-store`
/// beside the file.
///
/// The format is that of `AuthDotJson` and `TokenData` in the crate
/// `codex-login` of Codex (`login/src/auth/storage.rs`, `token_data.rs`):
///
/// | member | here |
/// | --- | --- |
/// | `tokens.access_token`, `tokens.refresh_token` | the tokens; the expiry is the access token's claim `exp`, which is not verified, and else what a response said |
/// | `tokens.id_token` | `extra["id_token"]`; kept if a response has none. Also as an object, where it is `raw_jwt` |
/// | `last_refresh` | [`Record::obtained_at`], in RFC 3339; read in other forms, too. Codex uses no tokens without it, so that it is never left out |
/// | `tokens.account_id`, `auth_mode`, `OPENAI_API_KEY`, others | kept |
///
/// Somebody may be logged in to Codex without such tokens: by a personal access token, as
/// an agent with an identity of its own, by keys of Amazon Bedrock (`AuthMode`). There is
/// nothing to refresh then, and the error is
/// [`OtherLogin`](auth_accounts::StoreErrorKind::OtherLogin). An API key alone is no
/// login: Codex keeps it beside one.
///
/// Removing the record removes the members `tokens` and `last_refresh`. Codex's
/// own logout removes the file.
///
/// ```no_run
/// use auth_store_agents::auth_accounts::{AccountId, store::BlockingTokenStore};
/// use auth_store_agents::CodexAuth;
///
/// let codex = AccountId::from("codex");
/// let store = CodexAuth::of_this_user(codex.clone())?;
/// let login = store.load_blocking(&codex)?;
/// # Ok::<(), auth_accounts::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CodexAuth(AgentFile<Codex>);

impl CodexAuth {
    /// Uses the login in `file` as the account `account`.
    ///
    /// # Errors
    ///
    /// If `file` cannot be the path of a file. The file need not exist. With the kind
    /// [`Permissions`](auth_accounts::StoreErrorKind::Permissions), if it has above it a
    /// directory that everybody may write to, or somebody else's link in one like
    /// `/tmp`.
    pub fn new(
        account: impl Into<AccountId>,
        file: impl Into<PathBuf>,
    ) -> Result<Self, StoreError> {
        Ok(Self(AgentFile::new(account.into(), file.into(), Modes::Enforced)?))
    }

    /// Uses the login in `file` as [`new`](Self::new) does, whatever the modes of the
    /// file, of its directory and of those above say. They do not keep others away on a
    /// file system that does not keep modes (Windows' disks in WSL, CIFS), and below a
    /// directory that everybody may write to (a volume `emptyDir` in Kubernetes).
    /// [`FileStore::insecure_modes`](https://docs.rs/auth-store/latest/auth_store/struct.FileStore.html#method.insecure_modes)
    /// says more of both.
    ///
    /// Then everybody who can reach the file can take the login, and plant another. So
    /// this is for where nobody else is: a container, a machine with one user. The file still
    /// has to belong to this user, its directory to this user or to root, and links count as
    /// ever.
    ///
    /// # Errors
    ///
    /// If `file` cannot be the path of a file, or has above it somebody else's link in a
    /// directory like `/tmp`.
    pub fn insecure_modes(
        account: impl Into<AccountId>,
        file: impl Into<PathBuf>,
    ) -> Result<Self, StoreError> {
        Ok(Self(AgentFile::new(account.into(), file.into(), Modes::Ignored)?))
    }

    /// Uses the login of this user as the account `account`: the one in the
    /// directory `$CODEX_HOME`, else in `~/.codex`.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new). Also if this user has no home directory, or if the
    /// directory that the environment names is not absolute.
    pub fn of_this_user(account: impl Into<AccountId>) -> Result<Self, StoreError> {
        // As Codex reads it (`find_codex_home` in `utils/home-dir`): empty is unset.
        let named = env::var_os("CODEX_HOME").filter(|named| !named.is_empty());
        Self::new(account, in_home("CODEX_HOME", named, ".codex", "auth.json")?)
    }

    /// The id of the account.
    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Whose tokens are in the file: Codex, as OpenAI's client.
    pub fn registration(&self) -> &Registration {
        &self.0.registration
    }

    /// The path of the file.
    pub fn file(&self) -> &Path {
        &self.0.file
    }
}

token_store!(CodexAuth, |store| &store.0);

const ID_TOKEN: &str = "id_token";
const LAST_REFRESH: &str = "last_refresh";

/// `CLIENT_ID` in `login/src/auth/manager.rs` of Codex.
const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

#[derive(Debug)]
pub(crate) struct Codex;

impl Format for Codex {
    const EXPECTED: &'static str = "Codex's auth.json";
    const IGNORES_MODES: &'static str = "CodexAuth::insecure_modes";
    const KEPT_EXTRA: &'static [&'static str] = &[ID_TOKEN];

    fn endpoint() -> TokenEndpoint {
        presets::openai(CLIENT_ID)
    }

    const WRITES_IN_PLACE: bool = true;

    fn read(document: &Document) -> Result<Option<Found>, Unread> {
        let found = match document.members.get("tokens") {
            None | Some(Value::Null) => return nobody_or_another(document),
            Some(Value::Object(tokens)) => tokens,
            Some(_) => return Err("tokens is not an object".into()),
        };
        let access_token = text(found, "access_token", "access_token is not a string")?;
        let Some(access_token) = access_token else { return nobody_or_another(document) };
        let mut tokens = TokenSet::new(AccessToken::new(access_token));
        tokens.expires_at = jwt_expiry(access_token);
        tokens.refresh_token =
            text(found, "refresh_token", "refresh_token is not a string")?.map(RefreshToken::new);
        // What cannot be read of the rest costs no tokens.
        if let Some(id_token) = found.get(ID_TOKEN).and_then(id_token_of) {
            tokens.extra.insert(ID_TOKEN, id_token.into());
        }
        let obtained_at = document.members.get(LAST_REFRESH);
        let obtained_at = obtained_at.and_then(|value| time_of(value, Unit::AsLarge));
        Ok(Some(Found { tokens, obtained_at, fill: Fill::ObtainedAt }))
    }

    fn write(
        document: &mut Document,
        record: &Record,
        _old: Option<&Record>,
    ) -> Result<Option<SystemTime>, &'static str> {
        let tokens = &record.tokens;
        let before = Self::read(document).ok().flatten();
        let before = before.as_ref();
        let is_same = before.is_some_and(|b| b.tokens.access_token == tokens.access_token);
        document.edit("tokens", |members| {
            put(members, "access_token", tokens.access_token.expose());
            // Codex cannot read the file without these two. Where that is so already,
            // it costs no tokens.
            match (&tokens.refresh_token, before) {
                (Some(refresh_token), _) => {
                    put(members, "refresh_token", refresh_token.expose());
                }
                (None, Some(before)) if before.tokens.refresh_token.is_none() => {}
                (None, Some(_)) => put(members, "refresh_token", ""),
                (None, None) => return Err("Codex needs a refresh token"),
            }
            let id_token = tokens.extra.get(ID_TOKEN).filter(|token| token.is_string());
            match (id_token, before) {
                (Some(id_token), Some(before))
                    if before.tokens.extra.get(ID_TOKEN) == Some(id_token) => {}
                (Some(id_token), _) => put(members, ID_TOKEN, id_token.clone()),
                (None, Some(_)) => {}
                (None, None) if members.get(ID_TOKEN).is_some_and(Value::is_string) => {}
                (None, None) => {
                    return Err("Codex needs an ID token, which extra has under id_token");
                }
            }
            Ok(())
        })?;
        let obtained_at = match record.obtained_at {
            // Codex uses no tokens without it (`get_token_data`).
            None if !is_same => Some(rounded(SystemTime::now())),
            None => before.and_then(|before| before.obtained_at),
            said => said,
        };
        if let Some(at) = obtained_at
            && before.and_then(|before| before.obtained_at) != obtained_at
        {
            let time = Timestamp::try_from(at).map_err(|_| "obtained_at is out of range")?;
            put(&mut document.members, LAST_REFRESH, time.to_string());
        }
        Ok(obtained_at.filter(|_| record.obtained_at.is_none()))
    }

    fn remove(document: &mut Document) {
        cut(&mut document.members, "tokens");
        cut(&mut document.members, LAST_REFRESH);
    }

    type Lock = ();

    fn try_lock_refresh(_file: &Path, _ours: &OurLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn try_lock_write(_file: &Path, _ours: &OurLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn is_held((): &()) -> bool {
        true
    }
}

/// The ID token: a text, or within an object of its claims (`IdTokenInfo`).
fn id_token_of(value: &Value) -> Option<&str> {
    let text = value.as_str().or_else(|| value.get("raw_jwt")?.as_str());
    text.filter(|text| !text.is_empty())
}

/// Without tokens, nobody is logged in, or with an API key, beside which there may be
/// a login; or somebody is in another way, which Codex keeps in a member of its own.
/// What it calls them is in `AuthMode` (`protocol/src/auth.rs`), and how it finds out
/// where it is not said in `resolved_mode` (`login/src/auth/manager.rs`).
fn nobody_or_another(document: &Document) -> Result<Option<Found>, Unread> {
    let is_there = |member: &str| {
        document.members.get(member).is_some_and(|value| !value.is_null() && *value != "")
    };
    let mode = document.members.get("auth_mode").and_then(Value::as_str).unwrap_or_default();
    let how = match mode {
        "chatgpt" | "apikey" | "" => OTHERS.into_iter().find(|other| is_there(other.1)),
        mode => OTHERS.into_iter().find(|other| other.0 == mode).or(Some(UNKNOWN)),
    };
    how.map_or(Ok(None), |(_, _, how)| Err(Unread::OtherLogin(how)))
}

/// `auth_mode`, the member with its secret, and how it is called.
const OTHERS: [(&str, &str, &str); 5] = [
    ("personalAccessToken", "personal_access_token", "by a personal access token"),
    ("agentIdentity", "agent_identity", "as an agent with an identity of its own"),
    ("bedrockApiKey", "bedrock_api_key", "by an API key of Amazon Bedrock"),
    ("bedrockAccessKeys", "bedrock_access_keys", "by access keys of Amazon Bedrock"),
    ("chatgptAuthTokens", "", "by the program around it, which refreshes the tokens"),
];

const UNKNOWN: (&str, &str, &str) = ("", "", "in a way that is not known here");
