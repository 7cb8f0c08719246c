//! TLS as a transport uses it: the trusted root certificates, the crypto provider, and
//! the client certificate as it is now.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ClientConfig, Error as RustlsError, RootCertStore, client::Resumption, crypto::CryptoProvider,
    sign::CertifiedKey,
};
use rustls_platform_verifier::Verifier;

use crate::{
    client_certificate::ClientCertificate,
    error::TlsError,
    handshakes::{Handshakes, Version},
    identity::{Identity, Shown},
    pem,
    provider::provider,
    refusal::{Connections, Refusal, refusal},
};

/// What TLS is set up with.
#[derive(Debug, Default)]
pub struct TlsSettings {
    /// Roots to trust, in PEM, as given to the builder.
    pub roots: Vec<Vec<u8>>,
    /// Whether these are the only ones.
    pub without_system: bool,
    /// The crypto provider, if the program names one.
    pub provider: Option<Arc<CryptoProvider>>,
    /// What is shown to servers that ask.
    pub client_certificate: Option<ClientCertificate>,
}

/// TLS of a transport. Clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    /// Without a client certificate.
    base: ClientConfig,
    for_proxies: Arc<ClientConfig>,
    identity: Option<Identity>,
    current: Mutex<Current>,
}

/// What new connections are made with.
#[derive(Clone)]
pub struct Current {
    /// How often the client certificate has been renewed.
    pub renewals: u64,
    /// For connections to servers.
    pub config: Arc<ClientConfig>,
}

impl Tls {
    /// Sets TLS up.
    ///
    /// # Errors
    ///
    /// [`TlsError`] if a setting cannot be used.
    pub fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        let provider = provider(settings.provider)?;
        let base = base(&settings.roots, settings.without_system, provider.clone())?;
        let identity = match settings.client_certificate {
            Some(certificate) => {
                let identity = Identity::new(certificate, provider);
                Some(identity.map_err(TlsError::ClientCertificate)?)
            }
            None => None,
        };
        let certified = identity.as_ref().map(|identity| identity.now().1);
        let current = Current::new((0, certified), &base);
        let for_proxies = Arc::new(base.clone());
        let current = Mutex::new(current);
        Ok(Self(Arc::new(Inner { base, for_proxies, identity, current })))
    }

    /// Whether there is a client certificate.
    pub fn has_client_certificate(&self) -> bool {
        self.0.identity.is_some()
    }

    /// Whether [`look`](Self::look) reads files.
    pub fn may_change(&self) -> bool {
        self.0.identity.as_ref().is_some_and(Identity::may_change)
    }

    /// Looks whether the client certificate was renewed, and gives what new connections
    /// are made with.
    pub fn look(&self) -> Current {
        // Without a lock that `now` would wait for, since files may be slow.
        let looked = self.0.identity.as_ref().map(Identity::look);
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((renewals, certified)) = looked
            && renewals > current.renewals
        {
            let now = (renewals, Some(certified));
            *current = Current::new(now, &self.0.base);
        }
        current.clone()
    }

    /// What the last look gave.
    pub fn now(&self) -> Current {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For connections to proxies, which never see the client certificate.
    pub fn for_proxies(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0.for_proxies)
    }

    /// For an operator, what may be the reason that the server closed the connection
    /// without a word, as Node's servers do.
    pub fn suspicion(&self, handshakes: &Handshakes) -> Option<&'static str> {
        match (handshakes.asked(), self.has_client_certificate()) {
            (false, _) => None,
            (true, true) => {
                Some("the server had asked for the client's certificate, and may not accept it")
            }
            (true, false) => {
                Some("the server had asked for a client certificate, and none is set up")
            }
        }
    }

    /// What the server has against the client's certificate, if it was that.
    pub fn refusal(&self, error: &RustlsError, handshakes: &Handshakes) -> Option<Refusal> {
        let (shown, tls13) = (self.has_client_certificate(), handshakes.tls13());
        let connections = match handshakes.asked() {
            false => Connections::NotAsked,
            true => Connections::Asked { shown, tls13 },
        };
        let Refusal { mut says, is_of_handshake } = refusal(error, connections)?;
        // These may well be the reason.
        if let Some(identity) = &self.0.identity {
            if let Some(problem) = identity.problem() {
                says = format!("{says}; it was not renewed: {problem}");
            }
            if let Some(expired) = identity.expired() {
                says = format!("{says}; {expired}");
            }
        }
        Some(Refusal { says, is_of_handshake })
    }
}

impl Current {
    fn new((renewals, certified): (u64, Option<Arc<CertifiedKey>>), base: &ClientConfig) -> Self {
        let mut config = base.clone();
        if certified.is_some() {
            // In a resumed session no certificate is shown: the server takes the one that
            // it saw when the session began.
            config.resumption = Resumption::disabled();
        }
        config.client_auth_cert_resolver = Arc::new(Shown::new(certified));
        config.key_log = Arc::new(Version);
        Self { renewals, config: Arc::new(config) }
    }
}

/// Trust, and the protocol's versions.
fn base(
    roots: &[Vec<u8>],
    without_system: bool,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, TlsError> {
    let extra = pem::roots(roots).ok_or(TlsError::Roots)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Rustls)?;
    let builder = if without_system {
        let mut store = RootCertStore::empty();
        for certificate in extra {
            store.add(certificate).map_err(TlsError::Rustls)?;
        }
        builder.with_root_certificates(store)
    } else {
        #[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
        crate::roots::check_environment()?;
        let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(TlsError::Rustls)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    Ok(builder.with_no_client_auth())
}

/// Nothing of the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("has_client_certificate", &self.has_client_certificate())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current").field("renewals", &self.renewals).finish_non_exhaustive()
    }
}
