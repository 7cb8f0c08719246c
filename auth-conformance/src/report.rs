//! What came of the cases.

use std::fmt;

/// What came of a suite: every case, in the order in which they ran.
#[derive(Debug, Clone)]
#[must_use = "a report that nobody looks at shows nothing"]
pub struct SuiteReport {
    cases: Vec<CaseReport>,
    problems: Vec<String>,
}

/// What came of one case.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CaseReport {
    /// Its name.
    pub name: &'static str,
    /// What happens in it, in words.
    pub does: &'static str,
    /// Whether it passed.
    pub result: CaseResult,
    /// What the transport returned and what arrived, in a line.
    pub observed: String,
}

/// Whether a case passed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaseResult {
    /// All is as it should be.
    Passed,
    /// The invariants hold; what the case itself expects is excused.
    Excused {
        /// Why.
        reason: String,
    },
    /// Something is not as it should be.
    Failed {
        /// What, a line each.
        complaints: Vec<String>,
    },
}

impl SuiteReport {
    pub(super) fn new(cases: Vec<CaseReport>, problems: Vec<String>) -> Self {
        Self { cases, problems }
    }

    /// Every case.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.result, CaseResult::Failed { .. }))
    }

    /// Whether none failed, and every excuse was for a case that exists.
    pub fn passed(&self) -> bool {
        self.problems.is_empty() && self.failed().next().is_none()
    }

    /// Fails the test unless the suite [`passed`](Self::passed).
    ///
    /// # Panics
    ///
    /// With the whole report.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passed(), "{self}");
    }
}

/// A line for each case, and more for one that failed.
impl fmt::Display for SuiteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failed().count();
        let excused = self
            .cases
            .iter()
            .filter(|case| matches!(case.result, CaseResult::Excused { .. }))
            .count();
        let passed = self.cases.len() - failed - excused;
        write!(f, "conformance: {passed} passed, {failed} failed, {excused} excused")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        for case in &self.cases {
            write!(f, "\n{case}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, does, result, observed } = self;
        match result {
            CaseResult::Passed => write!(f, "  ok       {name}: {observed}"),
            CaseResult::Excused { reason } => {
                write!(f, "  excused  {name}: {observed} ({reason})")
            }
            CaseResult::Failed { complaints } => {
                write!(f, "  FAILED   {name}: {does}\n           observed: {observed}")?;
                complaints.iter().try_for_each(|line| write!(f, "\n           - {line}"))
            }
        }
    }
}
