//! A file that keeps its inode: written in place, so that whoever has it mounted, or
//! linked, finds the new content.
//!
//! Nothing makes such a write atomic. So the new content is first saved whole in a
//! *side file*, which is replaced by rename, and is removed afterwards. Meanwhile, and
//! after a crash, the two files together are the content:
//!
//! ```text
//! the file                               the side file   the content
//! as it was                              none            the file's
//! as it was, white space after it        whole           the side file's
//! begins with the mark of the side file  whole           the side file's
//! as in the side file                    whole           the same in both
//! anything else: somebody else wrote it  whole, and old  the file's
//! ```
//!
//! The *mark* stands at the begin of the file from before its content is changed until
//! the rest is in place. No JSON begins with it. So a content that is half old and half
//! new never looks whole, to no reader; and what is half-written is ours if, and only
//! if, it has the mark of the very side file. What others wrote, whole or half, is never
//! overwritten by an older side file.
//!
//! Where there can be no side file, a crash within the write leaves a file with a mark
//! and no content.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
};

use zeroize::Zeroizing;

use crate::{
    error::FileError,
    json::{digest, hex, revision},
    sys::Dir,
};

/// Where a side file is, in a directory of ours.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub dir: &'a Dir,
    pub name: &'a str,
    /// For its replacing.
    pub temporary: &'a str,
}

/// Reads a file that may be written in place, and not with a lock: as it was at one
/// moment. `None` if there is none.
pub fn read_whole(
    dir: &Dir,
    name: &str,
    limit: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    let mut last = dir.read(name, limit)?;
    // What is read while it is changed may be half of each. It does not stay that way.
    for _ in 0..MOST_READS {
        let again = dir.read(name, limit)?;
        if again == last {
            break;
        }
        last = again;
    }
    Ok(last)
}

const MOST_READS: usize = 16;

/// A side file: a content that is being written, or was when its writer died.
pub struct Pending {
    id: String,
    /// The digest of what was replaced.
    from: String,
    content: Zeroizing<Vec<u8>>,
}

/// What a file is, beside its side file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// Yet to be written, or written by us, but not to the end.
    Old,
    /// Written.
    New,
    /// Somebody else's.
    Theirs,
}

const FORM: &[u8] = b"auth-store side file 1";
/// Hexadecimal digits of an id, and of a digest.
const DIGITS: usize = 32;

impl Pending {
    /// The side file; `None` if there is none. One that is not whole says nothing.
    pub fn read(side: Side<'_>, limit: usize) -> Result<Option<Self>, FileError> {
        let header = FORM.len() + 3 * (DIGITS + 1) + 1;
        let content = side.dir.read(side.name, limit.saturating_add(header))?;
        Ok(content.and_then(|content| Self::parse(&content)))
    }

    /// The content of a file that now holds `file`, if it is in the side file.
    pub fn over(&self, file: Option<&[u8]>) -> Option<&[u8]> {
        (self.beside(file) != Beside::Theirs).then_some(&self.content)
    }

    fn beside(&self, file: Option<&[u8]>) -> Beside {
        match file {
            // Removed by somebody else.
            None => Beside::Theirs,
            Some(file) if file == &**self.content => Beside::New,
            Some(file) if file.starts_with(mark(&self.id).as_bytes()) => Beside::Old,
            // As it was, or written and not cut to its length.
            Some(file) if [&self.from, &source(&self.content)].contains(&&source(file)) => {
                Beside::Old
            }
            Some(_) => Beside::Theirs,
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(5, |byte| *byte == b'\n');
        let mut next = || parts.next();
        let (form, id, from, sum, content) = (next()?, next()?, next()?, next()?, next()?);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let is_whole = form == FORM && hex(&digest(&[content])).as_bytes() == sum;
        let content = Zeroizing::new(content.to_vec());
        is_whole.then_some(Self { id: text(id)?, from: text(from)?, content })
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let sum = hex(&digest(&[&self.content]));
        let lines = [FORM, self.id.as_bytes(), self.from.as_bytes(), sum.as_bytes(), &self.content];
        // In one piece, so that nothing moves it.
        let mut bytes =
            Zeroizing::new(Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum()));
        for (number, line) in lines.into_iter().enumerate() {
            if number > 0 {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(line);
        }
        bytes
    }
}

/// What stands at the begin of a file while the rest is being written. Whoever looks
/// into the file after a crash reads where its content is.
fn mark(id: &str) -> String {
    format!("{MARK}{id}#")
}

const MARK: &str = "#being written; its content is in .auth-store; ";

/// Whether a file begins with the mark of any side file. Without that very side file,
/// its content is lost.
pub fn is_marked(content: &[u8]) -> bool {
    content.starts_with(MARK.as_bytes())
}

/// Identifies what is replaced. A file gets room first, of white space; and a power
/// failure may leave NUL in its place.
fn source(file: &[u8]) -> String {
    let is_content = |byte: &u8| !byte.is_ascii_whitespace() && *byte != 0;
    let end = file.iter().rposition(is_content).map_or(0, |last| last + 1);
    hex(&digest(&[&file[..end]]))
}

/// Writes `new` into the file `name`, which holds `old`. Where there is a side file,
/// whatever happens, the two files hold the whole old or the whole new content. If it
/// fails, the file is as it was, as far as that can be written.
///
/// The caller holds a lock that all writers of `name` take, and has
/// [finished](finish) what others began. If there may be writers that take no lock,
/// `last_look` can still refuse just before the file is changed.
pub fn write_in_place(
    dir: &Dir,
    name: &str,
    side: Option<Side<'_>>,
    old: &[u8],
    new: &[u8],
    last_look: impl FnOnce() -> Result<(), FileError>,
) -> Result<(), FileError> {
    write_by_steps(dir, name, side, old, new, last_look, &mut |_| {})
}

/// Where a write is. A crash at each of them is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begun,
    SideWritten,
    RoomMade,
    Marked,
    RestWritten,
    Whole,
    Trimmed,
    SideRemoved,
}

