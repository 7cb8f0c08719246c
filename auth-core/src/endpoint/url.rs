//! The URLs that a token endpoint may have.

use http::Uri;

use super::error::EndpointError;
use crate::host::{is_loopback, is_plain};

/// A URL to which nothing goes in clear, but to loopback.
pub(super) fn parse(url: &str) -> Result<Uri, EndpointError> {
    let uri = parse_insecure(url)?;
    check_secure(&uri)?;
    Ok(uri)
}

/// Refuses plain `http` to a host that is not loopback.
pub(super) fn check_secure(uri: &Uri) -> Result<(), EndpointError> {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), _) => Ok(()),
        (_, Some(host)) if is_loopback(host) => Ok(()),
        (_, host) => Err(EndpointError::Insecure { host: host.unwrap_or_default().to_owned() }),
    }
}

/// A URL to which the secrets may go in clear.
pub(super) fn parse_insecure(url: &str) -> Result<Uri, EndpointError> {
    // `Uri` drops a fragment silently.
    if url.contains('#') {
        return Err(EndpointError::Fragment);
    }
    let uri: Uri =
        url.parse().map_err(|source| EndpointError::InvalidUrl { source: Some(source) })?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(EndpointError::InvalidUrl { source: None });
    };
    if authority.as_str().contains('@') {
        return Err(EndpointError::UserInfo);
    }
    let host = authority.host();
    if !is_plain(authority.as_str(), host) {
        return Err(EndpointError::InvalidUrl { source: None });
    }
    match scheme {
        "https" | "http" => Ok(uri),
        _ => Err(EndpointError::InvalidUrl { source: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for url in [
            "https://auth.example.com/token",
            "https://auth.example.com",
            "https://auth.example.com:8443/token?tenant=1",
            "http://localhost:8080/token",
            "http://LOCALHOST/token",
            "http://127.0.0.1/token",
            "http://127.9.9.9/token",
            "http://[::1]:1/token",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        for (url, problem) in [
            ("http://auth.example.com/token", "must use https"),
            ("http://localhost.example.com/token", "must use https"),
            ("http://128.0.0.1/token", "must use https"),
            ("http://0.0.0.0/token", "must use https"),
            ("http://0x7f.1/token", "must use https"),
            ("http://[::ffff:127.0.0.1]/token", "must use https"),
            ("https://user:pw@auth.example.com/token", "user name or password"),
            ("http://localhost@evil.example/token", "user name or password"),
            ("https://auth.example.com/token#x", "fragment"),
            ("ftp://auth.example.com/token", "not an absolute"),
            ("//auth.example.com/token", "not an absolute"),
            ("/token", "not an absolute"),
            ("auth.example.com", "not an absolute"),
            ("https://", "not an absolute"),
            ("https:///token", "not an absolute"),
            ("https://:443/token", "not an absolute"),
            ("https://auth example.com/", "not an absolute"),
            ("http://127.0.0.1:99999/", "not an absolute"),
            ("http://localhost:evil.com/", "not an absolute"),
            ("http://localhost:+80/", "not an absolute"),
            ("http://localhost:/", "not an absolute"),
            ("http://127.0.0.1:(/", "not an absolute"),
            ("http://[::1]evil.com/", "not an absolute"),
            ("http://[::1].evil.com:80/", "not an absolute"),
            ("https://.1/", "not an absolute"),
            ("https://[]/", "not an absolute"),
            ("https://~:(/", "not an absolute"),
            ("https://a%2eb/", "not an absolute"),
            ("", "not an absolute"),
        ] {
            let error = parse(url).unwrap_err();
            assert!(error.to_string().contains(problem), "{url}: {error}");
            // The constructor that accepts plain http forgives nothing else.
            match parse_insecure(url) {
                Ok(uri) => assert_eq!(("must use https", uri.to_string()), (problem, url.into())),
                Err(error) => assert!(error.to_string().contains(problem), "{url}: {error}"),
            }
        }
    }

    #[test]
    fn plain_http_on_purpose() {
        for (url, is_secure) in [
            ("http://keycloak:8080/realms/dev/protocol/openid-connect/token", false),
            ("http://key_cloak/token", false),
            ("http://192.168.0.17/token", false),
            ("http://[fd00::1]:8080/token", false),
            ("http://localhost:8080/token", true),
            ("https://auth.example.com/token", true),
        ] {
            let uri = parse_insecure(url).unwrap();
            assert_eq!(check_secure(&uri).is_ok(), is_secure, "{url}");
            assert_eq!(parse(url).is_ok(), is_secure, "{url}");
        }
    }
}
