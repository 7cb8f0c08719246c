//! Where a browser is sent back to.

use http::{HeaderValue, Uri};

use crate::CannedResponse;

/// A URI to which the client wants the code.
#[derive(Clone)]
pub(super) struct Redirect {
    uri: String,
    /// Whether the authorization request named it: then the token request must, too
    /// (RFC 6749 section 4.1.3).
    is_named: bool,
}

impl Redirect {
    /// The URI that was asked for, if it is registered or none is; else the only one
    /// that is.
    pub(super) fn choose(asked: Option<&str>, registered: &[String]) -> Result<Self, &'static str> {
        let uri = match (asked, registered) {
            (Some(asked), []) => asked,
            (Some(asked), _) if registered.iter().any(|known| is_same(asked, known)) => asked,
            (Some(_), _) => return Err("redirect_uri is not registered"),
            (None, [only]) => only,
            (None, _) => return Err("redirect_uri is missing"),
        };
        // RFC 6749 section 3.1.2.
        let is_absolute = uri.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.is_empty()
        });
        if !is_absolute || uri.contains('#') || HeaderValue::from_str(uri).is_err() {
            return Err("redirect_uri is not an absolute URI without fragment");
        }
        Ok(Self { uri: uri.to_owned(), is_named: asked.is_some() })
    }

    /// Whether a token request that names this URI, or none, may trade the code.
    pub(super) fn is_named_by(&self, named: Option<&str>) -> bool {
        match named {
            Some(named) => named == self.uri,
            None => !self.is_named,
        }
    }

    /// Sends the browser there, with those parameters that have a value.
    pub(super) fn to(&self, params: &[(&str, Option<&str>)]) -> CannedResponse {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in params {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let (uri, query) = (&self.uri, query.finish());
        let separator = if uri.contains('?') { '&' } else { '?' };
        CannedResponse::redirect(302, &format!("{uri}{separator}{query}"))
            .header("cache-control", "no-store")
    }
}

/// Whether two URIs are the same: to the letter, but for the port of loopback, which a
/// program gets anew each time it starts (RFC 8252 section 7.3).
fn is_same(asked: &str, registered: &str) -> bool {
    let parts = |text: &str| {
        let uri: Uri = text.parse().ok()?;
        let host = uri.host()?.to_owned();
        let is_loopback = ["127.0.0.1", "[::1]"].contains(&host.as_str());
        let has_user = uri.authority()?.as_str().contains('@');
        let plain = uri.scheme_str() == Some("http") && is_loopback && !has_user;
        plain.then(|| (host, uri.path_and_query().cloned()))
    };
    asked == registered
        || parts(asked).is_some_and(|asked| parts(registered).is_some_and(|known| known == asked))
}
