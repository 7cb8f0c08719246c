//! A request as the server received it.

use std::{fmt, time::Duration};

use auth_core::{BodyFormat, Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, Uri, header};

use crate::{camel_case::camel_case, jwt::DecodedJwt};

/// A request that arrived, parsed for assertions.
///
/// The accessors return everything, secrets included. `Debug` shows no secret.
///
/// ```
/// use auth_core::{RefreshToken, TokenEndpoint};
/// use auth_testkit::RecordedRequest;
///
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// let request = endpoint.request(&RefreshToken::new("rt-1").into()).unwrap();
///
/// let request = RecordedRequest::from(request);
/// assert_eq!(request.param("grant_type"), Some("refresh_token"));
/// request.assert_param("refresh_token", "rt-1");
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
#[derive(Clone)]
pub struct RecordedRequest {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
    format: Option<BodyFormat>,
    params: Vec<(String, String)>,
    pub(crate) at: Duration,
}

impl RecordedRequest {
    /// Parses a request.
    pub fn new(request: http::Request<Vec<u8>>) -> Self {
        let (head, body) = request.into_parts();
        let format = format_of(&head.headers);
        let params: Vec<_> = match format {
            Some(BodyFormat::Json) => json_params(&body),
            Some(_) => form_urlencoded::parse(&body).into_owned().collect(),
            None => Vec::new(),
        };
        let is_camel_case = |(name, _): &(String, String)| {
            format == Some(BodyFormat::Json) && ["grantType", "tokenTypeHint"].contains(&&**name)
        };
        let format = match params.iter().any(is_camel_case) {
            true => Some(BodyFormat::JsonCamelCase),
            false => format,
        };
        let http::request::Parts { method, uri, headers, .. } = head;
        Self { method, uri, headers, body, format, params, at: Duration::ZERO }
    }

    /// Sets the body that was not there when the head was.
    pub(crate) fn set_body(&mut self, body: &[u8]) {
        let mut request = http::Request::new(body.to_vec());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        *self = Self { at: self.at, ..Self::new(request) };
    }

    /// The first parameter of this name, of a form or of a JSON object. A member
    /// that is not a string is returned as JSON. The parameters of the standard have
    /// their names of the standard, in [camelCase](BodyFormat::JsonCamelCase) too.
    pub fn param(&self, name: &str) -> Option<&str> {
        let find = |name: &str| self.params().find_map(|(key, v)| (key == name).then_some(v));
        match find(name) {
            None if self.format == Some(BodyFormat::JsonCamelCase) => find(&camel_case(name)),
            found => found,
        }
    }

    /// All values of a parameter, in order: of one that may be repeated, as `resource`
    /// (RFC 8707) and `audience` (RFC 8693). In a JSON object they are an array. The
    /// names are those of [`param`](Self::param).
    ///
    /// ```
    /// use auth_testkit::RecordedRequest;
    ///
    /// let request = http::Request::post("/token")
    ///     .header("content-type", "application/x-www-form-urlencoded")
    ///     .body(b"resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example".to_vec())?;
    /// let request = RecordedRequest::new(request);
    /// assert_eq!(request.param_values("resource"), ["https://a.example", "https://b.example"]);
    /// assert!(request.param_values("audience").is_empty());
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn param_values(&self, name: &str) -> Vec<&str> {
        let all = |name: &str| -> Vec<_> {
            self.params().filter_map(|(key, value)| (key == name).then_some(value)).collect()
        };
        let found = all(name);
        match found.is_empty() && self.format == Some(BodyFormat::JsonCamelCase) {
            true => all(&camel_case(name)),
            false => found,
        }
    }

    /// All parameters in order, duplicates included.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Fails the test unless the parameter has this value.
    ///
    /// # Panics
    ///
    /// If it has not. The message shows neither value.
    #[track_caller]
    pub fn assert_param(&self, name: &str, expected: &str) {
        match self.param(name) {
            Some(value) if value == expected => {}
            Some(_) => panic!("the parameter {name} has another value (values not shown)"),
            None => {
                let names: Vec<_> = self.params().map(|(name, _)| name).collect();
                panic!("the request has no parameter {name}; it has {names:?}");
            }
        }
    }

    /// The format of the body by its content type. `None` if it is neither a form
    /// nor JSON. JSON is in camelCase if it has `grantType` or `tokenTypeHint`.
    pub fn format(&self) -> Option<BodyFormat> {
        self.format
    }

    /// Name and secret of an `Authorization: Basic` header, decoded as RFC 6749
    /// section 2.3.1 says.
    pub fn basic_auth(&self) -> Option<(String, String)> {
        let value = self.header("authorization")?;
        let (scheme, encoded) = value.split_once(' ')?;
        let pair = STANDARD.decode(encoded.trim()).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (name, secret) = pair.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| (form_decoded(name), form_decoded(secret)))
    }

    /// Name and secret of an `Authorization: Basic` header, as a server has them that
    /// decodes nothing.
    pub(crate) fn raw_basic_auth(&self) -> Option<(String, String)> {
        let (scheme, encoded) = self.header("authorization")?.split_once(' ')?;
        let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, secret) = pair.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| (name.to_owned(), secret.to_owned()))
    }

    /// The parameter `client_assertion` (RFC 7523 section 2.2), taken apart.
    #[must_use]
    pub fn client_assertion(&self) -> Option<DecodedJwt> {
        DecodedJwt::parse(self.param("client_assertion")?)
    }

    /// The header `DPoP` (RFC 9449 section 4), taken apart.
    #[must_use]
    pub fn dpop_proof(&self) -> Option<DecodedJwt> {
        DecodedJwt::parse(self.header("dpop")?)
    }

    /// The value of a header field, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The URL. Over a socket, only what the request line contains.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The bytes of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// When it arrived, since the clock was made.
    pub fn at(&self) -> Duration {
        self.at
    }
}

