//! The responses of a token endpoint and of an API.

mod api;

use std::{fmt, time::Duration};

use auth_core::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use crate::camel_case::camel_case;

/// An HTTP response, built piece by piece.
///
/// ```
/// use auth_testkit::CannedResponse;
///
/// let response = CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600).build();
/// assert_eq!(response.status(), 200);
/// assert_eq!(
///     response.body(),
///     br#"{"access_token":"at-2","expires_in":3600,"refresh_token":"rt-2","token_type":"Bearer"}"#
/// );
/// ```
#[derive(Clone)]
pub struct CannedResponse {
    status: StatusCode,
    headers: HeaderMap,
    members: Map<String, Value>,
    form: bool,
    body: Option<Vec<u8>>,
}

impl CannedResponse {
    /// A response with this status and no body.
    ///
    /// # Panics
    ///
    /// If `status` is not between 100 and 999.
    #[track_caller]
    pub fn status(status: u16) -> Self {
        Self {
            status: status_code(status),
            headers: HeaderMap::new(),
            members: Map::new(),
            form: false,
            body: None,
        }
    }

    /// A 200 with an access token (RFC 6749 section 5.1). It has no refresh token
    /// unless one is added.
    pub fn tokens(access_token: impl Into<String>) -> Self {
        Self::status(200)
            .member("access_token", access_token.into())
            .member("token_type", "Bearer")
            .header("cache-control", "no-store")
    }

    /// A 400 with an error code (RFC 6749 section 5.2).
    pub fn oauth_error(code: impl Into<String>) -> Self {
        Self::status(400).member("error", code.into()).header("cache-control", "no-store")
    }

    /// Adds `refresh_token`.
    #[must_use]
    pub fn refresh_token(self, token: impl Into<String>) -> Self {
        self.member("refresh_token", token.into())
    }

    /// Adds `expires_in`, in seconds.
    #[must_use]
    pub fn expires_in(self, seconds: u64) -> Self {
        self.member("expires_in", seconds)
    }

    /// Adds `scope`.
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.member("scope", scope.into())
    }

    /// Adds `error_description`.
    #[must_use]
    pub fn description(self, text: impl Into<String>) -> Self {
        self.member("error_description", text.into())
    }

    /// Says at the end of `error_description` what is wrong with a client assertion.
    pub(crate) fn wrong_assertion(self, why: &str) -> Self {
        let said = self.members.get("error_description").and_then(Value::as_str);
        let said = said.map_or_else(String::new, |said| format!("{said} "));
        self.description(format!("{said}client assertion: {why}"))
    }

    /// Adds or replaces a member of the JSON object that is the body.
    #[must_use]
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// Writes the names of the members in camelCase.
    pub(crate) fn names_in_camel_case(mut self) -> Self {
        let members = std::mem::take(&mut self.members).into_iter();
        self.members = members.map(|(name, value)| (camel_case(&name), value)).collect();
        self
    }

    /// Encodes the members as a form instead of JSON, as some servers do.
    #[must_use]
    pub fn form_encoded(mut self) -> Self {
        self.form = true;
        self
    }

    /// Sets the bytes of the body. They replace the members.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the status.
    ///
    /// # Panics
    ///
    /// If `status` is not between 100 and 999.
    #[track_caller]
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status_code(status);
        self
    }

    /// Sets a header field. Unless `Content-Type` is set, the response has the one
    /// that fits its members.
    ///
    /// # Panics
    ///
    /// If the name or the value is not valid in a header field.
    #[track_caller]
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = field(name, value);
        self.headers.insert(name, value);
        self
    }

    /// Adds a header field, beside one of the same name: several
    /// `WWW-Authenticate`, each with its challenge.
    ///
    /// # Panics
    ///
    /// If the name or the value is not valid in a header field.
    #[track_caller]
    #[must_use]
    pub fn another_header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = field(name, value);
        self.headers.append(name, value);
        self
    }

    /// Sets `Retry-After`, in seconds, rounded up.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
        self.header("retry-after", &seconds.to_string())
    }

    /// Sets `DPoP-Nonce`, the nonce that the next proof must have (RFC 9449 section 8).
    ///
    /// # Panics
    ///
    /// If it is not valid in a header field.
    #[track_caller]
    #[must_use]
    pub fn dpop_nonce(self, nonce: &str) -> Self {
        self.header("dpop-nonce", nonce)
    }

    /// The response as a type of the `http` crate.
    pub fn build(&self) -> Response {
        let mut response = Response::new(self.encoded());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        if self.body.is_none() && !self.members.is_empty() {
            response.headers_mut().entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(
                if self.form {
                    "application/x-www-form-urlencoded; charset=utf-8"
                } else {
                    "application/json"
                },
            ));
        }
        response
    }

    fn encoded(&self) -> Vec<u8> {
        match &self.body {
            Some(body) => body.clone(),
            None if self.members.is_empty() => Vec::new(),
            None if self.form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in &self.members {
                    match value {
                        Value::String(text) => form.append_pair(name, text),
                        other => form.append_pair(name, &other.to_string()),
                    };
                }
                form.finish().into_bytes()
            }
            None => Value::Object(self.members.clone()).to_string().into_bytes(),
        }
    }
}

impl From<CannedResponse> for Response {
    fn from(response: CannedResponse) -> Self {
        response.build()
    }
}

impl From<Response> for CannedResponse {
    fn from(response: Response) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            members: Map::new(),
            form: false,
            body: Some(body),
        }
    }
}

impl fmt::Debug for CannedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CannedResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("members", &self.members.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[track_caller]
fn field(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        (Ok(name), Ok(value)) => (name, value),
        _ => panic!("the header field {name:?} has a name or a value that is not valid"),
    }
}

#[track_caller]
fn status_code(status: u16) -> StatusCode {
    match StatusCode::from_u16(status) {
        Ok(status) => status,
        Err(_) => panic!("{status} is not an HTTP status code"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_written_as_json_or_as_a_form() {
        let response = CannedResponse::tokens("a+b").expires_in(5);
        let json = response.build();
        assert_eq!(json.headers()["content-type"], "application/json");
        assert_eq!(json.body(), br#"{"access_token":"a+b","expires_in":5,"token_type":"Bearer"}"#);
        let form = response.form_encoded().build();
        assert_eq!(
            form.headers()["content-type"],
            "application/x-www-form-urlencoded; charset=utf-8"
        );
        assert_eq!(form.body(), b"access_token=a%2Bb&expires_in=5&token_type=Bearer");
    }

    #[test]
    fn your_own_body_and_headers_stand_as_they_are() {
        let response =
            CannedResponse::status(502).header("content-type", "text/html").body("<html>").build();
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.body(), b"<html>");
        assert!(CannedResponse::status(503).build().headers().is_empty());
        let copy = CannedResponse::from(response).build();
        assert_eq!((copy.status().as_u16(), copy.body().len()), (502, 6));
    }

    #[test]
    fn a_wait_is_rounded_up_to_seconds() {
        for (wait, header) in [
            (Duration::ZERO, "0"),
            (Duration::from_millis(1), "1"),
            (Duration::from_secs(2), "2"),
            (Duration::MAX, "18446744073709551615"),
        ] {
            let response = CannedResponse::status(429).retry_after(wait).build();
            assert_eq!(response.headers()["retry-after"], header);
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let text = format!("{:?}", CannedResponse::tokens("at-1").refresh_token("rt-1"));
        assert!(!text.contains("at-1") && !text.contains("rt-1"), "{text}");
    }
}
