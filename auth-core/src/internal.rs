//! What the sibling crates share with this one. It is not part of the
//! interface, and may change with any version.

pub use crate::{
    cause::find_cause,
    host::{is_loopback, is_plain},
    json::{object, problem, to_json, wipe, write_json},
    lifetime::{jwt_expiry, read_date},
    proxy::{
        Exceptions, LOOKED_UP_HERE, Plan, ProxySetting, has_unknown_scheme, refused_for_good,
        socks_url,
    },
    response::{Challenge, asked_wait, challenges},
    token::looks_like_a_response,
    validity::Validity,
};
