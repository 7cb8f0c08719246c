//! Node programs of this suite: started, asked, ended.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use serde_json::Value;

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
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("what the program says");
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{script} did not start: {error} in {line:?}"));
        let stdin = child.stdin.take();
        (Self { child, _stdin: stdin }, ready)
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
    let answer = match body {
        Some(body) => ureq::post(url).send(body.to_string()),
        None => ureq::get(url).call(),
    };
    let text = answer.expect("the control channel").into_body().read_to_string().expect("a text");
    serde_json::from_str(&text).expect("JSON")
}

pub(crate) fn port(value: &Value) -> u16 {
    value.as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port")
}
