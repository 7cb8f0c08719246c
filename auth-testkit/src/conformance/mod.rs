//! Whether a transport that somebody wrote keeps the promises of
//! [`Transport`], shown over real sockets.
//!
//! One call runs every case, each with a server of its own that misbehaves in
//! one way, and reports all of them:
//!
//! ```no_run
//! # use auth_core::{Request, Response, Transport, TransportError};
//! # struct MyTransport;
//! # impl MyTransport { fn new(_: &conformance::Settings) -> Self { Self } }
//! # #[async_trait::async_trait]
//! # impl Transport for MyTransport {
//! #     async fn send(&self, _: Request) -> Result<Response, TransportError> { todo!() }
//! # }
//! use auth_testkit::conformance;
//!
//! # /*
//! #[tokio::test]
//! # */
//! async fn keeps_the_promises() {
//!     conformance::transport(|settings| MyTransport::new(settings)).await.assert();
//! }
//! ```
//!
//! [`blocking_transport`] is the same for a [`BlockingTransport`]. Which cases
//! there are, [`cases`] tells.
//!
//! # What is checked
//!
//! In every case, whatever else it expects:
//!
//! 1. One call sends one request at most, and nothing to anybody else.
//! 2. [`Delivery::NotSent`](auth_core::Delivery::NotSent) is never said when a
//!    byte of the body was at the server.
//! 3. What arrives whole is what was handed in: method, headers and body.
//! 4. Neither the error nor its sources, by `Display` or `Debug`, hold a token,
//!    a secret or the URL's query. Some servers of the suite echo them where
//!    HTTP libraries like to quote.
//! 5. No more of the answer is kept than the request allows.
//! 6. The call ends within its timeout, up to a generous allowance.
//!
//! And by each case: the answer, or the kind of the error and its delivery.
//! Where the network decides (a reset races with the body), the case allows
//! what can happen, and the invariants above decide.
//!
//! # What a library cannot do
//!
//! A case that an HTTP library makes impossible is excused by name and reason.
//! It runs all the same, and the invariants hold for it as for all others:
//!
//! ```no_run
//! # use auth_core::{BlockingTransport, Request, Response, TransportError};
//! # struct MyTransport;
//! # impl MyTransport { fn new(_: &conformance::Settings) -> Self { Self } }
//! # impl BlockingTransport for MyTransport {
//! #     fn send(&self, _: Request) -> Result<Response, TransportError> { todo!() }
//! # }
//! use auth_testkit::conformance;
//!
//! conformance::blocking_transport(|settings| MyTransport::new(settings))
//!     .excuse("h2_answer", "the library speaks HTTP/1.1 only")
//!     .run()
//!     .assert();
//! ```

#[cfg(feature = "server")]
mod case;
#[cfg(feature = "server")]
mod cases;
#[cfg(feature = "server")]
mod judge;
mod report;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "accounts")]
mod store;
#[cfg(feature = "server")]
mod suite;
#[cfg(feature = "server")]
mod watchdog;

#[cfg(doc)]
use auth_core::{BlockingTransport, Transport};

pub use self::report::{CaseReport, Report, Verdict};
#[cfg(feature = "accounts")]
pub use self::store::{BlockingStoreSuite, Damage, StoreSuite, blocking_store, store, store_cases};
#[cfg(feature = "server")]
pub use self::{
    settings::Settings,
    suite::{AsyncSuite, BlockingSuite, blocking_transport, cases, transport},
};
