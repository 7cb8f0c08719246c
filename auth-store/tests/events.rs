//! What an operator is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use support::{RECORD, SECRET, account, load, nested, record, save, scratch};

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

#[test]
fn what_is_left_out_is_told() {
    let scratch = scratch();
    let file = scratch.path().join(RECORD);
    let text = logged(|| {
        let store = auth_store::FileStore::open(scratch.path()).unwrap();
        save(&store, &account(), &record(1));
        let mut record = record(2);
        record.tokens.extra.insert("deep", nested(200));
        save(&store, &account(), &record);
    });
    let expected = format!(
        " WARN auth_store: saved without extra file={file:?} reason=\"nested too deeply\"\n"
    );
    assert_eq!(text, expected);
}

/// One line for all that kubelet has opened to a group, and one for a single file.
#[cfg(unix)]
#[test]
fn what_was_open_to_a_group_is_told_once() {
    use std::os::unix::fs::MetadataExt;

    let scratch = scratch();
    let store = auth_store::FileStore::open(scratch.path()).unwrap();
    let ids = ["ada@example.com", "bob", "eve"].map(auth_accounts::AccountId::from);
    for id in &ids {
        save(&store, id, &record(1));
    }
    let files = support::names(scratch.path()).len();
    assert_eq!(files, 6);
    for name in support::names(scratch.path()) {
        support::set_mode(&scratch.path().join(name), 0o660);
    }
    support::set_mode(scratch.path(), 0o2770);
    let group = scratch.path().metadata().unwrap().gid();
    let use_it = || {
        for _ in 0..2 {
            let store = auth_store::FileStore::open(scratch.path()).unwrap();
            for id in &ids {
                assert_eq!(load(&store, id), Some(record(1)));
                save(&store, id, &record(1));
            }
        }
    };
    let says = "open to its group, which may have read the tokens; made private again";
    let directory = scratch.path();
    let expected = format!(
        " WARN auth_store: {says} file={directory:?} mode=2770 group={group} files={files}\n"
    );
    assert_eq!(logged(use_it), expected);

    let file = scratch.path().join(RECORD);
    support::set_mode(&file, 0o640);
    let expected =
        format!(" WARN auth_store: {says} file={file:?} mode=0640 group={group} files=0\n");
    assert_eq!(logged(use_it), expected);
}
