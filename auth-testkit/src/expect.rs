//! Conditions on a request.

use std::{fmt, sync::Arc};

use crate::{RecordedRequest, transcript::Secrets};

/// Conditions that a request must meet, for [`Script::expect`](crate::Script::expect),
/// [`Script::when`](crate::Script::when) and [`Script::always`](crate::Script::always).
///
/// ```
/// use auth_testkit::Expect;
///
/// let ada = Expect::refresh_token("rt-ada").and(Expect::param("scope", "files:read"));
/// let small = Expect::that("a body of less than 100 bytes", |request| request.body().len() < 100);
/// ```
#[derive(Clone)]
pub struct Expect {
    conditions: Vec<Condition>,
}

#[derive(Clone)]
enum Condition {
    Param(String, Option<String>),
    Header(String, String),
    Path(String),
    That(String, Arc<Predicate>),
}

type Predicate = dyn Fn(&RecordedRequest) -> bool + Send + Sync;

impl Expect {
    fn new(condition: Condition) -> Self {
        Self { conditions: vec![condition] }
    }

    /// The parameter `refresh_token` has this value.
    pub fn refresh_token(value: impl Into<String>) -> Self {
        Self::param("refresh_token", value)
    }

    /// This parameter has this value.
    pub fn param(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(Condition::Param(name.into(), Some(value.into())))
    }

    /// There is no parameter of this name.
    pub fn no_param(name: impl Into<String>) -> Self {
        Self::new(Condition::Param(name.into(), None))
    }

    /// This header field has this value.
    pub fn header(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(Condition::Header(name.into(), value.into()))
    }

    /// The URL has this path.
    pub fn path(path: impl Into<String>) -> Self {
        Self::new(Condition::Path(path.into()))
    }

    /// Any other condition. The message of a failed test contains `description`,
    /// which therefore must not hold a secret.
    pub fn that(
        description: impl Into<String>,
        holds: impl Fn(&RecordedRequest) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(Condition::That(description.into(), Arc::new(holds)))
    }

    /// The conditions of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self
    }

    pub(crate) fn holds(&self, request: &RecordedRequest) -> bool {
        self.conditions.iter().all(|condition| condition.holds(request))
    }

    /// The conditions that do not hold: what was expected, and what came.
    pub(crate) fn differences(
        &self,
        request: &RecordedRequest,
        secrets: &mut Secrets,
    ) -> Vec<(String, String)> {
        self.conditions
            .iter()
            .filter(|condition| !condition.holds(request))
            .map(|condition| {
                (condition.describe(secrets), condition.describe_actual(request, secrets))
            })
            .collect()
    }

    pub(crate) fn describe(&self, secrets: &mut Secrets) -> String {
        let parts: Vec<_> =
            self.conditions.iter().map(|condition| condition.describe(secrets)).collect();
        parts.join(", ")
    }
}

impl Condition {
    fn holds(&self, request: &RecordedRequest) -> bool {
        match self {
            Self::Param(name, value) => request.param(name) == value.as_deref(),
            Self::Header(name, value) => request.header(name) == Some(value),
            Self::Path(path) => request.uri().path() == path,
            Self::That(_, holds) => holds(request),
        }
    }

    fn describe(&self, secrets: &mut Secrets) -> String {
        match self {
            Self::Param(name, value) => param(name, value.as_deref(), secrets),
            Self::Header(name, value) => header(name, Some(value), secrets),
            Self::Path(path) => format!("path {path}"),
            Self::That(description, _) => description.clone(),
        }
    }

    fn describe_actual(&self, request: &RecordedRequest, secrets: &mut Secrets) -> String {
        match self {
            Self::Param(name, _) => param(name, request.param(name), secrets),
            Self::Header(name, _) => header(name, request.header(name), secrets),
            Self::Path(_) => format!("path {}", request.uri().path()),
            Self::That(..) => "not so".to_owned(),
        }
    }
}

fn param(name: &str, value: Option<&str>, secrets: &mut Secrets) -> String {
    match value {
        Some(value) => format!("{name}={}", secrets.show(name, value)),
        None => format!("no {name}"),
    }
}

fn header(name: &str, value: Option<&str>, secrets: &mut Secrets) -> String {
    match value {
        Some(value) => format!("{name}: {}", secrets.show(name, value)),
        None => format!("no header {name}"),
    }
}

impl fmt::Debug for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expect").field(&self.describe(&mut Secrets::default())).finish()
    }
}
