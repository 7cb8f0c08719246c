//! A [`Transport`](auth_core::Transport) over [`reqwest`], and a
//! [`Clock`](auth_core::Clock) over tokio: what `auth-core` needs to refresh
//! tokens in an async program.
//!
//! ```no_run
//! use auth_reqwest::auth_core::{Refresh, RefreshToken, TokenEndpoint, refresh};
//! use auth_reqwest::{ReqwestTransport, TokioClock};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let transport = ReqwestTransport::new()?; // once for the whole program
//! let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
//!
//! let request = Refresh::new(endpoint, RefreshToken::new("rt-1"));
//! let tokens = refresh(request, &transport, &TokioClock).await?;
//! println!("expires at {:?}", tokens.expires_at);
//! # Ok(())
//! # }
//! ```
//!
//! The crate re-exports [`auth_core`], [`http`] and [`reqwest`], whose types
//! stand in its interface. A program needs no other dependency for a refresh,
//! and `auth-accounts` for accounts.
//!
//! # What differs from a plain `reqwest::Client`
//!
//! | reqwest | here | because |
//! | --- | --- | --- |
//! | has no timeout | 5 s to connect, 10 s for the whole attempt | a retry helps only within the server's grace period |
//! | follows redirects, and sends the body again after a 307 or 308 | a 3xx is the response | the refresh token would go to wherever the response points |
//! | repeats a request that HTTP/2 refused (`REFUSED_STREAM`, `GOAWAY`) | one call sends one request | the policy decides on retries, and counts them |
//! | uses a proxy for `http` too | uses a proxy for `https` only, whoever named it | with plain HTTP, a proxy would see the token in clear text |
//! | ignores a proxy that it cannot use | returns [`BuildError`] | whoever named a proxy wants no request to bypass it |
//! | keeps idle connections | keeps none | one request an hour gains nothing from a pool, and a pooled connection that the server closed fails like a lost response |
//! | has cookies and compression if any crate in the tree enables those features | has neither | a token endpoint needs neither |
//! | prints the URL in its errors | no error holds a URL, a header or a body | some providers want a key in the query |
//!
//! Whether a failed request may have been processed ([`Delivery`]) is not
//! guessed from the error. The request's body records whether it was read.
//!
//! Certificates are checked against the operating system's trust store, as
//! reqwest does by default. The crypto provider is the one that the program
//! installed in rustls, else ring. Nothing has to be installed by hand.
//!
//! # Out of scope
//!
//! Everything but one POST to a token endpoint. Retries and waits are in
//! `auth-core`.
//!
//! The body is wiped from memory after use. hyper copies it into its write
//! buffer, and the TLS library into its own; this crate cannot wipe those
//! copies.
//!
//! [`Delivery`]: auth_core::Delivery

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: body cause clock error
// layer: proxy tls transport
// layer: builder
mod body;
mod builder;
mod cause;
mod clock;
mod error;
mod proxy;
mod tls;
mod transport;

pub use auth_core;
pub use http;
pub use reqwest;

pub use crate::{
    builder::ReqwestTransportBuilder, clock::TokioClock, error::BuildError,
    transport::ReqwestTransport,
};
