//! The settings of a [`UreqTransport`].

use std::{fmt, time::Duration};

use ureq::Agent;

use crate::{
    UreqTransport,
    proxy::{self, ProxySetting},
    tls::{self, Roots},
};

/// How long a connection may take to be made: 5 s.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an attempt may take in all: 10 s.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("auth-ureq/", env!("CARGO_PKG_VERSION"));

/// The settings of a [`UreqTransport`]. The defaults are right for a token
/// endpoint; see the [crate's documentation](crate).
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
#[must_use = "nothing happens until it is built"]
pub struct UreqTransportBuilder {
    connect_timeout: Duration,
    timeout: Duration,
    user_agent: String,
    proxy: ProxySetting,
    roots: Roots,
    max_idle: usize,
}

impl Default for UreqTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            user_agent: USER_AGENT.to_owned(),
            proxy: ProxySetting::System,
            roots: Roots::default(),
            max_idle: 0,
        }
    }
}

impl UreqTransportBuilder {
    /// How long it may take to resolve the name, and then to make a
    /// connection: TCP, proxy and TLS together. 5 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one attempt may take, from the name's resolution to the last
    /// byte of the response. 10 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The `User-Agent`; some endpoints throttle by it. `auth-ureq/` and the
    /// version by default. One set on the
    /// [`TokenEndpoint`](auth_core::TokenEndpoint::header) goes first.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Goes through this HTTP proxy for every `https` URL, with
    /// `user:password@` in its own URL if it wants them. By default the
    /// environment decides (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, the first
    /// that is set; and `NO_PROXY`), and on Windows the system's settings.
    ///
    /// Plain `http`, which is for loopback, goes through no proxy whatever is
    /// set: it would see the refresh token in clear.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = ProxySetting::Always(url.into());
        self
    }

    /// Goes through no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxySetting::Never;
        self
    }

    /// Trusts these certificates too, say of a company's own authority; one
    /// or more in PEM. May be called again for more.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.extra.push(pem.into());
        self
    }

    /// Trusts the certificates given by
    /// [`root_certificates_pem`](Self::root_certificates_pem) only.
    pub fn without_system_roots(mut self) -> Self {
        self.roots.without_system = true;
        self
    }

    /// How many idle connections to keep for the next request; none by
    /// default. Worth it only for a service that refreshes many times a minute.
    pub fn max_idle_connections(mut self, connections: usize) -> Self {
        self.max_idle = connections;
        self
    }

    /// The transport.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a setting cannot be used.
    pub fn build(self) -> Result<UreqTransport, BuildError> {
        // ureq would panic at the first request.
        http::HeaderValue::try_from(&self.user_agent).map_err(|_| BuildError::UserAgent)?;
        let builder = Agent::config_builder()
            .tls_config(tls::config(&self.roots)?)
            .timeout_resolve(Some(self.connect_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .user_agent(self.user_agent)
            .max_idle_connections(self.max_idle)
            .max_idle_connections_per_host(self.max_idle);
        let direct_http = !matches!(self.proxy, ProxySetting::Never);
        let builder = match self.proxy {
            ProxySetting::System => {
                proxy::check_environment()?;
                builder
            }
            ProxySetting::Never => builder.proxy(None),
            ProxySetting::Always(url) => builder.proxy(Some(proxy::named(&url)?)),
        };
        Ok(UreqTransport::ours(builder, self.timeout, direct_http))
    }
}

/// Without the proxy, whose URL may hold a password.
impl fmt::Debug for UreqTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UreqTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The user agent cannot stand in a header.
    #[error("the user agent holds characters that cannot stand in a header")]
    UserAgent,
    /// The proxy's URL is not one, or of a SOCKS proxy: for those bring your
    /// own agent. It is not shown, for it may hold a password.
    #[error("the proxy's URL is not valid, or not of an HTTP proxy")]
    Proxy,
    /// This variable of the environment names a proxy that cannot be used. To
    /// go another way in silence is not what whoever set it wants. Its value is
    /// not shown, for it may hold a password.
    #[error("the proxy that {variable} names cannot be used; mend it, or build with no_proxy()")]
    ProxyVariable {
        /// Its name.
        variable: &'static str,
    },
    /// A root certificate is not one in PEM.
    #[error("the root certificates are not valid PEM, or there is none in it")]
    Certificate,
    /// TLS cannot be set up: no system certificates, or a root that rustls
    /// cannot use.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The program installed no crypto provider in rustls, and this crate was
    /// built without its feature `ring`.
    #[error("no crypto provider: install one in rustls, or use the feature \"ring\"")]
    NoCryptoProvider,
}
