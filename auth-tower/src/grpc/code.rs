//! What a code of gRPC is in HTTP.

use http::{HeaderMap, StatusCode};
use tonic::{Code, Status};

/// The status in HTTP of a code that may be about the token or its account, as
/// <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto> has it.
/// `None` for all others.
pub(super) fn http_status(code: Code) -> Option<StatusCode> {
    match code {
        Code::Unauthenticated => Some(StatusCode::UNAUTHORIZED),
        Code::PermissionDenied => Some(StatusCode::FORBIDDEN),
        Code::ResourceExhausted => Some(StatusCode::TOO_MANY_REQUESTS),
        Code::Unavailable => Some(StatusCode::SERVICE_UNAVAILABLE),
        _ => None,
    }
}

/// The code in headers or trailers.
pub(super) fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_about_the_token_are_statuses() {
        for (header, status) in [
            ("16", Some(401)),
            ("7", Some(403)),
            ("8", Some(429)),
            ("14", Some(503)),
            ("0", None),
            ("2", None),
            ("13", None),
            ("017", None),
            ("", None),
            ("x", None),
        ] {
            let headers = HeaderMap::from_iter([(Status::GRPC_STATUS, header.parse().unwrap())]);
            let found = code(&headers).and_then(http_status).map(|status| status.as_u16());
            assert_eq!(found, status, "{header}");
        }
        assert_eq!(code(&HeaderMap::new()), None);
    }
}
