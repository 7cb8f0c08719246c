use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;
use crate::{error::Problem, sys::Privacy};

const NAME: &str = "auth.json";
const LIMIT: usize = 1 << 20;

/// A directory with a file in it, and one of ours beside that.
struct Scene {
    scratch: tempfile::TempDir,
    dir: Dir,
    ours: Dir,
}

impl Scene {
    fn new(content: &[u8]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let (dir, ours) = open(scratch.path());
        dir.replace(NAME, "tmp", content, || Ok(())).unwrap();
        Self { scratch, dir, ours }
    }

    fn side(&self) -> Side<'_> {
        side(&self.ours)
    }

    fn file(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.scratch.path().join(NAME)
    }

    fn set(&self, content: &[u8]) {
        let file = self.dir.open_to_write(NAME).unwrap().unwrap();
        file.set_len(0).unwrap();
        write_at(&file, 0, content).unwrap();
    }

    /// What a load finds.
    fn content(&self) -> Vec<u8> {
        let file = read_whole(&self.dir, NAME, LIMIT).unwrap();
        let file = file.as_deref().map(Vec::as_slice);
        let pending = Pending::read(self.side(), LIMIT).unwrap();
        let content = pending.as_ref().and_then(|pending| pending.over(file)).or(file);
        content.unwrap().to_vec()
    }

    fn write(&self, old: &[u8], new: &[u8]) -> Result<(), FileError> {
        write_in_place(&self.dir, NAME, Some(self.side()), old, new, || Ok(()))
    }

    fn finish(&self) {
        finish(&self.dir, NAME, self.side(), LIMIT).unwrap();
        assert!(!self.ours.has("side").unwrap());
    }
}

fn open(path: &Path) -> (Dir, Dir) {
    let ours = path.join(".auth-store");
    Dir::create(&ours).unwrap();
    (Dir::open(path, Privacy::Unwritable).unwrap(), Dir::open(&ours, Privacy::Secret).unwrap())
}

fn side(ours: &Dir) -> Side<'_> {
    Side { dir: ours, name: "side", temporary: "side.tmp" }
}

const STEPS: [Step; 8] = [
    Step::Begun,
    Step::SideWritten,
    Step::RoomMade,
    Step::Marked,
    Step::RestWritten,
    Step::Whole,
    Step::Trimmed,
    Step::SideRemoved,
];

/// Contents of every size against each other, shorter than a mark and longer.
fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    let of = |letter: u8, len: usize| [b"{\"", vec![letter; len].as_slice(), b"\":1}"].concat();
    let mut pairs = vec![(Vec::new(), of(b'n', 3)), (of(b'o', 3), b"{}".to_vec())];
    for old in [3, 90, 9000] {
        pairs.extend([3, 90, 9000].map(|new| (of(b'o', old), of(b'n', new))));
    }
    pairs
}

/// Writes, and dies at a step.
#[test]
#[ignore = "what the other tests start"]
fn child() {
    let Ok(job) = env::var("AUTH_STORE_DIE_AT") else { return };
    let (step, pair) = job.split_once(' ').unwrap();
    let (dir, ours) = open(Path::new(&env::var_os("AUTH_STORE_DIRECTORY").unwrap()));
    let (old, new) = pairs().swap_remove(pair.parse().unwrap());
    let side = if env::var_os("AUTH_STORE_NO_SIDE").is_some() { None } else { Some(side(&ours)) };
    let mut die = |at| {
        if format!("{at:?}") == step {
            std::process::abort();
        }
    };
    write_by_steps(&dir, NAME, side, &old, &new, || Ok(()), &mut die).unwrap();
}

fn die_at(scene: &Scene, step: Step, pair: usize, no_side: bool) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "in_place::tests::child", "--ignored", "--test-threads=1"]);
    command.env("AUTH_STORE_DIE_AT", format!("{step:?} {pair}"));
    command.env("AUTH_STORE_DIRECTORY", scene.scratch.path());
    if no_side {
        command.env("AUTH_STORE_NO_SIDE", "1");
    }
    assert!(!command.output().unwrap().status.success(), "it has not died at {step:?}");
}

#[test]
fn whoever_dies_at_a_step_leaves_the_old_or_the_new_content() {
    for (number, (old, new)) in pairs().into_iter().enumerate() {
        for step in STEPS {
            let scene = Scene::new(&old);
            die_at(&scene, step, number, false);
            let expected = if step == Step::Begun { &old } else { &new };
            assert_eq!(&scene.content(), expected, "{step:?}");
            // And the next writer puts it where it belongs.
            scene.finish();
            assert_eq!(&scene.file(), expected, "{step:?}");
            scene.write(expected, b"{\"next\":1}").unwrap();
            assert_eq!(scene.file(), b"{\"next\":1}");
        }
    }
}

/// Then a reader sees that it is not whole, and never a mixture.
#[test]
fn without_a_side_file_nothing_half_written_looks_whole() {
    for (number, (old, new)) in pairs().into_iter().enumerate() {
        for step in STEPS {
            let scene = Scene::new(&old);
            die_at(&scene, step, number, true);
            let file = scene.file();
            let trimmed = file.trim_ascii();
            match step {
                Step::Begun | Step::SideWritten | Step::RoomMade => assert_eq!(trimmed, old),
                Step::Marked | Step::RestWritten => assert!(is_marked(&file), "{step:?}"),
                Step::Whole | Step::Trimmed | Step::SideRemoved => assert_eq!(trimmed, new),
            }
        }
    }
}

