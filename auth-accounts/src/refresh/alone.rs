//! A refresh for a further token has failed in a way that concerns this token alone.

use std::borrow::Cow;

use auth_core::{FailureKind, Now, RefreshError};

use super::{
    attempt::Attempt,
    failure::{SavingSetback, SetBack},
};
use crate::{
    error::Reason,
    further::Which,
    known::Draft,
    record::{Fingerprint, Setback},
    set_up::SetUp,
};

/// Codes about what was asked for (RFC 6749 section 5.2, RFC 8707 section 2, Entra).
const ABOUT_REQUEST: [&str; 5] =
    ["invalid_scope", "invalid_target", "invalid_request", "insufficient_scope", "invalid_resource"];

/// Codes by which the user has to do something for this token. The refresh token
/// lives.
const ABOUT_USER: [&str; 2] = ["interaction_required", "consent_required"];

/// The same in the words of Entra, beside `invalid_grant`: no consent to this resource,
/// more factors or another device wanted for it
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>).
const OF_ENTRA: [&str; 8] = [
    "AADSTS65001",
    "AADSTS65004",
    "AADSTS50076",
    "AADSTS50079",
    "AADSTS50158",
    "AADSTS53000",
    "AADSTS53001",
    "AADSTS53003",
];

/// Whether `error` is about that token alone, and not about the refresh token, the
/// client, the server or the way to it.
pub(super) fn is_alone(which: &Which, error: &RefreshError) -> bool {
    if which.asked().is_none() {
        return false;
    }
    let failure = error.failure();
    let code = failure.code().map(|code| Cow::Borrowed(code.as_str())).unwrap_or_default();
    match failure.kind() {
        FailureKind::Misconfigured => ABOUT_REQUEST.contains(&&*code),
        FailureKind::Rejected => {
            let text = failure.description().unwrap_or_default();
            ABOUT_USER.contains(&&*code) || OF_ENTRA.iter().any(|one| text.contains(one))
        }
        _ => false,
    }
}

/// Records it, if there is a record.
pub(super) fn set_back_alone(attempt: Attempt, error: RefreshError, now: Now) -> SetBack {
    let Attempt { run, mut known, lease, tried, set_up, .. } = attempt;
    let Some(mut record) = known.record.clone() else {
        return SetBack::Done(run.fail(known, Some(lease), Reason::Refresh(error), now));
    };
    let token = tried.unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
    let context = &run.context;
    let endpoint = set_up.as_ref().map_or(&context.shared.endpoint, SetUp::endpoint);
    let previous = context.which.setback(Some(&record));
    let (account, settings) = (&context.account, &context.shared.settings);
    let setback = Setback::after(previous, account, token, &error, now.wall, endpoint, settings);
    if setback.possibly_spent {
        // That concerns all.
        let doubt = Setback::of_doubt(record.setback.take(), token, now.wall);
        record.setback = Some(doubt);
    }
    context.which.set_back(&mut record, setback, now.wall);
    record.note = None;
    // For the callers, whether or not it can be saved.
    known.record = Some(record.clone());
    SetBack::Save(SavingSetback { run, draft: Draft { record, known }, lease, tried, error })
}
