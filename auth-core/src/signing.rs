//! Signatures: who makes them, over what. Nothing is signed here.

mod algorithm;
mod key;
#[cfg(test)]
pub(crate) mod testing;
mod to_sign;
mod unique;

pub use self::{
    algorithm::SigningAlgorithm,
    key::{AsyncSigner, KeyInfo, Signer, SigningKey},
    to_sign::{Demand, ToSign},
};
pub(crate) use self::{to_sign::Jws, unique::unique};
