//! What both kinds of [`Dir`](super::Dir) do alike.

use std::{fs, time::SystemTime};

use super::{Modes, Privacy, portable};
use crate::error::{FileError, Problem};

macro_rules! for_each_dir {
    ($($test:ident)*) => {
        mod by_path { $(#[test] fn $test() { super::$test::<super::portable::Dir>(); })* }
        #[cfg(unix)]
        mod by_descriptor { $(#[test] fn $test() { super::$test::<crate::sys::unix::Dir>(); })* }
    };
}

for_each_dir! {
    a_file_is_replaced_whole
    a_refusal_at_the_last_moment_changes_nothing
    files_are_listed_and_removed
    a_lock_file_is_made_and_kept
    a_lock_file_is_told_from_a_later_one
    what_is_no_file_is_refused
    what_is_no_directory_is_refused
    no_more_than_the_limit_is_read
    what_is_moved_aside_takes_nobodys_name
}

/// The methods by name, so that one test serves both.
trait AnyDir: Sized {
    fn make(path: &std::path::Path) -> Result<(), FileError>;
    fn open(path: &std::path::Path) -> Result<Self, FileError>;
    fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, FileError>;
    fn replace(&self, content: &[u8], last_look: Result<(), FileError>) -> Result<(), FileError>;
    fn flush(&self) -> Result<(), FileError>;
    fn lock_file(&self, name: &str) -> Result<fs::File, FileError>;
    fn is_current(&self, name: &str, file: &fs::File) -> bool;
    fn remove(&self, name: &str) -> Result<bool, FileError>;
    fn has(&self, name: &str) -> bool;
    fn names(&self) -> Vec<String>;
    fn set_aside(&self, aside: &str) -> bool;
    fn state(&self) -> Vec<u8>;
}

macro_rules! any_dir {
    ($dir:ty) => {
        impl AnyDir for $dir {
            fn make(path: &std::path::Path) -> Result<(), FileError> {
                <$dir>::check_above_with(path, Modes::Enforced)?;
                <$dir>::create(path)
            }
            fn open(path: &std::path::Path) -> Result<Self, FileError> {
                // It is tried out, and nothing is left of that.
                assert_ne!(<$dir>::keeps_modes(path), Some(false));
                <$dir>::open_with(path, Privacy::Secret, Modes::Enforced)
            }
            fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, FileError> {
                Ok(<$dir>::read(self, name, limit)?.map(|content| content.to_vec()))
            }
            fn replace(
                &self,
                content: &[u8],
                last_look: Result<(), FileError>,
            ) -> Result<(), FileError> {
                <$dir>::replace(self, "file", "file.tmp", content, || last_look)
            }
            fn flush(&self) -> Result<(), FileError> {
                <$dir>::flush(self, "file")
            }
            fn lock_file(&self, name: &str) -> Result<fs::File, FileError> {
                <$dir>::lock_file(self, name)
            }
            fn is_current(&self, name: &str, file: &fs::File) -> bool {
                <$dir>::is_current(self, name, file).unwrap()
            }
            fn remove(&self, name: &str) -> Result<bool, FileError> {
                <$dir>::remove(self, name)
            }
            fn has(&self, name: &str) -> bool {
                <$dir>::has(self, name).unwrap()
            }
            fn names(&self) -> Vec<String> {
                let mut names = Vec::new();
                <$dir>::for_each_name(self, |name| names.push(name.to_str().unwrap().to_owned()))
                    .unwrap();
                names.sort();
                names
            }
            fn set_aside(&self, aside: &str) -> bool {
                <$dir>::set_aside(self, "file", aside).unwrap()
            }
            fn state(&self) -> Vec<u8> {
                <$dir>::state_of(self, "file").unwrap()
            }
        }
    };
}

any_dir!(portable::Dir);
#[cfg(unix)]
any_dir!(super::unix::Dir);

fn with_dir<D: AnyDir>(test: impl FnOnce(D, &std::path::Path)) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("a/b");
    D::make(&path).unwrap();
    test(D::open(&path).unwrap(), &path);
}

fn a_file_is_replaced_whole<D: AnyDir>() {
    with_dir(|dir: D, path| {
        assert_eq!(dir.read("file", 10).unwrap(), None);
        dir.replace(b"one", Ok(())).unwrap();
        assert_eq!(dir.read("file", 10).unwrap().unwrap(), b"one");
        // Somebody died here before.
        fs::write(path.join("file.tmp"), "half").unwrap();
        dir.replace(b"two", Ok(())).unwrap();
        assert_eq!(dir.read("file", 10).unwrap().unwrap(), b"two");
        assert_eq!(dir.names(), ["file"]);
    });
}

fn a_refusal_at_the_last_moment_changes_nothing<D: AnyDir>() {
    with_dir(|dir: D, path| {
        dir.replace(b"one", Ok(())).unwrap();
        let error = dir.replace(b"two", Err(FileError::new(path, Problem::Conflict))).unwrap_err();
        assert!(matches!(error.problem, Problem::Conflict));
        assert_eq!(dir.read("file", 10).unwrap().unwrap(), b"one");
        assert_eq!(dir.names(), ["file"]);
    });
}

fn files_are_listed_and_removed<D: AnyDir>() {
    with_dir(|dir: D, path| {
        assert_eq!(dir.names(), [] as [&str; 0]);
        fs::write(path.join("x"), "").unwrap();
        fs::write(path.join(".y"), "").unwrap();
        assert_eq!(dir.names(), [".y", "x"]);
        assert!(dir.remove("x").unwrap());
        assert!(!dir.remove("x").unwrap());
        dir.flush().unwrap();
        assert_eq!(dir.names(), [".y"]);
    });
}

fn a_lock_file_is_made_and_kept<D: AnyDir>() {
    with_dir(|dir: D, path| {
        dir.lock_file("lock").unwrap();
        fs::write(path.join("lock"), "note").unwrap();
        let file = dir.lock_file("lock").unwrap();
        file.lock().unwrap();
        assert!(dir.is_current("lock", &file));
        assert_eq!(fs::read(path.join("lock")).unwrap(), b"note");
    });
}

fn a_lock_file_is_told_from_a_later_one<D: AnyDir>() {
    with_dir(|dir: D, path| {
        assert!(!dir.has("lock"));
        let file = dir.lock_file("lock").unwrap();
        // As whoever takes a lock does.
        file.set_times(fs::FileTimes::new().set_modified(SystemTime::now())).unwrap();
        assert!(dir.has("lock") && dir.is_current("lock", &file));
        fs::remove_file(path.join("lock")).unwrap();
        assert!(!dir.has("lock") && !dir.is_current("lock", &file));
        let later = dir.lock_file("lock").unwrap();
        later.set_times(fs::FileTimes::new().set_modified(SystemTime::now())).unwrap();
        assert!(dir.is_current("lock", &later) && !dir.is_current("lock", &file));
    });
    // What cannot be told for sure is not removed.
    let tells = [portable::Dir::TELLS_FILES_APART, crate::sys::Dir::TELLS_FILES_APART];
    assert_eq!(tells, [false, cfg!(unix)]);
}

fn what_is_no_file_is_refused<D: AnyDir>() {
    with_dir(|dir: D, path| {
        fs::create_dir(path.join("file")).unwrap();
        let wrong_type = |error: FileError| matches!(error.problem, Problem::WrongType { .. });
        assert!(wrong_type(dir.read("file", 10).unwrap_err()));
        assert!(wrong_type(dir.replace(b"one", Ok(())).unwrap_err()));
        assert!(wrong_type(dir.lock_file("file").unwrap_err()));
        #[cfg(unix)]
        {
            fs::write(path.join("x"), "").unwrap();
            std::os::unix::fs::symlink(path.join("x"), path.join("link")).unwrap();
            let link = |error: FileError| matches!(error.problem, Problem::Symlink);
            assert!(link(dir.read("link", 10).unwrap_err()));
            assert!(link(dir.lock_file("link").unwrap_err()));
        }
    });
}

fn what_is_no_directory_is_refused<D: AnyDir>() {
    with_dir(|_: D, path| {
        fs::write(path.join("file"), "").unwrap();
        let error = D::open(&path.join("file")).err().unwrap();
        assert!(matches!(error.problem, Problem::WrongType { .. }));
        let error = D::open(&path.join("nothing")).err().unwrap();
        assert!(matches!(error.problem, Problem::Io { .. }));
        assert!(D::make(&path.join("file/x")).is_err());
    });
}

fn no_more_than_the_limit_is_read<D: AnyDir>() {
    with_dir(|dir: D, _| {
        dir.replace(b"four", Ok(())).unwrap();
        assert_eq!(dir.read("file", 4).unwrap().unwrap(), b"four");
        let error = dir.read("file", 3).unwrap_err();
        assert!(matches!(error.problem, Problem::TooLarge { limit: 3 }));
    });
}

fn what_is_moved_aside_takes_nobodys_name<D: AnyDir>() {
    with_dir(|dir: D, path| {
        dir.replace(b"one", Ok(())).unwrap();
        fs::write(path.join("taken"), "another").unwrap();
        assert!(!dir.set_aside("taken"));
        assert!(dir.set_aside("free"));
        let state = dir.state();
        dir.replace(b"three", Ok(())).unwrap();
        assert_ne!(dir.state(), state);
        assert!(!dir.set_aside("free"));
        let read = |name| fs::read_to_string(path.join(name)).unwrap();
        assert_eq!(["file", "free", "taken"].map(read), ["three", "one", "another"]);
    });
}
