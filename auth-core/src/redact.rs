//! Taking secrets out of what a server wrote.
//!
//! This is for servers that are careless: they repeat what they were sent, whole
//! or in part, with something before or after it, cut off, masked, in other
//! letters, or as it stands in a form. One that means harm knows the secret and
//! can always write it so that nobody recognises it: reversed, in groups of
//! seven, in a cipher of its own.

mod echo;
mod line;
mod scrub;
mod secrets;
mod shown;
mod token_like;

pub(crate) use self::{
    echo::is_echo,
    scrub::scrub,
    secrets::secrets,
    shown::{Shown, plain},
    token_like::looks_like_a_token,
};

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";
