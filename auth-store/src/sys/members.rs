//! Who is in a group, read from the files of Linux that say so.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use rustix::io::Errno;

use super::own_group::{self, Reason, Sources};

/// Whether nobody but `user` is in `group`, and nobody else was given access to `file`.
pub(super) fn is_private(file: &File, user: u32, group: u32) -> Result<(), Reason> {
    // With an access list, what looks like the group's bits is what the list may give to
    // anybody (acl(5)). NFS 4 has one for everything.
    for list in ["system.posix_acl_access", "system.nfs4_acl"] {
        match rustix::fs::fgetxattr(file, list, &mut [0_u8; 0]) {
            Err(Errno::NODATA | Errno::NOTSUP) => {}
            _ => return Err("there is an access list"),
        }
    }
    let sources = match read("/etc/nsswitch.conf")? {
        Some(nsswitch) => own_group::sources(&nsswitch)?,
        // musl has none, and reads the files. openSUSE has it elsewhere.
        None => match read("/usr/etc/nsswitch.conf")? {
            Some(nsswitch) => own_group::sources(&nsswitch)?,
            None => Sources::default(),
        },
    };
    if sources.sss && SSS.iter().any(|path| exists(path)) {
        return Err("sssd may know members");
    }
    if sources.systemd && USERDB.iter().any(|path| has_memberships(path)) {
        return Err("systemd knows members");
    }
    let all = |paths: &[&str]| -> Result<Vec<Vec<u8>>, Reason> {
        paths.iter().filter_map(|path| read(path).transpose()).collect()
    };
    let many = if sources.altfiles { 2 } else { 1 };
    own_group::is_private(user, group, &all(&PASSWD[..many])?, &all(&GROUP[..many])?)
}

const PASSWD: [&str; 2] = ["/etc/passwd", "/usr/lib/passwd"];
const GROUP: [&str; 2] = ["/etc/group", "/usr/lib/group"];

/// What sssd makes when it is started. The caches stay when it ends (`sss_cache(8)`).
const SSS: [&str; 3] =
    ["/var/lib/sss/pipes/nss", "/var/lib/sss/mc/group", "/var/lib/sss/mc/initgroups"];

/// Where systemd looks for `<user>:<group>.membership` (`nss-systemd(8)`).
const USERDB: [&str; 5] =
    ["/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/local/lib/userdb", "/usr/lib/userdb"];

/// The largest of these files that is read, in bytes.
const LIMIT: u64 = 1 << 20;

fn read(path: &str) -> Result<Option<Vec<u8>>, Reason> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err("a file that would say so cannot be opened"),
    };
    let mut content = Vec::new();
    match file.take(LIMIT + 1).read_to_end(&mut content) {
        Ok(read) if read as u64 <= LIMIT => Ok(Some(content)),
        Ok(_) => Err("a file that would say so is too large"),
        Err(_) => Err("a file that would say so cannot be read"),
    }
}

/// What cannot be looked at may be there.
fn exists(path: &str) -> bool {
    !fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn has_memberships(path: &str) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return exists(path) };
    entries
        .flatten()
        .any(|entry| Path::new(&entry.file_name()).extension() == Some("membership".as_ref()))
}
