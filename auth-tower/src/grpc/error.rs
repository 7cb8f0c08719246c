//! A call without a token, as a status.

use std::sync::Arc;

use auth_accounts::{
    AccountState, AuthorizationError,
    calls::{CallError, NotAgain, Tokens},
};
use tonic::{Code, Status};

/// The status of a call that was not made, for want of a token. Its source is the error.
pub(super) fn without_token<T: Tokens>(error: CallError<T::Error>) -> Status {
    let mut status = Status::new(code::<T>(&error), error.to_string());
    status.set_source(Arc::new(error));
    status
}

fn code<T: Tokens>(error: &CallError<T::Error>) -> Code {
    match error {
        CallError::NoToken(error) => match T::state(error) {
            AccountState::LoginNeeded | AccountState::NotLoggedIn => Code::Unauthenticated,
            AccountState::Misconfigured => Code::FailedPrecondition,
            _ => Code::Unavailable,
        },
        // A key that did not sign may do so in a moment.
        CallError::Authorization(AuthorizationError::Proof(_)) => Code::Unavailable,
        _ => Code::FailedPrecondition,
    }
}

/// The server's own status, with the reason for which the call is not made again.
pub(super) fn with_reason(mut status: Status, why: NotAgain) -> Status {
    status.set_source(Arc::new(why));
    status
}
