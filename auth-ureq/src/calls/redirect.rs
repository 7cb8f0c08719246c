//! Where a redirect leads, as ureq reads it.
//!
//! Which headers go along with a redirect of ureq is its own decision, and a proof is for
//! one URL. So what carries a token is redirected here.

use std::io::{self, Read as _};

use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use ureq::Body;

/// How much of a body is read for the sake of its connection.
const MOST: u64 = 64 * 1024;

/// Whether this status is a redirect.
pub(crate) fn is_one(status: StatusCode) -> bool {
    status.is_redirection() && status != StatusCode::NOT_MODIFIED
}

/// The request that follows this one. It has no body. `None` if there is none: without a
/// URL, or where the body would have to be sent again.
pub(super) fn follow(
    request: Request<()>,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<Request<()>> {
    // The last one counts, as in ureq.
    let location = headers.get_all(header::LOCATION).iter().next_back()?.to_str().ok()?;
    let uri = resolve(request.uri(), location)?;
    let keeps = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT].contains(&status);
    let method = match *request.method() {
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE if keeps => return None,
        ref method if keeps => method.clone(),
        Method::HEAD => Method::HEAD,
        _ => Method::GET,
    };
    let (mut parts, ()) = request.into_parts();
    (parts.method, parts.uri) = (method, uri);
    for name in [
        // Of the body, which is not sent again.
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::EXPECT,
        header::TRANSFER_ENCODING,
        // ureq's own are for where it goes.
        header::COOKIE,
    ] {
        parts.headers.remove(name);
    }
    Some(Request::from_parts(parts, ()))
}

/// Reads what a redirect says to people, so that its connection can be used again.
pub(super) fn read(mut response: Response<Body>) {
    // If it cannot be read, another connection is made.
    let _ = io::copy(&mut response.body_mut().as_reader().take(MOST), &mut io::sink());
}

/// The URL that a reference means (RFC 3986 section 5.2). What follows `#` is dropped.
fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    let absolute = reference.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some());
    if absolute.is_some() {
        return absolute;
    }
    let scheme = base.scheme_str()?;
    if reference.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':')) {
        // Of another scheme, and not a path.
        return None;
    }
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}").parse().ok();
    }
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.is_empty() {
        return Some(base.clone());
    }
    let (path, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
    let path = match path {
        "" => base.path().to_owned(),
        path if path.starts_with('/') => without_dots(path),
        path => {
            let (folder, _) = base.path().rsplit_once('/').unwrap_or_default();
            without_dots(&format!("{folder}/{path}"))
        }
    };
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(format!("{path}{query}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// RFC 3986 section 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if segments.peek().is_none() {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved() {
        for (reference, url) in [
            ("https://b.example/x?y=1#z", "https://b.example/x?y=1"),
            ("HTTPS://b.example", "https://b.example/"),
            ("//b.example:8443/x", "https://b.example:8443/x"),
            ("/x/y", "https://a.example/x/y"),
            ("/x/../y/./z", "https://a.example/y/z"),
            ("/../../x", "https://a.example/x"),
            ("/x/..", "https://a.example/"),
            ("/x/y/.", "https://a.example/x/y/"),
            ("y", "https://a.example/v1/y"),
            ("./y?z=..", "https://a.example/v1/y?z=.."),
            ("../y", "https://a.example/y"),
            ("me/", "https://a.example/v1/me/"),
            ("?b=2", "https://a.example/v1/me?b=2"),
            ("#here", "https://a.example/v1/me?a=1"),
            ("", "https://a.example/v1/me?a=1"),
            // Another host to some, and a path here: what is compared is what is used.
            ("/\\b.example", "https://a.example/\\b.example"),
        ] {
            let base = Uri::from_static("https://a.example/v1/me?a=1");
            let resolved = resolve(&base, reference).map(|uri| uri.to_string());
            assert_eq!(resolved.as_deref(), Some(url), "{reference}");
        }
        for reference in ["https://", "//", "/ x", "mailto:x"] {
            let base = Uri::from_static("https://a.example/v1/me");
            assert_eq!(resolve(&base, reference), None, "{reference}");
        }
    }

    #[test]
    fn the_method_is_what_ureq_makes_of_it() {
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        for (status, follows) in [
            (301, ["GET", "HEAD", "GET", "GET", "GET", "GET", "GET"]),
            (302, ["GET", "HEAD", "GET", "GET", "GET", "GET", "GET"]),
            (303, ["GET", "HEAD", "GET", "GET", "GET", "GET", "GET"]),
            (307, ["GET", "HEAD", "", "", "", "", "OPTIONS"]),
            (308, ["GET", "HEAD", "", "", "", "", "OPTIONS"]),
        ] {
            for (method, follows) in methods.into_iter().zip(follows) {
                let request = Request::builder()
                    .method(method)
                    .uri("https://a.example/")
                    .header("content-length", "5")
                    .header("cookie", "a=b")
                    .header("x-theirs", "kept")
                    .body(())
                    .unwrap();
                let headers = [(header::LOCATION, "/x".parse().unwrap())].into_iter().collect();
                let status = StatusCode::from_u16(status).unwrap();
                let next = follow(request, status, &headers);
                let found = next.as_ref().map_or("", |next| next.method().as_str());
                assert_eq!(found, follows, "{status} {method}");
                if let Some(next) = next {
                    assert_eq!(next.headers().len(), 1);
                    assert_eq!(next.uri(), "https://a.example/x");
                }
            }
        }
    }
}
