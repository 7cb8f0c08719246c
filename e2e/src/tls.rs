//! HTTPS servers, by OpenSSL through Node, with certificates of our own making.

mod front;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::{Value, json};

pub(crate) use self::front::TlsFront;
use crate::child::{NodeProgram, ask, port};

/// One server for each of [`Self::NAMES`].
pub(crate) struct TlsServers {
    _program: NodeProgram,
    ports: Value,
    control: u16,
    /// The private authority's certificate.
    pub(crate) root_pem: String,
}

impl TlsServers {
    pub(crate) const NAMES: [&str; 5] = ["good", "expired", "wrong_host", "stranger", "tls_1_1"];

    pub(crate) fn start() -> Self {
        let trusted = authority();
        // Of the same name, but not the one that is trusted.
        let stranger = authority();
        let good = leaf(&trusted, "localhost", (2020, 2120));
        let servers = json!([
            server("good", &good, Value::Null),
            server("expired", &leaf(&trusted, "localhost", (2020, 2021)), Value::Null),
            server("wrong_host", &leaf(&trusted, "other.example", (2020, 2120)), Value::Null),
            server("stranger", &leaf(&stranger, "localhost", (2020, 2120)), Value::Null),
            server("tls_1_1", &good, json!("TLSv1.1")),
        ]);
        let (program, ready) = NodeProgram::start("tls.mjs", &[servers.to_string()]);
        Self {
            _program: program,
            ports: ready["ports"].clone(),
            control: port(&ready["control_port"]),
            root_pem: trusted.pem(),
        }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("https://localhost:{}/token", port(&self.ports[name]))
    }

    /// How many requests have reached it.
    pub(crate) fn requests(&self, name: &str) -> u64 {
        ask(self.control, "/", None)[name].as_u64().expect("a number")
    }
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "The end-to-end suite's authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

/// Certificate and key in PEM.
fn leaf(issuer: &Issuer, host: &str, (from, to): (i32, i32)) -> (String, String) {
    let mut params = CertificateParams::new([host.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

fn server(name: &str, (cert, key): &(String, String), only: Value) -> Value {
    json!({ "name": name, "cert": cert, "key": key, "min": only, "max": only })
}
