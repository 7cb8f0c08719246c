//! What a mode of Unix says about who has access, and what follows.

/// Whose something is, and so how private it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A directory or a file of ours.
    Ours,
    /// A file of another program, with secrets in it.
    Theirs,
    /// A directory of another program, in which others may look around.
    TheirDirectory,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody else can get at it.
    Fine,
    /// Its group has access. It is to have this mode, which takes that away.
    ///
    /// That is what kubelet leaves at each start of a pod with an `fsGroup`: it gives all
    /// files of a volume `g+rw`, and all directories `g+rwxs` (`changeFilePermission` in
    /// Kubernetes' `pkg/volume/volume_linux.go`). It never gives anything to others. That
    /// group is made for the pods that share the volume, so that a record is believed
    /// though the group could write it. (If it belonged to somebody else, it would be
    /// refused: only its owner can have made it.)
    Tighten(u32),
    /// Its group has access, which is fine if that is nobody else.
    AskForGroup { fix: u32 },
    /// Everybody has access. Whoever it was that wanted it so, strangers may have read
    /// it or written it, and a person has to look.
    Refuse { fix: u32 },
}

pub(super) fn judge(mode: u32, kind: Kind) -> Verdict {
    let denied = match kind {
        Kind::Ours | Kind::Theirs => 0o077,
        Kind::TheirDirectory => 0o022,
    };
    let fix = mode & !denied & 0o777;
    match (mode & denied, kind) {
        (0, _) => Verdict::Fine,
        (loose, _) if loose & 0o007 != 0 => Verdict::Refuse { fix },
        (_, Kind::Ours) => Verdict::Tighten(fix),
        (_, Kind::Theirs | Kind::TheirDirectory) => Verdict::AskForGroup { fix },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_its_verdict() {
        use Kind::{Ours, TheirDirectory, Theirs};
        use Verdict::{AskForGroup, Fine, Refuse, Tighten};
        for (kind, mode, expected) in [
            (Ours, 0o600, Fine),
            (Ours, 0o400, Fine),
            (Ours, 0o700, Fine),
            // A directory in a volume, and one with a group that is handed on.
            (Ours, 0o2700, Fine),
            (Ours, 0o1700, Fine),
            // What kubelet makes of a file, of one that is stricter, of a directory.
            (Ours, 0o660, Tighten(0o600)),
            (Ours, 0o2770, Tighten(0o700)),
            (Ours, 0o640, Tighten(0o600)),
            (Ours, 0o440, Tighten(0o400)),
            (Ours, 0o620, Tighten(0o600)),
            (Ours, 0o610, Tighten(0o600)),
            (Ours, 0o770, Tighten(0o700)),
            (Ours, 0o604, Refuse { fix: 0o600 }),
            (Ours, 0o602, Refuse { fix: 0o600 }),
            (Ours, 0o644, Refuse { fix: 0o600 }),
            (Ours, 0o666, Refuse { fix: 0o600 }),
            (Ours, 0o701, Refuse { fix: 0o700 }),
            (Ours, 0o2777, Refuse { fix: 0o700 }),
            (Ours, 0o1777, Refuse { fix: 0o700 }),
            (Theirs, 0o600, Fine),
            (Theirs, 0o660, AskForGroup { fix: 0o600 }),
            (Theirs, 0o640, AskForGroup { fix: 0o600 }),
            // What umask 002 makes: all may read it.
            (Theirs, 0o664, Refuse { fix: 0o600 }),
            (Theirs, 0o644, Refuse { fix: 0o600 }),
            (TheirDirectory, 0o700, Fine),
            (TheirDirectory, 0o755, Fine),
            (TheirDirectory, 0o2750, Fine),
            (TheirDirectory, 0o775, AskForGroup { fix: 0o755 }),
            (TheirDirectory, 0o2770, AskForGroup { fix: 0o750 }),
            (TheirDirectory, 0o757, Refuse { fix: 0o755 }),
            (TheirDirectory, 0o777, Refuse { fix: 0o755 }),
            (TheirDirectory, 0o1777, Refuse { fix: 0o755 }),
        ] {
            assert_eq!(judge(mode, kind), expected, "{kind:?} {mode:04o}");
        }
    }
}
