//! Who else may get at a `FileStore`: modes, owners, links, pipes.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use auth_accounts::{StoreErrorKind, store::BlockingTokenStore};
use auth_store::FileStore;
use support::{RECORD, account, load, mode, names, record, save, scratch, set_mode};

#[test]
fn files_are_for_their_user_alone() {
    let scratch = scratch();
    let directory = scratch.path().join("state/app");
    let store = FileStore::open(&directory).unwrap();
    save(&store, &account(), &record(1));
    drop(store.lease_blocking(&account(), Duration::ZERO).unwrap());
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(mode(&scratch.path().join("state")), 0o700);
    let names = names(&directory);
    assert_eq!(
        names,
        [
            "account-ada%40example.com.json",
            "account-ada%40example.com.lease",
            "account-ada%40example.com.lock"
        ]
    );
    for name in names {
        assert_eq!(mode(&directory.join(&name)), 0o600, "{name}");
    }
}

#[test]
fn a_stricter_mode_is_kept() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    set_mode(&scratch.path().join(RECORD), 0o400);
    save(&store, &account(), &record(2));
    assert_eq!(mode(&scratch.path().join(RECORD)), 0o400);
    assert_eq!(load(&store, &account()), Some(record(2)));
}

#[test]
fn a_looser_mode_is_refused() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let version = save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    let content = fs::read(&path).unwrap();
    for (file, loose, fix) in [
        (path.as_path(), 0o644, "chmod 600"),
        (&path, 0o604, "chmod 600"),
        (&path, 0o602, "chmod 600"),
        (&path, 0o666, "chmod 600"),
        (&path, 0o444, "chmod 400"),
        (scratch.path(), 0o755, "chmod 700"),
        (scratch.path(), 0o701, "chmod 700"),
        (scratch.path(), 0o777, "chmod 700"),
        (scratch.path(), 0o1777, "chmod 700"),
        (&scratch.path().join("account-ada%40example.com.lock"), 0o666, "chmod 600"),
    ] {
        let before = mode(file);
        set_mode(file, loose);
        let saved = store.save_blocking(&account(), &record(2), Some(&version));
        let error = saved.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        let text = error.to_string();
        assert!(text.starts_with(&file.display().to_string()), "{text}");
        assert!(text.contains(&format!("mode is {loose:04o}")), "{text}");
        assert!(text.contains(&format!("{fix} {file:?}")), "{text}");
        if !file.ends_with("account-ada%40example.com.lock") {
            let error = store.load_blocking(&account()).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        }
        set_mode(file, before);
    }
    assert_eq!(fs::read(&path).unwrap(), content);
    set_mode(scratch.path(), 0o755);
    let error = FileStore::open(scratch.path()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
    assert_eq!(mode(scratch.path()), 0o755, "it is not for the store to change");
    assert_eq!(names(scratch.path()).len(), 2, "nothing is left of trying out modes");
}

/// Whoever can rename the directory can make its user start anew, with an empty
/// one, or have one planted.
#[test]
fn a_directory_above_that_everybody_may_write_to_is_refused() {
    let scratch = scratch();
    let above = scratch.path().join("above");
    let directory = above.join("state/app");
    let store = FileStore::open(&directory).unwrap();
    save(&store, &account(), &record(1));
    let state = above.join("state");
    // Through a link, too.
    symlink(&state, scratch.path().join("link")).unwrap();
    let linked = scratch.path().join("link/app");

    for loose in [&above, &state] {
        for mode in [0o777, 0o703, 0o2777] {
            set_mode(loose, mode);
            for directory in [&directory, &linked] {
                let error = FileStore::open(directory).unwrap_err();
                assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
                let text = error.to_string();
                assert!(text.contains(&format!("its mode is {mode:04o}")), "{text}");
                assert!(text.contains("run `chmod o-w"), "{text}");
            }
        }
        // As `/tmp`; as a home directory where each user has a group; and so on.
        for mode in [0o1777, 0o775, 0o755] {
            set_mode(loose, mode);
            for directory in [&directory, &linked] {
                let store = FileStore::open(directory).unwrap();
                assert_eq!(load(&store, &account()), Some(record(1)));
            }
        }
        set_mode(loose, 0o700);
    }

    set_mode(&above, 0o777);
    fs::rename(&state, above.join("taken away")).unwrap();
    let error = FileStore::open(&directory).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}: ", above.display())), "{error}");
    assert!(!state.exists(), "an empty one was made");
}

