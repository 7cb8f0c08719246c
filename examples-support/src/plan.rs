//! The refresh to make, from the arguments and the environment.

use std::{error::Error, ffi::OsString, fmt, io, io::Write, time::Duration};

use auth_core::{
    Backoff, BodyFormat, ClientAuth, Refresh, RefreshError, RefreshToken, TokenEndpoint, TokenSet,
};
use auth_testkit::behaviours;
use auth_testkit::fault_server::{Behaviour, FaultServer, Point};

use crate::{
    args::{Asked, Options, USAGE, parse},
    outcome::{BAD_USAGE, Ending, FIX_SETUP, REFRESHED, status},
    recording::Recording,
    timeline::Timeline,
};

/// How long one attempt may take by default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A refresh, and its timeline.
pub struct Plan {
    endpoint: TokenEndpoint,
    refresh_token: RefreshToken,
    policy: Backoff,
    timeout: Duration,
    json: bool,
    show_tokens: bool,
    timeline: Timeline,
    /// The server, in the demonstration.
    server: Option<FaultServer>,
}

/// The program was called in a way that it does not support, or for help.
#[derive(Debug, PartialEq, Eq)]
pub enum BadUsage {
    /// `--help` was given.
    Help,
    /// The arguments or the environment cannot be used, for this reason.
    Problem(String),
}

impl BadUsage {
    /// Prints the usage message, and returns the exit status. Help goes to
    /// `stdout`, a problem to `stderr`.
    pub fn finish(&self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
        // Whoever closes the output early wants no more of it.
        match self {
            Self::Help => {
                let _ = stdout.write_all(USAGE.as_bytes());
                REFRESHED
            }
            // The problem is last, where a terminal shows it.
            Self::Problem(problem) => {
                let _ = write!(stderr, "{USAGE}\n{problem}\n");
                BAD_USAGE
            }
        }
    }
}

impl From<String> for BadUsage {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

impl Plan {
    /// Reads the arguments, without the program's name, and the environment. The
    /// timeline goes to `output` as it happens.
    ///
    /// # Errors
    ///
    /// If they cannot be used, or ask for help.
    pub fn new(
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl Fn(&str) -> Option<String>,
        output: impl Write + Send + 'static,
    ) -> Result<Self, BadUsage> {
        let plan = match parse(arguments)? {
            Asked::Help => return Err(BadUsage::Help),
            Asked::Demonstration => Self::demonstration(Box::new(output))?,
            Asked::Refresh(options) => Self::from_options(options, environment, Box::new(output))?,
        };
        plan.timeline.print(&plan.announcement());
        Ok(plan)
    }

    fn demonstration(output: Box<dyn Write + Send>) -> Result<Self, BadUsage> {
        let server = FaultServer::builder()
            .script([
                Behaviour::nginx(502),
                Behaviour::reset(Point::AfterBody),
                behaviours::tokens("access-2", "refresh-2", 3600),
            ])
            .start()
            .map_err(|error| format!("no server can be started on loopback: {error}"))?;
        let endpoint =
            TokenEndpoint::new(server.url(), "demo").map_err(|error| error.to_string())?;
        Ok(Self {
            endpoint,
            refresh_token: RefreshToken::new("refresh-1"),
            policy: Backoff::default(),
            timeout: TIMEOUT,
            json: false,
            show_tokens: false,
            timeline: Timeline::new(output),
            server: Some(server),
        })
    }

    fn from_options(
        options: Options,
        environment: impl Fn(&str) -> Option<String>,
        output: Box<dyn Write + Send>,
    ) -> Result<Self, BadUsage> {
        let secret = |name: &str| {
            let value = environment(name)
                .ok_or_else(|| format!("the environment variable {name} is not set"))?;
            if value.is_empty() {
                return Err(format!("the environment variable {name} is empty"));
            }
            // If it were sent with white space, it would be refused like a
            // revoked one.
            if value.trim().len() != value.len() {
                return Err(format!("the value of {name} begins or ends with white space"));
            }
            Ok(value)
        };
        let mut endpoint = TokenEndpoint::new(&options.token_url, options.client_id)
            .map_err(|error| format!("--token-url: {error}"))?
            .body_format(options.body);
        if let Some(name) = &options.client_secret_env {
            let secret = secret(name)?;
            // With a JSON body, the client's secret goes into the body too.
            endpoint = endpoint.client_auth(match options.body {
                BodyFormat::Json | BodyFormat::JsonCamelCase => ClientAuth::post(secret),
                _ => ClientAuth::basic(secret),
            });
        }
        if let Some(scope) = options.scope {
            endpoint = endpoint.scope(scope);
        }
        let mut policy = Backoff::default();
        if let Some(retries) = options.max_retries {
            policy = policy.max_retries(retries);
        }
        if let Some(delay) = options.base_delay {
            policy = policy.base_delay(delay);
        }
        Ok(Self {
            endpoint,
            refresh_token: RefreshToken::new(secret("REFRESH_TOKEN")?),
            policy,
            timeout: options.timeout.unwrap_or(TIMEOUT),
            json: options.json,
            show_tokens: options.show_tokens,
            timeline: Timeline::new(if options.json { Box::new(io::sink()) } else { output }),
            server: None,
        })
    }

    /// The refresh.
    pub fn refresh(&self) -> Refresh {
        Refresh::new(self.endpoint.clone(), self.refresh_token.clone()).policy(self.policy)
    }

    /// How long one attempt may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether the server is this program's own, which needs no proxy.
    pub fn is_demonstration(&self) -> bool {
        self.server.is_some()
    }

    /// Wraps `inner`, so that the timeline shows its work.
    pub fn recording<T>(&self, inner: T) -> Recording<T> {
        Recording::new(inner, self.timeline.clone())
    }

    /// Prints the outcome, and returns the exit status.
    pub fn finish(
        &self,
        result: &Result<TokenSet, RefreshError>,
        stdout: &mut dyn Write,
        stderr: &mut dyn Write,
    ) -> u8 {
        let text = if self.json { self.ending().json(result) } else { self.ending().text(result) };
        // Whoever closes the output early wants no more of it.
        let _ = stdout.write_all(text.as_bytes());
        match result {
            Ok(_) => REFRESHED,
            Err(error) => {
                let _ = writeln!(stderr, "{error}");
                status(error)
            }
        }
    }

    /// Reports that the transport could not be set up, and returns the exit
    /// status.
    pub fn finish_without_transport(
        &self,
        error: &dyn Error,
        stdout: &mut dyn Write,
        stderr: &mut dyn Write,
    ) -> u8 {
        if self.json {
            let _ = stdout.write_all(self.ending().json_of_bad_setup().as_bytes());
        }
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        let _ = writeln!(stderr, "{error}{cause}");
        FIX_SETUP
    }

    fn ending(&self) -> Ending<'_> {
        Ending { timeline: &self.timeline, old: &self.refresh_token, show_tokens: self.show_tokens }
    }

    fn announcement(&self) -> String {
        let host = self.endpoint.host();
        let mut text = String::new();
        if self.is_demonstration() {
            text.push_str(
                "A server of this program's own responds with 502, then drops the connection, then \
                 issues new tokens.\n\n",
            );
        }
        text + &format!("Refreshing at {host} as {}\n", self.endpoint.client_id())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
