//! Turns an account's id, which may be any string, into file names that are safe
//! on every system, and back.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use crate::json::hex;

/// Begins every file name of an account, so that no name is empty, begins with a
/// dot, or is reserved on Windows.
const PREFIX: &str = "account-";
const RECORD: &str = ".json";
const TEMPORARY: &str = ".json.tmp";
const LOCK: &str = ".lock";
const LEASE: &str = ".lease";
/// Follows the name of a record.
const ASIDE: &str = ".damaged";
/// How many damaged files of a record are kept.
const MOST_ASIDE: usize = 9;

/// Everything but lower-case letters, digits, `.`, `-` and `_`. Upper-case
/// letters are escaped too, since some file systems ignore case.
const ESCAPED: &AsciiSet = &{
    let mut set = NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');
    let mut letter = b'A';
    while letter <= b'Z' {
        set = set.add(letter);
        letter += 1;
    }
    set
};

/// The longest escaped id that a name holds unchanged. It limits names to 143
/// bytes, which every file system supports (eCryptfs: 143).
const MAX_ESCAPED: usize = 120;

/// Separates the readable beginning of a long id from the digest of the whole
/// id. It is escaped elsewhere, so no short id looks like a long one.
const DIGEST: char = '~';
const READABLE: usize = 40;

/// The names of the files that belong to one account. Different accounts have
/// different names, even if case is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Names {
    /// The record.
    pub(crate) record: String,
    /// What is renamed to the record.
    pub(crate) temporary: String,
    /// What a save locks.
    pub(crate) lock: String,
    /// What a refresh locks.
    pub(crate) lease: String,
}

impl Names {
    pub(crate) fn of(account: &str) -> Self {
        Self::of_stem(&stem(account))
    }

    /// The names of the account that a leftover temporary file belongs to.
    pub(crate) fn of_temporary(name: &str) -> Option<Self> {
        Some(Self::of_stem(name.strip_prefix(PREFIX)?.strip_suffix(TEMPORARY)?))
    }

    /// The names of the account whose record has this name.
    pub(crate) fn of_record(name: &str) -> Option<Self> {
        Some(Self::of_stem(name.strip_prefix(PREFIX)?.strip_suffix(RECORD)?))
    }

    /// The names of the account that a lock file belongs to, of a save or of a
    /// refresh.
    pub(crate) fn of_lock(name: &str) -> Option<Self> {
        let stem = name.strip_prefix(PREFIX)?;
        let stem = stem.strip_suffix(LOCK).or_else(|| stem.strip_suffix(LEASE))?;
        Some(Self::of_stem(stem))
    }

    /// What a damaged record may be called when it is moved aside: the first of these
    /// that is free.
    pub(crate) fn aside(&self) -> impl Iterator<Item = String> {
        let first = format!("{}{ASIDE}", self.record);
        let next = move |number| format!("{}{ASIDE}-{number}", self.record);
        std::iter::once(first).chain((2..=MOST_ASIDE).map(next))
    }

    /// Whether the names do not say whose they are.
    pub(crate) fn are_digests(&self) -> bool {
        self.record.contains(DIGEST)
    }

    fn of_stem(stem: &str) -> Self {
        Self {
            record: format!("{PREFIX}{stem}{RECORD}"),
            temporary: format!("{PREFIX}{stem}{TEMPORARY}"),
            lock: format!("{PREFIX}{stem}{LOCK}"),
            lease: format!("{PREFIX}{stem}{LEASE}"),
        }
    }
}

/// What a record's file name says of its account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This account.
    Account(String),
    /// An account whose id is too long for a name. The file holds the id, which
    /// begins with these bytes.
    InFile { begins: Vec<u8> },
}

/// The account whose record has this file name; `None` if it is not the name of
/// a record.
pub(crate) fn owner(file_name: &str) -> Option<Owner> {
    let stem = file_name.strip_prefix(PREFIX)?.strip_suffix(RECORD)?;
    if let Some((begins, _)) = stem.split_once(DIGEST) {
        // The cut may have gone through an escape.
        let cut = begins.rfind('%').filter(|at| begins.len() - at < 3).unwrap_or(begins.len());
        return Some(Owner::InFile { begins: percent_decode_str(&begins[..cut]).collect() });
    }
    let account = percent_decode_str(stem).decode_utf8().ok()?.into_owned();
    // This crate makes no other spelling of a name.
    (self::stem(&account) == stem).then_some(Owner::Account(account))
}

