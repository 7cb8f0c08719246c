//! Where requests go whose URL is a path alone.

use std::{borrow::Cow, error::Error, fmt};

use auth_accounts::calls::{Calls, Target, Tokens};
use http::{
    Uri,
    uri::{Parts, PathAndQuery},
};

/// The URL of a service is not of an origin that was named for the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnnamedOrigin;

impl fmt::Display for UnnamedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the URL is not of an origin that was named for the tokens")
    }
}

impl Error for UnnamedOrigin {}

/// What completes the URL of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base(Option<Uri>);

impl Base {
    pub(crate) fn new<T: Tokens>(uri: &Uri, calls: &Calls<T>) -> Result<Self, UnnamedOrigin> {
        match calls.go_to(&Target::Uri(uri)) {
            true => Ok(Self(Some(uri.clone()))),
            false => Err(UnnamedOrigin),
        }
    }

    /// The whole URL, if this one is only a path. Nothing is allocated.
    #[inline]
    pub(crate) fn complete<'a>(&self, uri: &'a Uri) -> Cow<'a, Uri> {
        match &self.0 {
            Some(base) if uri.authority().is_none() => Cow::Owned(joined(base, uri)),
            _ => Cow::Borrowed(uri),
        }
    }
}

fn joined(base: &Uri, uri: &Uri) -> Uri {
    let mut parts = Parts::default();
    parts.scheme = base.scheme().cloned();
    parts.authority = base.authority().cloned();
    // `OPTIONS *` is about the whole of it.
    let path = uri.path_and_query().filter(|path| path.as_str() != "*").cloned();
    parts.path_and_query = path.or(Some(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_completed_and_nothing_else() {
        let base = Base(Some(Uri::from_static("https://api.example.com/ignored")));
        for (uri, whole) in [
            ("/", "https://api.example.com/"),
            ("/a/b?c", "https://api.example.com/a/b?c"),
            ("*", "https://api.example.com/"),
            ("https://api.example.com/a", "https://api.example.com/a"),
            ("https://elsewhere.example.com/a", "https://elsewhere.example.com/a"),
            ("elsewhere.example.com:443", "elsewhere.example.com:443"),
        ] {
            assert_eq!(base.complete(&Uri::from_static(uri)).to_string(), whole, "{uri}");
            let uri = Uri::from_static(uri);
            assert_eq!(*Base::default().complete(&uri), uri);
        }
    }
}
