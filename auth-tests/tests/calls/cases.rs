//! The cases, one after the other.

mod challenges;
mod crowds;
mod endings;
mod leaving;
mod origins;
mod own;
mod pools;
mod refused;

use crate::case::Case;

/// Names the functions of a file as cases.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(super) fn all() -> Vec<crate::case::Case> {
            vec![$(crate::case::Case {
                name: stringify!($name),
                run: |scene| Box::pin($name(scene)),
            }),*]
        }
    };
}
use cases;

pub(crate) fn all() -> Vec<Case> {
    [
        refused::all(),
        challenges::all(),
        crowds::all(),
        origins::all(),
        leaving::all(),
        endings::all(),
        pools::all(),
        own::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
