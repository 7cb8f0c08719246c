//! Redaction: what of a request is secret, and how it is taken out of what is
//! shown.
//!
//! This is for careless servers. They repeat what they were sent: whole or in
//! part, with text around it, truncated, masked, in another case, form-encoded,
//! or escaped as URLs, HTML and JSON do, one within another at most. A hostile
//! server knows the secret and can write it so that no check finds it: reversed,
//! in groups of seven, in base64, encrypted.

mod echo;
mod entity;
mod line;
mod scrub;
mod secrets;
mod shown;
mod token_like;
mod unescape;

pub(crate) use self::{
    echo::is_echo,
    scrub::scrub,
    secrets::{in_query, secrets},
    shown::{Shown, plain},
    token_like::looks_like_a_token,
};

/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";
