//! Credentials from files, whatever is in the file's place.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{error::Error as _, fs, path::Path};

use auth_core::{
    ClientAuth, CredentialError,
    CredentialErrorKind::{self, *},
    CredentialSource, Source,
};
use auth_sign::{AssertionFile, SecretFile};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tempfile::TempDir;

fn secret(path: &Path) -> Result<String, CredentialError> {
    Source::new(SecretFile::new(path)).read_blocking().map(|it| it.expose().to_owned())
}

fn assertion(path: &Path) -> Result<String, CredentialError> {
    Source::new(AssertionFile::new(path)).read_blocking().map(|it| it.expose().to_owned())
}

/// The message with all that caused it.
fn told(error: &CredentialError) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told += &format!(": {error}");
        cause = error.source();
    }
    told
}

/// A token of three parts, of which the first two say this.
fn token(header: &str, claims: &str) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{claims}.c2lnbmF0dXJl")
}

#[test]
fn what_a_secret_file_holds() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("secret");
    let rows: Vec<(&[u8], Result<&str, CredentialErrorKind>)> = vec![
        (b"s3cret", Ok("s3cret")),
        (b"s3cret\n", Ok("s3cret")),
        (b"s3cret\r\n", Ok("s3cret")),
        // Only one: the others are the secret's, and so is all other white space.
        (b"s3cret\n\n", Ok("s3cret\n")),
        (b"s3cret\r\n\r\n", Ok("s3cret\r\n")),
        (b"s3cret\r", Ok("s3cret\r")),
        (b"\ns3cret\n", Ok("\ns3cret")),
        (b" s3 cret \n", Ok(" s3 cret ")),
        (b"first\nsecond\n", Ok("first\nsecond")),
        ("pässwörd\n".as_bytes(), Ok("pässwörd")),
        ("\u{feff}s3cret\r\n".as_bytes(), Ok("s3cret")),
        (b"", Err(Empty)),
        (b"\n", Err(Empty)),
        (b" \t\r\n\n", Err(Empty)),
        ("\u{feff}\n".as_bytes(), Err(Empty)),
        (b"s3cret\0", Err(Malformed)),
        (b"\0\0\0\0", Err(Malformed)),
        (b"\xff\xfes\x003\0", Err(Malformed)),
        (b"s3cr\xe9t", Err(Malformed)),
    ];
    for (content, expected) in rows {
        fs::write(&path, content).unwrap();
        let read = secret(&path).map_err(|error| error.kind());
        assert_eq!(read.as_deref(), expected.as_ref().copied(), "{content:?}");
    }
}

#[test]
fn what_an_assertion_file_holds() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("token");
    let good = token(r#"{"alg":"RS256","kid":"1"}"#, r#"{"sub":"system:serviceaccount:a:b"}"#);
    let rows: Vec<(String, Option<&str>)> = vec![
        (good.clone(), Some(&good)),
        (format!("{good}\n"), Some(&good)),
        (format!("\r\n {good} \r\n\r\n"), Some(&good)),
        (format!("\u{feff}{good}"), Some(&good)),
        ("s3cret".into(), None),
        (format!("{good}.{good}"), None),
        (good.rsplit_once('.').unwrap().0.into(), None),
        (format!("{}.", good.rsplit_once('.').unwrap().0), None),
        (format!(".{good}"), None),
        ("..".into(), None),
        (good.replace('.', ".\n"), None),
        (format!("Bearer {good}"), None),
        (format!("{{\"token\":\"{good}\"}}"), None),
        (format!("{good}="), None),
        (token("[]", "{}"), None),
        (token("{}", "[]"), None),
        (token("{}", "{\"exp\":"), None),
        (token("{}", ""), None),
        (token("no", "JSON"), None),
        // Encrypted, of five parts.
        (format!("{good}.AA.AA"), None),
        // `none`, which proves nothing.
        ("eyJhbGciOiJub25lIn0.e30.".into(), None),
    ];
    for (content, expected) in rows {
        fs::write(&path, &content).unwrap();
        match expected {
            Some(expected) => assert_eq!(assertion(&path).unwrap(), expected, "{content:?}"),
            None => {
                let error = assertion(&path).unwrap_err();
                assert_eq!(error.kind(), Malformed, "{content:?}");
                // Whoever writes it will be done.
                assert!(error.is_temporary());
            }
        }
    }
    fs::write(&path, " \n").unwrap();
    assert_eq!(assertion(&path).unwrap_err().kind(), Empty);

    // Half written: up to where its signature begins, no token has an end.
    let signature = good.rfind('.').unwrap() + 1;
    for end in 1..=signature {
        fs::write(&path, &good[..end]).unwrap();
        assert_eq!(assertion(&path).unwrap_err().kind(), Malformed, "{end}");
    }
}

#[test]
fn it_is_read_anew_each_time() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("secret");
    let source = Source::new(SecretFile::new(&path));
    let read = || source.read_blocking().map(|it| it.expose().to_owned());
    assert_eq!(read().unwrap_err().kind(), Missing);
    fs::write(&path, "first").unwrap();
    assert_eq!(read().unwrap(), "first");
    fs::write(&path, "").unwrap();
    assert_eq!(read().unwrap_err().kind(), Empty);
    fs::write(&path, "second").unwrap();
    assert_eq!(read().unwrap(), "second");
    assert_eq!(pollster::block_on(source.read()).unwrap().expose(), "second");
}

