//! Where a credential is read, anew for each attempt.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{Credential, CredentialError, CredentialErrorKind};

/// Where a credential is read that may change: a file, a callback. It is read anew
/// for each attempt.
///
/// It must return within moments, since it is called within an asynchronous task,
/// too. What takes longer is an [`AsyncCredentialSource`].
pub trait CredentialSource: Send + Sync + fmt::Debug {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] if there is none.
    fn read(&self) -> Result<Credential, CredentialError>;
}

/// The same as [`CredentialSource`], for one that waits.
///
/// Under `BlockingAccounts` it is waited for, too, but no runtime is entered. One that
/// uses tokio has to enter its own in `read`: it spawns there (`handle.spawn(..).await`), or
/// makes what needs the runtime under a guard (`let _guard = handle.enter();`), which is
/// dropped before the next `.await`.
#[async_trait]
pub trait AsyncCredentialSource: Send + Sync + fmt::Debug {
    /// Reads it. Dropping the future ends the reading and has no other effect.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] if there is none.
    async fn read(&self) -> Result<Credential, CredentialError>;
}

/// A [`CredentialSource`], or its asynchronous twin. Cloning shares it.
#[derive(Clone)]
pub struct Source(Inner);

#[derive(Clone)]
enum Inner {
    Blocking(Arc<dyn CredentialSource>),
    Async(Arc<dyn AsyncCredentialSource>),
}

impl Source {
    /// One that returns at once.
    pub fn new(source: impl CredentialSource + 'static) -> Self {
        Self(Inner::Blocking(Arc::new(source)))
    }

    /// One that waits. Asynchronous drivers wait for it, and so does `BlockingAccounts`.
    /// [`read_blocking`](Self::read_blocking), and what blocks over it, does not: the error
    /// is [`CredentialErrorKind::Asynchronous`].
    pub fn asynchronous(source: impl AsyncCredentialSource + 'static) -> Self {
        Self(Inner::Async(Arc::new(source)))
    }

    /// A callback.
    ///
    /// ```
    /// use auth_core::{Credential, CredentialErrorKind, Source};
    ///
    /// let source = Source::callback(|| match std::env::var("CLIENT_SECRET") {
    ///     Ok(secret) => Ok(Credential::new(secret)),
    ///     Err(_) => Err(CredentialErrorKind::Missing.into()),
    /// });
    /// assert_eq!(source.read_blocking().unwrap_err().kind(), CredentialErrorKind::Missing);
    /// ```
    pub fn callback(
        read: impl Fn() -> Result<Credential, CredentialError> + Send + Sync + 'static,
    ) -> Self {
        Self::new(Callback(read))
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] if there is none, or nothing in it.
    pub async fn read(&self) -> Result<Credential, CredentialError> {
        checked(match &self.0 {
            Inner::Blocking(source) => source.read(),
            Inner::Async(source) => source.read().await,
        })
    }

    /// Reads it, without waiting.
    ///
    /// # Errors
    ///
    /// Those of `read`, and [`CredentialErrorKind::Asynchronous`].
    pub fn read_blocking(&self) -> Result<Credential, CredentialError> {
        checked(match &self.0 {
            Inner::Blocking(source) => source.read(),
            Inner::Async(_) => Err(CredentialErrorKind::Asynchronous.into()),
        })
    }
}

/// As [`Source::new`].
impl<S: CredentialSource + 'static> From<S> for Source {
    fn from(source: S) -> Self {
        Self::new(source)
    }
}

/// Nobody's credential is empty, but a file that is being written is.
fn checked(read: Result<Credential, CredentialError>) -> Result<Credential, CredentialError> {
    match read {
        Ok(credential) if credential.expose().is_empty() => Err(CredentialErrorKind::Empty.into()),
        read => read,
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Blocking(source) => source.fmt(f),
            Inner::Async(source) => source.fmt(f),
        }
    }
}

/// The same source, not an equal one.
impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Inner::Blocking(one), Inner::Blocking(other)) => Arc::ptr_eq(one, other),
            (Inner::Async(one), Inner::Async(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Source {}

struct Callback<F>(F);

impl<F: Fn() -> Result<Credential, CredentialError> + Send + Sync> CredentialSource
    for Callback<F>
{
    fn read(&self) -> Result<Credential, CredentialError> {
        (self.0)()
    }
}

impl<F> fmt::Debug for Callback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}
