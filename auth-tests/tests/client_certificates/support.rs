//! Either adapter, a server that asks for a certificate, and files of one.

use std::{fs, path::PathBuf};

use auth_core::{
    BlockingTransport, Grant, RefreshToken, Response, TokenEndpoint, Transport, TransportError,
};
use auth_reqwest::{BuildError, ClientCertificate, ReqwestTransport};
use auth_testkit::{
    behaviours,
    fault_server::{
        Certificate, ClientCertificates, ClientIdentity, ClientIdentityKind, FaultServer,
        FaultServerBuilder,
    },
};
use auth_ureq::UreqTransport;

/// A transport of one of the adapters.
pub(crate) enum Adapter {
    Reqwest(tokio::runtime::Runtime, ReqwestTransport),
    Ureq(UreqTransport),
}

#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) max_idle: usize,
    pub(crate) proxy: Option<String>,
}

impl Settings {
    pub(crate) fn showing(identity: &ClientIdentity) -> Self {
        let certificate =
            ClientCertificate::from_pem(&identity.certificate_pem, &identity.key_pem).unwrap();
        Self::with(certificate)
    }

    pub(crate) fn with(certificate: ClientCertificate) -> Self {
        Self { certificate: Some(certificate), ..Self::default() }
    }

    pub(crate) fn reqwest(self) -> Result<Adapter, BuildError> {
        let builder = ReqwestTransport::builder()
            .without_system_roots()
            .root_certificates_pem(FaultServer::ca_pem())
            .max_idle_connections(self.max_idle);
        let builder = match self.proxy {
            Some(url) => builder.proxy(url),
            None => builder.no_proxy(),
        };
        let builder = match self.certificate {
            Some(certificate) => builder.client_certificate(certificate),
            None => builder,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Ok(Adapter::Reqwest(runtime, builder.build()?))
    }

    pub(crate) fn ureq(self) -> Result<Adapter, auth_ureq::BuildError> {
        let builder = UreqTransport::builder()
            .without_system_roots()
            .root_certificates_pem(FaultServer::ca_pem())
            .max_idle_connections(self.max_idle);
        let builder = match self.proxy {
            Some(url) => builder.proxy(url),
            None => builder.no_proxy(),
        };
        let builder = match self.certificate {
            Some(certificate) => builder.client_certificate(certificate),
            None => builder,
        };
        Ok(Adapter::Ureq(builder.build()?))
    }

    pub(crate) fn both(&self) -> [(&'static str, Adapter); 2] {
        [("reqwest", self.clone().reqwest().unwrap()), ("ureq", self.clone().ureq().unwrap())]
    }
}

impl Adapter {
    pub(crate) fn send(&self, url: &str) -> Result<Response, TransportError> {
        let grant = Grant::RefreshToken(RefreshToken::new("rt-1"));
        let endpoint = TokenEndpoint::new(url, "client").unwrap();
        let request = endpoint.request(&grant).unwrap();
        match self {
            Self::Reqwest(runtime, transport) => runtime.block_on(transport.send(request)),
            Self::Ureq(transport) => transport.send_blocking(request),
        }
    }
}

pub(crate) fn server(asks: ClientCertificates) -> FaultServerBuilder {
    FaultServer::builder()
        .tls(Certificate::Trusted)
        .client_certificates(asks)
        .handler(|_| behaviours::tokens("at-2", "rt-2", 3600))
}

pub(crate) fn trusted() -> ClientIdentity {
    FaultServer::client_identity(ClientIdentityKind::Trusted)
}

/// The certificates that clients showed with their requests, in order.
pub(crate) fn shown(server: &FaultServer) -> Vec<Option<Vec<u8>>> {
    let connections = server.connections();
    let requests = server.requests();
    requests.iter().map(|r| connections[r.connection].client_certificate.clone()).collect()
}

/// A directory with a certificate and its key, as something else writes them.
pub(crate) struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    pub(crate) fn new(identity: &ClientIdentity) -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        files.renew(identity);
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn renew(&self, identity: &ClientIdentity) {
        self.write("tls.crt", &identity.certificate_pem);
        self.write("tls.key", &identity.key_pem);
        self.write("both.pem", &format!("{}{}", identity.key_pem, identity.certificate_pem));
    }

    pub(crate) fn certificate(&self) -> ClientCertificate {
        ClientCertificate::from_files(self.path("tls.crt"), self.path("tls.key"))
    }
}
