use std::{error::Error as _, fs};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fault_server::{ClientIdentity, ClientIdentityKind, FaultServer};
use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm};

use super::*;

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

fn identity() -> ClientIdentity {
    FaultServer::client_identity(ClientIdentityKind::Trusted)
}

/// A certificate with a key of this kind, and the key as PKCS#8.
fn of_kind(algorithm: &'static SignatureAlgorithm) -> (String, Vec<u8>) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_der())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// What PKCS#8 wraps (RFC 5958): PKCS#1 of an RSA key, SEC1 of an EC key.
fn unwrapped(pkcs8: &[u8]) -> &[u8] {
    /// Where the contents of the element at `at` are.
    fn contents(der: &[u8], at: usize) -> std::ops::Range<usize> {
        let (start, length) = match usize::from(der[at + 1]) {
            short @ 0..0x80 => (at + 2, short),
            long => {
                let bytes = &der[at + 2..][..long - 0x80];
                let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                (at + 2 + bytes.len(), length)
            }
        };
        start..start + length
    }
    let all = contents(pkcs8, 0);
    let version = contents(pkcs8, all.start);
    let algorithm = contents(pkcs8, version.end);
    &pkcs8[contents(pkcs8, algorithm.end)]
}

fn judged(chain: &str, key: &str) -> Result<(), Kind> {
    let judge = || ClientCertificate::from_pem(chain, key)?.certified(None, &provider()).map(drop);
    judge().map_err(|error| error.kind())
}

#[test]
fn keys_of_every_form_and_those_that_cannot_be_used() {
    let identity = identity();
    let (chain, key) = (&*identity.certificate_pem, &*identity.key_pem);
    let ec = pem_to_der(key);
    let (rsa_chain, rsa) = of_kind(&PKCS_RSA_SHA256);
    let (ed_chain, ed) = of_kind(&PKCS_ED25519);
    let (pkcs1, sec1) =
        (pem("RSA PRIVATE KEY", unwrapped(&rsa)), pem("EC PRIVATE KEY", unwrapped(&ec)));
    let parameters = pem("EC PARAMETERS", &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7]);
    let encrypted = pem("ENCRYPTED PRIVATE KEY", &ec);
    let encrypted_pkcs1 = pkcs1.replacen(
        "KEY-----\n",
        "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n",
        1,
    );
    let public = pem("PUBLIC KEY", &ec);
    let openssh = pem("OPENSSH PRIVATE KEY", &ec);
    let other = FaultServer::ca_pem();
    let windows = |text: &str| text.replace('\n', "\r\n");
    let half = |text: &str| text[..text.len() / 2].to_owned();

    for (what, chain, key, expected) in [
        ("PKCS#8 EC", chain, key, Ok(())),
        ("PKCS#8 RSA", &*rsa_chain, &*pem("PRIVATE KEY", &rsa), Ok(())),
        ("PKCS#8 Ed25519", &ed_chain, &pem("PRIVATE KEY", &ed), Ok(())),
        ("PKCS#1", &rsa_chain, &pkcs1, Ok(())),
        ("SEC1", chain, &sec1, Ok(())),
        ("SEC1 behind its parameters", chain, &format!("{parameters}{sec1}"), Ok(())),
        ("with words around", &format!("subject=a\n{chain}\n"), &format!("Bag\n{key}"), Ok(())),
        ("with more certificates", &format!("{chain}{other}"), key, Ok(())),
        ("both in both", &format!("{key}{chain}"), &format!("{chain}{key}"), Ok(())),
        ("line ends of Windows", &windows(chain), &windows(key), Ok(())),
        ("no line end", chain.trim_end(), key.trim_end(), Ok(())),
        ("the other's certificate first", &format!("{other}{chain}"), key, Err(Kind::Mismatch)),
        ("another key", chain, &pem("PRIVATE KEY", &ed), Err(Kind::Mismatch)),
        ("another key of the kind", &rsa_chain, key, Err(Kind::Mismatch)),
        ("empty chain", "", key, Err(Kind::Empty)),
        ("empty key", chain, " \r\n", Err(Kind::Empty)),
        ("no certificate", key, key, Err(Kind::NoCertificate)),
        ("no PEM", "certificate", key, Err(Kind::NoCertificate)),
        ("no key", chain, chain, Err(Kind::NoKey)),
        ("no PEM for the key", chain, "key", Err(Kind::NoKey)),
        ("half a chain", &half(chain), key, Err(Kind::Malformed)),
        ("half a key", chain, &half(key), Err(Kind::Malformed)),
        ("no base64", chain, &key.replacen('M', "\u{e4}", 1), Err(Kind::Malformed)),
        ("no DER", &pem("CERTIFICATE", b"hi"), key, Err(Kind::BadCertificate)),
        ("no DER for the key", chain, &pem("PRIVATE KEY", b"hi"), Err(Kind::WrongKey)),
        ("damaged key", chain, &pem("PRIVATE KEY", &ec[..ec.len() - 9]), Err(Kind::WrongKey)),
        ("encrypted PKCS#8", chain, &encrypted, Err(Kind::EncryptedKey)),
        ("encrypted PKCS#1", &rsa_chain, &encrypted_pkcs1, Err(Kind::EncryptedKey)),
        (
            "encrypted, of OpenSSL on Windows",
            &rsa_chain,
            &windows(&encrypted_pkcs1),
            Err(Kind::EncryptedKey),
        ),
        ("a public key", chain, &public, Err(Kind::WrongKey)),
        ("an OpenSSH key", chain, &openssh, Err(Kind::WrongKey)),
        ("another label than its form", chain, &pem("RSA PRIVATE KEY", &ec), Err(Kind::WrongKey)),
    ] {
        assert_eq!(judged(chain, key), expected, "{what}");
    }
}