#[test]
fn no_more_is_read_than_a_credential_has() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("secret");
    let most = "x".repeat(64 * 1024);
    fs::write(&path, &most).unwrap();
    assert_eq!(secret(&path).unwrap().len(), most.len());
    fs::write(&path, format!("{most}x")).unwrap();
    for error in [secret(&path).unwrap_err(), assertion(&path).unwrap_err()] {
        assert_eq!(error.kind(), Other);
        assert!(!error.is_temporary());
    }
}

#[test]
fn what_is_not_there_or_no_file() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    for (path, kind) in [
        (directory.path().join("missing"), Missing),
        (directory.path().join("missing/secret"), Missing),
        (file.join("secret"), Missing),
        (directory.path().to_owned(), Other),
    ] {
        for error in [secret(&path).unwrap_err(), assertion(&path).unwrap_err()] {
            assert_eq!(error.kind(), kind, "{}", path.display());
            // Which file it is about.
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }
}

#[test]
fn no_error_and_no_debug_shows_what_is_in_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("secret");
    for content in ["s3cret\0", "s3cret.s3cret.s3cret", &"s3cret".repeat(20_000)] {
        fs::write(&path, content).unwrap();
        let error = assertion(&path).unwrap_err();
        assert!(!format!("{error:?} {}", told(&error)).contains("s3cret"), "{error:?}");
    }
    fs::write(&path, "s3cret").unwrap();
    let source = SecretFile::new(&path);
    let read = source.read().unwrap();
    assert!(!format!("{source:?} {read:?}").contains("s3cret"));
}

/// Path and text mixed up: neither an error nor `Debug` shows it.
#[test]
fn a_secret_in_the_place_of_a_path_is_not_shown() {
    let long = "s3cret".repeat(1000);
    for text in
        ["s3cret", "s3cret\n", "{\"s3cret\":1}", "s3cret/s3cret", "/s3cret", "s3cret\0", &long]
    {
        let sources = [Source::from(SecretFile::new(text)), AssertionFile::new(text).into()];
        for source in sources {
            let error = source.read_blocking().unwrap_err();
            assert!(!error.is_temporary());
            let shown = format!("{source:?} {error:?} {}", told(&error));
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        for auth in [
            ClientAuth::basic(SecretFile::new(text)),
            ClientAuth::post(SecretFile::new(text)),
            ClientAuth::ready_made_assertion(AssertionFile::new(text)),
        ] {
            assert!(!format!("{auth:?}").contains("s3cret"), "{auth:?}");
        }
        // No variable is set that has such a name.
        if !text.contains('\0') {
            let error = SecretFile::of_variable(text).unwrap_err();
            assert!(!format!("{error:?} {}", told(&error)).contains("s3cret"), "{error:?}");
        }
    }
}

/// The variables that cargo sets for every test.
#[test]
fn an_environment_variable_names_it() {
    let set = "CARGO_MANIFEST_DIR";
    assert_eq!(SecretFile::of_variable(set).unwrap().path(), env!("CARGO_MANIFEST_DIR"));
    assert_eq!(AssertionFile::of_variable(set).unwrap().path(), env!("CARGO_MANIFEST_DIR"));
    for (name, kind) in [
        ("AUTH_SIGN_HAS_NO_SUCH_VARIABLE", Missing),
        // Empty.
        ("CARGO_PKG_HOMEPAGE", Missing),
        // No path, or one that depends on where the program was started.
        ("CARGO_PKG_NAME", Other),
    ] {
        for error in [
            SecretFile::of_variable(name).unwrap_err(),
            AssertionFile::of_variable(name).unwrap_err(),
        ] {
            assert_eq!(error.kind(), kind, "{name}");
            assert!(told(&error).contains(name), "{}", told(&error));
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{PermissionsExt as _, symlink},
        process::Command,
        sync::mpsc,
        thread,
        time::Duration,
    };

    use super::*;

    /// As Kubernetes does it: the file is a link into `..data`, which is a link to a
    /// directory, and that one is replaced.
    #[test]
    fn links_are_followed_to_what_they_lead_to_now() {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        let tokens = ["first", "second"].map(|sub| token("{}", &format!(r#"{{"sub":"{sub}"}}"#)));
        for (name, token) in ["..2026_1", "..2026_2"].iter().zip(&tokens) {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("token"), token).unwrap();
        }
        symlink("..2026_1", at("..data")).unwrap();
        symlink("..data/token", at("token")).unwrap();
        assert_eq!(assertion(&at("token")).unwrap(), tokens[0]);
        symlink("..2026_2", at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
        fs::remove_dir_all(at("..2026_1")).unwrap();
        assert_eq!(assertion(&at("token")).unwrap(), tokens[1]);

        fs::remove_dir_all(at("..2026_2")).unwrap();
        assert_eq!(assertion(&at("token")).unwrap_err().kind(), Missing);
        symlink("circle", at("circle")).unwrap();
        assert_eq!(assertion(&at("circle")).unwrap_err().kind(), Other);
    }

    #[test]
    fn a_file_that_may_not_be_read() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "s3cret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        // Root reads everything.
        if fs::read(&path).is_err() {
            assert_eq!(secret(&path).unwrap_err().kind(), Forbidden);
        }
    }

    /// Neither waits for what nobody writes, nor reads what never ends.
    #[test]
    fn a_fifo_or_a_device_is_refused_at_once() {
        let directory = TempDir::new().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let link = directory.path().join("link");
        symlink(&fifo, &link).unwrap();
        for path in [fifo, link, "/dev/zero".into(), "/dev/null".into()] {
            let (sender, receiver) = mpsc::channel();
            let of_thread = path.clone();
            thread::spawn(move || sender.send(secret(&of_thread)));
            let read = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!(read.unwrap_err().kind(), Other, "{}", path.display());
        }
    }
}
