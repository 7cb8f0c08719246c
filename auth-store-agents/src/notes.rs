//! What an agent's file has no place for, in files of ours beside it.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use auth_accounts::{
    Registration,
    store::{Record, Version},
};
use auth_core::{AccessToken, Extra, TokenSet, internal::wipe};
use auth_store::internal::{
    Content, Dir, FileError, MAX_SIZE, Modes, Privacy, Problem, Side, extra_left_out,
    json::{self, digest, hex, revision},
    moved_aside,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{format::Found, times::to_nanos};

/// The directory of our files, beside the agent's file.
const DIRECTORY: &str = ".auth-store";
const SCHEMA: u64 = 1;
const EXPECTED: &str = "notes beside a credentials file";

/// The directory, with our files for one of an agent's files.
pub(crate) struct NotesDir {
    dir: Dir,
    names: Names,
}

pub(crate) struct Names {
    pub(crate) lock: String,
    pub(crate) lease: String,
    notes: String,
    temporary: String,
    side: String,
    side_temporary: String,
}

impl NotesDir {
    /// Opens the directory. Creates it unless it exists.
    pub(crate) fn open(parent: &Path, file_name: &str, modes: Modes) -> Result<Self, FileError> {
        // Whoever may write to the parent could replace the directory.
        if parent.metadata().is_ok() {
            Dir::open_with(parent, Privacy::Unwritable, modes)?;
        }
        let path = parent.join(DIRECTORY);
        if path.symlink_metadata().is_err() {
            Dir::create(&path)?;
        }
        let dir = Dir::open_with(&path, Privacy::Secret, modes)?;
        Ok(Self { dir, names: Names::of(file_name) })
    }

    /// Opens the directory, unless there is none.
    pub(crate) fn find(
        parent: &Path,
        file_name: &str,
        modes: Modes,
    ) -> Result<Option<Self>, FileError> {
        let path = parent.join(DIRECTORY);
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let dir = Dir::open_with(&path, Privacy::Secret, modes)?;
        Ok(Some(Self { dir, names: Names::of(file_name) }))
    }

    /// The notes as they are written; `None` if there are none.
    pub(crate) fn content(&self) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        self.dir.read(&self.names.notes, MAX_SIZE)
    }

    pub(crate) fn parse(&self, content: &[u8]) -> Result<Notes, FileError> {
        let error = |problem| FileError::new(self.dir.path_of(&self.names.notes), problem);
        Notes::parse(content).map_err(error)
    }

    /// Gives the notes, which are damaged, a second name that nothing has. They keep
    /// theirs until they are replaced. The caller holds the lock.
    pub(crate) fn set_aside(&self) -> Result<(), FileError> {
        let (dir, notes) = (&self.dir, &self.names.notes);
        for aside in names_aside(notes) {
            if dir.set_aside(notes, &aside)? {
                moved_aside(&dir.path_of(notes), &dir.path_of(aside));
                return Ok(());
            }
        }
        Err(too_many_aside(dir, notes))
    }

    /// Where the agent's file is kept whole while it is written in place.
    pub(crate) fn side(&self) -> Side<'_> {
        let Names { side, side_temporary, .. } = &self.names;
        Side { dir: &self.dir, name: side, temporary: side_temporary }
    }

    /// Replaces the notes. The caller holds the lock.
    pub(crate) fn write(&self, notes: &Content) -> Result<(), FileError> {
        let Names { notes: name, temporary, .. } = &self.names;
        self.dir.replace(name, temporary, &notes.bytes, || Ok(()))?;
        if let Some(reason) = notes.left_out {
            extra_left_out(&self.dir.path_of(name), reason);
        }
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }
}

/// The names for what is damaged and was called `name`.
pub(crate) fn names_aside(name: &str) -> impl Iterator<Item = String> {
    let number = move |number| match number {
        1 => format!("{name}.damaged"),
        _ => format!("{name}.damaged-{number}"),
    };
    (1..=MOST_ASIDE).map(number)
}

pub(crate) fn too_many_aside(dir: &Dir, name: &str) -> FileError {
    let first = dir.path_of(format!("{name}.damaged"));
    FileError::new(dir.path_of(name), Problem::TooManyAside { first, count: MOST_ASIDE })
}

/// How many damaged files of a name are kept.
const MOST_ASIDE: usize = 9;

impl Names {
    fn of(file_name: &str) -> Self {
        Self {
            lock: format!("{file_name}.lock"),
            lease: format!("{file_name}.lease"),
            notes: format!("{file_name}.notes.json"),
            temporary: format!("{file_name}.notes.json.tmp"),
            side: format!("{file_name}.new"),
            side_temporary: format!("{file_name}.new.tmp"),
        }
    }
}

