//! Requests with a token over real sockets: what only reqwest shows. The cases that all
//! clients have in common are in `auth-tests`.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod middleware;
mod redirects;
mod send;
mod world;
