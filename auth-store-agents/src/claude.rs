//! Claude Code's `.credentials.json`.

use std::{
    env,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use auth_accounts::{AccountId, Registration, StoreError, store::Record};
use auth_core::{AccessToken, RefreshToken, TokenEndpoint, TokenSet, presets};
use auth_store::internal::{FileError, Modes, token_store};
use serde_json::Value;

use crate::{
    agent_file::{AgentFile, in_home},
    claude_locks::ClaudeLocks,
    document::{Document, cut, put, text},
    format::{Fill, Format, Found, Unread},
    our_lock::OurLock,
    times::{Unit, rounded, time_of},
};

/// Uses the login of Claude Code in place: its file `.credentials.json` is the
/// store of one account.
///
/// The store reads the tokens from the file's member `claudeAiOauth` and writes
/// them back to it. Every other member stays, as do what the file's mode allows its
/// owner and whether it is indented. So Claude Code uses the tokens that were
/// refreshed here, and the other way round.
///
/// While refreshing and writing, the store holds the locks that Claude Code
/// itself takes: the directories `.oauth_refresh.lock` beside the file and
/// `<its directory>.lock`, and `.storage-write.lock`. If a process dies while it
/// holds them, the next process that uses this store removes them at once, and
/// Claude Code after a minute.
///
/// The file must have mode 0600 or less, and its directory must not be writable
/// by others. What a user's own group may do, in which nobody else is, counts for
/// nothing. A symbolic link in place of the file is refused: Claude Code
/// replaces such a link by a file when it refreshes, and then there would be two
/// files that differ. A file that is mounted by itself is
/// [written in place](crate#writing), for nothing else is possible.
///
/// On macOS, Claude Code keeps its login in the keychain, and there is no such
/// file.
///
/// The tokens belong to Claude Code's [registration](Self::registration): its
/// client identifier, and the endpoint of
/// [`presets::claude`](auth_core::presets::claude). Accounts of another endpoint,
/// such as a proxy or the server of a test, say so by
/// [`Accounts::also_accepts`](auth_accounts::Accounts::also_accepts).
///
/// Setbacks and notes of refreshes are kept in the directory `.auth-store`
/// beside the file.
///
/// There is no specification of the format. This is what Claude Code 2.1 writes:
///
/// | member of `claudeAiOauth` | here |
/// | --- | --- |
/// | `accessToken`, `refreshToken` | the tokens |
/// | `expiresAt` | the expiry, in milliseconds since the Unix epoch; never left out, since Claude Code would ask for a login. If nobody said it, the life of the token before is taken, else an hour |
/// | `scopes` | the scope, as a list; kept if a response names none, since Claude Code ignores a login without `user:inference` |
/// | `refreshTokenExpiresAt` | the expiry of the refresh token, in milliseconds; left out if that of the new one is unknown |
/// | `subscriptionType`, `rateLimitTier`, others | kept |
///
/// Removing the record removes the member `claudeAiOauth`.
///
/// ```no_run
/// use auth_store_agents::auth_accounts::{AccountId, store::BlockingTokenStore};
/// use auth_store_agents::ClaudeCredentials;
///
/// let claude = AccountId::from("claude");
/// let store = ClaudeCredentials::of_this_user(claude.clone())?;
/// let login = store.load_blocking(&claude)?;
/// # Ok::<(), auth_accounts::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClaudeCredentials(AgentFile<Claude>);

impl ClaudeCredentials {
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
    /// directory `$CLAUDE_CONFIG_DIR`, else in `~/.claude`.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new). Also if this user has no home directory, or if the
    /// directory that the environment names is empty or not absolute.
    pub fn of_this_user(account: impl Into<AccountId>) -> Result<Self, StoreError> {
        // Claude Code takes an empty one for the working directory.
        let named = env::var_os("CLAUDE_CONFIG_DIR");
        let file = in_home("CLAUDE_CONFIG_DIR", named, ".claude", ".credentials.json")?;
        Self::new(account, file)
    }

    /// The id of the account.
    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Whose tokens are in the file: Claude Code, as Claude's client.
    pub fn registration(&self) -> &Registration {
        &self.0.registration
    }

    /// The path of the file.
    pub fn file(&self) -> &Path {
        &self.0.file
    }
}

token_store!(ClaudeCredentials, |store| &store.0);

const OAUTH: &str = "claudeAiOauth";
const EXPIRES_AT: &str = "expiresAt";
const REFRESH_EXPIRES_AT: &str = "refreshTokenExpiresAt";
const SCOPES: &str = "scopes";

/// In the address of the page to which Claude Code 2.1 sends its user.
const CLIENT_ID: &str = "9d1c250a-e61b-44d9-88ed-5944d1962f5e";

#[derive(Debug)]
struct Claude;

impl Format for Claude {
    const EXPECTED: &'static str = "Claude Code's credentials";
    const IGNORES_MODES: &'static str = "ClaudeCredentials::insecure_modes";
    const KEPT_EXTRA: &'static [&'static str] = &[];

    fn endpoint() -> TokenEndpoint {
        presets::claude(CLIENT_ID)
    }

    const WRITES_IN_PLACE: bool = false;

    fn read(document: &Document) -> Result<Option<Found>, Unread> {
        let oauth = match document.members.get(OAUTH) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(oauth)) => oauth,
            Some(_) => return Err("claudeAiOauth is not an object".into()),
        };
        let access_token = text(oauth, "accessToken", "accessToken is not a string")?;
        let Some(access_token) = access_token else { return Ok(None) };
        let mut tokens = TokenSet::new(AccessToken::new(access_token));
        tokens.refresh_token =
            text(oauth, "refreshToken", "refreshToken is not a string")?.map(RefreshToken::new);
        // The rest only says how the tokens are to be used: what cannot be read is left
        // out, and costs no tokens.
        let time = |name| oauth.get(name).and_then(|value| time_of(value, Unit::Milliseconds));
        tokens.expires_at = time(EXPIRES_AT);
        tokens.refresh_expires_at = time(REFRESH_EXPIRES_AT);
        tokens.scope = oauth.get(SCOPES).and_then(scope_of);
        Ok(Some(Found { tokens, obtained_at: None, fill: Fill::ExpiresAt }))
    }

    fn write(
        document: &mut Document,
        record: &Record,
        old: Option<&Record>,
    ) -> Result<Option<SystemTime>, &'static str> {
        let tokens = &record.tokens;
        let before = Self::read(document).ok().flatten().map(|found| found.tokens);
        let before = before.as_ref();
        let is_same = before.is_some_and(|b| b.access_token == tokens.access_token);
        let expires_at = match tokens.expires_at {
            // Claude Code takes one without for expired, and asks for a login (as with
            // 0: github.com/anthropics/claude-code/issues/83834).
            None if !is_same => Some(guessed(record, old)),
            None => before.and_then(|before| before.expires_at),
            said => said,
        };
        document.edit(OAUTH, |oauth| {
            put(oauth, "accessToken", tokens.access_token.expose());
            put(oauth, "refreshToken", tokens.refresh_token.as_ref().map(RefreshToken::expose));
            if let Some(end) = expires_at
                && before.and_then(|before| before.expires_at) != expires_at
            {
                put(oauth, EXPIRES_AT, to_millis(end));
            }
            if let Some(scope) = &tokens.scope
                && before.and_then(|before| before.scope.as_ref()) != Some(scope)
            {
                put(oauth, SCOPES, scope.split_whitespace().collect::<Vec<_>>());
            }
            let of_same = before.is_some_and(|b| b.refresh_token == tokens.refresh_token);
            match tokens.refresh_expires_at {
                end if of_same && before.is_some_and(|b| b.refresh_expires_at == end) => {}
                Some(end) => put(oauth, REFRESH_EXPIRES_AT, to_millis(end)),
                // It was of another token.
                None => cut(oauth, REFRESH_EXPIRES_AT),
            }
            Ok::<_, &str>(())
        })?;
        Ok(expires_at.filter(|_| tokens.expires_at.is_none()))
    }

    fn remove(document: &mut Document) {
        cut(&mut document.members, OAUTH);
    }

    type Lock = ClaudeLocks;

    fn try_lock_refresh(file: &Path, ours: &OurLock) -> Result<Option<ClaudeLocks>, FileError> {
        ClaudeLocks::try_refresh(file, ours)
    }

    fn try_lock_write(file: &Path, ours: &OurLock) -> Result<Option<ClaudeLocks>, FileError> {
        ClaudeLocks::try_write(file, ours)
    }

    fn is_held(lock: &ClaudeLocks) -> bool {
        lock.are_held()
    }
}

/// The scope: a list, or a text as in a response. What else is in a list is left out.
fn scope_of(value: &Value) -> Option<String> {
    let scope = match value {
        Value::Array(scopes) => {
            scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        Value::String(scope) => scope.clone(),
        _ => return None,
    };
    // An empty list says that there is none, and a list of numbers says nothing.
    (!scope.is_empty() || value.as_array().is_some_and(Vec::is_empty)).then_some(scope)
}

/// When a token expires of which nobody says so: after the life of the one before, or
/// an hour, as `auth-accounts` guesses.
fn guessed(record: &Record, old: Option<&Record>) -> SystemTime {
    let life = old.and_then(|old| {
        let (end, from) = (old.tokens.expires_at?, old.obtained_at?);
        end.duration_since(from).ok().filter(|life| *life >= SHORTEST)
    });
    let from = record.obtained_at.unwrap_or_else(SystemTime::now);
    rounded(from.checked_add(life.unwrap_or(HOUR)).unwrap_or(from))
}

const HOUR: Duration = Duration::from_secs(3600);
/// What lived for less was born expired.
const SHORTEST: Duration = Duration::from_secs(2);

/// Rounded down.
fn to_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
