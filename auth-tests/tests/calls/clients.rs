//! The clients under test, a file each.

pub(crate) mod in_process;
pub(crate) mod reqwest;
pub(crate) mod tonic;
pub(crate) mod tower;
pub(crate) mod ureq;

use crate::case::Kind;

/// All of them.
pub(crate) const KINDS: &[&dyn Kind] = &[
    &in_process::InProcess,
    &reqwest::Bare,
    &reqwest::WithCalls,
    &reqwest::Middleware,
    &ureq::Ureq,
    &ureq::UreqCalls,
    &tower::TowerHyper,
    &tower::TowerReqwest,
    &tonic::Tonic,
    &tonic::TonicTrailers,
];
