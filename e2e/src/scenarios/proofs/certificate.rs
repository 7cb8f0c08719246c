//! Mutual TLS (RFC 8705), with access tokens that are bound to the certificate.

use std::{fs, path::Path};

use auth_core::{FailureKind, RefreshToken};
use auth_reqwest::ClientCertificate;

use super::{Ada, ROTATIONS};
use crate::{
    clients::{Adapter, Network, endpoint},
    provider::ClientKind,
    proxy::Fault,
    timing::GRACE_MS,
    tls::TlsFront,
    world::World,
};

/// What the server knows the client by.
const NAME: &str = "client.example";

/// Certificate and key in files, which are renewed there.
struct Files(tempfile::TempDir);

impl Files {
    fn issued_by(front: &TlsFront) -> Self {
        let files = Self(tempfile::tempdir().expect("a directory"));
        files.renew(front, NAME);
        files
    }

    fn renew(&self, front: &TlsFront, name: &str) {
        let (certificate, key) = front.issue(name);
        write(&self.0.path().join("tls.crt"), &certificate);
        write(&self.0.path().join("tls.key"), &key);
    }

    fn certificate(&self) -> ClientCertificate {
        let directory = self.0.path();
        ClientCertificate::from_files(directory.join("tls.crt"), directory.join("tls.key"))
    }
}

/// Replaces a file as a whole.
fn write(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("a file");
    fs::rename(&new, path).expect("a file");
}

fn network(front: &TlsFront, certificate: Option<ClientCertificate>) -> Network {
    Network { root_pem: Some(front.root_pem()), certificate, ..Network::default() }
}

pub(in crate::scenarios) fn adapters(world: &World<'_>) {
    let front = TlsFront::before(world.proxy.port());
    for adapter in Adapter::ALL {
        let session = world.log_in(ClientKind::Certificate);
        let endpoint = endpoint(&front.url(), &session);
        let files = Files::issued_by(&front);
        let network = network(&front, Some(files.certificate()));
        let mut token = RefreshToken::new(&session.refresh_token);
        for number in 0..ROTATIONS {
            let tokens = world
                .refresh_by(&endpoint, adapter, &session, &token, &network)
                .unwrap_or_else(|error| panic!("{adapter:?} {number}: {error}"));
            let binding = world.provider.binding(tokens.access_token.expose());
            assert!(binding.lives && binding.certificate.is_some(), "{adapter:?} {number}");
            token = tokens.refresh_token.expect("a refresh token");
        }
        // Without one, or with one of another name, nobody is logged out.
        let other = Files::issued_by(&front);
        other.renew(&front, "other.example");
        for certificate in [None, Some(other.certificate())] {
            world.expect_refusal();
            let network = self::network(&front, certificate);
            let error = world
                .refresh_by(&endpoint, adapter, &session, &token, &network)
                .expect_err("the server does not know who asks");
            assert_eq!(error.kind(), FailureKind::Misconfigured, "{adapter:?}: {error}");
        }
        world.refresh_by(&endpoint, adapter, &session, &token, &network).expect("the right one");
    }
}

/// An account whose certificate is renewed while it lives; and lost responses, and a
/// server that is killed.
pub(in crate::scenarios) fn account(world: &World<'_>) {
    let front = TlsFront::before(world.proxy.port());
    let mut over = Vec::new();
    world.provider.set_grace(GRACE_MS);
    for adapter in Adapter::ALL {
        let files = Files::issued_by(&front);
        let network = network(&front, Some(files.certificate()));
        let ada = Ada::logged_in_at(&front.url(), ClientKind::Certificate, world, adapter, network);
        let bound = |token: auth_accounts::Token| {
            let binding = world.provider.binding(token.access_token().expose());
            binding.certificate.filter(|_| binding.lives).expect("a bound token")
        };
        let first = bound(ada.refresh_now().expect("a server"));
        assert_eq!(bound(ada.refresh_now().expect("a server")), first, "{adapter:?}");
        files.renew(&front, NAME);
        let second = bound(ada.refresh_now().expect("a certificate that was renewed"));
        assert_ne!(second, first, "{adapter:?}: it shows the old certificate");
        for fault in [
            Fault::ResetAfterRequest,
            Fault::Page(502),
            Fault::LostAfterRotation,
            Fault::PageAfterRotation(502),
            Fault::CutResponse,
        ] {
            world.proxy.script(&[fault]);
            assert_eq!(bound(ada.refresh_in_the_end()), second, "{adapter:?} {fault:?}");
        }
        over.push((ada, files));
    }
    world.proxy.script(&[]);
    world.provider.kill();
    world.provider.start_again();
    world.provider.set_grace(0);
    for (ada, _files) in over {
        ada.refresh_now().expect("the server is back");
        world.proxy.script(&[Fault::LostAfterRotation]);
        let error = ada.refresh_now().expect_err("the server ended the session");
        assert_eq!(error.kind(), Some(FailureKind::Rejected), "{error}");
        assert!(error.possibly_spent(), "{error}");
    }
}
