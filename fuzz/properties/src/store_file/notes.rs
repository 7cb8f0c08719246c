use std::{fs, path::Path};

use auth_accounts::store::Record;

use super::{
    File, Form, Outcome,
    foreign::{Codex, codex_file},
    full_record, new_record, silent, write,
};
use crate::{input::json, stored::notes_are};

/// What the notes stand beside.
const LOGIN: &[u8] = br#"{"tokens": {"access_token": "at-1", "refresh_token": "rt-1", "id_token": "id-1"}, "last_refresh": "2026-12-31T23:59:59Z"}"#;

/// The notes beside a login of Codex. They add to the login, and never change
/// what it says itself.
pub(super) fn notes(scratch: &Path, content: &[u8]) -> Outcome {
    let login = codex_file(scratch);
    write(&login.path, LOGIN);
    let (bare, version) = login.load().expect("it can be read").expect("somebody is logged in");
    login.save(&with_notes(&bare), Some(&version)).expect("a first save, which makes the notes");
    let saved = fs::read(&login.path).expect("the file");

    let directory = login.path.parent().expect("a directory").join(".auth-store");
    let path = directory.join("auth.json.notes.json");
    assert!(path.exists(), "the notes have another name now");
    let notes = File { store: login.store.clone(), path };
    write(&notes.path, content);
    match notes.load() {
        Ok(found) => {
            let (record, version) = found.expect("whatever the notes say, somebody is logged in");
            let value = json(&saved).expect("what was saved is JSON");
            Codex.is_read(&value, &record);
            assert_eq!(record.obtained_at, bare.obtained_at);
            if let Some(noted) = json(content)
                && ["begun", "setback"].iter().all(|name| !noted["record"][name].is_array())
                && noted["record"].is_object()
            {
                assert!(notes_are(&record, &noted["record"]), "read otherwise than they say");
            }
            notes.refuses(content, &record, None);
            let next = new_record(full_record().tokens.extra);
            let version = notes.save(&next, Some(&version)).expect("it can be replaced");
            notes.holds(&next, &version);
            Outcome::Replaced
        }
        Err(error) => {
            silent(&error);
            notes.refuses(content, &full_record(), None);
            notes.refuses(content, &full_record(), Some(&version));
            login.is_untouched(&saved);
            Outcome::LeftAlone
        }
    }
}

/// All that a record can have beside these tokens.
fn with_notes(bare: &Record) -> Record {
    let mut record = full_record();
    record.tokens.access_token = bare.tokens.access_token.clone();
    record.tokens.refresh_token.clone_from(&bare.tokens.refresh_token);
    record.tokens.extra = bare.tokens.extra.clone();
    record.obtained_at = bare.obtained_at;
    record
}
