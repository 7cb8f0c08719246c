//! The workers as processes: started, signalled, and given a full disk.
//!
//! A disk that is full for one program and not for the machine is a limit on the
//! size of files (`RLIMIT_FSIZE`): it needs no privilege, can be set from outside,
//! and strikes where a full disk does, in the middle of a write. The store takes
//! the error (`EFBIG`) for that of a full disk. The signal that comes with it is
//! ignored.
//!
//! Root may write to a directory that is read-only. So where this program is run
//! by root, its workers are run by another user, and the store is that user's.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    thread::{self, JoinHandle},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, geteuid, getrlimit, kill_process, prlimit};
use tempfile::TempDir;

use super::{
    book::{SharedBook, lock},
    messages::{Order, Report, Setup, Who, account_name},
};
use crate::child::without_proxies;

/// The user `nobody`.
const NOBODY: u32 = 65534;

/// The store's directory, and what the workers are.
pub(super) struct Place {
    directory: TempDir,
    program: PathBuf,
    /// Another user than root.
    user: Option<u32>,
}

impl Place {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut program = std::env::current_exe().expect("a path");
        let place = directory.path().join("tokens");
        fs::create_dir(&place).expect("a directory");
        let user = geteuid().is_root().then_some(NOBODY);
        if user.is_some() {
            // Where that user can read it.
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("ours");
            let copy = directory.path().join("worker");
            fs::copy(&program, &copy).expect("room for a copy of this program");
            program = copy;
            chown(&place, user, user).expect("root may");
        }
        let place = Self { directory, program, user };
        place.set_writable(true);
        place
    }

    pub(super) fn store(&self) -> PathBuf {
        self.directory.path().join("tokens")
    }

    /// In words, for who reads the output.
    pub(super) fn user(&self) -> &'static str {
        match self.user {
            Some(_) => "run by root, so the workers are run by the user 65534",
            None => "the workers are run by this user",
        }
    }

    pub(super) fn set_writable(&self, writable: bool) {
        let mode = if writable { 0o700 } else { 0o500 };
        fs::set_permissions(self.store(), fs::Permissions::from_mode(mode)).expect("ours");
    }

    /// The refresh token of the account on the disk.
    pub(super) fn on_disk(&self, account: usize) -> Option<String> {
        let record = self.store().join(format!("account-{}.json", account_name(account)));
        let content = fs::read(record).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&content).ok()?;
        json["record"]["tokens"]["refresh_token"].as_str().map(ToOwned::to_owned)
    }

    pub(super) fn file_names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.store()).expect("the store");
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Deletes a file of the account, as a cleaner would.
    pub(super) fn delete(&self, account: usize, ending: &str) -> bool {
        fs::remove_file(self.store().join(format!("account-{}.{ending}", account_name(account))))
            .is_ok()
    }
}

/// A worker that runs, or is stopped.
pub(super) struct Worker {
    pub(super) who: Who,
    pub(super) is_stopped: bool,
    child: Child,
    stdin: Option<ChildStdin>,
    reader: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(place: &Place, setup: &Setup, book: &SharedBook) -> Self {
        // A shell's `trap` is the plain way to have a signal ignored from the start.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" torture-worker"]).arg(&place.program);
        if let Some(user) = place.user {
            command.uid(user).gid(user);
        }
        let mut child = without_proxies(&mut command)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let stdout = child.stdout.take().expect("piped");
        let stdin = child.stdin.take();
        let (who, book) = (setup.who, book.clone());
        let reader = thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                match serde_json::from_str::<Report>(&line) {
                    Ok(report) => lock(&book).hears(who, report),
                    // It may have been killed in the middle of a line.
                    Err(error) => lock(&book).history.of_all(&format!("{who}: {error}")),
                }
            }
        });
        let mut worker = Self { who, is_stopped: false, child, stdin, reader: Some(reader) };
        worker.say(setup);
        worker
    }

    pub(super) fn order(&mut self, order: &Order) {
        self.say(order);
    }

    fn say(&mut self, what: &impl serde::Serialize) {
        let mut line = serde_json::to_string(what).expect("JSON");
        line.push('\n');
        if let Some(stdin) = &mut self.stdin {
            // One that has died by itself is noticed elsewhere.
            let _ = stdin.write_all(line.as_bytes());
        }
    }

    pub(super) fn stop(&mut self) {
        self.is_stopped = true;
        self.signal(Signal::STOP);
    }

    pub(super) fn go_on(&mut self) {
        self.is_stopped = false;
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid(), signal);
    }

    fn pid(&self) -> Pid {
        let id = i32::try_from(self.child.id()).expect("a process id");
        Pid::from_raw(id).expect("not 0")
    }

    /// Files may have so many bytes from now on; `None` is any number.
    pub(super) fn limit_files(&self, bytes: Option<u64>) {
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit { current: bytes.or(maximum), maximum };
        let _ = prlimit(Some(self.pid()), Resource::Fsize, limit);
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// The most memory that it had, in KiB.
    pub(super) fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// Kills it if it has not ended, and reads what it said to the end.
    pub(super) fn end(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
