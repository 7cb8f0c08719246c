//! A [`BlockingTransport`](auth_core::BlockingTransport) over [`ureq`],
//! and a [`BlockingClock`](auth_core::BlockingClock) over the system's clocks:
//! what `auth-core` needs to refresh tokens in a program without async.
//!
//! ```no_run
//! use auth_core::{Refresh, RefreshToken, TokenEndpoint};
//! use auth_ureq::{SystemClock, UreqTransport};
//!
//! let transport = UreqTransport::new()?; // once for the whole program
//! let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
//!
//! let refresh = Refresh::new(endpoint, RefreshToken::new("rt-1"));
//! let tokens = auth_core::refresh_blocking(refresh, &transport, &SystemClock)?;
//! println!("expires at {:?}", tokens.expires_at);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does differently from a plain `ureq::Agent`
//!
//! | ureq | here | since |
//! | --- | --- | --- |
//! | no timeout | 5 s to connect, 10 s for the whole attempt | a retry helps only inside the server's grace window |
//! | follows redirects | a 3xx is the response | nobody but the token endpoint gets a request |
//! | a 4xx or 5xx is an error without a body | every response is a response | the body holds the error code |
//! | a proxy for `http` too | for `https` only, whoever named it | plain HTTP is for loopback, and a proxy would see the token in clear |
//! | passes over a proxy that it cannot use | [`BuildError`] | whoever named a proxy wants no request to go another way |
//! | keeps idle connections | keeps none | one request an hour gains nothing from a pool, and a closed pooled connection looks like a lost response |
//! | compression if a feature is on anywhere in the tree | none | a token endpoint needs none |
//! | its errors may print the URL | no URL, header or body in any error | some providers want a key in the query |
//!
//! Whether a failed request can have been processed ([`Delivery`]) is known
//! from the request's body, which notes when it is first read, and not guessed
//! from the error.
//!
//! Certificates are checked by the operating system's trust store, as in
//! `auth-reqwest`. The crypto provider is the one that the program installed
//! in rustls, otherwise ring; nothing has to be installed by hand.
//!
//! # What is out of scope
//!
//! Anything that is not one POST to a token endpoint. Retries and waits are
//! `auth-core`'s. HTTP/2: ureq speaks HTTP/1.1. Cookies: ureq keeps none,
//! unless some crate in the tree turns its feature `cookies` on; then every
//! agent keeps them for as long as it lives, and nothing turns that off.
//!
//! What ureq logs: with a logger at level `TRACE` it dumps answers and headers,
//! tokens and secrets included, and then shows URLs at `DEBUG`. An adapter
//! cannot stop that; where such levels are on, filter the targets `ureq` and
//! `ureq_proto`.
//!
//! The body is wiped from memory after use, but ureq copies it into its write
//! buffer, and the TLS library into its own; those copies are theirs.
//!
//! [`Delivery`]: auth_core::Delivery

mod body;
mod builder;
mod cause;
mod clock;
mod proxy;
mod tls;
mod transport;

pub use crate::{
    builder::{BuildError, UreqTransportBuilder},
    clock::SystemClock,
    transport::UreqTransport,
};
