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
use auth_store::internal::{FileError, FileLock, Modes, token_store};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    agent_file::{AgentFile, in_home},
    document::{Document, cut, put, text},
    format::{Format, Found},
};

/// Uses the login of Codex in place: its file `auth.json` is the store of one
/// account.
///
/// The store reads the tokens from the file's member `tokens` and writes them
/// back to it. Every other member stays, `OPENAI_API_KEY` among them, as does
/// what the file's mode allows its owner. So Codex uses the tokens that were
/// refreshed here, and the other way round.
///
/// The file must have mode 0600 or less and must not be a symbolic link. Its
/// directory must not be writable by others. What a user's own group may do, in which
/// nobody else is, counts for nothing.
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
/// | `tokens.id_token` | `extra["id_token"]`; kept if a response has none |
/// | `last_refresh` | [`Record::obtained_at`], in RFC 3339 |
/// | `tokens.account_id`, `auth_mode`, `OPENAI_API_KEY`, others | kept |
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
    /// this is for where nobody else is: a container, a machine with one user. The file and
    /// its directory still have to belong to this user, and links count as ever.
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
    const KEPT_EXTRA: &'static [&'static str] = &[ID_TOKEN];

    fn endpoint() -> TokenEndpoint {
        presets::openai(CLIENT_ID)
    }

    fn read(document: &Document) -> Result<Option<Found>, &'static str> {
        let found = match document.members.get("tokens") {
            // Nobody is logged in, or with an API key.
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(tokens)) => tokens,
            Some(_) => return Err("tokens is not an object"),
        };
        let access_token = text(found, "access_token", "access_token is not a string")?;
        let Some(access_token) = access_token else { return Ok(None) };
        let mut tokens = TokenSet::new(AccessToken::new(access_token));
        tokens.expires_at = jwt_expiry(access_token);
        tokens.refresh_token =
            text(found, "refresh_token", "refresh_token is not a string")?.map(RefreshToken::new);
        if let Some(id_token) = text(found, ID_TOKEN, "id_token is not a string")? {
            tokens.extra.insert(ID_TOKEN, id_token.into());
        }
        let last_refresh = text(&document.members, "last_refresh", "last_refresh is not a string")?;
        let obtained_at = match last_refresh {
            None => None,
            Some(text) => Some(time(text).ok_or("last_refresh is not a time")?),
        };
        Ok(Some(Found { tokens, obtained_at }))
    }

    fn write(document: &mut Document, record: &Record) -> Result<(), &'static str> {
        document.edit("tokens", |tokens| {
            put(tokens, "access_token", record.tokens.access_token.expose());
            // Codex cannot read the file without these two.
            let refresh_token = record.tokens.refresh_token.as_ref().map(RefreshToken::expose);
            put(tokens, "refresh_token", refresh_token.ok_or("Codex needs a refresh token")?);
            match record.tokens.extra.get(ID_TOKEN) {
                Some(Value::String(id_token)) => put(tokens, ID_TOKEN, id_token.as_str()),
                _ if tokens.get(ID_TOKEN).is_some_and(Value::is_string) => {}
                _ => return Err("Codex needs an ID token, which extra has under id_token"),
            }
            Ok(())
        })?;
        match record.obtained_at {
            Some(obtained_at) => {
                let time = Timestamp::try_from(obtained_at);
                let time = time.map_err(|_| "obtained_at is out of range")?.to_string();
                put(&mut document.members, "last_refresh", time);
            }
            // As it would be if Codex had never refreshed.
            None if document.members.contains_key("last_refresh") => {
                put(&mut document.members, "last_refresh", Value::Null);
            }
            None => {}
        }
        Ok(())
    }

    fn remove(document: &mut Document) {
        cut(&mut document.members, "tokens");
        cut(&mut document.members, LAST_REFRESH);
    }

    type Lock = ();

    fn try_lock_refresh(_file: &Path, _ours: &FileLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn try_lock_write(_file: &Path, _ours: &FileLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn is_held((): &()) -> bool {
        true
    }
}

/// A time in RFC 3339.
fn time(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok()?.try_into().ok()
}