fn stem(account: &str) -> String {
    let escaped = percent_encode(account.as_bytes(), ESCAPED).to_string();
    if escaped.len() <= MAX_ESCAPED {
        return escaped;
    }
    let mut stem: String = escaped.chars().take(READABLE).collect();
    stem.push(DIGEST);
    stem.push_str(&hex(&Sha256::digest(account.as_bytes())));
    stem
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_known_accounts() {
        for (account, record) in [
            ("", "account-.json"),
            ("main", "account-main.json"),
            ("alice@example.com", "account-alice%40example.com.json"),
            ("Alice", "account-%41lice.json"),
            (".", "account-..json"),
            ("..", "account-...json"),
            ("../../etc/passwd", "account-..%2F..%2Fetc%2Fpasswd.json"),
            ("a\\b", "account-a%5Cb.json"),
            ("a\0b", "account-a%00b.json"),
            ("CON", "account-%43%4F%4E.json"),
            ("nul", "account-nul.json"),
            ("\u{e9}", "account-%C3%A9.json"),
            // The same letter to the eye, and to some file systems.
            ("e\u{301}", "account-e%CC%81.json"),
            ("%41", "account-%2541.json"),
            ("~", "account-%7E.json"),
            ("a ", "account-a%20.json"),
            ("x.json.tmp", "account-x.json.tmp.json"),
        ] {
            assert_eq!(Names::of(account).record, record, "{account:?}");
            assert_eq!(owner(record), Some(Owner::Account(account.into())));
        }
    }

    #[test]
    fn a_long_id_is_told_from_its_neighbours() {
        let long = "x".repeat(10 << 10);
        let longer = format!("{long}x");
        let names = Names::of(&long);
        assert_ne!(names, Names::of(&longer));
        assert!(names.temporary.len() <= 140, "{}", names.temporary.len());
        let begins = "x".repeat(READABLE).into_bytes();
        assert_eq!(owner(&names.record), Some(Owner::InFile { begins }));
        // One that spells out the long one's name is not taken for it.
        let stem = names.record.strip_prefix(PREFIX).unwrap().strip_suffix(RECORD).unwrap();
        assert_ne!(Names::of(stem), names);
    }

    #[test]
    fn what_is_moved_aside_is_no_record_and_has_a_name_everywhere() {
        for id in ["ada", &"x".repeat(MAX_ESCAPED), &"x".repeat(10 << 10), "y.json"] {
            let names = Names::of(id);
            let aside: Vec<_> = names.aside().collect();
            assert_eq!(aside.len(), MOST_ASIDE);
            assert_eq!(aside[0], format!("{}.damaged", names.record));
            assert_eq!(aside[8], format!("{}.damaged-9", names.record));
            for name in aside {
                assert!(name.len() <= 143, "{name}");
                assert_eq!(owner(&name), None);
                let others = [Names::of_record(&name), Names::of_temporary(&name)];
                assert_eq!(
                    [others, [Names::of_lock(&name), None]].concat(),
                    [None, None, None, None]
                );
            }
        }
    }

    #[test]
    fn other_files_belong_to_nobody() {
        for name in [
            "",
            "account-",
            "account-x",
            "account-x.lock",
            "account-x.lease",
            "account-x.json.tmp",
            "account-X.json",
            "account-%4.json",
            "account-%ff.json",
            "account-%FF.json",
            "account-%61.json",
            "main.json",
        ] {
            assert_eq!(owner(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_temporary_file_knows_its_lock() {
        let names = Names::of("Alice/1");
        assert_eq!(Names::of_temporary(&names.temporary), Some(names.clone()));
        assert_eq!(Names::of_temporary(&names.record), None);
        for lock in [&names.lock, &names.lease] {
            assert_eq!(Names::of_lock(lock), Some(names.clone()));
        }
        assert_eq!(Names::of_lock(&names.record), None);
    }

    /// Ids that are near each other: different case, escapes, long tails.
    fn id() -> impl Strategy<Value = String> {
        prop_oneof![
            "[aA%4~./\\\\\u{e9}\0]{0,6}",
            any::<String>(),
            "[aA]{118,123}",
            ("[~a]{0,3}", "[0-9a-f]{64}").prop_map(|(head, tail)| format!("{head}~{tail}")),
        ]
    }

    proptest! {
        #[test]
        fn different_accounts_have_different_files(one in id(), other in id()) {
            let (a, b) = (Names::of(&one), Names::of(&other));
            let all = |names: &Names| [
                names.record.to_lowercase(),
                names.temporary.to_lowercase(),
                names.lock.to_lowercase(),
                names.lease.to_lowercase(),
            ];
            let (a, b) = (all(&a), all(&b));
            if one == other {
                prop_assert_eq!(&a, &b);
            } else {
                prop_assert!(a.iter().all(|name| !b.contains(name)));
            }
            // Nor do an account's own names collide.
            prop_assert!((1..4).all(|i| !a[..i].contains(&a[i])));
        }

        #[test]
        fn names_are_safe_everywhere(account in id()) {
            let names = Names::of(&account);
            for name in [&names.record, &names.temporary, &names.lock, &names.lease] {
                prop_assert!(name.len() <= 140);
                prop_assert_eq!(Path::new(name).components().count(), 1);
                let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._%~".contains(&byte);
                prop_assert!(name.bytes().all(safe));
            }
        }

        #[test]
        fn a_name_says_whose_it_is(account in id()) {
            match owner(&Names::of(&account).record) {
                Some(Owner::Account(found)) => prop_assert_eq!(found, account),
                Some(Owner::InFile { begins }) => {
                    prop_assert!(begins.len() >= READABLE / 3);
                    prop_assert!(account.as_bytes().starts_with(&begins));
                }
                None => prop_assert!(false, "not taken for a record"),
            }
        }
    }
}
