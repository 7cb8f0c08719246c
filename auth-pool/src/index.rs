//! Where an account stands in the order of its pool.

/// The main account is 0.
pub(crate) type Index = u32;
