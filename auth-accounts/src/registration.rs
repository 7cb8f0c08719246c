//! Which client, at which token endpoint.

use std::{fmt, net::Ipv6Addr, sync::Arc};

use auth_core::{EndpointError, TokenEndpoint};
use http::Uri;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A client at a token endpoint: the URL and the client identifier. Tokens belong
/// to the registration that they were issued to, and are sent nowhere else.
///
/// Two are equal if the identifiers are equal and the URLs name the same path of
/// the same host: scheme and host in any case, the port written out or not, the
/// path exactly. The query does not count and is not kept, since it may hold a
/// key. Secret, client authentication, scope and parameters do not count either.
/// So nobody is locked out by a rotated secret.
///
/// It holds no secret. Cloning shares it.
///
/// ```
/// use auth_accounts::Registration;
///
/// let one = Registration::new("https://Auth.Example.com:443/token?key=1", "my-client")?;
/// assert_eq!(one, Registration::new("https://auth.example.com/token", "my-client")?);
/// assert_eq!(one.to_string(), "client my-client at https://auth.example.com/token");
/// # Ok::<(), auth_accounts::auth_core::EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Registration(Arc<Inner>);

#[derive(PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Inner {
    token_url: String,
    client_id: String,
}

impl Registration {
    /// The client `client_id` at the token endpoint `token_url`. Nothing is ever
    /// sent there on account of this, so that plain `http` is allowed.
    ///
    /// # Errors
    ///
    /// Those of [`TokenEndpoint::new`], but for plain `http`.
    pub fn new(token_url: &str, client_id: impl Into<String>) -> Result<Self, EndpointError> {
        TokenEndpoint::insecure_plain_http(token_url, client_id).map(|one| Self::of(&one))
    }

    /// That of `endpoint`.
    pub fn of(endpoint: &TokenEndpoint) -> Self {
        let (token_url, client_id) = (normal(endpoint.uri()), endpoint.client_id().to_owned());
        Self(Arc::new(Inner { token_url, client_id }))
    }

    /// The URL of the token endpoint, without its query, in the form that is
    /// compared.
    pub fn token_url(&self) -> &str {
        &self.0.token_url
    }

    /// The client identifier.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }
}

/// The URL as the `url` crate writes it, without its query.
fn normal(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match address.map(str::parse::<Ipv6Addr>) {
        Some(Ok(address)) => format!("[{address}]"),
        _ => host,
    };
    let port = match (scheme, uri.port_u16()) {
        ("https", Some(443)) | ("http", Some(80)) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    format!("{scheme}://{host}{port}{}", uri.path())
}

/// One line: `client my-client at https://auth.example.com/token`.
impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { token_url, client_id } = &*self.0;
        write!(f, "client {} at {token_url}", client_id.escape_debug())
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("token_url", &self.0.token_url)
            .field("client_id", &self.0.client_id)
            .finish()
    }
}

impl Serialize for Registration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Registration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Inner { token_url, client_id } = Inner::deserialize(deserializer)?;
        Self::new(&token_url, client_id).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_compared_as_they_mean() {
        const PLAIN: &str = "https://auth.example.com/token";
        for (url, same) in [
            (PLAIN, true),
            ("https://AUTH.Example.COM/token", true),
            ("https://auth.example.com:443/token", true),
            ("https://auth.example.com:0443/token", true),
            ("https://auth.example.com/token?tenant=1", true),
            ("https://auth.example.com/token?", true),
            ("https://auth.example.com:8443/token", false),
            ("https://auth.example.com:80/token", false),
            ("http://auth.example.com/token", false),
            ("http://auth.example.com:443/token", false),
            ("https://auth.example.com/token/", false),
            ("https://auth.example.com/Token", false),
            ("https://auth.example.com/%74oken", false),
            ("https://auth.example.com/a/../token", false),
            ("https://auth.example.com", false),
            ("https://auth.example.com./token", false),
            ("https://api.auth.example.com/token", false),
        ] {
            let (one, other) = (Registration::new(url, "c"), Registration::new(PLAIN, "c"));
            assert_eq!(one.unwrap() == other.unwrap(), same, "{url}");
        }
        for (url, normal) in [
            ("https://h", "https://h/"),
            ("http://h:80", "http://h/"),
            ("http://[0:0:0:0:0:0:0:1]:8080/t", "http://[::1]:8080/t"),
            ("https://[2001:DB8::1]:443/t?q", "https://[2001:db8::1]/t"),
        ] {
            assert_eq!(Registration::new(url, "c").unwrap().token_url(), normal);
        }
        for url in ["", "/token", "ftp://h/", "https://u:p@h/", "https://h/#f"] {
            assert!(Registration::new(url, "c").is_err(), "{url}");
        }
    }

    #[test]
    fn client_identifiers_are_compared_exactly() {
        let at = |id| Registration::new("https://auth.example.com/token", id).unwrap();
        assert_eq!(at("c"), at("c"));
        for id in ["C", "c ", "", "https://c"] {
            assert_ne!(at("c"), at(id));
        }
        assert_eq!(at("a\nb").to_string(), r"client a\nb at https://auth.example.com/token");
    }

    #[test]
    fn nothing_but_url_and_identifier_counts() {
        let endpoint = || TokenEndpoint::new("https://auth.example.com/token?key=s3cret", "c");
        let plain = Registration::of(&endpoint().unwrap());
        let other = endpoint()
            .unwrap()
            .client_auth(auth_core::ClientAuth::basic("s3cret"))
            .body_format(auth_core::BodyFormat::Json)
            .scope("a b")
            .parameter("audience", "s3cret")
            .and_then(|endpoint| endpoint.header("x-api-key", "s3cret"))
            .unwrap();
        assert_eq!(plain, Registration::of(&other));
        let shown = format!("{plain} {plain:?} {}", serde_json::to_string(&plain).unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn the_documented_form_round_trips() {
        let one = Registration::new("https://auth.example.com/token", "c").unwrap();
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(json, r#"{"token_url":"https://auth.example.com/token","client_id":"c"}"#);
        assert_eq!(serde_json::from_str::<Registration>(&json).unwrap(), one);
        for json in [
            r#"{"token_url":"https://auth.example.com/token"}"#,
            r#"{"client_id":"c"}"#,
            r#"{"token_url":"auth.example.com","client_id":"c"}"#,
            r#"{"token_url":"https://u:p@auth.example.com","client_id":"c"}"#,
            r#""c""#,
        ] {
            assert!(serde_json::from_str::<Registration>(json).is_err(), "{json}");
        }
    }
}
