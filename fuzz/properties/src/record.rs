use auth_accounts::store::Record;
use auth_core::RefreshToken;

use crate::{
    input::json,
    stored::{has_objects, record_is},
};

/// Reads the JSON form of an account's record. What can be read is what the
/// input says, member by member, is written so that it reads the same again,
/// and redacted without its tokens; what cannot be read gives an error that
/// repeats none of it.
pub fn record(input: &[u8]) {
    match Record::from_json(input) {
        Ok(record) => {
            // A member that is ignored may be one that cannot be read.
            if let Some(value) = json(input)
                && has_objects(&value)
            {
                assert!(record_is(&record, &value), "read otherwise than it says: {record:?}");
            }
            check_record(&record);
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("not the JSON form of a record ("), "{message}");
            assert!(message.len() < 160, "{message}");
        }
    }
}

fn check_record(record: &Record) {
    let written = record.to_json_exposed();
    let read = Record::from_json(&written).expect("its own form cannot be read");
    assert!(read == *record, "changed by writing and reading: {record:?} became {read:?}");
    assert_eq!(*read.to_json_exposed(), *written);

    let redacted = serde_json::to_vec(record).expect("its own form cannot be written");
    assert!(Record::from_json(&redacted).is_err(), "a redacted record can be read");
    let mut other = record.clone();
    other.tokens.refresh_token = Some(RefreshToken::new("another"));
    if other.tokens.refresh_token != record.tokens.refresh_token {
        assert_ne!(other.fingerprint(), record.fingerprint());
    }
}
