//! File locks of the operating system, held by this process and freed by the
//! kernel when it dies.

use std::{
    fs::{File, FileTimes, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    thread,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    error::{FileError, Problem},
    sys::Dir,
};

/// A locked file. The lock is exclusive between processes, and between threads
/// and tasks of one process: each lock opens the file anew.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Takes the lock; `None` if somebody else holds it.
    ///
    /// A lock on a file that was removed excludes nobody, since the next holder
    /// locks a new file of that name. So the name is checked after the lock is
    /// taken, and a file is only removed under its lock. Then no two hold a lock
    /// of one name, unless somebody else removed the file.
    pub fn try_take(dir: &Dir, name: &str) -> Result<Option<Self>, FileError> {
        for _ in 0..REMOVALS_SEEN {
            let file = dir.lock_file(name)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => {
                    return Err(FileError::lock("lock", dir.path_of(name), error));
                }
            }
            let lock = Self(file);
            if lock.is_current(dir, name)? {
                lock.touch();
                return Ok(Some(lock));
            }
        }
        // Whoever keeps removing the file keeps the lock from everybody.
        Ok(None)
    }

    /// Whether `name` is still the file that is locked.
    pub(crate) fn is_current(&self, dir: &Dir, name: &str) -> Result<bool, FileError> {
        dir.is_current(name, &self.0)
    }

    /// Confirms that `name` is still the file that is locked, and marks it as
    /// [used](Self::is_marked).
    pub fn confirm(&self, dir: &Dir, name: &str) -> Result<(), FileError> {
        if !self.is_current(dir, name)? {
            return Err(FileError::new(dir.path_of(name), Problem::LeaseLost));
        }
        self.touch();
        // Without it the next holder is more careful than need be.
        let _ = self.mark();
        Ok(())
    }

    /// Whether it was ever [confirmed](Self::confirm), by this holder or one before.
    /// Otherwise the file is new, and the one before it may have been removed while
    /// somebody held it.
    pub fn is_marked(&self) -> bool {
        self.content().is_ok_and(|content| content.starts_with(MARK))
    }

    /// Whoever tidies up by age takes files that nobody has written for long, which
    /// lock files are. A failure costs nothing now.
    fn touch(&self) {
        let now = SystemTime::now();
        let _ = self.0.set_times(FileTimes::new().set_accessed(now).set_modified(now));
    }

    fn mark(&self) -> io::Result<()> {
        let content = self.content()?;
        if content.starts_with(MARK) {
            return Ok(());
        }
        self.write_at(0, &[MARK, &content].concat())
    }

    /// What the last holder wrote into the file, whether it is alive or not.
    pub fn note(&self) -> io::Result<String> {
        let content = self.content()?;
        Ok(content.strip_prefix(MARK).map(str::to_owned).unwrap_or(content))
    }

    /// Leaves a note for the next holder. It outlives this process, but is not
    /// flushed to disk.
    pub fn set_note(&self, note: &str) -> io::Result<()> {
        let mark = if self.is_marked() { MARK.len() } else { 0 };
        self.write_at(mark as u64, note)
    }

    fn content(&self) -> io::Result<String> {
        let mut content = Vec::new();
        (&self.0).rewind()?;
        (&self.0).take(NOTE_LIMIT as u64).read_to_end(&mut content)?;
        // What a crash has left there was written by nobody.
        Ok(String::from_utf8(content).unwrap_or_default())
    }

    fn write_at(&self, offset: u64, text: &str) -> io::Result<()> {
        self.0.set_len(offset)?;
        (&self.0).seek(SeekFrom::Start(offset))?;
        (&self.0).write_all(text.as_bytes())
    }

    /// Frees the lock. The file stays open.
    pub(crate) fn free(&self) {
        let _ = self.0.unlock();
    }

    /// Takes the lock for a short operation, waiting for other holders to end.
    pub fn take(dir: &Dir, name: &str, wait: Duration) -> Result<Self, FileError> {
        let mut patience = Patience::new(wait);
        loop {
            if let Some(lock) = Self::try_take(dir, name)? {
                return Ok(lock);
            }
            match patience.next() {
                Some(pause) => thread::sleep(pause),
                None => {
                    return Err(FileError::new(dir.path_of(name), Problem::Busy { waited: wait }));
                }
            }
        }
    }
}

const REMOVALS_SEEN: usize = 16;
/// The first line of a lock file that was confirmed.
const MARK: &str = "used\n";
/// The longest note that is read, in bytes.
pub(crate) const NOTE_LIMIT: usize = 64 << 10;

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file would free the lock too, but not while a child
        // process that is being started holds a copy of the descriptor.
        self.free();
    }
}

