use super::*;
use crate::{read_response, test_now};

#[test]
fn what_became_of_a_request_decides_the_kind() {
    use TransportErrorKind::{
        BadCertificate, ClientCertificate, Clock, Proxy, ProxyRefused, Reset,
    };
    for (error, kind, delivery) in [
        (TransportError::not_sent(Reset), FailureKind::Unreachable, Delivery::NotSent),
        (TransportError::unknown(Reset), FailureKind::Interrupted, Delivery::Unknown),
        (TransportError::not_sent(BadCertificate), FailureKind::Misconfigured, Delivery::NotSent),
        (
            TransportError::not_sent(ClientCertificate),
            FailureKind::Misconfigured,
            Delivery::NotSent,
        ),
        // Over a connection that had served before.
        (TransportError::unknown(ClientCertificate), FailureKind::Misconfigured, Delivery::Unknown),
        (TransportError::not_sent(Clock), FailureKind::Unreachable, Delivery::NotSent),
        (TransportError::not_sent(Proxy), FailureKind::Unreachable, Delivery::NotSent),
        (TransportError::not_sent(ProxyRefused), FailureKind::Misconfigured, Delivery::NotSent),
    ] {
        let failure = Failure::from(error);
        assert_eq!((failure.kind(), failure.delivery()), (kind, delivery));
        assert!(failure.transport_error().is_some());
        assert_eq!(failure.unreadable(), None);
    }
}

#[test]
fn the_status_of_a_proxy_is_said() {
    let refused = TransportError::not_sent(TransportErrorKind::ProxyRefused);
    let failure = Failure::from(refused.with_proxy_status(StatusCode::from_u16(407).unwrap()));
    assert_eq!(failure.status().map(|status| status.as_u16()), Some(407));
    let said = failure.to_string();
    assert_eq!(said, "the proxy refused to serve (HTTP 407); the request was not sent");
}

#[test]
fn a_responses_own_words_and_why_it_cannot_be_read() {
    let read = |status, body: &str| {
        let response = http::Response::builder().status(status);
        let response = response.body(body.as_bytes().to_vec()).unwrap();
        read_response(&response, &[], test_now()).unwrap_err()
    };
    let failure = read(400, r#"{"error":"invalid_grant","error_description":"Gone."}"#);
    assert_eq!(failure.description(), Some("Gone."));
    assert_eq!(failure.unreadable(), None);
    let failure = read(200, "");
    assert_eq!(failure.description(), None);
    assert_eq!(failure.unreadable(), Some(&Unreadable::Empty));
}
