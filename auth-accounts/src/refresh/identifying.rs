//! The client was set back, and its credential may be another one by now: it is being
//! read.

use auth_core::{Credential, CredentialError};

use super::run::{Access, Reading, Run};
use crate::{known::Known, record::Fingerprint};

/// The client's credential is being read.
pub(crate) struct Identifying {
    pub(super) run: Box<Run>,
    pub(super) known: Box<Known>,
    pub(super) access: Access,
}

impl Identifying {
    pub(super) fn resolve(self, read: &Result<Credential, CredentialError>) -> Reading {
        let Self { mut run, mut known, access } = self;
        let endpoint = run.context.shared.endpoint_of(known.record.as_ref());
        // Without one it is another client than with any.
        run.client = Some(Fingerprint::of_client(endpoint, read.as_ref().ok()));
        known.unread = read.as_ref().err().cloned();
        Reading { run, known, access }
    }
}
