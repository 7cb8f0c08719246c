//! The primitives that [`single_flight`](crate::single_flight) rests on, apart so that its
//! tests can put loom's in their place.

pub(crate) use std::sync::{Arc, Mutex, MutexGuard, atomic::AtomicBool};
