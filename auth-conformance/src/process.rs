//! A call that is made in another process, which is stopped before the response
//! comes and goes on long after the call's time.
//!
//! The other process is the test's own binary, which runs one test: the one that
//! makes the call. It finds in its environment what to call, and reports over a
//! connection of its own.

use std::{
    env, fmt,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use auth_core::{Delivery, Response, TransportError, TransportErrorKind as Kind};
use fault_server::FaultServer;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::{case::Setup, judge::CallResult};

const URL: &str = "AUTH_CONFORMANCE_URL";
const TIMEOUT: &str = "AUTH_CONFORMANCE_TIMEOUT_MS";
const ROOT: &str = "AUTH_CONFORMANCE_ROOT";
const HTTP2: &str = "AUTH_CONFORMANCE_HTTP2";
const REPORT: &str = "AUTH_CONFORMANCE_REPORT";

/// How long after the call's time the process goes on.
const MUCH_LATER: Duration = Duration::from_millis(500);

/// How often is looked whether something has happened that cannot be waited for.
const TURN: Duration = Duration::from_millis(5);

/// How long the other process may take to start and to send its request.
const START: Duration = Duration::from_secs(60);

/// Makes the one call of a case in the process that runs this test.
pub(super) fn stopped_call(
    setup: &Setup,
    test: &str,
    allowance: Duration,
) -> io::Result<(CallResult, Duration)> {
    let Some((server, gate)) = setup.server.as_ref().zip(setup.stopped.as_ref()) else {
        return Err(io::Error::other("the case has no server"));
    };
    let reports = TcpListener::bind(("127.0.0.1", 0))?;
    let mut child = Killed(start(setup, test, reports.local_addr()?)?);
    let sends = child.sends_request(server)?;
    let started = Instant::now();
    if sends {
        child.stop()?;
        gate.open();
        server.wait_for_responses(1);
        // Its time began to run before it was stopped.
        thread::sleep((setup.settings.timeout + MUCH_LATER).saturating_sub(started.elapsed()));
        child.signal(Signal::CONT)?;
    }
    let ended = child.ends_within(allowance)?;
    let result = if ended { Some(read_report(&reports)?) } else { None };
    Ok((result, started.elapsed()))
}

fn start(setup: &Setup, test: &str, reports: SocketAddr) -> io::Result<Child> {
    let settings = &setup.settings;
    Command::new(env::current_exe()?)
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(URL, &setup.url)
        .env(TIMEOUT, settings.timeout.as_millis().to_string())
        .env(ROOT, settings.root_certificate_pem.as_deref().unwrap_or_default())
        .env(HTTP2, if settings.http2_prior_knowledge { "1" } else { "0" })
        .env(REPORT, reports.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
}

/// The other process, which does not outlive the case.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Killed {
    /// Waits until its request has arrived. False if it ends before.
    fn sends_request(&mut self, server: &FaultServer) -> io::Result<bool> {
        let started = Instant::now();
        while !server.requests().iter().any(|request| request.complete) {
            if self.0.try_wait()?.is_some() {
                return Ok(false);
            }
            if started.elapsed() > START {
                return Err(io::Error::other("the call was not made within a minute"));
            }
            thread::sleep(TURN);
        }
        Ok(true)
    }

    fn stop(&self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        // Returns when it has stopped, with all of its threads.
        waitpid(Some(self.pid()?), WaitOptions::UNTRACED)?;
        Ok(())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(self.pid()?, signal)?)
    }

    fn pid(&self) -> io::Result<Pid> {
        let raw = i32::try_from(self.0.id()).ok();
        raw.and_then(Pid::from_raw).ok_or_else(|| io::Error::other("not a process"))
    }

    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        let started = Instant::now();
        while self.0.try_wait()?.is_none() {
            if started.elapsed() > limit {
                return Ok(false);
            }
            thread::sleep(TURN);
        }
        Ok(true)
    }
}

/// What the other process was told to call.
pub(super) fn told() -> Option<(Setup, Reporter)> {
    let report = env::var(REPORT).ok()?.parse().ok()?;
    let timeout = Duration::from_millis(env::var(TIMEOUT).ok()?.parse().ok()?);
    let mut setup = Setup::at("");
    setup.url = env::var(URL).ok()?;
    setup.settings.timeout = timeout;
    setup.settings.root_certificate_pem = env::var(ROOT).ok().filter(|pem| !pem.is_empty());
    setup.settings.http2_prior_knowledge = env::var(HTTP2).is_ok_and(|value| value == "1");
    Some((setup, Reporter(report)))
}

/// Where the other process reports to.
pub(super) struct Reporter(SocketAddr);

impl Reporter {
    pub(super) fn report(self, result: &Result<Response, TransportError>) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.0)?;
        match result {
            Ok(response) => {
                writeln!(stream, "{}", response.status().as_u16())?;
                stream.write_all(response.body())
            }
            Err(error) => {
                let sent = if error.delivery() == Delivery::NotSent { "not_sent" } else { "" };
                writeln!(stream, "{:?} {sent}", error.kind())
            }
        }
    }
}

fn read_report(reports: &TcpListener) -> io::Result<Result<Response, TransportError>> {
    // The process has ended: its report is there, or never comes.
    reports.set_nonblocking(true)?;
    let (mut stream, _) = reports
        .accept()
        .map_err(|error| io::Error::new(error.kind(), "the test that makes the call made none"))?;
    stream.set_nonblocking(false)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, body) = bytes.split_at(end);
    let line = String::from_utf8_lossy(line);
    if let Ok(status) = line.parse::<http::StatusCode>() {
        let mut response = Response::new(body.get(1..).unwrap_or_default().to_vec());
        *response.status_mut() = status;
        return Ok(Ok(response));
    }
    let (kind, sent) = line.split_once(' ').unwrap_or_default();
    let kind = kind_named(kind);
    Ok(Err(match sent {
        "not_sent" => TransportError::not_sent(kind),
        _ => TransportError::unknown(kind),
    }))
}

/// The kind whose name `Debug` writes so.
fn kind_named(name: &str) -> Kind {
    let kinds = [
        Kind::Dns,
        Kind::Refused,
        Kind::ConnectTimeout,
        Kind::Connect,
        Kind::TlsHandshake,
        Kind::BadCertificate,
        Kind::ClientCertificate,
        Kind::Clock,
        Kind::Proxy,
        Kind::ProxyRefused,
        Kind::Reset,
        Kind::Timeout,
        Kind::Closed,
        Kind::Truncated,
        Kind::TooLarge,
        Kind::Protocol,
        Kind::Cancelled,
    ];
    kinds.into_iter().find(|kind| format!("{kind:?}") == name).unwrap_or(Kind::Other)
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}
