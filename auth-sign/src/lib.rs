#![doc = include_str!("../docs/crate.md")]
// The layers of this crate, lowest first. A module uses modules of its own line
// and of the lines above it; `auth-tests/tests/layers` checks that.
//
// layer: error
// layer: name -- of files, in errors
// layer: file kind pem
// layer: account der jwk signature -- forms of keys, as read
// layer: public
// layer: private
// layer: crypto -- the library that signs
// layer: key
// layer: new_key
// layer: secret_file assertion_file -- what is read anew

// Without a library that signs, nothing reads private keys.
#![cfg_attr(not(any(feature = "aws-lc-rs", feature = "ring")), allow(dead_code))]

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod account;
mod assertion_file;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod crypto;
mod der;
mod error;
mod file;
mod jwk;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod key;
mod kind;
mod name;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod new_key;
mod pem;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod private;
mod public;
mod secret_file;
mod signature;

pub use auth_core::{self, SigningAlgorithm, SigningKey, Source};

pub use crate::{
    assertion_file::AssertionFile, error::KeyError, public::PublicKey, secret_file::SecretFile,
    signature::raw_ecdsa_signature,
};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use crate::{key::Key, new_key::NewKey};
