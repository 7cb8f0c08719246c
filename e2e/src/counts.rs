//! What is counted for each scenario.

/// What one scenario came to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    /// Refresh tokens that the server traded for new ones.
    pub(crate) refreshes: u64,
    /// Sessions that were reported as over though the server would have gone
    /// on with them.
    pub(crate) false_logouts: u64,
    /// Refresh tokens that were sent again though the response to their first
    /// use had been delivered, or was still being waited for.
    pub(crate) avoidable_replays: u64,
    /// Refresh tokens that were sent again because the response was lost.
    pub(crate) unavoidable_replays: u64,
    /// Sessions that were reported as over, and that the server had ended: an
    /// response was lost, and it knows no grace.
    pub(crate) unavoidable_logouts: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.refreshes += other.refreshes;
        self.false_logouts += other.false_logouts;
        self.avoidable_replays += other.avoidable_replays;
        self.unavoidable_replays += other.unavoidable_replays;
        self.unavoidable_logouts += other.unavoidable_logouts;
    }
}
