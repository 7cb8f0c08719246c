//! Which proxy is used, if any.
//!
//! reqwest ignores a proxy that it cannot use and connects directly. Whoever
//! named a proxy wants no request to bypass it, so that is an error here.

use std::{env, ffi::OsString};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Proxy, Url};

use crate::error::BuildError;

pub(crate) enum ProxySetting {
    /// The proxy of the environment, else of the system.
    System,
    Never,
    Always(String),
}

/// The proxy with this URL, for `https` only. With plain HTTP, it
/// would see the refresh token in clear text.
pub(crate) fn named(url: &str) -> Result<Proxy, BuildError> {
    let proxy = Proxy::https(url).map_err(|_| BuildError::Proxy)?;
    // As reqwest reads it.
    let read = Url::parse(url).or_else(|_| Url::parse(&format!("http://{url}")));
    match read.is_ok_and(|url| is_usable(url.as_str())) {
        true => Ok(proxy),
        false => Err(BuildError::Proxy),
    }
}

/// Whether the proxy that the environment names for `https` can be used.
pub(crate) fn check_environment() -> Result<(), BuildError> {
    match unusable(|name| env::var_os(name)) {
        Some(variable) => Err(BuildError::ProxyVariable { variable }),
        None => Ok(()),
    }
}

/// The variable that decides, if the proxy that it names cannot be used. One that
/// is not Unicode cannot.
fn unusable(variable: impl Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    // In a CGI program the variables may come from the request, so reqwest
    // ignores them.
    if variable("REQUEST_METHOD").is_some() {
        return None;
    }
    [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]]
        .iter()
        .filter_map(|names| {
            names.iter().find_map(|name| variable(name).map(|value| (*name, value)))
        })
        .find(|(_, value)| !value.is_empty())
        .filter(|(_, value)| value.to_str().is_none_or(|value| !is_usable(value)))
        .map(|(name, _)| name)
}

/// Uses the same matcher as reqwest.
fn is_usable(url: &str) -> bool {
    let matcher = Matcher::builder().https(url.to_owned()).build();
    matcher.intercept(&Uri::from_static("https://server/")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_proxy_is_used_or_refused() {
        for (url, usable) in [
            ("http://proxy:3128", true),
            ("https://proxy", true),
            ("proxy:3128", true),
            ("localhost:3128", true),
            ("127.0.0.1:3128", true),
            ("user:password@proxy:3128", true),
            ("http://user:password@proxy:3128", true),
            ("http://pr\u{f8}xy:3128", true),
            // reqwest would ignore it.
            ("ftp://proxy:3128", false),
            ("http:/proxy:3128:3128", false),
            ("http://", false),
            ("", false),
        ] {
            assert_eq!(named(url).is_ok(), usable, "{url:?}");
        }
    }

    #[test]
    fn a_variable_that_decides_must_be_usable() {
        for (set, expected) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", "http://proxy:3128")], None),
            (&[("HTTPS_PROXY", "proxy:3128"), ("ALL_PROXY", "://")], None),
            (&[("HTTPS_PROXY", "")], None),
            (&[("HTTPS_PROXY", " http://proxy")], Some("HTTPS_PROXY")),
            (&[("https_proxy", "http//proxy:3128")], Some("https_proxy")),
            (&[("HTTPS_PROXY", ""), ("ALL_PROXY", "://")], Some("ALL_PROXY")),
            (&[("all_proxy", "gopher://proxy")], Some("all_proxy")),
            // For plain HTTP, which uses no proxy.
            (&[("HTTP_PROXY", "://")], None),
            (&[("HTTPS_PROXY", "://"), ("REQUEST_METHOD", "POST")], None),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(unusable(variable), expected, "{set:?}");
        }
    }
}
