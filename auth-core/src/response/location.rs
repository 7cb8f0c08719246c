//! Where a redirect points (RFC 9110 section 10.2.2), as far as that may be shown.

use std::borrow::Cow;

use http::{HeaderMap, StatusCode, header};

use crate::redact::{REDACTED, is_echo, scrub};

/// How much of it is shown.
const LONGEST: usize = 200;

/// How much of it is looked at.
const MOST_READ: usize = 4096;

/// Scheme, host and path; only the path, if the field has no more. Never a query
/// and a fragment, in which servers send what they were sent, nor a user's name.
/// `None` unless it is a redirect.
pub(super) fn read(
    status: StatusCode,
    headers: &HeaderMap,
    secrets: &[Cow<'_, str>],
) -> Option<String> {
    let value = headers.get(header::LOCATION).filter(|_| status.is_redirection())?;
    let value = String::from_utf8_lossy(value.as_bytes());
    let text = value.trim().split(['?', '#']).next()?;
    if text.is_empty() || text.len() > MOST_READ {
        return None;
    }
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text),
    };
    // Browsers take one slash for the other, and so may whoever wrote it.
    let has_host = rest.starts_with(['/', '\\']) && rest[1..].starts_with(['/', '\\']);
    let (host, path) = match has_host {
        true => {
            // Browsers pass over any others, to the user and the host.
            let rest = rest.trim_start_matches(['/', '\\']);
            let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
            (Some(authority.rsplit('@').next().unwrap_or_default()), path)
        }
        // `https:user@host`, `mailto:user@host`: whoever it is for, it is no path.
        false if rest.contains('@') => (None, REDACTED),
        false => (None, rest),
    };
    let mut shown = String::new();
    if let Some(scheme) = scheme {
        let scheme = scheme.to_ascii_lowercase();
        shown.extend([if is_echo(&scheme, secrets) { REDACTED } else { &scheme }, ":"]);
    }
    if let Some(host) = host {
        let is_host = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
        let is_plain = is_host && !is_echo(host, secrets) && host.len() <= 253;
        shown.extend(["//", if is_plain { host } else { REDACTED }]);
    }
    shown.push_str(&path_without(&path.replace('\\', "/"), secrets));
    if shown.len() > LONGEST {
        shown.truncate(LONGEST - 3);
        shown.push_str("...");
    }
    (!shown.is_empty()).then_some(shown)
}

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// A path without what may be a secret. A secret may hold slashes.
fn path_without(path: &str, secrets: &[Cow<'_, str>]) -> String {
    if is_echo(path, secrets) {
        return format!("/{REDACTED}");
    }
    let segments = path.split('/').map(|segment| {
        // What comes of it is printable, and does not end a quotation.
        scrub(segment, secrets).unwrap_or_default().replace('"', "%22")
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read_with(status: u16, location: &[u8], secrets: &[&'static str]) -> Option<String> {
        let value = HeaderValue::from_bytes(location).unwrap();
        let headers = HeaderMap::from_iter([(header::LOCATION, value)]);
        let secrets: Vec<_> = secrets.iter().copied().map(Cow::Borrowed).collect();
        read(StatusCode::from_u16(status).unwrap(), &headers, &secrets)
    }

    #[test]
    fn scheme_host_and_path() {
        for (location, shown) in [
            ("https://new.example.com/oauth2/token", "https://new.example.com/oauth2/token"),
            ("HTTPS://new.example.com/oauth2/token", "https://new.example.com/oauth2/token"),
            ("http://portal.example/login", "http://portal.example/login"),
            ("https://new.example.com:8443", "https://new.example.com:8443"),
            ("https://new.example.com/", "https://new.example.com/"),
            ("https://[2001:db8::1]:8443/token", "https://[2001:db8::1]:8443/token"),
            (
                "https://login.example.com/v2.0/a-b_c/token",
                "https://login.example.com/v2.0/a-b_c/token",
            ),
            // Not what stands around it.
            ("https://h.example/token?refresh_token=x#y", "https://h.example/token"),
            ("https://h.example?a=//b/c", "https://h.example"),
            ("https://h.example#a", "https://h.example"),
            ("https://user:pass@h.example/token", "https://h.example/token"),
            ("https://a@b@h.example/token", "https://h.example/token"),
            ("https:user@h.example", "https:[redacted]"),
            ("https:\\\\user@h.example\\token", "https://h.example/token"),
            // Relative.
            ("/oauth2/token", "/oauth2/token"),
            ("/oauth2/token?x=y", "/oauth2/token"),
            ("../token", "../token"),
            ("token", "token"),
            ("//other.example/token", "//other.example/token"),
            ("/a:b", "/a:b"),
            (" /token ", "/token"),
            // What is no place of this kind.
            ("javascript:alert(1)", "javascript:alert(1)"),
            ("https://h\u{e4}.example/token", "https://[redacted]/token"),
            ("https://h ost/token", "https://[redacted]/token"),
            ("https:///user:pass@h.example/token", "https://h.example/token"),
            ("\\\\//user@h.example/token", "//h.example/token"),
            ("https://", "https://"),
            ("https://h.example/a\"b", "https://h.example/a%22b"),
        ] {
            let read = read_with(307, location.as_bytes(), &[]);
            assert_eq!(read.as_deref(), Some(shown), "{location}");
        }
        for location in ["", " ", "?x=y", "#x"] {
            assert_eq!(read_with(307, location.as_bytes(), &[]), None, "{location}");
        }
    }

    #[test]
    fn only_of_a_redirect() {
        for status in [300, 301, 302, 303, 307, 308, 399] {
            assert!(read_with(status, b"/token", &[]).is_some(), "{status}");
        }
        for status in [200, 201, 400, 503] {
            assert_eq!(read_with(status, b"/token", &[]), None, "{status}");
        }
    }

    #[test]
    fn what_was_sent_is_not_shown() {
        let token = "v1.MjQ1NzYwODQ3Q0FG/RUJBQ-kpxqmnb";
        for location in [
            format!("https://h.example/token/{token}"),
            format!("https://h.example/token;jsessionid={token}"),
            format!("https://h.example/{}", token.to_uppercase()),
            format!("https://{token}/token"),
            format!("https://{token}@h.example/token"),
            format!("https://h.example/token?{token}"),
            format!("/x/{}", &token[..12]),
            format!("{token}:x"),
            format!("{}:x", &token[3..14]),
            format!("https:{token}"),
            format!("https://h.example/{}", token.replace('/', "%2F")),
            // Of others.
            "https://h.example/a/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789".to_owned(),
        ] {
            let shown = read_with(307, location.as_bytes(), &[token]).unwrap();
            let (token, shown_lower) = (token.to_lowercase(), shown.to_lowercase());
            for piece in token.as_bytes().windows(8) {
                let piece = std::str::from_utf8(piece).unwrap();
                assert!(!shown_lower.contains(piece), "{piece} in {shown}");
            }
            assert!(!shown.contains("AbCdEf"), "{shown}");
        }
    }

    #[test]
    fn a_long_one_is_cut() {
        let long = format!("https://h.example{}", "/word".repeat(100));
        let shown = read_with(307, long.as_bytes(), &[]).unwrap();
        assert_eq!(shown.len(), LONGEST);
        assert!(shown.ends_with("..."));
        assert_eq!(read_with(307, "/word".repeat(1000).as_bytes(), &[]), None);
    }
}
