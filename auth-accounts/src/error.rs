//! Why there is no token.

mod found;
mod not_tried;

use std::{
    error::Error,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_core::{Advice, CredentialError, EndpointError, ErrorCode, FailureKind, RefreshError};
use http::StatusCode;

use self::not_tried::NotTried;
use crate::{
    id::AccountId, record::Setback, registration::Registration, state::AccountState,
    store_error::StoreError,
};

/// Why an account has no token to hand out. Cloning shares it, among all who wait.
///
/// The message is one line for an operator, without secrets:
///
/// ```text
/// account ada: refresh at auth.example.com failed after 3 attempts in 1.5 s: HTTP 503; try again later
/// account ada: not tried: the last refresh failed with invalid_grant (HTTP 400); the user must log in again
/// account ada: not tried: the last refresh failed with invalid_client (HTTP 401), by client my-client at https://auth.example.com/token; the configuration must be changed, not before 54 s have passed
/// account ada: not tried: the credential or key is not there (client my-client at https://auth.example.com/token); the configuration must be changed, not before 54 s have passed
/// ```
///
/// It names the client where the set-up must be changed.
#[derive(Clone)]
pub struct AccountError(Arc<Inner>);

struct Inner {
    account: AccountId,
    reason: Reason,
    registration: Option<Registration>,
    retry_at: Option<SystemTime>,
    wait: Option<Duration>,
    unread: Option<CredentialError>,
}

/// Why there is no token.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Reason {
    /// The store has no record of the account. The user must log in.
    NotLoggedIn,
    /// The access token has expired or was refused, and there is no refresh token. The
    /// user must log in.
    NoRefreshToken,
    /// The record holds a refresh token that this process has exchanged or seen refused,
    /// as after a backup was restored. It is not sent again, since a server may end the
    /// session for that, and no newer record of this login is known. Log in again, or
    /// restore a newer copy. To send the token all the same, restart the program.
    RecordWentBack,
    /// A refresh was tried and failed. See [`AccountError::advice`].
    Refresh(RefreshError),
    /// An earlier refresh failed, and it is too early to try again. Nothing was
    /// sent. Wait until [`AccountError::retry_at`], or for a new login. If the client's
    /// credential was read once more, in vain, message and source are of that reading.
    Setback(Setback),
    /// An API refused one token after another, up to
    /// [`Settings::refusals`](crate::Settings::refusals). Nothing was sent: see
    /// [`Token::refresh_error`](crate::Token::refresh_error), where this is found.
    /// A refused token may be replaced again at [`AccountError::retry_at`].
    RefusedAgain,
    /// The record belongs to another endpoint or another client than the account
    /// does: two kinds of accounts share a name and a store. Nothing was sent,
    /// handed out or changed. After a move, see
    /// [`Accounts::also_accepts`](crate::Accounts::also_accepts).
    #[non_exhaustive]
    OtherEndpoint {
        /// Whom the record belongs to.
        record: Registration,
        /// Whom the account belongs to.
        account: Registration,
    },
    /// The tokens on record were obtained with another key (DPoP) than the endpoint has, or
    /// with one where that has none. The server would refuse the refresh token, or even end
    /// the session. Nothing was sent or changed. Give the endpoint the old key back, or log
    /// in again with the one that it has.
    ///
    /// A client that authenticates may have a new key where the server leaves its refresh
    /// tokens unbound, if
    /// [`Settings::dpop_key_may_change`](crate::Settings::dpop_key_may_change) says so.
    #[non_exhaustive]
    OtherKey {
        /// The thumbprint of the key that the record was made with.
        record: String,
        /// The thumbprint of the key that the endpoint has, if it has one.
        endpoint: Option<String>,
    },
    /// The endpoint that a [login](crate::Login::endpoint) brought cannot be stored, or
    /// one that was stored lacks its key: see [`Accounts::keys`](crate::Accounts::keys).
    /// Nothing was sent, and nothing has changed.
    SetUp(Arc<EndpointError>),
    /// The store failed. Without it nothing is sent.
    Store(StoreError),
    /// Transport, store, clock or policy panicked twice in a row, in another task
    /// that polled the shared refresh. That task has the panic.
    Panicked,
    /// The accounts were [closed](crate::Accounts::close): the program is about
    /// to end, and begins no refresh, login or logout any more. Nothing was sent.
    Closed,
    /// A refresh is still under way, and the caller would
    /// [wait](crate::BlockingAccount::token_within) no longer. It goes on.
    UnderWay,
}

impl AccountError {
    pub(crate) fn new(
        account: &AccountId,
        reason: Reason,
        retry_at: Option<SystemTime>,
        now: SystemTime,
    ) -> Self {
        let retry_at = retry_at.or_else(|| match &reason {
            Reason::Store(error) => now.checked_add(error.again_after()?),
            _ => None,
        });
        let wait = retry_at.map(|at| at.duration_since(now).unwrap_or_default());
        let account = account.clone();
        Self(Arc::new(Inner { account, reason, registration: None, retry_at, wait, unread: None }))
    }

