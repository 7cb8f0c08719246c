//! Whether a group is a user's own and has nobody else in it, as where each user has a
//! group of their own name (the "user private groups" of Debian, Fedora and others,
//! where what is made is writable to the group).
//!
//! It is told from `/etc/passwd` and `/etc/group`, and only on Linux. To ask the C
//! library would take `unsafe`, and what it answers without a server is in these files.
//! Everything that is not understood makes the answer "no": then group write is refused,
//! as everywhere else.
//!
//! What cannot be told, and is trusted: a password of the group in `/etc/gshadow`, which
//! others would become members by, is set by root or by the group's administrator. As
//! everywhere, root can do anything. So are the files of other machines that have the
//! same directory: they decide there about user numbers, too.

/// Why the answer is "no".
pub(super) type Reason = &'static str;

/// The files that are read, besides `/etc/passwd` and `/etc/group`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sources {
    /// Those of a system image, in `/usr/lib` (Fedora Silverblue and its like).
    pub(super) altfiles: bool,
    /// Records that systemd adds.
    pub(super) systemd: bool,
    /// A service that has members of its own if it was ever started.
    pub(super) sss: bool,
}

/// Where `nsswitch.conf` says that users and groups are looked up, if that is where it
/// can be told from files.
///
/// - `files`, and `compat`, which is the same but for lines that begin with `+` or `-`.
/// - `systemd`: Debian, Ubuntu, Fedora and Arch name it. It has users and groups that it
///   makes itself, with numbers of their own: services, containers, users of
///   systemd-homed. To make one of those a member of a group in `/etc/group` takes a
///   record that says so, written by root for that group; of these, the files are looked
///   at, and those of systemd-homed cannot be.
/// - `sss`: Fedora up to 39, RHEL, and some of Ubuntu name it on every desktop, where it
///   serves nobody. If it was ever started it has left a cache.
/// - all others (`ldap`, `winbind`, `nis`, `role`, ...) may have members that no file
///   names.
pub(super) fn sources(nsswitch: &[u8]) -> Result<Sources, Reason> {
    const UNKNOWN: Reason = "nsswitch.conf cannot be read as such";
    let mut sources = Sources::default();
    let (mut users, mut groups) = (false, false);
    for line in lines(nsswitch) {
        let line = std::str::from_utf8(line).map_err(|_| UNKNOWN)?;
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (database, from) = line.split_once(':').ok_or(UNKNOWN)?;
        match database.trim() {
            "passwd" => users = true,
            "group" => groups = true,
            // Where it is missing, groups are looked up.
            "initgroups" => {}
            _ => continue,
        }
        for name in without_actions(from).ok_or(UNKNOWN)?.split_whitespace() {
            match name {
                "files" | "compat" => {}
                "altfiles" => sources.altfiles = true,
                "systemd" => sources.systemd = true,
                "sss" => sources.sss = true,
                _ => return Err("nsswitch.conf names a source beside the files of this machine"),
            }
        }
    }
    match users && groups {
        true => Ok(sources),
        // What holds then depends on the version of the C library.
        false => Err("nsswitch.conf does not say where users and groups are looked up"),
    }
}

/// What is between `[` and `]` says what to do after a source has answered.
fn without_actions(from: &str) -> Option<String> {
    let mut parts = from.split('[');
    let mut names = parts.next()?.to_owned();
    for part in parts {
        let (_, after) = part.split_once(']')?;
        names.push(' ');
        names.push_str(after);
    }
    (!names.contains(']')).then_some(names)
}

/// Whether `group` is the own group of `user` and nobody else is in it, by the contents
/// of the files that say so.
pub(super) fn is_private(
    user: u32,
    group: u32,
    passwd: &[Vec<u8>],
    groups: &[Vec<u8>],
) -> Result<(), Reason> {
    if group == 0 {
        // Programs in containers that run as some number, without an entry anywhere,
        // have it: `docker run --user`, OpenShift.
        return Err("it is root's");
    }
    let mut names = Vec::new();
    for line in passwd.iter().flat_map(|content| lines(content)) {
        let [name, _, number, first_group, ..] =
            fields::<7>(line).ok_or("a line of passwd cannot be read as such")?;
        let number = decimal(number).ok_or("a line of passwd has no user number")?;
        let first_group = decimal(first_group).ok_or("a line of passwd has no group number")?;
        match (number == user, first_group == group) {
            (true, true) => names.push(name),
            // One user under two names, with two groups.
            (true, false) => return Err("it is not this user's own group"),
            (false, true) => return Err("it is the own group of another user, too"),
            (false, false) => {}
        }
    }
    if names.is_empty() {
        return Err("passwd does not have this user");
    }
    let mut is_known = false;
    for line in groups.iter().flat_map(|content| lines(content)) {
        let [_, password, number, members] =
            fields::<4>(line).ok_or("a line of group cannot be read as such")?;
        if decimal(number).ok_or("a line of group has no number")? != group {
            continue;
        }
        is_known = true;
        if !matches!(password, b"" | b"x" | b"*" | b"!") {
            return Err("it has a password, by which others can join it");
        }
        let mut members = members.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        if !members.all(|member| member.is_empty() || names.contains(&member)) {
            return Err("it has other members");
        }
    }
    match is_known {
        true => Ok(()),
        false => Err("group does not have it"),
    }
}

