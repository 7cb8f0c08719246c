//! Who has access to what was opened: looked at, and put right where it is ours.

use std::{fs::File, os::unix::fs::MetadataExt, path::Path};

use rustix::{
    fs::{AtFlags, Mode, OFlags, RawMode},
    io::Errno,
};

#[cfg(target_os = "linux")]
use super::members::is_private;
use super::{
    Modes,
    modes::{Kind, Verdict, judge},
};
use crate::{
    error::{FileError, Problem},
    events,
};

/// What had been open to its group, and is not any more.
pub(super) struct Tightened {
    mode: u32,
    group: u32,
}

/// Checks that `file`, which was opened at `path`, belongs to this user, and that nobody
/// else has access that must not have it. A directory of another program may be root's,
/// as those above are. What its group has had access to is made tight
/// again, if it is ours.
pub(super) fn check(
    file: &File,
    path: &Path,
    kind: Kind,
    modes: Modes,
) -> Result<Option<Tightened>, FileError> {
    let metadata = file.metadata().map_err(|error| FileError::io("examine", path, error))?;
    let user = rustix::process::geteuid().as_raw();
    // Root makes the directory when a file is mounted into it (`docker run --volume`).
    let is_roots = metadata.uid() == 0 && kind == Kind::TheirDirectory;
    if metadata.uid() != user && !is_roots {
        let owner = metadata.uid();
        return Err(FileError::new(path, Problem::ForeignOwner { owner, user }));
    }
    let (mode, group) = (metadata.mode() & 0o7777, metadata.gid());
    // Another name of it may be one that somebody else put here, who wants its mode
    // changed.
    let can_be_tightened = metadata.is_dir() || metadata.nlink() <= 1;
    let error = |problem| Err(FileError::new(path, problem));
    match judge(mode, kind) {
        Verdict::Fine => Ok(None),
        Verdict::Refuse { fix } | Verdict::Tighten(fix)
            if modes == Modes::Ignored && kind == Kind::Ours =>
        {
            // Where that cannot be done, it was to be expected.
            let done = can_be_tightened && matches!(tighten(file, fix), Ok(true));
            Ok(done.then_some(Tightened { mode, group }))
        }
        _ if modes == Modes::Ignored => Ok(None),
        Verdict::Tighten(to) if can_be_tightened => match tighten(file, to) {
            Ok(true) => Ok(Some(Tightened { mode, group })),
            Ok(false) | Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS) => {
                error(Problem::ModesNotKept { mode })
            }
            Err(errno) => Err(FileError::io("take access from its group", path, errno)),
        },
        Verdict::AskForGroup { fix } => match is_private(file, user, group) {
            Ok(()) => Ok(None),
            Err(reason) => {
                error(Problem::SharedGroup { path: path.into(), mode, fix, group, reason })
            }
        },
        Verdict::Refuse { .. }
            if metadata.is_dir() && kind == Kind::Ours && keeps_modes(file) == Some(false) =>
        {
            error(Problem::ModesNotKept { mode })
        }
        Verdict::Refuse { fix } | Verdict::Tighten(fix) => {
            error(Problem::LooseMode { path: path.into(), mode, fix })
        }
    }
}

/// Checks a file that was made just now, with a tight mode, before anything is in it.
pub(super) fn check_new(file: &File, path: &Path, modes: Modes) -> Result<(), FileError> {
    let metadata = file.metadata().map_err(|error| FileError::io("examine", path, error))?;
    let mode = metadata.mode() & 0o7777;
    match judge(mode, Kind::Ours) {
        Verdict::Fine => Ok(()),
        _ if modes == Modes::Ignored => Ok(()),
        _ => Err(FileError::new(path, Problem::ModesNotKept { mode })),
    }
}

/// Its type differs between systems.
#[allow(clippy::unnecessary_cast)]
fn mode_of(stat: &rustix::fs::Stat) -> u32 {
    stat.st_mode as u32 & 0o7777
}

