//! Calls: requests of a program to an API that carry a token. The
//! [crate docs](crate#calls) say what is done about which response.
//!
//! What is decided about a call stands in [`Call`], without I/O. [`Calls::send`] drives
//! it for any client; the adapters for clients call that, or the machine itself.

mod call;
mod client;
mod drive;
mod error;
mod origin;
mod ready;
mod refusal;
mod rules;
mod settings;
mod tokens;

pub use self::{
    call::{Call, Verdict},
    client::{Answer, CameFrom, Once, Outgoing, Target},
    drive::{send, send_blocking},
    error::{CallError, NotAgain},
    origin::{Origin, OriginError},
    ready::ReadyCall,
    refusal::{About, Refused},
    settings::Calls,
    tokens::{AsyncTokens, BlockingTokens, Replaced, Tokens, TokensFor},
};