/// Lines that say something. Who reads them skips blank ones and comments.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// The fields of a line that has exactly so many. Those that begin with `+` or `-` stand
/// for entries elsewhere.
fn fields<const MANY: usize>(line: &[u8]) -> Option<[&[u8]; MANY]> {
    if line.starts_with(b"+") || line.starts_with(b"-") || line.contains(&0) {
        return None;
    }
    let mut fields = [&line[..0]; MANY];
    let mut found = line.split(|byte| *byte == b':');
    for field in &mut fields {
        *field = found.next()?;
    }
    (found.next().is_none() && !fields.first()?.is_empty()).then_some(fields)
}

fn decimal(field: &[u8]) -> Option<u32> {
    if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn where_users_and_groups_are_looked_up() {
        let found = |altfiles, systemd, sss| Some(Sources { altfiles, systemd, sss });
        let plain = || found(false, false, false);
        let systemd = || found(false, true, false);
        let rows: Vec<(&str, Option<Sources>)> = vec![
            // Debian 13 and Ubuntu; Debian 9; Arch; Fedora, before, and its Silverblue; Alpine
            // has no such file.
            (
                "passwd: files systemd\ngroup: files systemd\nnetgroup: nis\nhosts: files dns",
                systemd(),
            ),
            ("passwd: compat\ngroup: compat\nshadow: compat", plain()),
            ("passwd: files systemd\ngroup: files [SUCCESS=merge] systemd\n", systemd()),
            (
                "passwd:     sss files systemd\ngroup:      sss files systemd\n",
                found(false, true, true),
            ),
            (
                "passwd: files altfiles systemd\ngroup: files [SUCCESS=merge] altfiles \
                 [SUCCESS=merge] systemd\ninitgroups: files",
                found(true, true, false),
            ),
            (
                "# all\n\n  passwd:files # here\n\tgroup :\tfiles[!UNAVAIL=return NOTFOUND=return]\n",
                plain(),
            ),
            ("passwd: files\r\ngroup: files\r\n", plain()),
            // Members that no file names.
            ("passwd: files\ngroup: files ldap", None),
            ("passwd: files winbind\ngroup: files", None),
            ("passwd: files\ngroup: files nis", None),
            ("passwd: files\ngroup: files nisplus", None),
            ("passwd: files\ngroup: files db", None),
            ("passwd: files\ngroup: files role", None),
            ("passwd: files\ngroup: files extrausers", None),
            ("passwd: files\ngroup: files\ngroup: files hesiod", None),
            ("passwd: files\ngroup: files\ninitgroups: files centrify", None),
            // What cannot be told.
            ("", None),
            ("passwd: files", None),
            ("group: files", None),
            ("passwd: files\ngroup files", None),
            ("passwd: files\ngroup: files [SUCCESS=merge systemd", None),
            ("passwd: files\ngroup: files SUCCESS=merge] systemd", None),
            ("passwd: files\ngroup: Files", None),
        ];
        for (nsswitch, expected) in rows {
            assert_eq!(sources(nsswitch.as_bytes()).ok(), expected, "{nsswitch}");
        }
        assert!(sources(b"passwd: files\ngroup: files \xff").is_err());
    }

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          ada:x:1000:1000:Ada,,,:/home/ada:/bin/bash\n\
                          bob:x:1001:1001::/home/bob:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:ada\nada:x:1000:\nbob:x:1001:\n";

    #[test]
    fn whose_group_it_is() {
        let with = |base: &str, line: &str| format!("{base}{line}\n");
        let rows: Vec<(&str, String, String, u32, bool)> = vec![
            ("her own", PASSWD.into(), GROUP.into(), 1000, true),
            ("she is named in it", PASSWD.into(), GROUP.replace("1000:", "1000:ada"), 1000, true),
            ("twice", PASSWD.into(), with(GROUP, "also:*:1000:ada,ada,"), 1000, true),
            ("blanks, comments", with(PASSWD, "\n# x\n "), with(GROUP, "#"), 1000, true),
            ("a name that is not UTF-8", PASSWD.into(), with(GROUP, "caf\u{e9}:x:7:"), 1000, true),
            (
                "one user under two names",
                with(PASSWD, "a:x:1000:1000:::"),
                GROUP.into(),
                1000,
                true,
            ),
            (
                "and both are in it",
                with(PASSWD, "a:x:1000:1000:::"),
                GROUP.replace("1000:", "1000:a,ada"),
                1000,
                true,
            ),
            ("it has no password", PASSWD.into(), GROUP.replace("ada:x", "ada:!"), 1000, true),
            // Shared.
            ("another member", PASSWD.into(), GROUP.replace("1000:", "1000:bob"), 1000, false),
            ("one of two", PASSWD.into(), GROUP.replace("1000:", "1000:ada,bob"), 1000, false),
            ("by a second line", PASSWD.into(), with(GROUP, "also:x:1000:bob"), 1000, false),
            ("of nobody in passwd", PASSWD.into(), GROUP.replace("1000:", "1000:eve"), 1000, false),
            ("like hers", PASSWD.into(), GROUP.replace("1000:", "1000:ad"), 1000, false),
            (
                "another user's own, too",
                with(PASSWD, "eve:x:1002:1000:::"),
                GROUP.into(),
                1000,
                false,
            ),
            (
                "a password to join it",
                PASSWD.into(),
                GROUP.replace("ada:x", "ada:$6$x"),
                1000,
                false,
            ),
            // Not hers.
            ("bob's", PASSWD.into(), GROUP.into(), 1001, false),
            ("she is a member of it", PASSWD.into(), GROUP.into(), 50, false),
            ("root's", PASSWD.into(), GROUP.into(), 0, false),
            ("nobody's", PASSWD.into(), GROUP.into(), 4242, false),
            ("two names, two groups", with(PASSWD, "a:x:1000:1001:::"), GROUP.into(), 1000, false),
            // What cannot be told.
            ("no passwd", String::new(), GROUP.into(), 1000, false),
            ("no group", PASSWD.into(), String::new(), 1000, false),
            ("users elsewhere", with(PASSWD, "+::::::"), GROUP.into(), 1000, false),
            ("groups elsewhere", PASSWD.into(), with(GROUP, "+:::"), 1000, false),
            ("less elsewhere", PASSWD.into(), with(GROUP, "-eve:x:7:"), 1000, false),
            ("a short line", with(PASSWD, "eve:x:1002:1000"), GROUP.into(), 1000, false),
            ("a long line", with(PASSWD, "eve:x:1002:1002::::"), GROUP.into(), 1000, false),
            ("no number", with(PASSWD, "eve:x::1002:::"), GROUP.into(), 1000, false),
            ("a sign", with(PASSWD, "eve:x:+1002:1002:::"), GROUP.into(), 1000, false),
            (
                "too large",
                with(PASSWD, "eve:x:4294968296:4294968296:::"),
                GROUP.into(),
                1000,
                false,
            ),
            ("in hexadecimal", PASSWD.into(), with(GROUP, "also:x:0x3e8:bob"), 1000, false),
            ("no name", PASSWD.into(), with(GROUP, ":x:1000:"), 1000, false),
            ("cut off", PASSWD.into(), GROUP[..GROUP.len() - 9].into(), 1000, false),
            ("a NUL", with(PASSWD, "eve\0:x:1002:1002:::"), GROUP.into(), 1000, false),
        ];
        for (what, passwd, groups, group, expected) in rows {
            let (passwd, groups) = ([passwd.into_bytes()], [groups.into_bytes()]);
            let told = is_private(1000, group, &passwd, &groups);
            assert_eq!(told.is_ok(), expected, "{what}: {told:?}");
        }
        let passwd = [PASSWD.as_bytes().to_vec(), b"eve:x:60:1000:::\n".to_vec()];
        let groups = [GROUP.as_bytes().to_vec(), b"also:x:1000:bob\n".to_vec()];
        assert!(is_private(1000, 1000, &passwd[..1], &groups[..1]).is_ok());
        assert!(is_private(1000, 1000, &passwd, &groups[..1]).is_err());
        assert!(is_private(1000, 1000, &passwd[..1], &groups).is_err());
        // A user without an entry, as in many containers.
        assert!(is_private(4242, 4242, &passwd, &groups).is_err());
        assert!(is_private(0, 0, &passwd, &groups).is_err());
    }

    proptest! {
        /// Whatever stands around it, a line that names somebody else is not overlooked.
        #[test]
        fn nobody_is_overlooked(before in "[a-z:0-9x,\n#+ ]{0,60}", after in "\\PC{0,60}") {
            let groups = [format!("{before}\nada:x:1000:bob\n{after}").into_bytes()];
            let passwd = [PASSWD.as_bytes().to_vec()];
            prop_assert!(is_private(1000, 1000, &passwd, &groups).is_err());
            let groups = [GROUP.as_bytes().to_vec()];
            let passwd = [format!("{PASSWD}{before}\neve:x:7:1000:::\n{after}").into_bytes()];
            prop_assert!(is_private(1000, 1000, &passwd, &groups).is_err());
        }
    }
}
