//! What an operator is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use support::{RECORD, SECRET, account, nested, record, save, scratch};

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

#[test]
fn what_is_left_out_is_told() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    let scratch = scratch();
    let file = scratch.path().join(RECORD);
    tracing::subscriber::with_default(subscriber, || {
        let store = auth_store::FileStore::open(scratch.path()).unwrap();
        save(&store, &account(), &record(1));
        let mut record = record(2);
        record.tokens.extra.insert("deep", nested(200));
        save(&store, &account(), &record);
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let expected = format!(
        " WARN auth_store: saved without extra file={file:?} reason=\"nested too deeply\"\n"
    );
    assert_eq!(text, expected);
    assert!(!text.contains(SECRET));
}
