//! The variables that replace the system's trusted roots.
//!
//! What they name is read by a library that passes over what it cannot read. Then
//! the certificates of the other variable are trusted, or none, or with some versions
//! those of the system. Whoever names roots wants these, so that it is an error here.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use rustls::RootCertStore;
use rustls_native_certs::load_certs_from_paths;

use crate::error::TlsError;

pub(crate) fn check_environment() -> Result<(), TlsError> {
    check(|name| env::var_os(name))
}

/// Each variable has to give a certificate.
fn check(variable: impl Fn(&str) -> Option<OsString>) -> Result<(), TlsError> {
    if let Some(file) = variable("SSL_CERT_FILE") {
        gives_one("SSL_CERT_FILE", vec![file.into()], |file| (Some(file), None))?;
    }
    if let Some(directories) = variable("SSL_CERT_DIR") {
        let directories = env::split_paths(&directories);
        let directories = directories.filter(|path| !path.as_os_str().is_empty()).collect();
        gives_one("SSL_CERT_DIR", directories, |directory| (None, Some(directory)))?;
    }
    Ok(())
}

/// One of the paths is enough: lists of directories are made for several systems.
fn gives_one(
    variable: &'static str,
    mut paths: Vec<PathBuf>,
    kind: impl for<'a> Fn(&'a Path) -> (Option<&'a Path>, Option<&'a Path>),
) -> Result<(), TlsError> {
    let mut source = None;
    for path in &paths {
        let (file, directory) = kind(path);
        let found = load_certs_from_paths(file, directory);
        if RootCertStore::empty().add_parsable_certificates(found.certs).0 > 0 {
            return Ok(());
        }
        source = source.or(found.errors.into_iter().next());
    }
    if paths.is_empty() {
        // As good as unset.
        return Ok(());
    }
    let source = source.map(Into::into);
    Err(TlsError::RootsVariable { variable, path: paths.swap_remove(0), source })
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, fs};

    use super::*;

    const NO_DER: &str = "-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----\n";

    #[test]
    fn what_is_named_holds_a_certificate() {
        let root = fault_server::FaultServer::ca_pem();
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("empty")).unwrap();
        fs::create_dir_all(at("text")).unwrap();
        fs::create_dir_all(at("good")).unwrap();
        for (name, text) in [
            ("empty.pem", ""),
            ("text.pem", "no certificate\n"),
            ("key.pem", "-----BEGIN PRIVATE KEY-----\naGk=\n-----END PRIVATE KEY-----\n"),
            ("no-der.pem", NO_DER),
            ("good.pem", &root),
            ("text/a.pem", "no certificate\n"),
            ("good/a.pem", &root),
            ("good/b.pem", "no certificate\n"),
        ] {
            fs::write(at(name), text).unwrap();
        }
        fs::write(at("mixed.pem"), format!("# comment\n{NO_DER}{root}")).unwrap();
        let list = |names: &[&str]| {
            env::join_paths(names.iter().map(|name| at(name))).unwrap().into_string().unwrap()
        };
        let path = |name: &str| at(name).into_os_string().into_string().unwrap();
        for (file, dir, wrong) in [
            (None, None, None),
            (Some(path("good.pem")), None, None),
            (Some(path("mixed.pem")), None, None),
            (None, Some(path("good")), None),
            (Some(path("good.pem")), Some(path("good")), None),
            (None, Some(list(&["missing", "good"])), None),
            (None, Some(String::new()), None),
            (Some(path("missing.pem")), None, Some("SSL_CERT_FILE")),
            // The other variable does not make up for it.
            (Some(path("missing.pem")), Some(path("good")), Some("SSL_CERT_FILE")),
            (Some(path("good.pem")), Some(path("missing")), Some("SSL_CERT_DIR")),
            (Some(path("empty.pem")), None, Some("SSL_CERT_FILE")),
            (Some(path("text.pem")), None, Some("SSL_CERT_FILE")),
            (Some(path("key.pem")), None, Some("SSL_CERT_FILE")),
            (Some(path("no-der.pem")), None, Some("SSL_CERT_FILE")),
            (Some(path("good")), None, Some("SSL_CERT_FILE")),
            (Some(String::new()), None, Some("SSL_CERT_FILE")),
            (None, Some(path("missing")), Some("SSL_CERT_DIR")),
            (None, Some(path("empty")), Some("SSL_CERT_DIR")),
            (None, Some(path("text")), Some("SSL_CERT_DIR")),
            (None, Some(path("good.pem")), Some("SSL_CERT_DIR")),
            (None, Some(list(&["missing", "empty"])), Some("SSL_CERT_DIR")),
        ] {
            let result = check(|name| match name {
                "SSL_CERT_FILE" => file.clone().map(OsString::from),
                _ => dir.clone().map(OsString::from),
            });
            let Err(error) = result else {
                assert_eq!(wrong, None, "{file:?} {dir:?}");
                continue;
            };
            let said = error.to_string();
            assert!(wrong.is_some_and(|wrong| said.starts_with(wrong)), "{file:?} {dir:?}: {said}");
            assert!(error.source().is_some() || !said.contains("missing"), "{said}");
            let named = if wrong == Some("SSL_CERT_FILE") { &file } else { &dir };
            let first = named.iter().flat_map(env::split_paths).next().unwrap_or_default();
            assert!(said.contains(&format!("{first:?}")), "{said}");
        }
    }
}
