use std::{path::Path, time::SystemTime};

use auth_core::{AccessToken, TokenEndpoint, TokenSet, presets};
use auth_store::internal::{Dir, Modes, Privacy};

use super::*;
use crate::{
    document::Document,
    format::{Fill, Found, Unread},
    our_lock::OurLock,
};

/// The format of an agent that takes no lock, and whose file says nothing.
struct Opaque<const IN_PLACE: bool>;

impl<const IN_PLACE: bool> Format for Opaque<IN_PLACE> {
    const EXPECTED: &'static str = "a file";
    const IGNORES_MODES: &'static str = "Opaque::insecure_modes";
    const KEPT_EXTRA: &'static [&'static str] = &[];

    fn endpoint() -> TokenEndpoint {
        presets::openai("opaque")
    }

    const WRITES_IN_PLACE: bool = IN_PLACE;

    fn read(_: &Document) -> Result<Option<Found>, Unread> {
        let tokens = TokenSet::new(AccessToken::new("at"));
        Ok(Some(Found { tokens, obtained_at: None, fill: Fill::ExpiresAt }))
    }

    fn write(
        _: &mut Document,
        _: &Record,
        _: Option<&Record>,
    ) -> Result<Option<SystemTime>, &'static str> {
        Ok(None)
    }

    fn remove(_: &mut Document) {}

    type Lock = ();

    fn try_lock_refresh(_: &Path, _: &OurLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn try_lock_write(_: &Path, _: &OurLock) -> Result<Option<()>, FileError> {
        Ok(Some(()))
    }

    fn is_held((): &()) -> bool {
        true
    }
}

/// An agent that takes no lock may have written while a save was in progress.
#[test]
fn what_was_written_at_the_last_moment_is_not_lost() {
    not_lost::<false>();
    not_lost::<true>();
}

fn not_lost<const IN_PLACE: bool>() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("auth.json");
    let store =
        Inner::<Opaque<IN_PLACE>>::new("codex".into(), file.clone(), Modes::Enforced).unwrap();
    let place = store.place().unwrap();
    let dir = Dir::open(scratch.path(), Privacy::Unwritable).unwrap();
    let set = |content: &[u8]| dir.replace("auth.json", "tmp", content, || Ok(())).unwrap();
    let (old, ours, theirs) = (b"{\"old\":1}", b"{\"ours\":1}", b"{\"theirs\":1}");
    let writing = store.begin(&place).unwrap();
    set(theirs);

    let error = writing.replace(Some(old), ours).unwrap_err();
    assert!(matches!(error.problem, Problem::Conflict));
    assert_eq!(std::fs::read(&file).unwrap(), theirs);
    let left = |directory: &Path| std::fs::read_dir(directory).unwrap().count();
    assert_eq!(left(scratch.path()), 2, "the file and our directory");
    assert_eq!(left(&scratch.path().join(".auth-store")), 1, "the lock");

    writing.replace(Some(theirs), ours).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), ours);
    std::fs::remove_file(&file).unwrap();
    assert!(writing.replace(Some(ours), old).is_err());
    assert!(!file.exists());
    writing.replace(None, old).unwrap();
}