/// What a power failure may make of what was not flushed yet, or another program that
/// has written since.
#[test]
fn only_what_is_ours_is_repaired() {
    let (old, new) = (b"{\"old\":1}".as_slice(), b"{\"new\":22}".as_slice());
    let scene = Scene::new(old);
    die_at_side(&scene, old, new);
    let pending = Pending::read(scene.side(), LIMIT).unwrap().unwrap();
    let marked = |rest: &[u8]| [mark(&pending.id).as_bytes(), rest].concat();
    for (what, file, expected) in [
        ("nothing was written", old.to_vec(), new),
        ("room of spaces", [old, b"   "].concat(), new),
        ("room of NUL", [old, b"\0\0\0"].concat(), new),
        ("the mark alone", marked(b""), new),
        ("the mark and a mixture", marked(b"w\":22}  \0\0 d\":1}"), new),
        ("it is written", new.to_vec(), new),
        ("somebody else's, whole", b"{\"theirs\":1}".to_vec(), b"{\"theirs\":1}"),
        ("theirs, with the old begin", b"{\"old\":1,\"x\":2}".to_vec(), b"{\"old\":1,\"x\":2}"),
        ("theirs, half-written", b"{\"the".to_vec(), b"{\"the"),
        ("theirs, being written", b"".to_vec(), b""),
        ("another mark", mark(&revision()).into_bytes(), b"#"),
        ("a part of the mark", marked(b"")[..60].to_vec(), b"#"),
    ] {
        scene.ours.replace("side", "tmp", &pending.to_bytes(), || Ok(())).unwrap();
        scene.set(&file);
        let (content, is_theirs) = (scene.content(), expected != new);
        assert!(content == expected || (expected == b"#" && content == file), "{what}");
        scene.finish();
        assert_eq!(scene.file(), if is_theirs { &*file } else { new }, "{what}");
    }
    // A file that is gone does not come back.
    scene.ours.replace("side", "tmp", &pending.to_bytes(), || Ok(())).unwrap();
    scene.dir.remove(NAME).unwrap();
    assert_eq!(pending.over(None), None);
    scene.finish();
    assert!(!scene.path().exists());
}

fn die_at_side(scene: &Scene, old: &[u8], new: &[u8]) {
    let pending =
        Pending { id: revision(), from: source(old), content: Zeroizing::new(new.to_vec()) };
    scene.ours.replace("side", "tmp", &pending.to_bytes(), || Ok(())).unwrap();
}

/// A side file is replaced by rename, so that it is whole as a rule.
#[test]
fn a_side_file_that_is_not_whole_says_nothing() {
    let scene = Scene::new(b"{\"old\":1}");
    die_at_side(&scene, b"{\"old\":1}", b"{\"new\":1}");
    let whole = std::fs::read(scene.scratch.path().join(".auth-store/side")).unwrap();
    assert_eq!(scene.content(), b"{\"new\":1}");
    let mut cases: Vec<Vec<u8>> = (0..whole.len()).map(|len| whole[..len].to_vec()).collect();
    cases.push([&whole[..whole.len() - 4], b"\0\0\0\0"].concat());
    cases.push([&whole[..], b"}"].concat());
    for case in cases {
        scene.ours.replace("side", "tmp", &case, || Ok(())).unwrap();
        assert_eq!(scene.content(), b"{\"old\":1}");
    }
}

#[test]
fn a_refusal_at_the_last_moment_changes_nothing() {
    let scene = Scene::new(b"{\"old\":1}");
    let refuse = || Err(FileError::new(NAME, Problem::Conflict));
    let written =
        write_in_place(&scene.dir, NAME, Some(scene.side()), b"{\"old\":1}", b"{}", refuse);
    assert!(matches!(written.unwrap_err().problem, Problem::Conflict));
    assert_eq!(scene.file(), b"{\"old\":1}");
    assert!(!scene.ours.has("side").unwrap());
    // Nothing is made where nothing was.
    scene.dir.remove(NAME).unwrap();
    assert!(scene.write(b"", b"{}").is_err());
    assert!(!scene.path().exists() && !scene.ours.has("side").unwrap());
}

/// The inode stays, and with it every link and mount of it.
#[cfg(unix)]
#[test]
fn the_file_stays_the_same_file() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let scene = Scene::new(b"{\"old\":1}");
    let path = scene.path();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::hard_link(&path, scene.scratch.path().join("link")).unwrap();
    let before = path.metadata().unwrap();
    scene.write(b"{\"old\":1}", b"{\"new\":1}").unwrap();
    let after = path.metadata().unwrap();
    assert_eq!((before.ino(), before.mode(), 2), (after.ino(), after.mode(), after.nlink()));
    assert_eq!(std::fs::read(scene.scratch.path().join("link")).unwrap(), b"{\"new\":1}");
}

#[test]
fn a_reader_never_sees_less_than_one_whole_content() {
    let contents: Vec<Vec<u8>> = [5000, 3, 9000, 40, 4090]
        .into_iter()
        .map(|len| [b"{\"", vec![b'a' + (len % 26) as u8; len].as_slice(), b"\":1}"].concat())
        .collect();
    let scene = Scene::new(&contents[0]);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..60 {
                let (old, new) = (round % contents.len(), (round + 1) % contents.len());
                scene.write(&contents[old], &contents[new]).unwrap();
            }
            over.store(true, Ordering::Relaxed);
        });
        let mut seen = 0;
        while !over.load(Ordering::Relaxed) || seen == 0 {
            let content = scene.content();
            let content = content.trim_ascii_end().to_vec();
            // The writer may have ended between the two reads: that is seen, and a
            // store reads again.
            assert!(contents.contains(&content) || is_marked(&content));
            seen += usize::from(!is_marked(&content));
        }
    });
}