/// Returns whether it has that mode now.
fn tighten(file: &File, to: u32) -> Result<bool, Errno> {
    rustix::fs::fchmod(file, Mode::from_raw_mode(to as RawMode))?;
    Ok(mode_of(&rustix::fs::fstat(file)?) & 0o077 == 0)
}

/// Whether what is made in `dir`, a directory of this user, gets the mode that is asked
/// for. It is tried; `None` where it cannot be.
pub(super) fn keeps_modes(dir: &File) -> Option<bool> {
    if rustix::fs::fstat(dir).ok()?.st_uid != rustix::process::geteuid().as_raw() {
        return None;
    }
    // Somebody else may be trying it, too.
    let name = format!("mode-{:016x}.tmp", fastrand::u64(..));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = rustix::fs::openat(dir, &name, flags, Mode::from(0o600)).ok()?;
    let found = rustix::fs::fstat(&made);
    let _ = rustix::fs::unlinkat(dir, &name, AtFlags::empty());
    Some(mode_of(&found.ok()?) & 0o077 == 0)
}

/// Reports a file that was made tight again.
pub(super) fn report(path: &Path, tightened: &Tightened) {
    events::made_private(path, tightened.mode, tightened.group, 0);
}

/// Makes tight again, after the directory, what is in it, and reports all of that once.
/// What is left for whatever reason is looked at when it is used.
pub(super) fn tighten_content(dir: &File, path: &Path, tightened: &Tightened) {
    let mut files = 0;
    for entry in rustix::fs::Dir::read_from(dir).into_iter().flatten().flatten() {
        files += u64::from(tighten_entry(dir, entry.file_name()) == Ok(true));
    }
    events::made_private(path, tightened.mode, tightened.group, files);
}

fn tighten_entry(dir: &File, name: &std::ffi::CStr) -> Result<bool, Errno> {
    let user = rustix::process::geteuid().as_raw();
    // Looked at first, since opening something else than a file may do something.
    let fix = |stat: &rustix::fs::Stat| {
        let is_file = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
        match judge(mode_of(stat), Kind::Ours) {
            Verdict::Tighten(to) if is_file && stat.st_uid == user && stat.st_nlink <= 1 => {
                Some(to)
            }
            _ => None,
        }
    };
    if fix(&rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?).is_none() {
        return Ok(false);
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(dir, name, flags, Mode::empty())?);
    match fix(&rustix::fs::fstat(&file)?) {
        Some(to) => tighten(&file, to),
        None => Ok(false),
    }
}

/// Elsewhere users are kept in other ways (macOS: all share the group `staff`).
#[cfg(not(target_os = "linux"))]
fn is_private(_file: &File, _user: u32, _group: u32) -> Result<(), &'static str> {
    Err("on this system it cannot be told")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use rustix::fs::{XattrFlags, setxattr};

    use super::*;

    /// Then it looks as if the group had what is somebody else's.
    #[test]
    #[allow(clippy::print_stdout, reason = "what is skipped is said")]
    fn a_file_with_an_access_list_has_no_private_group() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("file");
        let file = File::create(&path).unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o660)).unwrap();
        let reason = || {
            let error = check(&file, &path, Kind::Theirs, Modes::Enforced).err();
            match error.map(|error| error.problem) {
                None => "",
                Some(Problem::SharedGroup { reason, .. }) => reason,
                Some(other) => panic!("{other}"),
            }
        };
        assert_ne!(reason(), "there is an access list");
        // Version 2: the owner, user 7, the group, the mask, and others (acl(5)).
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, may, id) in
            [(1_u16, 6_u16, !0_u32), (2, 6, 7), (4, 0, !0), (16, 6, !0), (32, 0, !0)]
        {
            list.extend([tag.to_le_bytes(), may.to_le_bytes()].concat());
            list.extend(id.to_le_bytes());
        }
        match setxattr(&path, "system.posix_acl_access", &list, XattrFlags::empty()) {
            Ok(()) => {}
            Err(errno) => return println!("skipped: no access lists here: {errno}"),
        }
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o660);
        assert_eq!(reason(), "there is an access list");
    }
}
