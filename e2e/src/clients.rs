//! The client's side: both adapters, and both example programs.

use std::{
    path::PathBuf,
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

use auth_core::{
    Audience, Backoff, ClientAuth, Dpop, Refresh, RefreshError, RefreshToken, SigningAlgorithm,
    SigningKey, TokenEndpoint, TokenSet,
};
use auth_reqwest::{ClientCertificate, ReqwestTransport, TokioClock};
use auth_sign::Key;
use auth_ureq::{SystemClock, UreqTransport};
use serde_json::Value;

use crate::{
    child::without_proxies,
    provider::{Method, Session},
};

pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Runtime::new().expect("a runtime"));

/// Which adapter refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adapter {
    Reqwest,
    Ureq,
}

/// What a scenario sets; all else is the default.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) timeout: Duration,
    pub(crate) proxy: Option<String>,
    pub(crate) root_pem: Option<String>,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) policy: Backoff,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            proxy: None,
            root_pem: None,
            certificate: None,
            // The waits of the default, a tenth as long: the number of retries
            // is what these scenarios are about.
            policy: Backoff::default().base_delay(Duration::from_millis(50)),
        }
    }
}

impl Network {
    pub(crate) fn timeout(timeout: Duration) -> Self {
        Self { timeout, ..Self::default() }
    }

    pub(crate) fn reqwest(&self) -> ReqwestTransport {
        let mut builder = ReqwestTransport::builder().timeout(self.timeout);
        builder = match &self.proxy {
            Some(url) => builder.proxy(url),
            None => builder.no_proxy(),
        };
        if let Some(pem) = &self.root_pem {
            builder = builder.root_certificates_pem(pem.as_bytes());
        }
        if let Some(certificate) = &self.certificate {
            builder = builder.client_certificate(certificate.clone());
        }
        builder.build().expect("a transport")
    }

    pub(crate) fn ureq(&self) -> UreqTransport {
        let mut builder = UreqTransport::builder().timeout(self.timeout);
        builder = match &self.proxy {
            Some(url) => builder.proxy(url),
            None => builder.no_proxy(),
        };
        if let Some(pem) = &self.root_pem {
            builder = builder.root_certificates_pem(pem.as_bytes());
        }
        if let Some(certificate) = &self.certificate {
            builder = builder.client_certificate(certificate.clone());
        }
        builder.build().expect("a transport")
    }
}

impl Adapter {
    pub(crate) const ALL: [Self; 2] = [Self::Reqwest, Self::Ureq];

    pub(crate) fn refresh(
        self,
        endpoint: &TokenEndpoint,
        refresh_token: &RefreshToken,
        network: &Network,
    ) -> Result<TokenSet, RefreshError> {
        let refresh = Refresh::new(endpoint.clone(), refresh_token.clone()).policy(network.policy);
        match self {
            Self::Reqwest => {
                let transport = network.reqwest();
                RUNTIME.block_on(auth_core::refresh(refresh, &transport, &TokioClock))
            }
            Self::Ureq => auth_core::refresh_blocking(refresh, &network.ureq(), &SystemClock),
        }
    }

    /// The example program that goes with it.
    fn program(self) -> PathBuf {
        let name = match self {
            Self::Reqwest => "refresh",
            Self::Ureq => "refresh_blocking",
        };
        // Beside this program, where cargo puts both.
        let program = std::env::current_exe().expect("a path");
        program.parent().expect("a directory").join("examples").join(name)
    }
}

/// The endpoint at `url` as the client of `session` asks it. It keeps the nonces
/// that it gets.
pub(crate) fn endpoint(url: &str, session: &Session) -> TokenEndpoint {
    let client = session.client;
    let endpoint = TokenEndpoint::new(url, client.id()).expect("an endpoint");
    let secret = session.client_secret.as_str();
    let endpoint = endpoint.client_auth(match client.method() {
        Method::None => ClientAuth::none(),
        Method::Basic => ClientAuth::basic(secret),
        Method::Post => ClientAuth::post(secret),
        Method::Assertion(algorithm) => {
            let audience = match client.names_the_endpoint() {
                true => Audience::TokenEndpoint,
                false => Audience::Issuer(session.issuer.clone()),
            };
            ClientAuth::assertion(assertion_key(algorithm, session), audience)
        }
        Method::Certificate => ClientAuth::mutual_tls(),
    });
    let Some(algorithm) = client.dpop() else { return endpoint };
    let pem = session.dpop_key.as_deref().expect("the server made one");
    let key = Key::from_pem(algorithm, pem).expect("a key");
    endpoint.dpop(Dpop::new(SigningKey::new(key)).expect("a key pair"))
}

fn assertion_key(algorithm: SigningAlgorithm, session: &Session) -> SigningKey {
    SigningKey::new(match &session.assertion_key {
        Some((pem, id)) => Key::from_pem(algorithm, pem).expect("a key").key_id(id),
        None => Key::from_secret(algorithm, &session.client_secret).expect("a key"),
    })
}

/// What an example program printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) json: Value,
    pub(crate) status: i32,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// Runs the example program of `adapter` with `--json` and these arguments.
pub(crate) fn run_example(
    adapter: Adapter,
    url: &str,
    client_id: &str,
    refresh_token: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Ran {
    let started = Instant::now();
    let output = example(adapter, url, client_id, refresh_token)
        .arg("--json")
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .expect("the example programs are not built; start this by e2e/run");
    let stdout = String::from_utf8_lossy(&output.stdout);
    Ran {
        json: serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("{error} in what the example printed: {stdout}")),
        status: output.status.code().expect("it was killed"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: started.elapsed(),
    }
}

/// What the example program of `adapter` tells a person.
pub(crate) fn told_by_example(adapter: Adapter, url: &str, environment: &[(&str, &str)]) -> String {
    let output = example(adapter, url, "client", "rt-1")
        .args(["--max-retries", "0"])
        .envs(environment.iter().copied())
        .output()
        .expect("the example programs are not built; start this by e2e/run");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn example(adapter: Adapter, url: &str, client_id: &str, refresh_token: &str) -> Command {
    let mut command = Command::new(adapter.program());
    without_proxies(&mut command);
    command.args(["--token-url", url, "--client-id", client_id]);
    command.env("REFRESH_TOKEN", refresh_token);
    command
}
