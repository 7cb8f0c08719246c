use super::*;
use crate::store_error::StoreErrorKind::Detached;

/// Either the cause says what to do, or the kind does.
#[test]
fn what_to_do_with_a_store_is_said_once() {
    let source = || StoreError::new(Detached, "a.json").with_source("mount the directory");
    let by_kind = "; the directory must be mounted instead of the file";
    for (error, ends) in [
        (StoreError::new(Detached, "a.json"), by_kind),
        (source(), by_kind),
        (source().source_says_what_to_do(), "use: mount the directory"),
        // There is nobody else to say it.
        (StoreError::new(Detached, "a.json").source_says_what_to_do(), by_kind),
    ] {
        let ada = AccountId::from("ada");
        let text = AccountError::new(&ada, Reason::Store(error), None, SystemTime::UNIX_EPOCH);
        assert!(text.to_string().ends_with(ends), "{text}");
    }
}
