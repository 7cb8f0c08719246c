//! Requests that carry a token, over sockets, as far as they are ureq's own matter. What
//! all clients have in common is in `auth-tests`.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod middleware;
mod redirects;
mod send;
mod support;