    /// Whose refreshes it is about.
    pub(crate) fn by(mut self, registration: &Registration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.registration = Some(registration.clone());
        }
        self
    }

    /// After the client's credential could not be read once more: that says more than
    /// the setback of the client does.
    pub(crate) fn after_reading(mut self, unread: Option<&CredentialError>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0)
            && matches!(&inner.reason, Reason::Setback(setback) if setback.client.is_some())
        {
            inner.unread = unread.cloned();
        }
        self
    }

    /// Which account.
    pub fn account(&self) -> &AccountId {
        &self.0.account
    }

    /// Why there is no token.
    pub fn reason(&self) -> &Reason {
        &self.0.reason
    }

    /// By which client, and at which endpoint, the account is refreshed: what its
    /// [login](crate::Login::endpoint) brought, or what
    /// [`Accounts`](crate::Accounts) was made with. `None` if that was not decided
    /// yet.
    pub fn registration(&self) -> Option<&Registration> {
        self.0.registration.as_ref()
    }

    pub(crate) fn is_not_logged_in(&self) -> bool {
        matches!(self.0.reason, Reason::NotLoggedIn)
    }

    /// When a refresh may be tried again, by the wall clock. `None` if time does
    /// not help, or the time is unknown. What a server asked for counts up to
    /// [`Settings::retry_after_max`](crate::Settings::retry_after_max). A store that
    /// failed and may work again by itself is worth asking again after a second.
    pub fn retry_at(&self) -> Option<SystemTime> {
        self.0.retry_at
    }

    /// How long to wait from `now` until a refresh may be tried again, zero if
    /// that time has come. `None` as for [`retry_at`](Self::retry_at).
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        self.retry_at().map(|at| at.duration_since(now).unwrap_or_default())
    }

    /// How the account is doing, in one word.
    pub fn state(&self) -> AccountState {
        match (&self.0.reason, self.kind()) {
            (_, Some(kind)) => AccountState::after(kind),
            (Reason::NotLoggedIn, _) => AccountState::NotLoggedIn,
            (Reason::NoRefreshToken | Reason::RecordWentBack, _) => AccountState::LoginNeeded,
            (Reason::Closed, _) => AccountState::Closed,
            // It may succeed in a moment.
            (Reason::UnderWay | Reason::RefusedAgain, _) => AccountState::SetBack,
            (Reason::Store(error), _) => AccountState::told_by(error.advice()),
            (
                Reason::OtherEndpoint { .. }
                | Reason::OtherKey { .. }
                | Reason::SetUp(_)
                | Reason::Panicked
                | Reason::Refresh(_)
                | Reason::Setback(_),
                _,
            ) => AccountState::Misconfigured,
        }
    }

    /// The status with which a server answers its own client. See
    /// [`AccountState::http_status`].
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use auth_accounts::AccountError;
    /// use auth_accounts::http::{Response, header::RETRY_AFTER};
    ///
    /// # fn example() -> Result<(), auth_accounts::http::Error> {
    /// fn answer(error: &AccountError) -> auth_accounts::http::Result<Response<()>> {
    ///     let mut response = Response::builder().status(error.http_status());
    ///     if let Some(wait) = error.retry_after(SystemTime::now()) {
    ///         // Rounded up: a client that comes early is refused again.
    ///         let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ///         response = response.header(RETRY_AFTER, seconds.max(1));
    ///     }
    ///     response.body(())
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_status(&self) -> StatusCode {
        self.state().http_status()
    }

    /// The exit code of a command-line tool. See [`AccountState::exit_code`].
    pub fn exit_code(&self) -> u8 {
        self.state().exit_code()
    }

    /// The kind of the last failure, if a refresh failed.
    pub fn kind(&self) -> Option<FailureKind> {
        match &self.0.reason {
            // The refusal of a client, which has no refresh token, is a matter
            // of its set-up: see `Setback::after`.
            Reason::Refresh(_) if self.is_of_client() => Some(FailureKind::Misconfigured),
            Reason::Refresh(error) => Some(error.kind()),
            Reason::Setback(setback) => Some(setback.kind),
            _ => None,
        }
    }

    /// The error code in the response, if a refresh failed with one.
    pub fn code(&self) -> Option<&ErrorCode> {
        match &self.0.reason {
            Reason::Refresh(error) => error.failure().code(),
            Reason::Setback(setback) => setback.code.as_ref(),
            _ => None,
        }
    }

    /// Whether the refresh token may be spent: the response to an attempt with it
    /// was lost, in this process or in one that died. If the token was rejected
    /// after that, the lost attempt may be the reason, and not a revocation.
    pub fn possibly_spent(&self) -> bool {
        match &self.0.reason {
            Reason::Refresh(error) => error.possibly_spent(),
            Reason::Setback(setback) => setback.possibly_spent,
            _ => false,
        }
    }

    /// Whether this is a refusal that will be tried again: that of a refresh
    /// token never is.
    fn is_of_client(&self) -> bool {
        let refused = matches!(
            &self.0.reason,
            Reason::Refresh(error) if error.kind() == FailureKind::Rejected
        );
        refused && self.0.retry_at.is_some()
    }

    fn fmt_wait(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.wait {
            Some(wait) => write!(f, ", not before {:.0} s have passed", wait.as_secs_f64().ceil()),
            None => Ok(()),
        }
    }

    /// What to do next. Of a store [`StoreError::what_to_do`] says more.
    pub fn advice(&self) -> Advice {
        self.state().advice()
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { account, reason, registration, wait, unread, .. } = &*self.0;
        write!(f, "account {account}: ")?;
        match reason {
            // Not "again": there may have been no login yet.
            Reason::NotLoggedIn => {
                return f.write_str("there are no tokens on record; the user must log in");
            }
            Reason::NoRefreshToken => {
                f.write_str("a refresh is needed, and there is no refresh token; ")?;
            }
            Reason::RecordWentBack => {
                f.write_str("not tried: the record went back to a refresh token that was spent or refused before; ")?;
            }
            Reason::Refresh(error) if self.is_of_client() => {
                let client = error.client_id().escape_debug();
                write!(f, "refresh at {} by client {client} failed: ", error.host())?;
                write!(f, "{}; ", error.failure())?;
            }
            Reason::RefusedAgain => {
                f.write_str("an API refused new tokens one after another, and this one too; ")?;
            }
            // These say what to do by themselves. But how long to wait is for us to
            // say: a server may have asked for more than it gets.
            Reason::Refresh(error) => {
                return error.display_with_wait(error.retry_after().and(*wait)).fmt(f);
            }
            Reason::Store(error) => {
                error.fmt(f)?;
                if !error.get_source_says_what_to_do() {
                    write!(f, "; {}", error.what_to_do())?;
                }
                return self.fmt_wait(f);
            }
            Reason::Setback(setback) => {
                let (unread, registration) = (unread.as_ref(), registration.as_ref());
                NotTried { setback, unread, registration }.fmt(f)?;
            }
            Reason::OtherEndpoint { record, account } => {
                write!(f, "the tokens on record belong to {record}, not to {account}; ")?;
                f.write_str("after a move, `also_accepts` takes them over; else ")?;
            }
            Reason::OtherKey { record, endpoint } => {
                write!(
                    f,
                    "not tried: the refresh token is bound to the DPoP key with the thumbprint {record:?}, and the endpoint has "
                )?;
                match endpoint {
                    Some(own) => write!(f, "that with {own:?}; ")?,
                    None => f.write_str("none; ")?,
                }
                f.write_str("give it the old key back, or log in again with this one; else ")?;
            }
            Reason::SetUp(error) => match **error {
                EndpointError::MissingKey { .. } => {
                    write!(f, "not tried: {error}; give it to `Accounts::keys`; else ")?;
                }
                EndpointError::NotStorable { what, .. } => {
                    write!(
                        f,
                        "the endpoint of the login cannot be stored: {what}; set it on `Accounts`; "
                    )?;
                }
                _ => write!(f, "the endpoint of the login cannot be stored: {error}; ")?,
            },
            Reason::Panicked => f.write_str("the refresh ended in a panic of another task; ")?,
            Reason::Closed => f.write_str("not tried: the program is about to end; ")?,
            Reason::UnderWay => f.write_str("a refresh is still under way; ")?,
        }
        self.advice().fmt(f)?;
        self.fmt_wait(f)
    }
}

impl fmt::Debug for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { account, reason, retry_at, .. } = &*self.0;
        f.debug_struct("AccountError")
            .field("account", account)
            .field("reason", reason)
            .field("retry_at", retry_at)
            .finish()
    }
}

impl Error for AccountError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The messages of these are part of ours; the chain goes on below.
        match &self.0.reason {
            Reason::Refresh(error) => error.source(),
            Reason::Store(error) => error.source(),
            Reason::SetUp(error) => error.source(),
            Reason::Setback(_) => self.0.unread.as_ref()?.source(),
            Reason::NotLoggedIn
            | Reason::NoRefreshToken
            | Reason::RecordWentBack
            | Reason::RefusedAgain
            | Reason::OtherEndpoint { .. }
            | Reason::OtherKey { .. }
            | Reason::Panicked
            | Reason::Closed
            | Reason::UnderWay => None,
        }
    }
}

#[cfg(test)]
mod tests;
