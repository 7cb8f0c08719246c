//! A [`Transport`](auth_core::Transport) over [`reqwest`], and a
//! [`Clock`](auth_core::Clock) over tokio: what `auth-core` needs to refresh
//! tokens in an async program.
//!
//! ```no_run
//! use auth_core::{Refresh, RefreshToken, TokenEndpoint};
//! use auth_reqwest::{ReqwestTransport, TokioClock};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let transport = ReqwestTransport::new()?; // once for the whole program
//! let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
//!
//! let refresh = Refresh::new(endpoint, RefreshToken::new("rt-1"));
//! let tokens = auth_core::refresh(refresh, &transport, &TokioClock).await?;
//! println!("expires at {:?}", tokens.expires_at);
//! # Ok(())
//! # }
//! ```
//!
//! # What it does differently from a plain `reqwest::Client`
//!
//! | reqwest | here | since |
//! | --- | --- | --- |
//! | no timeout | 5 s to connect, 10 s for the whole attempt | a retry helps only inside the server's grace window |
//! | follows redirects, and posts the body again after a 307 or 308 | a 3xx is the response | it would hand the refresh token to wherever the response points |
//! | repeats a request that HTTP/2 refused (`REFUSED_STREAM`, `GOAWAY`) | one call, one request | the policy decides on retries, and counts them |
//! | a proxy for `http` too | for `https` only, whoever named it | plain HTTP is for loopback, and a proxy would see the token in clear |
//! | passes over a proxy that it cannot use | [`BuildError`] | whoever named a proxy wants no request to go another way |
//! | keeps idle connections | keeps none | one request an hour gains nothing from a pool, and a closed pooled connection looks like a lost response |
//! | cookies, compression if a feature is on anywhere in the tree | neither | a token endpoint needs neither |
//! | its errors print the URL | no URL, header or body in any error | some providers want a key in the query |
//!
//! Whether a failed request can have been processed ([`Delivery`]) is known
//! from the request's body, which notes when it is first read, and not guessed
//! from the error.
//!
//! Certificates are checked by the operating system's trust store, as
//! reqwest does by default. The crypto provider is the one that the program
//! installed in rustls, otherwise ring; nothing has to be installed by hand.
//!
//! # What is out of scope
//!
//! Anything that is not one POST to a token endpoint. Retries and waits are
//! `auth-core`'s.
//!
//! The body is wiped from memory after use, but hyper copies it into its
//! write buffer, and the TLS library into its own; those copies are theirs.
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
    builder::{BuildError, ReqwestTransportBuilder},
    clock::TokioClock,
    transport::ReqwestTransport,
};
