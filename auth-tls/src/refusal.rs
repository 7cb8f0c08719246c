//! What an alert of the server says of the client's certificate.

use rustls::{AlertDescription as Alert, Error};

/// What is known of the connections of a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// They are made by a client of the program's own.
    Foreign,
    /// They are ours, and no server has asked for a certificate during this attempt.
    NotAsked,
    /// They are ours, and a server has asked for a certificate.
    Asked {
        /// Whether there was one to show.
        shown: bool,
        /// Whether it spoke TLS 1.3.
        tls13: bool,
    },
}

/// What a server has against the client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In words, for an operator.
    pub says: String,
    /// Whether the alert can only be the answer to the handshake, and may come after the
    /// request was sent. If it came by the connection that was made for the request, the
    /// server has not read it.
    ///
    /// In TLS 1.3 a server reads the client's certificate after the client has sent its
    /// request. It reads the two in order, and cannot decrypt the request before it has
    /// accepted the certificate. We offer no early data and no authentication after the
    /// handshake, which would be the exceptions. In TLS 1.2 nothing is sent before the
    /// server has accepted the certificate: an alert after that is about something else,
    /// say a certificate for this very path, which a server wants once it has read the
    /// path.
    pub is_of_handshake: bool,
}

/// What the server has against the client's certificate. `None` if the alert is about
/// something else.
pub fn refusal(error: &Error, connections: Connections) -> Option<Refusal> {
    let Error::AlertReceived(alert) = error else { return None };
    let shown = match connections {
        Connections::NotAsked => return None,
        Connections::Foreign => None,
        Connections::Asked { shown, .. } => Some(shown),
    };
    let says = match (alert, shown) {
        (Alert::CertificateRequired, Some(true)) => {
            "the server demands a client certificate, and the key does not fit what it asks for"
        }
        (
            Alert::BadCertificate | Alert::HandshakeFailure | Alert::CertificateRequired,
            Some(false),
        )
        | (Alert::CertificateRequired, None) => {
            "the server demands a client certificate, and none is set up"
        }
        (Alert::BadCertificate, _) => "the server finds the client's certificate bad",
        (Alert::UnsupportedCertificate, _) => {
            "the server does not support the client certificate's kind"
        }
        (Alert::CertificateRevoked, _) => "the client's certificate is revoked",
        (Alert::CertificateExpired, _) => "the client's certificate has expired",
        (Alert::CertificateUnknown, _) => {
            "the server does not accept the client's certificate, and does not say why"
        }
        (Alert::UnknownCA, _) => {
            "the server does not know the authority that signed the client's certificate"
        }
        (Alert::AccessDenied, _) => "the client's certificate is good, and has no access",
        // These are said of other things, too.
        (Alert::DecryptError, Some(true)) => {
            "the server cannot verify a signature: the authority's on the client certificate, \
             or one made with the client's key"
        }
        (Alert::HandshakeFailure, Some(true)) => {
            "the server asked for a client certificate, and refused the handshake"
        }
        _ => return None,
    };
    let is_of_handshake = matches!(connections, Connections::Asked { tls13: true, .. })
        // These are said later, too: by access control, or by whatever fails.
        && !matches!(alert, Alert::AccessDenied | Alert::HandshakeFailure);
    Some(Refusal { says: format!("{says} (TLS alert {})", name(*alert)), is_of_handshake })
}

/// The alerts that may be about the certificate of the client.
const ALERTS: [Alert; 10] = [
    Alert::HandshakeFailure,
    Alert::BadCertificate,
    Alert::UnsupportedCertificate,
    Alert::CertificateRevoked,
    Alert::CertificateExpired,
    Alert::CertificateUnknown,
    Alert::UnknownCA,
    Alert::AccessDenied,
    Alert::DecryptError,
    Alert::CertificateRequired,
];

/// The error of rustls with this message, if it is such an alert. h2 keeps the message
/// alone.
pub fn alert(message: &str) -> Option<Error> {
    let errors = ALERTS.into_iter().map(Error::AlertReceived);
    errors.into_iter().find(|error| error.to_string() == message)
}

