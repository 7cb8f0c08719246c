use std::{fs, path::Path};

use auth_accounts::store::Record;
use auth_store::FileStore;
use serde_json::Value;

use super::{File, Form, Outcome, full_record};
use crate::stored::{has_objects, record_is};

/// A record of the file store.
pub(super) fn own(scratch: &Path, content: &[u8]) -> Outcome {
    let directory = scratch.join("inner");
    let store = FileStore::open(&directory).expect("a store");
    let mut file = File { store, path: directory.clone() };
    // Which makes the file.
    file.save(&full_record(), None).expect("a first record");
    file.path = fs::read_dir(&directory)
        .expect("the directory")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "json"))
        .expect("the record's file");
    file.check(content, &Own)
}

struct Own;

impl Form for Own {
    fn is_read(&self, content: &Value, record: &Record) {
        if content.is_object() {
            assert_eq!(content["schema"], 1);
            assert_eq!(content["account"], "ada");
        }
        if has_objects(&content["record"]) {
            assert!(record_is(record, &content["record"]), "read otherwise than it says");
        }
    }

    fn is_replaced(&self, old: &Value, new: &Value, record: &Record) {
        assert_eq!(new["schema"], 1);
        assert_eq!(new["account"], "ada");
        assert_ne!(new["revision"], old["revision"], "two saves look the same");
        assert!(record_is(record, &new["record"]), "written otherwise than it is");
    }

    fn is_removed(&self, _: &Value, new: Option<&Value>) {
        assert_eq!(new, None, "a file is left");
    }
}
