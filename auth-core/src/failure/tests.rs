use super::*;
use crate::{read_response, test_now};

#[test]
fn what_became_of_a_request_decides_the_kind() {
    use TransportErrorKind::{BadCertificate, Reset};
    for (error, kind, delivery) in [
        (TransportError::not_sent(Reset), FailureKind::Unreachable, Delivery::NotSent),
        (TransportError::unknown(Reset), FailureKind::Interrupted, Delivery::Unknown),
        (TransportError::not_sent(BadCertificate), FailureKind::Misconfigured, Delivery::NotSent),
    ] {
        let failure = Failure::from(error);
        assert_eq!((failure.kind(), failure.delivery()), (kind, delivery));
        assert!(failure.transport_error().is_some());
        assert_eq!(failure.unreadable(), None);
    }
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
