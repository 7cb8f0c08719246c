//! The client certificate of a transport, as it is now.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rustls::{
    SignatureScheme, client::ResolvesClientCert, crypto::CryptoProvider, sign::CertifiedKey,
};

use crate::{
    client_certificate::{ClientCertificate, Texts},
    error::ClientCertificateError,
    expiry, handshakes,
};

/// What a transport shows to servers that ask, and what it has found in the files.
pub(crate) struct Identity {
    certificate: ClientCertificate,
    provider: Arc<CryptoProvider>,
    /// Held while the files are read, so that what was read last is used last.
    looking: Mutex<()>,
    /// Never held while anything is read: who asks for what is there does not wait.
    state: Mutex<State>,
}

struct State {
    /// What the files held that are used.
    used: Option<Texts>,
    /// What they held when they could not be used, last.
    refused: Option<(Texts, ClientCertificateError)>,
    /// How often they have been renewed, and what is used since.
    now: (u64, Arc<CertifiedKey>),
}

impl Identity {
    /// Reads it for the first time.
    pub(crate) fn new(
        certificate: ClientCertificate,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ClientCertificateError> {
        let used = certificate.read()?;
        let certified = Arc::new(certificate.certified(used.as_ref(), &provider)?);
        certificate.note(None);
        let state = State { used, refused: None, now: (0, certified) };
        Ok(Self { certificate, provider, looking: Mutex::default(), state: Mutex::new(state) })
    }

    /// Whether it may change.
    pub(crate) fn may_change(&self) -> bool {
        self.certificate.is_from_files()
    }

    /// Reads the files, if it is from files, and gives what is to be used: how often it
    /// has been renewed, and what it is since.
    pub(crate) fn look(&self) -> (u64, Arc<CertifiedKey>) {
        if self.may_change() {
            let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
            let found = self.certificate.read();
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let renewed =
                found.and_then(|found| state.renew(found, &self.certificate, &self.provider));
            drop(state);
            self.note(renewed.err());
        }
        self.now()
    }

    /// The same without reading: what the last look gave.
    pub(crate) fn now(&self) -> (u64, Arc<CertifiedKey>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).now.clone()
    }

    /// That the certificate has expired by the clock of this machine, if so.
    pub(crate) fn expired(&self) -> Option<String> {
        let (_, certified) = self.now();
        expiry::told(certified.cert.first()?, SystemTime::now())
    }

    /// Why the files cannot be used, if so.
    pub(crate) fn problem(&self) -> Option<ClientCertificateError> {
        self.certificate.problem()
    }

    fn note(&self, problem: Option<ClientCertificateError>) {
        #[cfg(feature = "tracing")]
        let said = problem.clone();
        let is_news = self.certificate.note(problem);
        #[cfg(feature = "tracing")]
        if let Some(problem) = said.filter(|_| is_news) {
            tracing::warn!(
                target: "auth_tls::client_certificate",
                problem = %problem,
                "the client certificate cannot be renewed; the one before is used"
            );
        }
        #[cfg(not(feature = "tracing"))]
        let _ = is_news;
    }
}

impl State {
    /// Takes what the files hold, if that is new and can be used.
    fn renew(
        &mut self,
        found: Option<Texts>,
        certificate: &ClientCertificate,
        provider: &CryptoProvider,
    ) -> Result<(), ClientCertificateError> {
        if found == self.used {
            return Ok(());
        }
        if let (Some((texts, problem)), Some(found)) = (&self.refused, &found)
            && texts == found
        {
            return Err(problem.clone());
        }
        match certificate.certified(found.as_ref(), provider) {
            Ok(certified) => {
                self.now = (self.now.0 + 1, Arc::new(certified));
                self.used = found;
                self.refused = None;
                #[cfg(feature = "tracing")]
                tracing::info!(
                    target: "auth_tls::client_certificate",
                    "the client certificate was renewed"
                );
                Ok(())
            }
            Err(problem) => {
                self.refused = found.map(|texts| (texts, problem.clone()));
                Err(problem)
            }
        }
    }
}

/// What rustls asks when a server asks for a certificate.
#[derive(Debug)]
pub(crate) struct Shown {
    certified: Option<Arc<CertifiedKey>>,
}

impl Shown {
    pub(crate) fn new(certified: Option<Arc<CertifiedKey>>) -> Self {
        Self { certified }
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        handshakes::is_asked();
        self.certified.clone()
    }

    fn has_certs(&self) -> bool {
        self.certified.is_some()
    }
}
