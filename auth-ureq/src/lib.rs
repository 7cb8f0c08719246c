//! A [`BlockingTransport`](auth_core::BlockingTransport) over [`ureq`], and a
//! [`BlockingClock`](auth_core::BlockingClock) over the system's clocks: what
//! `auth-core` needs to refresh tokens in a blocking program.
//!
//! ```no_run
//! use auth_ureq::auth_core::{Refresh, RefreshToken, TokenEndpoint, refresh_blocking};
//! use auth_ureq::{SystemClock, UreqTransport};
//!
//! let transport = UreqTransport::new()?; // once for the whole program
//! let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
//!
//! let request = Refresh::new(endpoint, RefreshToken::new("rt-1"));
//! let tokens = refresh_blocking(request, &transport, &SystemClock)?;
//! println!("expires at {:?}", tokens.expires_at);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate re-exports [`auth_core`], [`http`] and [`ureq`], whose types stand
//! in its interface. A program needs no other dependency for a refresh, and
//! `auth-accounts` for accounts.
//!
//! # What differs from a plain `ureq::Agent`
//!
//! | ureq | here | because |
//! | --- | --- | --- |
//! | has no timeout | 5 s to connect, 10 s for the whole attempt | a retry helps only within the server's grace period |
//! | follows redirects | a 3xx is the response | no server but the token endpoint gets a request |
//! | makes a 4xx or 5xx an error without a body | every response is a response | the body holds the error code |
//! | uses a proxy for `http` too | uses a proxy for `https` only, whoever named it | with plain HTTP, a proxy would see the token in clear text |
//! | ignores a proxy that it cannot use | returns [`BuildError`] | whoever named a proxy wants no request to bypass it |
//! | keeps idle connections | keeps none | one request an hour gains nothing from a pool, and a pooled connection that the server closed fails like a lost response |
//! | has compression if any crate in the tree enables that feature | has none | a token endpoint needs none |
//! | may print the URL in its errors | no error holds a URL, a header or a body | some providers want a key in the query |
//!
//! Whether a failed request may have been processed ([`Delivery`]) is not
//! guessed from the error. The request's body records whether it was read.
//!
//! Certificates are checked against the operating system's trust store, as in
//! `auth-reqwest`. The crypto provider is the one that the program installed in
//! rustls, else ring. Nothing has to be installed by hand.
//!
//! # Out of scope
//!
//! Everything but one POST to a token endpoint. Retries and waits are in
//! `auth-core`. HTTP/2: ureq speaks HTTP/1.1. Cookies: ureq keeps none unless
//! some crate in the tree enables its feature `cookies`. Then every agent keeps
//! them for as long as it lives, and this crate cannot turn that off.
//!
//! What ureq logs: at level `TRACE` it logs responses and headers, with tokens
//! and secrets, and then shows URLs at `DEBUG`. This crate cannot turn that off.
//! If you enable these levels, filter the targets `ureq` and `ureq_proto`.
//!
//! The body is wiped from memory after use. ureq copies it into its write
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
pub use ureq;

pub use crate::{
    builder::UreqTransportBuilder, clock::SystemClock, error::BuildError, transport::UreqTransport,
};