/// The pauses between two tries to take a lock that somebody else holds.
///
/// Polling is preferred to a thread that blocks in the kernel until the lock is
/// free: such a wait can be neither bounded nor cancelled, and its thread would
/// take the lock later on behalf of nobody. A try costs a few system calls. The
/// pauses grow to 50 ms, which is little compared to the network call that a
/// lease spans.
#[derive(Debug)]
pub struct Patience {
    until: Option<Instant>,
    pause: Duration,
}

impl Patience {
    const FIRST: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_millis(50);

    /// Pauses for `wait` from now on. A `wait` beyond the end of the clock has no
    /// end.
    pub fn new(wait: Duration) -> Self {
        Self { until: Instant::now().checked_add(wait), pause: Self::FIRST }
    }
}

/// How long to pause before the next try; `None` when the time is over.
impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = match self.until {
            Some(until) => until.saturating_duration_since(Instant::now()).min(self.pause),
            None => self.pause,
        };
        self.pause = (self.pause * 2).min(Self::LONGEST);
        (!pause.is_zero()).then_some(pause)
    }
}

#[cfg(test)]
mod garbage {
    use super::*;

    /// A machine that lost its power may leave anything in a file that was written.
    #[test]
    fn what_a_crash_left_in_a_lock_file_means_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("d");
        Dir::create(&path).unwrap();
        let dir = Dir::open(&path, crate::sys::Privacy::Secret).unwrap();
        for left in [&b""[..], &[0; 4096], b"\xFF\xFE\0\0", b"\xEF\xBB\xBFused\n", b"use"] {
            let mut file = dir.lock_file("lock").unwrap();
            file.set_len(0).unwrap();
            file.write_all(left).unwrap();
            let take = || FileLock::try_take(&dir, "lock").unwrap().unwrap();
            let lock = take();
            assert!(!lock.is_marked(), "{left:?}");
            // From then on it is as any other.
            lock.confirm(&dir, "lock").unwrap();
            assert!(lock.is_marked(), "{left:?}");
            lock.set_note("ada").unwrap();
            drop(lock);
            let lock = take();
            assert!(lock.is_marked() && lock.note().unwrap() == "ada", "{left:?}");
            drop(lock);
            dir.remove("lock").unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const NAME: &str = "x.lock";

    #[test]
    fn pauses_grow_and_end_with_the_wait() {
        let pauses: Vec<_> = Patience::new(Duration::MAX).take(8).map(|p| p.as_millis()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 50, 50]);
        assert_eq!(Patience::new(Duration::ZERO).next(), None);
        let shorter = Patience::new(Duration::from_micros(10)).next();
        assert!(shorter.unwrap_or_default() <= Duration::from_micros(10));
    }

    #[test]
    fn a_note_is_for_the_next_holder() {
        let scratch = tempfile::tempdir().unwrap();
        Dir::create(&scratch.path().join("d")).unwrap();
        let dir = Dir::open(&scratch.path().join("d"), crate::sys::Privacy::Secret).unwrap();
        let lock = FileLock::try_take(&dir, NAME).unwrap().unwrap();
        assert_eq!(lock.note().unwrap(), "");
        lock.set_note("long ago\n").unwrap();
        lock.set_note("now\n").unwrap();
        drop(lock);
        let lock = FileLock::try_take(&dir, NAME).unwrap().unwrap();
        assert_eq!(lock.note().unwrap(), "now\n");
    }

    /// A lock file that is removed by its holder, as by somebody who tidies up
    /// with care, does not let two in at once: whoever had it open finds that
    /// it is no longer the file of that name.
    #[test]
    fn a_file_removed_by_its_holder_is_no_lock() {
        let scratch = tempfile::tempdir().unwrap();
        Dir::create(&scratch.path().join("d")).unwrap();
        let dir = Dir::open(&scratch.path().join("d"), crate::sys::Privacy::Secret).unwrap();
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for removes in [true, true, false, false] {
                let (dir, inside) = (&dir, &inside);
                scope.spawn(move || {
                    for _ in 0..3000 {
                        let Some(lock) = FileLock::try_take(dir, NAME).unwrap() else { continue };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                        thread::sleep(Duration::from_micros(20));
                        inside.fetch_sub(1, Ordering::SeqCst);
                        if removes {
                            dir.remove(NAME).unwrap();
                        }
                        drop(lock);
                    }
                });
            }
        });
    }
}
