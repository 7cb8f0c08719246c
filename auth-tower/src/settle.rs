//! What becomes of a verdict where nothing is sent again.

use auth_accounts::calls::{Call, NotAgain, Tokens, Verdict};

/// Marks a token that was refused. Returns what to say of it.
#[inline]
pub(crate) fn settle<T: Tokens>(call: &Call<T>, verdict: Verdict) -> Option<NotAgain> {
    match verdict {
        Verdict::HandOut(why) => why,
        Verdict::Renew(why) => {
            call.mark(&why);
            Some(NotAgain::Body)
        }
        _ => Some(NotAgain::Body),
    }
}
