//! A ready-made assertion that something else rotates.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
};

use auth_core::{Credential, CredentialError, CredentialErrorKind, CredentialSource};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};
use zeroize::Zeroizing;

use crate::{file, name};

/// For whoever has a text in the path's place.
const INSTEAD: &str =
    "an assertion, or of something else; `Source::callback` takes one from elsewhere";

/// A file with a signed JSON Web Token by which the client proves who it is: a
/// Kubernetes service account token, or that of a workload identity. It is read anew
/// for each attempt.
///
/// | from | file |
/// | --- | --- |
/// | Kubernetes, a projected volume of the kind `serviceAccountToken` | where the volume is mounted |
/// | Entra Workload ID | [`of_variable`](Self::of_variable)`("AZURE_FEDERATED_TOKEN_FILE")` |
/// | AWS IAM roles for service accounts | [`of_variable`](Self::of_variable)`("AWS_WEB_IDENTITY_TOKEN_FILE")` |
///
/// White space around it is no part of it. Links are followed, as Kubernetes replaces
/// what `..data` leads to. What is no token in the compact form (RFC 7515 section 3.1),
/// such as one that is half written, is
/// [`Malformed`](CredentialErrorKind::Malformed), which counts as passing. Whether the
/// token has expired is not looked at: the server says so, and its clock decides.
#[derive(Clone, PartialEq, Eq)]
pub struct AssertionFile {
    path: PathBuf,
}

impl AssertionFile {
    /// The file at this path. Nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file that an environment variable names, now.
    ///
    /// # Errors
    ///
    /// [`CredentialErrorKind::Missing`] if the variable is not set or empty,
    /// [`CredentialErrorKind::Other`] if the path is not absolute.
    pub fn of_variable(name: impl AsRef<OsStr>) -> Result<Self, CredentialError> {
        file::of_variable(name.as_ref()).map(Self::new)
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What may be a secret instead of a path is not shown.
impl fmt::Debug for AssertionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionFile").field("path", &name::debug(&self.path)).finish()
    }
}

impl CredentialSource for AssertionFile {
    fn read(&self) -> Result<Credential, CredentialError> {
        let text = file::read_text(&self.path, INSTEAD)?;
        let token = text.trim();
        if !is_compact_jws(token) {
            let what = "holds no signed token, or is half written";
            return Err(file::trouble(&self.path, CredentialErrorKind::Malformed, what));
        }
        Ok(Credential::new(token))
    }
}

/// Whether it has a header and claims, which are JSON objects, and a signature.
fn is_compact_jws(token: &str) -> bool {
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return false;
    };
    let decode = |part| URL_SAFE_NO_PAD.decode(part).map(Zeroizing::new).ok();
    is_object(decode(header))
        && is_object(decode(claims))
        && decode(signature).is_some_and(|it| !it.is_empty())
}

fn is_object(json: Option<Zeroizing<Vec<u8>>>) -> bool {
    /// Any members.
    #[derive(Deserialize)]
    struct Object {
        #[serde(default, rename = "")]
        _none: IgnoredAny,
    }

    json.is_some_and(|json| {
        json.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<Object>(&json).is_ok()
    })
}
