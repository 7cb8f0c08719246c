//! How much of a text is read.

/// How much is still read, and what becomes of the rest.
#[derive(Debug)]
pub(crate) struct Limits {
    /// How many values.
    values: usize,
    /// How deep arrays and objects may be nested in each other.
    pub(super) depth: u8,
    pub(super) on_excess: OnExcess,
}

/// What happens to what is beyond the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnExcess {
    /// The whole value is left out that it is part of.
    DropWhole,
    /// It alone is left out of what it is part of.
    DropPart,
    /// It is an error.
    Fail,
}

impl Limits {
    pub(crate) fn new(values: usize, depth: u8, on_excess: OnExcess) -> Self {
        Self { values, depth, on_excess }
    }

    /// Counts one value; `false` if it is one too many.
    pub(crate) fn take_one(&mut self) -> bool {
        let left = self.values > 0;
        self.values = self.values.saturating_sub(1);
        left
    }

    /// Whether nothing more is read.
    pub(crate) fn is_used_up(&self) -> bool {
        self.values == 0
    }
}