fn pem_to_der(text: &str) -> Vec<u8> {
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(base64).unwrap()
}

#[test]
fn files_that_cannot_be_read_are_named_and_hold_no_secret() {
    let identity = identity();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("tls.crt"), &identity.certificate_pem).unwrap();
    fs::write(at("tls.key"), &identity.key_pem).unwrap();
    fs::write(at("empty"), " \n").unwrap();
    fs::write(at("long"), vec![b'\n'; 2 * 1024 * 1024]).unwrap();
    fs::write(at("binary"), [0x30, 0x82, 0xff, 0xfe, 0]).unwrap();
    fs::create_dir(at("directory")).unwrap();
    for (chain, key, kind, named) in [
        ("tls.crt", "missing", Kind::Unreadable, "missing"),
        ("missing", "tls.key", Kind::Unreadable, "missing"),
        ("tls.crt", "directory", Kind::Unreadable, "directory"),
        ("long", "tls.key", Kind::Unreadable, "long"),
        ("tls.crt", "empty", Kind::Empty, "empty"),
        ("empty", "tls.key", Kind::Empty, "empty"),
        ("binary", "tls.key", Kind::NoCertificate, "binary"),
        ("tls.crt", "binary", Kind::NoKey, "binary"),
        ("tls.key", "tls.crt", Kind::NoCertificate, "tls.key"),
    ] {
        let certificate = ClientCertificate::from_files(at(chain), at(key));
        let error = certificate
            .read()
            .and_then(|texts| certificate.certified(texts.as_ref(), &provider()))
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{chain} {key}");
        assert_eq!(error.path(), Some(&*at(named)), "{chain} {key}");
        let said = error.to_string();
        assert!(said.contains(named), "{said}");
        assert_eq!(error.source().is_some(), kind == Kind::Unreadable, "{said}");
    }
}

/// It would wait for who writes into it.
#[cfg(unix)]
#[test]
fn a_pipe_is_no_file() {
    let certificate = ClientCertificate::from_files("/dev/null", "/dev/null");
    let error = certificate.read().err().unwrap();
    assert_eq!(error.kind(), Kind::Unreadable);
    assert_eq!(error.source().unwrap().to_string(), "it is no regular file");
}

#[test]
fn debug_shows_nothing_of_the_key() {
    let identity = identity();
    let certificate =
        ClientCertificate::from_pem(&identity.certificate_pem, &identity.key_pem).unwrap();
    let shown = format!("{certificate:?}");
    assert_eq!(shown, "ClientCertificate { certificates: 1, .. }");
    let shown = format!("{:?}", ClientCertificate::from_files("a.crt", "a.key"));
    assert_eq!(shown, r#"ClientCertificate { certificate: "a.crt", key: "a.key", .. }"#);
    // Nor do the errors of a key that is damaged.
    let damaged = identity.key_pem.replacen('M', "hunter2!", 1);
    let error = ClientCertificate::from_pem(&identity.certificate_pem, damaged).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn a_key_that_is_taken_for_a_path_is_not_shown() {
    for key in
        ["-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n", "-----BEGIN RSA PRIVATE KEY-----MIGHAgEA"]
    {
        for certificate in [
            ClientCertificate::from_files("Cargo.toml", key),
            ClientCertificate::from_files(key, "Cargo.toml"),
        ] {
            let error = certificate.read().err().unwrap();
            assert_eq!(error.kind(), Kind::Unreadable);
            let shown = format!("{certificate:?} {error} {error:?}");
            assert!(!shown.contains("MIGHAgEA") && shown.contains("use from_pem"), "{shown}");
        }
    }
}
