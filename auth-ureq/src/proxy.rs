//! Which proxy is used, if any.
//!
//! ureq ignores a proxy of the environment that it cannot use and connects
//! directly. Whoever named a proxy wants no request to bypass it, so that is an
//! error here.

use std::{env, ffi::OsString};

use ureq::{Proxy, ProxyProtocol};

use crate::error::BuildError;

pub(crate) enum ProxySetting {
    /// The proxy of the environment, else of the system.
    System,
    Never,
    Always(String),
}

/// The proxy with this URL.
pub(crate) fn named(url: &str) -> Result<Proxy, BuildError> {
    let proxy = Proxy::new(url).map_err(|_| BuildError::Proxy)?;
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
        // Without its feature for SOCKS, ureq would panic at the first request.
        _ => Err(BuildError::Proxy),
    }
}

/// Whether the proxy that the environment names can be used.
pub(crate) fn check_environment() -> Result<(), BuildError> {
    match unusable(|name| env::var_os(name)) {
        Some(variable) => Err(BuildError::ProxyVariable { variable }),
        None => Ok(()),
    }
}

/// The variable that decides, if the proxy that it names cannot be used. One that
/// is not Unicode cannot.
fn unusable(variable: impl Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    // In the order of ureq.
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
        .into_iter()
        .filter_map(|name| variable(name).map(|value| (name, value)))
        .find(|(_, value)| !value.is_empty())
        .filter(|(_, value)| value.to_str().is_none_or(|value| named(value).is_err()))
        .map(|(name, _)| name)
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
            ("http://user@proxy:3128", true),
            ("socks5://proxy:1080", false),
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
            (&[("HTTPS_PROXY", "://"), ("ALL_PROXY", "proxy:3128")], None),
            (&[("HTTPS_PROXY", "")], None),
            (&[("HTTPS_PROXY", " http://proxy")], Some("HTTPS_PROXY")),
            (&[("https_proxy", "http//proxy:3128")], Some("https_proxy")),
            (&[("HTTPS_PROXY", "://"), ("ALL_PROXY", "")], Some("HTTPS_PROXY")),
            (&[("all_proxy", "socks5h://proxy")], Some("all_proxy")),
            (&[("HTTP_PROXY", "://")], Some("HTTP_PROXY")),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(unusable(variable), expected, "{set:?}");
        }
    }
}
