//! A link in place of Codex's file: Codex writes through it (`FileAuthStorage::save` in
//! `login/src/auth/storage.rs`), and so does this store, if its user made it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    fs,
    os::unix::fs::{MetadataExt, lchown, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use agent_files::{codex, codex_file, json_at, load, loaded, save};
use auth_accounts::{
    StoreErrorKind,
    store::{BlockingTokenStore, Record},
};
use auth_store_agents::CodexAuth;
use support::{names, record, set_mode};

/// A login of Codex, and an empty home of Codex beside it.
struct Scene {
    setup: agent_files::Setup,
    home: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let (setup, _) = codex(&codex_file());
        let home = setup.directory.with_file_name("home");
        fs::create_dir(&home).unwrap();
        set_mode(&home, 0o700);
        Self { setup, home }
    }

    fn link(&self, target: impl AsRef<Path>) -> PathBuf {
        let link = self.home.join("auth.json");
        let _ = fs::remove_file(&link);
        symlink(target, &link).unwrap();
        link
    }

    fn store(&self) -> CodexAuth {
        CodexAuth::new("codex", self.home.join("auth.json")).unwrap()
    }
}

fn login(number: u32) -> Record {
    let mut record = record(number);
    record.tokens.extra.insert("id_token", "s3cret-id".into());
    record
}

#[test]
fn of_its_user_is_followed_and_stays() {
    let scene = Scene::new();
    let file = &scene.setup.file;
    let inode = file.metadata().unwrap().ino();
    let other = scene.home.join("other.json");
    let chain = scene.home.join("chain.json");
    symlink("./other.json", &chain).unwrap();
    symlink(file, &other).unwrap();
    symlink(&scene.setup.directory, scene.home.join("directory")).unwrap();
    for (number, target) in [
        file.clone(),
        PathBuf::from("../.codex/auth.json"),
        PathBuf::from("../home/../.codex/./auth.json"),
        PathBuf::from("chain.json"),
        PathBuf::from("directory/auth.json"),
    ]
    .into_iter()
    .enumerate()
    {
        let link = scene.link(&target);
        let number = number as u32 + 2;
        let (_, version) = loaded(&scene.store(), "codex");
        save(&scene.store(), "codex", &login(number), Some(&version)).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), target);
        assert_eq!(file.metadata().unwrap().ino(), inode, "{target:?}");
        let expected = format!("s3cret-rt-{number}");
        assert_eq!(json_at(file)["tokens"]["refresh_token"], expected, "{target:?}");
        // Whoever uses the file itself finds the same, the notes of it too.
        let direct = CodexAuth::new("codex", file).unwrap();
        assert_eq!(loaded(&direct, "codex"), loaded(&scene.store(), "codex"));
    }
    assert!(!names(&scene.home).contains(&".auth-store".to_owned()), "what is ours is there");
}

/// However many homes lead to it, one login is refreshed by one at a time.
#[test]
fn has_one_lease_with_the_file() {
    let scene = Scene::new();
    scene.link("../.codex/auth.json");
    let direct = CodexAuth::new("codex", &scene.setup.file).unwrap();
    let lease = |store: &CodexAuth| store.lease_blocking(&"codex".into(), Duration::ZERO);
    let held = lease(&scene.store()).unwrap();
    assert_eq!(lease(&direct).unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    drop(held);
    drop(lease(&direct).unwrap());
}

#[test]
fn that_leads_nowhere_says_so() {
    let scene = Scene::new();
    for (target, says) in [
        ("gone.json", "where there is nothing"),
        ("gone/auth.json", "where there is nothing"),
        ("auth.json", "more than 40 symbolic links"),
        ("/", "not a file name"),
        ("..", "not a file name"),
        ("../.codex", "not a regular file"),
    ] {
        let link = scene.link(target);
        let version = auth_accounts::store::Version::from(1);
        for error in [
            load(&scene.store(), "codex").map(drop).unwrap_err(),
            save(&scene.store(), "codex", &login(2), None).map(drop).unwrap_err(),
            scene.store().remove_blocking(&"codex".into(), &version).unwrap_err(),
            scene.store().lease_blocking(&"codex".into(), Duration::ZERO).map(drop).unwrap_err(),
        ] {
            assert!(error.to_string().contains(says), "{target}: {error}");
        }
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert!(!scene.home.join("gone.json").exists(), "nothing is made at its end");
    }
}

#[test]
fn is_no_way_around_what_is_checked() {
    let scene = Scene::new();
    scene.link(&scene.setup.file);
    set_mode(&scene.setup.file, 0o644);
    let error = load(&scene.store(), "codex").unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
    assert!(error.to_string().contains("mode is 0644"), "{error}");
    set_mode(&scene.setup.file, 0o600);
    set_mode(&scene.setup.directory, 0o777);
    let error = load(&scene.store(), "codex").unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
    set_mode(&scene.setup.directory, 0o700);
    // Somebody else's, of whichever step. Only root can give things away.
    let link = scene.link("chain.json");
    let chain = scene.home.join("chain.json");
    symlink(&scene.setup.file, &chain).unwrap();
    loaded(&scene.store(), "codex");
    for given in [link, chain] {
        if lchown(&given, Some(12345), None).is_err() {
            return;
        }
        let error = load(&scene.store(), "codex").unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        assert!(error.to_string().contains("link of user 12345"), "{error}");
        assert!(scene.store().lease_blocking(&"codex".into(), Duration::ZERO).is_err());
        lchown(&given, Some(0), None).unwrap();
        loaded(&scene.store(), "codex");
    }
}