/// Its name in RFC 8446 section 6.
fn name(alert: Alert) -> &'static str {
    match alert {
        Alert::HandshakeFailure => "handshake_failure",
        Alert::BadCertificate => "bad_certificate",
        Alert::UnsupportedCertificate => "unsupported_certificate",
        Alert::CertificateRevoked => "certificate_revoked",
        Alert::CertificateExpired => "certificate_expired",
        Alert::CertificateUnknown => "certificate_unknown",
        Alert::UnknownCA => "unknown_ca",
        Alert::AccessDenied => "access_denied",
        Alert::DecryptError => "decrypt_error",
        _ => "certificate_required",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_the_certificate_of_the_client() {
        use Connections::{Asked, Foreign, NotAsked};

        let asked = |shown| Asked { shown, tls13: true };
        let (with, without) = (asked(true), asked(false));
        for (alert, connections, said) in [
            (Alert::CertificateRequired, without, Some("none is set up (TLS alert certificate_r")),
            (Alert::CertificateRequired, with, Some("does not fit what it asks for")),
            (Alert::CertificateRequired, Foreign, Some("demands a client certificate")),
            (Alert::BadCertificate, without, Some("none is set up (TLS alert bad_certificate)")),
            (Alert::BadCertificate, with, Some("finds the client's certificate bad")),
            (Alert::BadCertificate, Foreign, Some("finds the client's certificate bad")),
            (Alert::HandshakeFailure, without, Some("none is set up (TLS alert handshake_failure")),
            (Alert::HandshakeFailure, with, Some("refused the handshake")),
            (Alert::HandshakeFailure, Foreign, None),
            (Alert::HandshakeFailure, NotAsked, None),
            (Alert::UnsupportedCertificate, with, Some("kind (TLS alert unsupported_certificate)")),
            (Alert::CertificateRevoked, with, Some("is revoked (TLS alert certificate_revoked)")),
            (Alert::CertificateExpired, with, Some("expired (TLS alert certificate_expired)")),
            (Alert::CertificateUnknown, with, Some("does not say why")),
            (Alert::UnknownCA, with, Some("the authority that signed")),
            (Alert::UnknownCA, Foreign, Some("(TLS alert unknown_ca)")),
            (Alert::AccessDenied, with, Some("has no access (TLS alert access_denied)")),
            (Alert::DecryptError, with, Some("made with the client's key")),
            (Alert::DecryptError, without, None),
            (Alert::DecryptError, Foreign, None),
            // A server that has not asked has nothing to refuse.
            (Alert::UnknownCA, NotAsked, None),
            (Alert::CertificateRequired, NotAsked, None),
            (Alert::ProtocolVersion, with, None),
            (Alert::InternalError, without, None),
            (Alert::NoApplicationProtocol, with, None),
        ] {
            let says = refusal(&Error::AlertReceived(alert), connections).map(|r| r.says);
            match said {
                None => assert_eq!(says, None, "{alert:?} {connections:?}"),
                Some(said) => {
                    let says = says.unwrap_or_else(|| panic!("{alert:?} {connections:?}"));
                    assert!(says.contains(said), "{alert:?} {connections:?}: {says}");
                }
            }
        }
        assert_eq!(refusal(&Error::DecryptError, with), None);
    }

    #[test]
    fn which_alerts_prove_that_nothing_was_read() {
        use Connections::{Asked, Foreign};

        for alert in ALERTS {
            let is_of_handshake = |connections| {
                refusal(&Error::AlertReceived(alert), connections)
                    .is_some_and(|refusal| refusal.is_of_handshake)
            };
            let is_general = matches!(alert, Alert::AccessDenied | Alert::HandshakeFailure);
            let by_tls13 = is_of_handshake(Asked { shown: true, tls13: true });
            assert_eq!(by_tls13, !is_general, "{alert:?}");
            assert!(!is_of_handshake(Asked { shown: true, tls13: false }), "{alert:?}");
            assert!(!is_of_handshake(Foreign), "{alert:?}");
        }
    }

    #[test]
    fn an_alert_is_known_by_its_message() {
        for alert in ALERTS {
            let error = Error::AlertReceived(alert);
            assert_eq!(super::alert(&error.to_string()), Some(error));
        }
        for error in [Error::AlertReceived(Alert::InternalError), Error::DecryptError] {
            assert_eq!(alert(&error.to_string()), None);
        }
        assert_eq!(alert(""), None);
    }
}
