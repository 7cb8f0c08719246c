//! gRPC, for tonic's clients.
//!
//! [`GrpcLayer`] stands above a `Channel`. Its requests carry a token, and it notes when
//! the server does not take one. [`call`] is around the calls that shall be made once more
//! then. Who cannot await takes [`PeekInterceptor`].

mod body;
mod code;
mod error;
mod exchange;
mod future;
mod interceptor;
mod layer;
mod retry;

pub use self::{
    body::GrpcBody,
    future::GrpcFuture,
    interceptor::PeekInterceptor,
    layer::{GrpcLayer, GrpcService},
    retry::call,
};
