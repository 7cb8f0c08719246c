//! The settings of a [`UreqTransport`].

use std::{fmt, sync::Arc, time::Duration};

use auth_core::internal::{Exceptions, ProxySetting};
use auth_tls::{ClientCertificate, Tls, TlsSettings};
use rustls::crypto::CryptoProvider;
use ureq::Agent;

use crate::{
    error::BuildError,
    proxy::{self, Plan},
    transport::{TIMEOUT, UreqTransport},
};

/// How long the client may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("auth-ureq/", env!("CARGO_PKG_VERSION"));

/// The settings of a [`UreqTransport`]. The defaults suit a token endpoint; the
/// [crate's documentation](crate) gives the reasons.
///
/// ```
/// use std::time::Duration;
/// use auth_ureq::UreqTransport;
///
/// let transport = UreqTransport::builder()
///     .timeout(Duration::from_secs(20))
///     .user_agent("acme-sync/3.1")
///     .build()?;
/// # Ok::<(), auth_ureq::BuildError>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct UreqTransportBuilder {
    connect_timeout: Duration,
    timeout: Duration,
    user_agent: String,
    proxy: ProxySetting,
    tls: TlsSettings,
    max_idle: usize,
}

// Here, since the transport knows nothing of its builder.
impl UreqTransport {
    /// Makes a transport with the default settings.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: [`Tls`](BuildError::Tls) if the system has no trusted
    /// certificates, [`RootsVariable`](BuildError::RootsVariable) if the environment
    /// names some that cannot be used, [`ProxyVariable`](BuildError::ProxyVariable) if the environment
    /// names a proxy that cannot be used, and
    /// [`NoCryptoProvider`](BuildError::NoCryptoProvider) if there is none.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Makes a builder for a transport with other settings.
    pub fn builder() -> UreqTransportBuilder {
        UreqTransportBuilder::default()
    }
}

impl Default for UreqTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            user_agent: USER_AGENT.to_owned(),
            proxy: ProxySetting::System,
            tls: TlsSettings::default(),
            max_idle: 0,
        }
    }
}

impl UreqTransportBuilder {
    /// Sets how long the DNS lookup may take, and then how long the agent may
    /// take to connect: TCP, proxy and TLS together. 5 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long one attempt may take, from the DNS lookup to the last byte
    /// of the response. 10 s by default. What has arrived by then is read for at most
    /// 1 s more.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the `User-Agent`, by which some endpoints throttle. `auth-ureq/` and
    /// the version of this crate by default. A `User-Agent` of the
    /// [`TokenEndpoint`](auth_core::TokenEndpoint::header) takes precedence.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Uses this proxy for every `https` URL. Its own URL may hold
    /// `user:password@`, and begins with `http:` or `https:`; with the feature
    /// `socks` also with `socks5h:`, `socks5:`, `socks4a:` or `socks4:`, of which
    /// `socks5h:` is the best choice: the proxy looks the server's name up. By default
    /// the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) decides, and on
    /// Windows the system's settings; see the [crate's documentation](crate#proxies).
    ///
    /// Plain `http` never uses a proxy, to whatever host: the proxy would
    /// see the refresh token in clear text.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySetting::Always(url.into());
        self
    }

    /// Uses no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxySetting::Never;
        self
    }

    /// Also trusts these root certificates, for example those of a company's own
    /// authority: one or more in PEM. Each call adds to the earlier ones.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.roots.push(pem.into());
        self
    }

    /// Trusts only the certificates given to
    /// [`root_certificates_pem`](Self::root_certificates_pem).
    pub fn without_system_roots(mut self) -> Self {
        self.tls.without_system = true;
        self
    }

    /// Shows this client certificate to servers that ask for one: mutual TLS (RFC 8705);
    /// see the [crate's documentation](crate#client-certificates). Every server that this
    /// transport sends to may ask, and none that it does not: no proxy sees it, and no
    /// redirect is followed. The later call counts.
    ///
    /// ```no_run
    /// use auth_ureq::{ClientCertificate, UreqTransport};
    ///
    /// let transport = UreqTransport::builder()
    ///     .client_certificate(ClientCertificate::from_files(
    ///         "/etc/acme/tls.crt",
    ///         "/etc/acme/tls.key",
    ///     ))
    ///     .build()?;
    /// # Ok::<(), auth_ureq::BuildError>(())
    /// ```
    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.tls.client_certificate = Some(certificate);
        self
    }

    /// Sets the crypto provider. By default it is the one that the program
    /// installed in rustls, else that of the feature `aws-lc-rs`, else that of
    /// `ring`. Whatever it is, it serves this transport only.
    pub fn crypto_provider(mut self, provider: impl Into<Arc<CryptoProvider>>) -> Self {
        self.tls.provider = Some(provider.into());
        self
    }

    /// Sets how many idle connections are kept for later requests. None by
    /// default. Only a service that refreshes many times a minute gains from
    /// them.
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.max_idle = connections;
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a setting cannot be used.
    pub fn build(self) -> Result<UreqTransport, BuildError> {
        // ureq would panic at the first request.
        http::HeaderValue::try_from(&self.user_agent).map_err(|_| BuildError::UserAgent)?;
        let tls = Tls::new(self.tls).map_err(BuildError::tls)?;
        let settings = |proxy: Plan| {
            Agent::config_builder()
                .timeout_resolve(Some(self.connect_timeout))
                .timeout_connect(Some(self.connect_timeout))
                // Whatever is in the buffer, which has a byte more, counts as head if it
                // follows an interim response. With ureq's default a response that
                // does is refused if it is longer than 64 KiB.
                .max_response_header_size(128 * 1024 - 1)
                .user_agent(self.user_agent.clone())
                .max_idle_connections(self.max_idle)
                .max_idle_connections_per_host(self.max_idle)
                .proxy(proxy::of_plan(proxy))
        };
        let (plan, direct) = match self.proxy {
            ProxySetting::System => {
                let (plan, exceptions) = proxy::of_environment()?;
                (plan, Some((settings(Plan::None), exceptions)))
            }
            ProxySetting::Never => (Plan::None, None),
            ProxySetting::Always(url) => {
                let plan = Plan::Named(proxy::named(&url)?);
                (plan, Some((settings(Plan::None), Exceptions::default())))
            }
        };
        let alone = self.max_idle == 0 && !proxy::is_over_tls(&plan);
        Ok(UreqTransport::ours(settings(plan), direct, tls, alone, self.timeout))
    }
}

/// Leaves out the proxy, whose URL may hold a password.
impl fmt::Debug for UreqTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
