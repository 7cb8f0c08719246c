//! The settings of a [`ReqwestTransport`].

use std::{fmt, time::Duration};

use reqwest::{Client, redirect};

use crate::{
    ReqwestTransport,
    proxy::{self, ProxySetting},
    tls::{self, Alpn, Roots},
};

/// How long a connection may take to be made: 5 s.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an attempt may take in all: 10 s.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("auth-reqwest/", env!("CARGO_PKG_VERSION"));

/// The settings of a [`ReqwestTransport`]. The defaults are right for a token
/// endpoint; see the [crate's documentation](crate).
///
/// ```
/// use std::time::Duration;
/// use auth_reqwest::ReqwestTransport;
///
/// let transport = ReqwestTransport::builder()
///     .timeout(Duration::from_secs(20))
///     .user_agent("acme-sync/3.1")
///     .build()?;
/// # Ok::<(), auth_reqwest::BuildError>(())
/// ```
#[must_use = "nothing happens until it is built"]
pub struct ReqwestTransportBuilder {
    connect_timeout: Duration,
    timeout: Duration,
    user_agent: String,
    proxy: ProxySetting,
    roots: Roots,
    max_idle: usize,
    http2_only: bool,
}

impl Default for ReqwestTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            user_agent: USER_AGENT.to_owned(),
            proxy: ProxySetting::System,
            roots: Roots::default(),
            max_idle: 0,
            http2_only: false,
        }
    }
}

impl ReqwestTransportBuilder {
    /// How long it may take to make a connection: name, TCP, proxy and TLS
    /// together. 5 s by default.
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

    /// The `User-Agent`; some endpoints throttle by it. `auth-reqwest/` and
    /// the version by default. One set on the
    /// [`TokenEndpoint`](auth_core::TokenEndpoint::header) goes first.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Goes through this proxy for every `https` URL, with `user:password@` in
    /// its own URL if it wants them. By default the environment (`HTTPS_PROXY`,
    /// `ALL_PROXY`, `NO_PROXY`) and the system's settings decide.
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

    /// Speaks HTTP/2 only, over plain TCP without asking first. By default the
    /// TLS handshake settles the version.
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.http2_only = true;
        self
    }

    /// The transport.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a setting cannot be used.
    pub fn build(self) -> Result<ReqwestTransport, BuildError> {
        let alpn: Alpn = if self.http2_only { &[b"h2"] } else { &[b"h2", b"http/1.1"] };
        let user_agent =
            http::HeaderValue::try_from(self.user_agent).map_err(|_| BuildError::UserAgent)?;
        let tls = tls::config(&self.roots, alpn)?;
        let client = |proxy: &ProxySetting| {
            let builder = Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .retry(reqwest::retry::never())
                .redirect(redirect::Policy::none())
                .referer(false)
                // A feature of another crate may switch these on.
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                .connect_timeout(self.connect_timeout)
                .pool_max_idle_per_host(self.max_idle)
                .user_agent(user_agent.clone());
            let builder = match proxy {
                ProxySetting::System => builder,
                ProxySetting::Never => builder.no_proxy(),
                ProxySetting::Always(url) => builder.proxy(proxy::named(url)?),
            };
            let builder = if self.http2_only { builder.http2_prior_knowledge() } else { builder };
            builder.build().map_err(|error| BuildError::Client(error.without_url()))
        };
        let direct = match self.proxy {
            ProxySetting::System => {
                proxy::check_environment()?;
                // Plain HTTP is for loopback only; a proxy that the environment
                // names would see the refresh token in clear.
                Some(client(&ProxySetting::Never)?)
            }
            ProxySetting::Never | ProxySetting::Always(_) => None,
        };
        Ok(ReqwestTransport::ours(client(&self.proxy)?, direct, self.timeout))
    }
}

/// Without the proxy, whose URL may hold a password.
impl fmt::Debug for ReqwestTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransportBuilder")
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
    /// The proxy's URL is not one, or of a scheme that reqwest does not know. It
    /// is not shown, for it may hold a password.
    #[error("the proxy's URL is not valid, or cannot be used")]
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
    /// reqwest refused the settings.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}