/// A link leads through directories of its own.
#[test]
fn a_directory_that_a_link_leads_through_is_above_too() {
    let scratch = scratch();
    let (real, loose) = (scratch.path().join("real"), scratch.path().join("loose"));
    let store = FileStore::open(real.join("app")).unwrap();
    save(&store, &account(), &record(1));
    fs::create_dir(&loose).unwrap();
    set_mode(&loose, 0o777);
    // The second link is where everybody may replace it. The third one leads up
    // from there.
    symlink(&real, loose.join("second")).unwrap();
    symlink("loose/second", scratch.path().join("first")).unwrap();
    fs::create_dir(loose.join("within")).unwrap();
    symlink("loose/within/../../real", scratch.path().join("third")).unwrap();
    for link in ["first", "third"] {
        let directory = scratch.path().join(link).join("app");
        let error = FileStore::open(&directory).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        assert!(error.to_string().starts_with(&loose.display().to_string()), "{error}");
    }
    set_mode(&loose, 0o755);
    for link in ["first", "third"] {
        let store = FileStore::open(scratch.path().join(link).join("app")).unwrap();
        assert_eq!(load(&store, &account()), Some(record(1)));
    }
    // One that leads round and round is no reason to go on for ever.
    symlink("round", scratch.path().join("round")).unwrap();
    FileStore::open(scratch.path().join("round/app")).unwrap_err();
}

/// In `/tmp` everybody can make a link, and let it point elsewhere later.
#[test]
fn a_link_in_a_sticky_directory_is_followed_by_its_owner() {
    let user = rustix::process::geteuid().as_raw();
    let scratch = scratch();
    let (real, tmp) = (scratch.path().join("real"), scratch.path().join("tmp"));
    let store = FileStore::open(real.join("app")).unwrap();
    save(&store, &account(), &record(1));
    fs::create_dir(&tmp).unwrap();
    let link = tmp.join("link");
    symlink(&real, &link).unwrap();
    let open = |mode| {
        set_mode(&tmp, mode);
        FileStore::open(link.join("app")).map(|store| load(&store, &account()))
    };
    // This user's.
    assert_eq!(open(0o1777).unwrap(), Some(record(1)));
    if user != 0 {
        return skipped("a link of another user", &"only root can give things away");
    }
    let belongs = |path: &Path, to: u32| std::os::unix::fs::lchown(path, Some(to), None).unwrap();
    belongs(&link, 12345);
    let error = open(0o1777).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
    assert!(error.to_string().starts_with(&link.display().to_string()), "{error}");
    assert!(error.to_string().contains("link of user 12345"), "{error}");
    // Through another link that is trusted, too.
    symlink("tmp/link", scratch.path().join("first")).unwrap();
    FileStore::open(scratch.path().join("first/app")).unwrap_err();
    // Nobody else can make a link there.
    assert_eq!(open(0o755).unwrap(), Some(record(1)));
    // Whoever owns the directory can take away any link in it.
    belongs(&tmp, 12345);
    assert_eq!(open(0o1777).unwrap(), Some(record(1)));
    belongs(&link, 0);
    assert_eq!(open(0o1777).unwrap(), Some(record(1)));
}

