//! What is shown of the steps: no secret.

use std::fmt;

use super::{Pending, Proving, Waiting};

impl fmt::Debug for Proving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proving").field("attempts", &self.attempts()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("attempts", &self.attempts()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("attempts", &self.attempts())
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
