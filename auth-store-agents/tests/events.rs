//! What an operator is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use agent_files::{claude, claude_file, codex, codex_file, load, loaded, save};
use auth_accounts::store::{BlockingTokenStore, Record};
use support::{SECRET, record};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged meanwhile.
fn logged(with: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, with);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains(SECRET));
    text
}

fn moved(file: &Path, to: &Path) -> String {
    format!(" WARN auth_store: a damaged record was moved aside file={file:?} to={to:?}\n")
}

/// A record that an agent's file has a place for.
fn login() -> Record {
    let mut login = record(3);
    login.tokens.extra.insert("id_token", "s3cret-id".into());
    login
}

/// The copy may hold tokens, so that somebody has to know where it is.
fn check(setup: &agent_files::Setup, store: &impl BlockingTokenStore, name: &str) {
    let file = &setup.file;
    let version = || load(store, name).unwrap_err().get_damaged_version().unwrap().clone();
    let aside = |of: &Path, suffix: &str| {
        let name = of.file_name().unwrap().to_str().unwrap();
        of.with_file_name(format!("{name}.damaged{suffix}"))
    };
    // The agent's file, by a login and by a logout.
    fs::write(file, "{\"s3cret-").unwrap();
    let text = logged(|| drop(save(store, name, &login(), Some(&version())).unwrap()));
    assert_eq!(text, moved(file, &aside(file, "")));
    fs::write(file, "{\"s3cret-").unwrap();
    let text = logged(|| store.remove_blocking(&name.into(), &version()).unwrap());
    assert_eq!(text, moved(file, &aside(file, "-2")));
    // There is nothing to be kept.
    fs::write(file, " ").unwrap();
    let text = logged(|| drop(save(store, name, &login(), Some(&version())).unwrap()));
    assert_eq!(text, "");
    // Our notes, by both.
    let name_of_file = file.file_name().unwrap().to_str().unwrap();
    let notes = setup.directory.join(".auth-store").join(format!("{name_of_file}.notes.json"));
    fs::write(&notes, "{\"s3cret-").unwrap();
    let text = logged(|| drop(save(store, name, &login(), Some(&version())).unwrap()));
    assert_eq!(text, moved(&notes, &aside(&notes, "")));
    fs::write(&notes, "[]").unwrap();
    let text = logged(|| store.remove_blocking(&name.into(), &version()).unwrap());
    assert_eq!(text, moved(&notes, &aside(&notes, "-2")));
}

#[test]
fn what_is_moved_aside_is_told() {
    let (setup, store) = claude(&claude_file());
    loaded(&store, "claude");
    check(&setup, &store, "claude");
    let (setup, store) = codex(&codex_file());
    loaded(&store, "codex");
    check(&setup, &store, "codex");
}
