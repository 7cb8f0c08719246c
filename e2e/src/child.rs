//! Programs of this suite: started, asked, ended.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    thread,
};

use serde_json::Value;

use crate::patience::{LONG_ENOUGH, until};

/// A program that prints one line of JSON once it is ready, and ends when its
/// standard input does; so it outlives this process in no case.
pub(crate) struct NodeProgram {
    child: Child,
    _stdin: Option<ChildStdin>,
}

impl NodeProgram {
    pub(crate) fn start(script: &str, arguments: &[String]) -> (Self, Value) {
        let mut child = Command::new("node")
            .arg(directory().join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node cannot be started");
        let stdout = child.stdout.take().expect("piped");
        let stdin = child.stdin.take();
        // Ended if what follows fails.
        let program = Self { child, _stdin: stdin };
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = tell.send(line);
        });
        let line = told
            .recv_timeout(LONG_ENOUGH)
            .unwrap_or_else(|_| panic!("{script} has not started after {LONG_ENOUGH:?}"));
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{script} did not start: {error} in {line:?}"));
        (program, ready)
    }

    /// Until it has ended by itself.
    pub(crate) fn wait(self) {
        let program = std::sync::Mutex::new(self);
        until("the program has ended", || {
            let mut program = program.lock().expect("no panic");
            program.child.try_wait().expect("a child").is_some()
        });
    }
}

/// Killed, without a chance to clean up.
impl Drop for NodeProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("provider")
}

/// Asks the control channel of a program, a loopback HTTP server.
pub(crate) fn ask(port: u16, route: &str, body: Option<&Value>) -> Value {
    let url = format!("http://127.0.0.1:{port}{route}");
    let response = match body {
        Some(body) => agent().post(url).send(body.to_string()),
        None => agent().get(url).call(),
    };
    let text = response.expect("the control channel").into_body().read_to_string().expect("a text");
    serde_json::from_str(&text).expect("JSON")
}

/// For what is asked beside the refreshes: on loopback, to which no proxy leads.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(LONG_ENOUGH)).proxy(None).build().into()
}

/// No proxy of the environment leads to loopback, where all servers of the
/// suite are.
pub(crate) fn without_proxies(command: &mut Command) -> &mut Command {
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

pub(crate) fn port(value: &Value) -> u16 {
    value.as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port")
}
