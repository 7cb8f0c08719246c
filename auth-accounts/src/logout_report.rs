//! What came of a logout.

use std::fmt;

use auth_core::Failure;

use crate::id::AccountId;

/// What came of [`Account::logout`](crate::Account::logout). The account has no
/// record any more, unless [`newer_login`](Self::newer_login) says that it has
/// another one.
///
/// `Display` is one line for people.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Logout {
    /// The account.
    pub account: AccountId,
    /// Whether there was anything to log out of.
    pub was_logged_in: bool,
    /// What came of the refresh token.
    pub revocation: Revocation,
    /// Whether another caller held the lease for the whole wait, or may still be
    /// under way with one that was [lost](crate::StoreErrorKind::LeaseLost). It may
    /// have obtained tokens since, which were not revoked and will not be saved.
    pub without_lease: bool,
    /// Whether somebody logged in while this was under way. That login stays.
    pub newer_login: bool,
    /// Whether the record was [damaged](crate::StoreErrorKind::Damaged). The store has
    /// moved it aside. A refresh token in it was not revoked.
    pub was_damaged: bool,
}

/// What came of the refresh token of an account that was logged out.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Revocation {
    /// There was none.
    NoRefreshToken,
    /// Nothing was sent, since the endpoint has no
    /// [`revocation_url`](auth_core::TokenEndpoint::revocation_url). The refresh
    /// token stays valid until it expires.
    NoUrl,
    /// The server has revoked it, or knows of no such token.
    Revoked,
    /// The server could not be asked, or did not do it. The refresh token may stay
    /// valid until it expires.
    Failed(Failure),
}

impl Logout {
    /// Whether a refresh token of the account may still be alive.
    pub fn may_be_alive(&self) -> bool {
        let revocation = matches!(self.revocation, Revocation::NoUrl | Revocation::Failed(_));
        revocation || self.without_lease || self.was_damaged
    }
}

impl fmt::Display for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRefreshToken => f.write_str("there was no refresh token"),
            Self::NoUrl => f.write_str(
                "its refresh token was not revoked, for no revocation URL is set, and stays valid \
                 until it expires",
            ),
            Self::Revoked => f.write_str("its refresh token was revoked"),
            Self::Failed(failure) => write!(
                f,
                "its refresh token could not be revoked, and may stay valid until it expires: \
                 {failure}"
            ),
        }
    }
}

impl fmt::Display for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, was_logged_in, revocation, without_lease, newer_login, was_damaged } =
            self;
        let account = account.as_str().escape_debug();
        if *was_damaged {
            write!(
                f,
                "account {account} was logged out; its record was damaged and was moved aside, and \
                 a refresh token in it may stay valid until it expires"
            )?;
            // That of what was in memory, or on record before.
            if !matches!(revocation, Revocation::NoRefreshToken) {
                write!(f, "; {revocation}")?;
            }
        } else if *was_logged_in {
            write!(f, "account {account} was logged out; {revocation}")?;
        } else {
            write!(f, "account {account} was not logged in")?;
        }
        if *without_lease {
            f.write_str("; another caller held its lease, and may have obtained more tokens")?;
        }
        if *newer_login {
            f.write_str("; somebody has logged in again meanwhile")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{TransportError, TransportErrorKind};

    use super::*;

    #[test]
    fn it_is_a_line_for_people() {
        let failed = TransportError::not_sent(TransportErrorKind::Refused).into();
        for (revocation, line, may_be_alive) in [
            (Revocation::Revoked, "its refresh token was revoked", false),
            (Revocation::NoRefreshToken, "there was no refresh token", false),
            (Revocation::NoUrl, "stays valid until it expires", true),
            (Revocation::Failed(failed), "could not be revoked", true),
        ] {
            let mut logout = Logout {
                account: "ada".into(),
                was_logged_in: true,
                revocation,
                without_lease: false,
                newer_login: false,
                was_damaged: false,
            };
            let text = logout.to_string();
            assert!(text.starts_with("account ada was logged out; "), "{text}");
            assert!(text.contains(line), "{text}");
            assert_eq!(logout.may_be_alive(), may_be_alive);
            logout.without_lease = true;
            logout.newer_login = true;
            assert!(logout.may_be_alive());
            let text = logout.to_string();
            assert!(text.contains("more tokens; somebody has logged in again"), "{text}");
            (logout.without_lease, logout.was_damaged) = (false, true);
            assert!(logout.may_be_alive());
            assert!(logout.to_string().contains("was moved aside"), "{logout}");
            let is_told = logout.to_string().contains(&logout.revocation.to_string());
            let any = !matches!(logout.revocation, Revocation::NoRefreshToken);
            assert_eq!(is_told, any, "{logout}");
        }
    }
}
