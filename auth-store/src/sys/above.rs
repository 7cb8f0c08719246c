//! What is above a file or a directory, on Unix: the directories on the way to it,
//! as the system goes it, and the links that it follows.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use super::Modes;
use crate::error::{FileError, Problem};

/// As many as Linux follows.
const MOST_LINKS: u32 = 40;

const WRITABLE: u32 = 0o0002;
const STICKY: u32 = 0o1000;

/// Checks that no directory on the way to `path`, which is absolute, may be written
/// to by everybody, who could replace what is at `path`. One with the sticky bit is
/// accepted, as `/tmp` has it: there users can remove only their own files. But
/// everybody can make a link there, and point it elsewhere later. So there a link is
/// followed only if it belongs to this user, to root, or to whoever owns the
/// directory. (Linux has the same rule, but for root's links, and not everywhere:
/// `fs.protected_symlinks` in `proc_sys_fs(5)`.)
///
/// A directory that its group may write to is accepted, whoever is in that group. Where
/// the program ignores modes, so is any directory; links are judged all the same.
pub(super) fn check(path: &Path, modes: Modes) -> Result<(), FileError> {
    let mut here = PathBuf::from("/");
    check_directory(&here, modes)?;
    let mut ahead = Vec::new();
    push(&mut ahead, path.parent().unwrap_or(path));
    let mut links = 0;
    while let Some(step) = ahead.pop() {
        let next = match step {
            Step::Root => PathBuf::from("/"),
            Step::Up => here.parent().unwrap_or(&here).into(),
            Step::Into(name) => here.join(name),
        };
        // What is not there is going to be this user's. What cannot be looked at
        // cannot be opened either.
        let is_link = next.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if !is_link {
            check_directory(&next, modes)?;
            here = next;
            continue;
        }
        check_link(&next, &here)?;
        links += 1;
        let Ok(target) = fs::read_link(&next) else { return Ok(()) };
        if links > MOST_LINKS {
            // Nor can this be opened.
            return Ok(());
        }
        push(&mut ahead, &target);
    }
    Ok(())
}

enum Step {
    Root,
    Up,
    Into(OsString),
}

/// What `path` says is done before what was ahead until now.
fn push(ahead: &mut Vec<Step>, path: &Path) {
    ahead.extend(path.components().rev().filter_map(|component| match component {
        Component::RootDir => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Into(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    }));
}

fn check_directory(path: &Path, modes: Modes) -> Result<(), FileError> {
    let mode = mode(path.symlink_metadata().ok().as_ref());
    if modes == Modes::Enforced && mode & (STICKY | WRITABLE) == WRITABLE {
        return Err(FileError::new(path, Problem::LooseAbove { path: path.into(), mode }));
    }
    Ok(())
}

fn check_link(link: &Path, directory: &Path) -> Result<(), FileError> {
    let directory = directory.symlink_metadata().ok();
    if mode(directory.as_ref()) & WRITABLE == 0 {
        return Ok(());
    }
    let user = rustix::process::geteuid().as_raw();
    let Ok(owner) = link.symlink_metadata().map(|link| link.uid()) else { return Ok(()) };
    let trusted = [Some(0), Some(user), directory.map(|directory| directory.uid())];
    if trusted.contains(&Some(owner)) {
        return Ok(());
    }
    Err(FileError::new(link, Problem::ForeignLink { owner, user }))
}

fn mode(metadata: Option<&Metadata>) -> u32 {
    metadata.map_or(0, |metadata| metadata.mode() & 0o7777)
}