/// A record without its tokens, but with the further ones, which the agent does not know;
/// and which tokens it belongs to.
#[derive(Default)]
pub(crate) struct Notes {
    /// Random, so that no two saves are equal.
    revision: String,
    /// A digest of the access token that the record was saved with.
    of: String,
    record: Option<Record>,
    /// The time that the agent's file holds although the record has none.
    filled: Option<SystemTime>,
}

#[derive(Serialize, Deserialize)]
struct Form<T, R> {
    schema: u64,
    revision: T,
    of: T,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extra_left_out: Option<T>,
    /// Nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filled: Option<u64>,
    record: R,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Exposed<'a>(#[serde(with = "auth_accounts::store::record_exposed")] &'a Record);

impl Notes {
    /// The notes of `record`, without the members `kept_extra`, which the agent's
    /// file holds, where the time `filled` is filled in: as a load will find them, and as
    /// they are written.
    pub(crate) fn of(
        record: &Record,
        kept_extra: &[&str],
        filled: Option<SystemTime>,
    ) -> Result<(Self, Content), Problem> {
        let mut noted = record.clone();
        noted.tokens.access_token = AccessToken::new("elsewhere");
        noted.tokens.refresh_token = None;
        for name in kept_extra {
            noted.tokens.extra.remove(name).as_mut().map(wipe);
        }
        let (revision, of) = (revision(), token_digest(&record.tokens.access_token));
        let content = Content::of(
            &noted,
            |record, extra_left_out, output| {
                let record = Exposed(record);
                let (revision, of) = (revision.as_str(), of.as_str());
                let filled = filled.and_then(to_nanos);
                let form = Form { schema: SCHEMA, revision, of, extra_left_out, filled, record };
                json::put_in_lines(&form, output)
            },
            |content| Self::parse(content).map(drop),
        )?;
        if content.left_out.is_some() {
            noted.tokens.extra = Extra::default();
        }
        Ok((Self { revision, of, record: Some(noted), filled }, content))
    }

    /// Notes of nothing, for a file in which nobody is logged in any more. They
    /// have a revision of their own, so that no version of before comes back with
    /// the tokens of before.
    pub(crate) fn blank() -> Result<Content, Problem> {
        let nothing = Record::new(TokenSet::new(AccessToken::new("nobody's")));
        Ok(Self::of(&nothing, &[], None)?.1)
    }

    fn parse(content: &[u8]) -> Result<Self, Problem> {
        let form: Form<String, Record> = json::parse_versioned(content, EXPECTED, SCHEMA)?;
        let at = |nanos| SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanos));
        let filled = form.filled.and_then(at);
        Ok(Self { revision: form.revision, of: form.of, record: Some(form.record), filled })
    }

    /// The record: what the agent's file says, completed by the notes.
    ///
    /// The setback and the note that a refresh began name the refresh token that
    /// they are about, and so cannot be taken for another's. The rest is used
    /// only if the access token is still the one that it was noted with. Tokens
    /// that we have not noted are of `own`, the agent.
    pub(crate) fn record_of(&self, mut found: Found, own: &Registration) -> Record {
        if self.of == token_digest(&found.tokens.access_token) {
            found.unfill(self.filled);
        }
        let mut record = Record::new(found.tokens);
        record.bound_to = Some(own.clone());
        record.obtained_at = found.obtained_at;
        let Some(notes) = &self.record else { return record };
        record.note.clone_from(&notes.note);
        record.setback.clone_from(&notes.setback);
        if self.of == token_digest(&record.tokens.access_token) {
            let tokens = &mut record.tokens;
            tokens.token_type = tokens.token_type.take().or(notes.tokens.token_type.clone());
            tokens.scope = tokens.scope.take().or(notes.tokens.scope.clone());
            tokens.expires_at = tokens.expires_at.or(notes.tokens.expires_at);
            // What their file says of an earlier refresh token stays there, where
            // nothing is known of this one.
            let noted = notes.tokens.refresh_expires_at;
            tokens.refresh_expires_at =
                noted.map(|noted| tokens.refresh_expires_at.unwrap_or(noted));
            for (name, value) in notes.tokens.extra.iter() {
                if tokens.extra.get(name).is_none() {
                    tokens.extra.insert(name, value.clone());
                }
            }
            record.obtained_at = record.obtained_at.or(notes.obtained_at);
            record.guess.clone_from(&notes.guess);
            record.born_expired = notes.born_expired;
            record.refusals.clone_from(&notes.refusals);
            record.dpop_thumbprint.clone_from(&notes.dpop_thumbprint);
            record.further.clone_from(&notes.further);
            record.bound_to = notes.bound_to.clone().or(record.bound_to);
        }
        record
    }

    /// The version of `record`, which combines these notes and the agent's file.
    pub(crate) fn version(&self, record: &Record) -> Version {
        Version::new(digest(&[&record.to_json_exposed(), self.revision.as_bytes()]))
    }
}

fn token_digest(token: &AccessToken) -> String {
    hex(&digest(&[token.expose().as_bytes()]))
}
