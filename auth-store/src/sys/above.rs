//! What is above a file or a directory, on Unix: the directories on the way to it,
//! as the system goes it, and the links that it follows.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use super::Modes;
use crate::error::{FileError, IGNORES_MODES, Problem};

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
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let mode = mode(Some(&metadata));
    if modes == Modes::Ignored || mode & (STICKY | WRITABLE) != WRITABLE {
        return Ok(());
    }
    let user = rustix::process::geteuid().as_raw();
    Err(FileError::new(path, loose(path, mode, metadata.uid(), user)))
}

/// What is wrong with a directory of `owner` that everybody may write to, for a process
/// of `user`.
fn loose(path: &Path, mode: u32, owner: u32, user: u32) -> Problem {
    let constructor = IGNORES_MODES;
    match user == owner || user == 0 {
        true => Problem::LooseAbove { path: path.into(), mode, constructor },
        false => Problem::LooseAboveOfOther { mode, owner, constructor },
    }
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

#[cfg(test)]
mod tests {
    use auth_accounts::StoreError;

    use super::*;

    #[test]
    fn whoever_can_change_a_mode_is_told_how() {
        for (owner, user, can) in [
            (1000, 1000, true),
            (0, 0, true),
            (1000, 0, true),
            // A volume of Kubernetes.
            (0, 1000, false),
            (1001, 1000, false),
        ] {
            let problem = loose(Path::new("/data"), 0o777, owner, user);
            let text = StoreError::from(FileError::new("/data", problem)).to_string();
            assert_eq!(text.contains("run `chmod o-w \"/data\"`"), can, "{text}");
            let theirs = format!("it belongs to user {owner}, as a volume of Kubernetes");
            assert_eq!(text.contains(&theirs), !can, "{text}");
            assert!(text.contains("mode is 0777"), "{text}");
            assert!(text.ends_with("the constructor `FileStore::insecure_modes`"), "{text}");
        }
    }
}
