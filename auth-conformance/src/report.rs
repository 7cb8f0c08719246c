//! The results of a suite.

use std::fmt;

/// The result of a suite: all cases, in the order in which they ran.
#[derive(Debug, Clone)]
#[must_use = "a failed case shows only in the report"]
pub struct SuiteReport {
    cases: Vec<CaseReport>,
    problems: Vec<String>,
}

/// The result of one case.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CaseReport {
    /// The name of the case.
    pub name: &'static str,
    /// What happens in the case.
    pub does: &'static str,
    /// Whether it passed.
    pub result: CaseResult,
    /// What the implementation did, in a line.
    pub observed: String,
}

/// Whether a case passed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaseResult {
    /// Every check passed.
    Passed,
    /// The case is excused. For a transport, the checks that apply to every case
    /// passed.
    Excused {
        /// The reason that was given.
        reason: String,
    },
    /// It did not run to its end, since the test has not told the suite how: a setter of
    /// the suite was not called. The suite does not pass.
    NotSetUp {
        /// What to do.
        what_to_do: String,
    },
    /// A check failed.
    Failed {
        /// What failed, a line each.
        complaints: Vec<String>,
    },
}

impl SuiteReport {
    #[cfg(any(feature = "store", feature = "transport"))]
    pub(super) fn new(cases: Vec<CaseReport>, problems: Vec<String>) -> Self {
        Self { cases, problems }
    }

    /// All cases.
    pub fn cases(&self) -> &[CaseReport] {
        &self.cases
    }

    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.result, CaseResult::Failed { .. }))
    }

    /// The cases for which something is not set up.
    pub fn not_set_up(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| matches!(case.result, CaseResult::NotSetUp { .. }))
    }

    /// Whether no case failed, all are set up, and every excuse is for a case that
    /// exists.
    pub fn passed(&self) -> bool {
        let complete = self.failed().next().is_none() && self.not_set_up().next().is_none();
        self.problems.is_empty() && complete
    }

    /// Fails the test unless the suite [`passed`](Self::passed).
    ///
    /// # Panics
    ///
    /// If the suite did not pass. The message is the report.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.passed(), "{self}");
    }
}

/// A line for each case, and more lines for a failed one.
impl fmt::Display for SuiteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failed().count();
        let excused = self
            .cases
            .iter()
            .filter(|case| matches!(case.result, CaseResult::Excused { .. }))
            .count();
        let not_set_up = self.not_set_up().count();
        let passed = self.cases.len() - failed - excused - not_set_up;
        write!(f, "conformance: {passed} passed, {failed} failed, {excused} excused")?;
        if not_set_up > 0 {
            write!(f, ", {not_set_up} not set up")?;
        }
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
            CaseResult::NotSetUp { what_to_do } => {
                write!(f, "  NOT SET UP  {name}: {does}\n           - {what_to_do}")
            }
            CaseResult::Failed { complaints } => {
                write!(f, "  FAILED   {name}: {does}\n           observed: {observed}")?;
                complaints.iter().try_for_each(|line| write!(f, "\n           - {line}"))
            }
        }
    }
}
