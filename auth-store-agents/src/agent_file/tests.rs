use auth_core::{AccessToken, TokenEndpoint, TokenSet, presets};

use super::*;

/// The format of an agent that takes no lock, and whose file says nothing.
struct Opaque;

impl Format for Opaque {
    const EXPECTED: &'static str = "a file";
    const KEPT_EXTRA: &'static [&'static str] = &[];

    fn endpoint() -> TokenEndpoint {
        presets::openai("opaque")
    }

    fn read(_: &Document) -> Result<Option<Found>, &'static str> {
        Ok(Some(Found { tokens: TokenSet::new(AccessToken::new("at")), obtained_at: None }))
    }

    fn write(_: &mut Document, _: &Record) -> Result<(), &'static str> {
        Ok(())
    }

    fn remove(_: &mut Document) {}

    type Lock = ();

    fn try_lock_refresh(_: &Path, _: &FileLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn try_lock_write(_: &Path, _: &FileLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn is_held((): &()) -> bool {
        true
    }
}

/// An agent that takes no lock may have written while a save was in progress.
#[test]
fn what_was_written_at_the_last_moment_is_not_lost() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("auth.json");
    let store = Inner::<Opaque>::new("codex".into(), file.clone(), Modes::Enforced).unwrap();
    let document = |json: &str| {
        std::fs::write(&file, json).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, mode).unwrap();
        }
        store.document().unwrap().unwrap()
    };
    let ours = document(r#"{"tokens":"ours"}"#);
    let old = document(r#"{"tokens":"old"}"#);
    let theirs = document(r#"{"tokens":"theirs"}"#);
    let bytes = |document: &Document| document.to_bytes(MAX_FILE).unwrap();

    let error = store.replace(Some(&old), &bytes(&ours)).unwrap_err();
    assert!(matches!(error.problem, Problem::Conflict));
    assert!(store.document().unwrap().unwrap() == theirs);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);

    store.replace(Some(&theirs), &bytes(&ours)).unwrap();
    assert!(store.document().unwrap().unwrap() == ours);
    std::fs::remove_file(&file).unwrap();
    assert!(store.replace(Some(&ours), &bytes(&old)).is_err());
    store.replace(None, &bytes(&old)).unwrap();
}