impl From<Request> for RecordedRequest {
    fn from(request: Request) -> Self {
        Self::new(request.into_http())
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("host", &self.uri.host())
            .field("path", &self.uri.path())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("params", &self.params.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

fn format_of(headers: &HeaderMap) -> Option<BodyFormat> {
    let declared = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = declared.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Some(BodyFormat::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(BodyFormat::Form)
    } else {
        None
    }
}

fn json_params(body: &[u8]) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(body) else {
        return Vec::new();
    };
    let text = |value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let mut params = Vec::new();
    for (name, value) in members {
        match value {
            // What a form repeats.
            serde_json::Value::Array(several) => {
                params.extend(several.into_iter().map(|value| (name.clone(), text(value))));
            }
            one => params.push((name, text(one))),
        }
    }
    params
}

fn form_decoded(text: &str) -> String {
    // A lone value is a name without `=`.
    form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use auth_core::{ClientAuth, RefreshToken, RevocationStep, TokenEndpoint, TokenRevocation};

    use super::*;
    use crate::VirtualClock;

    fn recorded(endpoint: &TokenEndpoint) -> RecordedRequest {
        endpoint.request(&RefreshToken::new("rt &=ü").into()).unwrap().into()
    }

    fn endpoint() -> TokenEndpoint {
        TokenEndpoint::new("https://auth.example.com/token?key=k3y", "id:1")
            .unwrap()
            .parameter("audience", "a b")
            .unwrap()
    }

    #[test]
    fn both_formats_have_the_same_parameters() {
        for format in [BodyFormat::Form, BodyFormat::Json] {
            let request = recorded(&endpoint().body_format(format));
            assert_eq!(request.format(), Some(format));
            let mut params: Vec<_> = request.params().collect();
            params.sort_unstable();
            assert_eq!(
                params,
                [
                    ("audience", "a b"),
                    ("client_id", "id:1"),
                    ("grant_type", "refresh_token"),
                    ("refresh_token", "rt &=ü"),
                ]
            );
        }
    }

    #[test]
    fn parameters_in_camel_case_have_their_names_of_the_standard() {
        let endpoint = endpoint()
            .client_auth(ClientAuth::post("s"))
            .body_format(BodyFormat::JsonCamelCase)
            .revocation_url("https://auth.example.com/revoke")
            .unwrap();
        let request = recorded(&endpoint);
        assert_eq!(request.format(), Some(BodyFormat::JsonCamelCase));
        for (name, value) in [
            ("grant_type", "refresh_token"),
            ("refresh_token", "rt &=ü"),
            ("refreshToken", "rt &=ü"),
            ("client_id", "id:1"),
            ("client_secret", "s"),
            ("audience", "a b"),
        ] {
            request.assert_param(name, value);
        }
        assert_eq!(request.param("scope"), None);
        let revocation = TokenRevocation::new(endpoint, RefreshToken::new("rt")).unwrap();
        let RevocationStep::Send(request, _) = revocation.start(VirtualClock::manual().now())
        else {
            panic!("nothing has to be had first")
        };
        let request = RecordedRequest::from(request);
        assert_eq!(request.format(), Some(BodyFormat::JsonCamelCase));
        request.assert_param("token_type_hint", "refresh_token");
    }

    #[test]
    fn basic_authentication_is_decoded() {
        let request = recorded(&endpoint().client_auth(ClientAuth::basic("s:=% ü")));
        assert_eq!(request.basic_auth(), Some(("id:1".into(), "s:=% ü".into())));
        assert_eq!(recorded(&endpoint()).basic_auth(), None);
    }

    #[test]
    fn other_bodies_have_no_parameters() {
        for (content_type, body) in
            [("application/json", "[1]"), ("application/json", "{"), ("text/plain", "a=b")]
        {
            let request = http::Request::post("/token")
                .header("content-type", content_type)
                .body(body.as_bytes().to_vec())
                .unwrap();
            assert_eq!(RecordedRequest::new(request).params().count(), 0, "{body}");
        }
        let bare = http::Request::post("/token").body(b"a=b".to_vec()).unwrap();
        assert_eq!(RecordedRequest::new(bare).format(), None);
    }

    #[test]
    fn a_failed_assertion_and_debug_show_no_value() {
        let request = recorded(&endpoint());
        let failure = std::panic::catch_unwind(|| request.assert_param("refresh_token", "rt-2"));
        let message = *failure.unwrap_err().downcast::<String>().unwrap();
        for text in [message, format!("{request:?}")] {
            for secret in ["rt &", "rt-2", "k3y", "a b"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}