fn write_by_steps(
    dir: &Dir,
    name: &str,
    side: Option<Side<'_>>,
    old: &[u8],
    new: &[u8],
    last_look: impl FnOnce() -> Result<(), FileError>,
    step: &mut dyn FnMut(Step),
) -> Result<(), FileError> {
    let pending =
        Pending { id: revision(), from: source(old), content: Zeroizing::new(new.to_vec()) };
    step(Step::Begun);
    let Some(file) = dir.open_to_write(name)? else {
        return Err(FileError::io("write", dir.path_of(name), io::ErrorKind::NotFound));
    };
    if let Some(Side { dir, name, temporary }) = side {
        dir.replace(name, temporary, &pending.to_bytes(), || Ok(()))?;
    }
    step(Step::SideWritten);
    let forget = || side.map_or(Ok(()), |side| forget(side));
    if let Err(error) = last_look() {
        forget()?;
        return Err(error);
    }
    if let Err(error) = put(&file, &pending.id, old.len(), new, step) {
        // Then nothing has happened; else the side file stays.
        if put_back(&file, old).is_ok() {
            forget()?;
        }
        return Err(FileError::io("write", dir.path_of(name), error));
    }
    // It is saved. A side file that stays is found to be of this content.
    let _ = forget();
    step(Step::SideRemoved);
    Ok(())
}

/// Finishes the write that somebody began who died, or removes their side file if
/// somebody else has written since. The caller holds the lock.
pub fn finish(dir: &Dir, name: &str, side: Side<'_>, limit: usize) -> Result<(), FileError> {
    let Some(pending) = Pending::read(side, limit)? else { return Ok(()) };
    let found = read_whole(dir, name, limit)?;
    if pending.beside(found.as_deref().map(Vec::as_slice)) == Beside::Old
        && let (Some(file), Some(found)) = (dir.open_to_write(name)?, &found)
    {
        put(&file, &pending.id, found.len(), &pending.content, &mut |_| {})
            .map_err(|error| FileError::io("write", dir.path_of(name), error))?;
    }
    forget(side)
}

/// Its removal need not be durable: whoever finds it again finds also that it says
/// nothing new.
fn forget(side: Side<'_>) -> Result<(), FileError> {
    side.dir.remove(side.name).map(drop)
}

/// Puts `new` in the place of `old_len` bytes. Each step is durable before the next.
fn put(
    file: &File,
    id: &str,
    old_len: usize,
    new: &[u8],
    step: &mut dyn FnMut(Step),
) -> io::Result<()> {
    let mark = mark(id);
    let len = old_len.max(new.len()).max(mark.len());
    // Where there is no space left, it is found out while the old content is whole.
    write_at(file, old_len, &vec![b' '; len - old_len])?;
    step(Step::RoomMade);
    write_at(file, 0, mark.as_bytes())?;
    step(Step::Marked);
    let mut whole = Zeroizing::new(vec![b' '; len]);
    whole[..new.len()].copy_from_slice(new);
    write_at(file, mark.len(), &whole[mark.len()..])?;
    step(Step::RestWritten);
    write_at(file, 0, &whole[..mark.len()])?;
    step(Step::Whole);
    file.set_len(new.len() as u64)?;
    file.sync_all()?;
    step(Step::Trimmed);
    Ok(())
}

/// Puts the old content back after [`put`] has failed.
fn put_back(file: &File, old: &[u8]) -> io::Result<()> {
    // What is whole last is its begin.
    let head = old.len().min(mark(&revision()).len());
    write_at(file, head, &old[head..])?;
    write_at(file, 0, &old[..head])?;
    file.set_len(old.len() as u64)?;
    file.sync_all()
}

fn write_at(mut file: &File, offset: usize, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    file.seek(SeekFrom::Start(offset as u64))?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
