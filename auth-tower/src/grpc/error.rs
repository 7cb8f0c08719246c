//! A call without a token, as a status.

use std::{error::Error, iter::successors, sync::Arc};

use auth_accounts::{
    AccountError, AccountState, AuthorizationError,
    calls::{CallError, NotAgain},
};
use tonic::{Code, Status};

/// The status of a call that was not made, for want of a token. Its source is the error.
pub(super) fn without_token<E: Error + Send + Sync + 'static>(error: CallError<E>) -> Status {
    let mut status = Status::new(code(&error), error.to_string());
    status.set_source(Arc::new(error));
    status
}

fn code<E: Error + 'static>(error: &CallError<E>) -> Code {
    match error {
        CallError::NoToken(error) => {
            let mut causes =
                successors(Some(error as &(dyn Error + 'static)), |error| (*error).source());
            match causes.find_map(<dyn Error>::downcast_ref).map(AccountError::state) {
                Some(AccountState::LoginNeeded | AccountState::NotLoggedIn) => {
                    Code::Unauthenticated
                }
                Some(AccountState::Misconfigured) => Code::FailedPrecondition,
                _ => Code::Unavailable,
            }
        }
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
