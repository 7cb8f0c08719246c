//! What the sibling crates share with this one. It is not part of the
//! interface, and may change with any version.

pub use crate::{
    json::{object, problem, to_json, wipe, write_json},
    lifetime::{jwt_expiry, read_date},
    token::looks_like_a_response,
};
