//! The settings of a [`ReqwestTransport`].

use std::{fmt, sync::Arc, time::Duration};

use auth_core::internal::ProxySetting;
use auth_tls::{ClientCertificate, Tls, TlsSettings};
use reqwest::{Client, redirect};
use rustls::{ClientConfig, crypto::CryptoProvider};

use crate::{
    error::BuildError,
    http1::Clients,
    ours::{Ours, Set},
    proxy::{self, Plan},
    transport::{ReqwestTransport, TIMEOUT},
};

/// How long the client may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many fields the head of a response may have. hyper takes 100 by default.
const MAX_FIELDS: usize = 256;

/// How long a head may be over HTTP/2. hyper takes 16 KiB by default.
const MAX_HTTP2_HEAD: u32 = 128 * 1024;

const USER_AGENT: &str = concat!("auth-reqwest/", env!("CARGO_PKG_VERSION"));

/// The settings of a [`ReqwestTransport`]. The defaults suit a token endpoint; the
/// [crate's documentation](crate) gives the reasons.
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
#[must_use = "a builder does nothing until `build` is called"]
pub struct ReqwestTransportBuilder {
    connect_timeout: Duration,
    timeout: Duration,
    user_agent: String,
    proxy: ProxySetting,
    tls: TlsSettings,
    max_idle: usize,
    versions: Versions,
}

/// Which versions of HTTP are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Versions {
    /// HTTP/2 over TLS, if the server has it, as long as it works.
    Negotiated,
    Http1,
    Http2,
}

impl Versions {
    /// The protocols to offer in the TLS handshake, the preferred one first.
    fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::Negotiated => vec![b"h2".into(), b"http/1.1".into()],
            Self::Http1 => vec![b"http/1.1".into()],
            Self::Http2 => vec![b"h2".into()],
        }
    }
}

// Here, since the transport knows nothing of its builder.
impl ReqwestTransport {
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
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }
}

impl Default for ReqwestTransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            user_agent: USER_AGENT.to_owned(),
            proxy: ProxySetting::System,
            tls: TlsSettings::default(),
            max_idle: 0,
            versions: Versions::Negotiated,
        }
    }
}

impl ReqwestTransportBuilder {
    /// Sets how long the client may take to connect: DNS, TCP, proxy and TLS
    /// together. 5 s by default.
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

    /// Sets the `User-Agent`, by which some endpoints throttle. `auth-reqwest/` and
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
    /// the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) and the system's
    /// settings decide; see the [crate's documentation](crate#proxies).
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
    /// use auth_reqwest::{ClientCertificate, ReqwestTransport};
    ///
    /// let transport = ReqwestTransport::builder()
    ///     .client_certificate(ClientCertificate::from_files(
    ///         "/etc/acme/tls.crt",
    ///         "/etc/acme/tls.key",
    ///     ))
    ///     .build()?;
    /// # Ok::<(), auth_reqwest::BuildError>(())
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

    /// Uses HTTP/2 only, on plain HTTP with prior knowledge (RFC 9113 section
    /// 3.3). By default the TLS handshake negotiates the version, and plain HTTP
    /// is HTTP/1.1. The later one of this and [`http1_only`](Self::http1_only) counts.
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.versions = Versions::Http2;
        self
    }

    /// Uses HTTP/1.1 only. For a server that chooses HTTP/2 in the TLS handshake and
    /// cannot speak it. By default the transport finds that out, at the cost of an
    /// attempt each time it is built: after a violation of HTTP/2, or
    /// `HTTP_1_1_REQUIRED` (RFC 9113 section 7), the next attempt at that server
    /// speaks HTTP/1.1.
    pub fn http1_only(mut self) -> Self {
        self.versions = Versions::Http1;
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a setting cannot be used.
    pub fn build(self) -> Result<ReqwestTransport, BuildError> {
        let user_agent =
            http::HeaderValue::try_from(self.user_agent).map_err(|_| BuildError::UserAgent)?;
        let tls = Tls::new(self.tls).map_err(BuildError::tls)?;
        let (plan, exceptions) = match self.proxy {
            ProxySetting::System => {
                let (plan, exceptions) = proxy::of_environment()?;
                (plan, Some(exceptions))
            }
            ProxySetting::Never => (Plan::None, None),
            // For `https` only, so that nothing has to go direct.
            ProxySetting::Always(url) => (Plan::Named(Box::new(proxy::named(&url)?)), None),
        };
        let proxy_over_tls = proxy::is_over_tls(&plan);
        let has_certificate = tls.has_client_certificate();
        let (connect_timeout, max_idle, versions) =
            (self.connect_timeout, self.max_idle, self.versions);
        let client = move |tls: &ClientConfig, proxy: Plan, versions: Versions| {
            let mut tls = tls.clone();
            tls.alpn_protocols = versions.alpn();
            let builder = Client::builder()
                .tls_backend_preconfigured(tls)
                .retry(reqwest::retry::never())
                .redirect(redirect::Policy::none())
                .referer(false)
                // A feature of another crate may switch these on.
                .no_gzip()
                .no_brotli()
                .no_zstd()
                .no_deflate()
                // As lenient as curl: a token in a response is not worth losing for a
                // header field that nobody reads.
                .http1_ignore_invalid_headers_in_responses(true)
                .http1_allow_spaces_after_header_name_in_responses(true)
                .http1_allow_obsolete_multiline_headers_in_responses(true)
                .http1_max_headers(MAX_FIELDS)
                .http2_max_header_list_size(MAX_HTTP2_HEAD)
                .connect_timeout(connect_timeout)
                .pool_max_idle_per_host(max_idle)
                .user_agent(user_agent.clone());
            let builder = match proxy {
                Plan::OfSystem => builder,
                Plan::None => builder.no_proxy(),
                Plan::Named(named) => builder.proxy(named.proxy),
            };
            let builder = match versions {
                Versions::Negotiated => builder,
                Versions::Http1 => builder.http1_only(),
                Versions::Http2 => builder.http2_prior_knowledge(),
            };
            builder.build().map_err(BuildError::client)
        };
        let clients = move |tls: &ClientConfig, plan: Plan| {
            let http1 = match versions {
                Versions::Negotiated => Some(client(tls, plan.clone(), Versions::Http1)?),
                Versions::Http1 | Versions::Http2 => None,
            };
            Ok(Clients { usual: client(tls, plan, versions)?, http1 })
        };
        let make = move |tls: &ClientConfig| {
            // Each time, since reqwest reads the system's proxy anew.
            if has_certificate && proxy::is_over_tls(&plan) {
                return Err(BuildError::ClientCertificateAndTlsProxy);
            }
            let direct = match &exceptions {
                Some(exceptions) => Some((clients(tls, Plan::None)?, exceptions.clone())),
                None => None,
            };
            Ok(Set { usual: clients(tls, plan.clone())?, direct })
        };
        let alone = self.max_idle == 0 && !proxy_over_tls;
        let ours = Ours::new(tls, alone, Box::new(make))?;
        Ok(ReqwestTransport::ours(ours, self.timeout))
    }
}

/// Leaves out the proxy, whose URL may hold a password.
impl fmt::Debug for ReqwestTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransportBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