/// Whoever may write beside a directory can plant a link; what it points to
/// is neither read nor written.
#[test]
fn links_are_not_followed() {
    let scratch = scratch();
    let (directory, elsewhere) = (scratch.path().join("tokens"), scratch.path().join("secret"));
    let store = FileStore::open(&directory).unwrap();
    let version = save(&store, &account(), &record(1));
    let good = fs::read(directory.join(RECORD)).unwrap();
    // Well-formed, of the right mode, and this very account's.
    fs::write(&elsewhere, &good).unwrap();
    set_mode(&elsewhere, 0o600);
    let refused = |path: &Path, result: Result<(), auth_accounts::StoreError>| {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        assert!(error.to_string().contains("link is not followed"), "{error}");
        assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        assert_eq!(fs::read(&elsewhere).unwrap(), good);
    };

    let path = directory.join(RECORD);
    fs::remove_file(&path).unwrap();
    symlink(&elsewhere, &path).unwrap();
    let save_again = || store.save_blocking(&account(), &record(2), Some(&version)).map(drop);
    refused(&path, store.load_blocking(&account()).map(drop));
    refused(&path, save_again());
    refused(&path, store.save_blocking(&account(), &record(2), None).map(drop));
    fs::remove_file(&path).unwrap();
    fs::write(&path, &good).unwrap();
    set_mode(&path, 0o600);

    let lock = directory.join("account-ada%40example.com.lock");
    fs::remove_file(&lock).unwrap();
    symlink(&elsewhere, &lock).unwrap();
    refused(&lock, save_again());
    fs::remove_file(&lock).unwrap();

    let lease = directory.join("account-ada%40example.com.lease");
    symlink(&elsewhere, &lease).unwrap();
    let leased = store.lease_blocking(&account(), Duration::ZERO);
    refused(&lease, leased.map(drop));
    // Nor is one made where a dangling link points.
    fs::remove_file(&lease).unwrap();
    symlink(scratch.path().join("new"), &lease).unwrap();
    let leased = store.lease_blocking(&account(), Duration::ZERO);
    refused(&lease, leased.map(drop));
    assert!(!scratch.path().join("new").exists());

    // The temporary file is always made anew.
    let temporary = directory.join(format!("{RECORD}.tmp"));
    symlink(&elsewhere, &temporary).unwrap();
    save_again().unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), good);
    assert!(!temporary.exists());

    let link = scratch.path().join("link");
    symlink(&directory, &link).unwrap();
    for end in ["", "/", "//", "/.", "/./"] {
        let path = format!("{}{end}", link.display());
        refused(&link, FileStore::open(path).map(drop));
    }
}

/// A pipe would keep its reader waiting for ever.
#[test]
fn only_regular_files_are_read() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let path = scratch.path().join(RECORD);
    let refused = || {
        let error = store.load_blocking(&account()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged, "{error}");
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(store.save_blocking(&account(), &record(1), None).is_err());
    };
    fs::create_dir(&path).unwrap();
    refused();
    fs::remove_dir(&path).unwrap();

    let mode = rustix::fs::Mode::from(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    refused();
    fs::remove_file(&path).unwrap();

    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, FileType, makedev, mknodat};
        // `/dev/zero`, which never ends; only root can make one. And one that
        // everybody can make, and nobody can open.
        for (major, minor) in [(1, 5), (0, 0)] {
            let device = makedev(major, minor);
            match mknodat(CWD, &path, FileType::CharacterDevice, mode, device) {
                Ok(()) => {
                    refused();
                    fs::remove_file(&path).unwrap();
                }
                Err(error) => skipped("a device in place of a file", &error),
            }
        }
    }

    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    refused();
    drop(socket);

    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    let error = FileStore::open(&file).unwrap_err();
    assert!(error.to_string().contains("not a directory"), "{error}");
}

/// Whoever owns a file or a directory can change it, whatever its mode.
#[test]
fn what_belongs_to_others_is_refused() {
    let user = rustix::process::geteuid().as_raw();
    let scratch = scratch();
    let refused = |error: auth_accounts::StoreError, owner: u32, user: u32| {
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        let says = format!("belongs to user {owner}, and this process runs as user {user}");
        assert!(error.to_string().contains(&says), "{error}");
    };
    if user != 0 {
        // A directory that is root's everywhere.
        let error = FileStore::open("/").unwrap_err();
        assert!(error.to_string().contains("name a directory below it"), "{error}");
        refused(error, 0, user);
        return skipped("a file of another user", &"only root can give things away");
    }
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
    let error = store.load_blocking(&account()).unwrap_err();
    assert!(!error.to_string().contains("name a directory"), "{error}");
    refused(error, 12345, 0);
    std::os::unix::fs::chown(scratch.path(), Some(12345), None).unwrap();
    let error = FileStore::open(scratch.path()).unwrap_err();
    assert!(error.to_string().contains("name a directory below it"), "{error}");
    refused(error, 12345, 0);
    std::os::unix::fs::chown(scratch.path(), Some(0), None).unwrap();
}

/// What this user may not try is said, and not passed over.
fn skipped(what: &str, why: &dyn std::fmt::Display) {
    println!("skipped: {what}: {why}");
}

/// Otherwise a program that changes its working directory would have another
/// store.
#[test]
fn a_relative_directory_stays_where_it_is() {
    let scratch = scratch();
    let up: PathBuf = env::current_dir().unwrap().components().skip(1).map(|_| "..").collect();
    let relative = up.join(scratch.path().strip_prefix("/").unwrap()).join("tokens");
    assert!(relative.is_relative());
    let store = FileStore::open(&relative).unwrap();
    assert!(store.directory().is_absolute());
    assert!(scratch.path().join("tokens").is_dir());
}
