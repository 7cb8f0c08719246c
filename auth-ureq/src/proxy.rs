//! Which proxy is used, if any.
//!
//! ureq ignores a proxy of the environment that it cannot use and connects
//! directly. Whoever named a proxy wants no request to bypass it, so that is an
//! error here.

use std::{
    env,
    ffi::{OsStr, OsString},
};

use auth_core::internal::{Exceptions, has_unknown_scheme, socks_url};
use http::Uri;
use ureq::{Proxy, ProxyProtocol};

use crate::error::BuildError;

/// The proxy of an agent.
pub(crate) type Plan = auth_core::internal::Plan<Proxy>;

/// The proxy as the agent's settings want it.
pub(crate) fn of_plan(plan: Plan) -> Option<Proxy> {
    match plan {
        Plan::OfSystem => of_system(),
        Plan::None => None,
        Plan::Named(proxy) => Some(proxy),
    }
}

/// Whether a proxy is reached over TLS.
pub(crate) fn is_over_tls(plan: &Plan) -> bool {
    let is_https = |proxy: &Proxy| proxy.protocol() == ProxyProtocol::Https;
    match plan {
        Plan::OfSystem => of_system().is_some_and(|proxy| is_https(&proxy)),
        Plan::None => false,
        Plan::Named(proxy) => is_https(proxy),
    }
}

/// Whether a request to this URL bypasses the proxy.
pub(crate) fn bypasses(exceptions: &Exceptions, uri: &Uri) -> bool {
    let scheme = uri.scheme_str().unwrap_or_default();
    exceptions.include(scheme, uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(443))
}

/// The proxy with this URL.
pub(crate) fn named(url: &str) -> Result<Proxy, BuildError> {
    let socks = socks_url(url);
    // Without the feature, the request would bypass it.
    if socks.is_some() && !cfg!(feature = "socks") {
        return Err(BuildError::ProxyNeedsSocks);
    }
    if has_unknown_scheme(url) {
        return Err(BuildError::ProxyScheme);
    }
    let proxy = Proxy::new(socks.as_deref().unwrap_or(url)).map_err(|_| BuildError::Proxy)?;
    if !has_usable_address(proxy.uri()) {
        return Err(BuildError::Proxy);
    }
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
        _ if cfg!(feature = "socks") => Ok(proxy),
        _ => Err(BuildError::Proxy),
    }
}

/// ureq takes the default port in place of one that is none: another proxy than that
/// which was named.
fn has_usable_address(url: &Uri) -> bool {
    let Some(authority) = url.authority() else { return false };
    let (_, address) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    let port = address.strip_prefix(authority.host()).unwrap_or_default();
    !authority.host().is_empty() && (matches!(port, "" | ":") || authority.port_u16().is_some())
}

/// The proxy that the environment names for `https`, and what bypasses it.
pub(crate) fn of_environment() -> Result<(Plan, Exceptions), BuildError> {
    of(|name| env::var_os(name))
}

fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<(Plan, Exceptions), BuildError> {
    Plan::of_environment(variable, of_variable)
}

/// One that is not Unicode cannot be used.
fn of_variable(variable: &'static str, value: &OsStr) -> Result<Proxy, BuildError> {
    let value = value.to_str().unwrap_or_default();
    named(value).map_err(|error| BuildError::ProxyVariable {
        variable,
        needs_socks: matches!(error, BuildError::ProxyNeedsSocks),
        unknown_scheme: matches!(error, BuildError::ProxyScheme),
    })
}

/// ureq reads the settings of Windows only after the variables, that for plain HTTP
/// among them, which must not decide here.
fn of_system() -> Option<Proxy> {
    let hidden = ["HTTP_PROXY", "http_proxy"].into_iter().any(|name| env::var_os(name).is_some());
    if cfg!(windows) && !hidden { Proxy::try_from_env() } else { None }
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
            ("socks5://proxy", cfg!(feature = "socks")),
            ("socks5h://user:password@proxy:1080", cfg!(feature = "socks")),
            ("socks4://proxy", cfg!(feature = "socks")),
            ("socks4a://proxy", cfg!(feature = "socks")),
            ("socks://proxy:1080/", cfg!(feature = "socks")),
            ("SOCKS5://proxy", cfg!(feature = "socks")),
            ("socks5://", false),
            ("socks6://proxy", false),
            ("ftp://proxy:3128", false),
            ("http:/proxy:3128:3128", false),
            ("[::1]:3128", true),
            ("http://u%40x:p%3Aw@[::1]:3128", true),
            ("http://u:p@ss@proxy:3128", true),
            ("http://proxy:", true),
            ("http://proxy:65536", false),
            ("http://u:p@proxy:65536", false),
            ("http://[::1]:65536", false),
            ("http://::1:3128", false),
            ("http://:3128", false),
            ("proxy:port", false),
            ("socks5:proxy", false),
            ("\"http://proxy:3128\"", false),
            ("http://proxy:3128\n", false),
            ("http://", false),
            ("", false),
        ] {
            assert_eq!(named(url).is_ok(), usable, "{url:?}");
        }
    }

    #[test]
    fn a_variable_that_decides_must_be_usable() {
        let no_socks = !cfg!(feature = "socks");
        for (set, expected) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", "http://proxy:3128")], None),
            (&[("HTTPS_PROXY", "proxy:3128"), ("ALL_PROXY", "://")], None),
            (&[("HTTPS_PROXY", "")], None),
            (&[("HTTPS_PROXY", " http://proxy")], Some("HTTPS_PROXY")),
            (&[("https_proxy", "http//proxy:3128")], Some("https_proxy")),
            (&[("HTTPS_PROXY", ""), ("ALL_PROXY", "://")], Some("ALL_PROXY")),
            (&[("HTTPS_PROXY", "://"), ("ALL_PROXY", "")], Some("HTTPS_PROXY")),
            (&[("HTTPS_PROXY", "://"), ("ALL_PROXY", "proxy:3128")], Some("HTTPS_PROXY")),
            (&[("all_proxy", "gopher://proxy")], Some("all_proxy")),
            (&[("all_proxy", "socks5h://proxy")], no_socks.then_some("all_proxy")),
            (&[("HTTPS_PROXY", "socks://proxy")], no_socks.then_some("HTTPS_PROXY")),
            // What does not decide does not hurt.
            (&[("https_proxy", "http://proxy"), ("all_proxy", "socks5://proxy")], None),
            (&[("HTTPS_PROXY", "http://proxy"), ("ALL_PROXY", "gopher://proxy")], None),
            (&[("HTTP_PROXY", "://")], None),
            (&[("HTTPS_PROXY", "://"), ("NO_PROXY", "*")], None),
            (&[("HTTPS_PROXY", "://"), ("REQUEST_METHOD", "POST")], None),
        ] {
            let result = of(|name| {
                set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
            });
            let wrong = match result {
                Err(BuildError::ProxyVariable { variable, .. }) => Some(variable),
                Err(error) => panic!("{set:?}: {error}"),
                Ok(_) => None,
            };
            assert_eq!(wrong, expected, "{set:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_proxy_is_said() {
        let socks = cfg!(feature = "socks");
        let valid = "its URL is not valid; fix the variable, set NO_PROXY=*, or call no_proxy() of \
                     the builder";
        let needs = "the feature \"socks\" of auth-ureq";
        let schemes = if socks { "socks5h" } else { "http" };
        for (value, by_name, by_variable) in [
            ("socks5://u:hunter2@proxy", needs, needs),
            ("socks4a://u:hunter2@proxy", needs, needs),
            ("gopher://u:hunter2@proxy", "scheme", "its scheme is not supported; use http"),
            ("socks9://hunter2", schemes, schemes),
            ("http://hunter2:port", "the proxy's URL is not valid", valid),
            ("://hunter2", "the proxy's URL is not valid", valid),
        ] {
            let Err(by_the_variable) = of_variable("ALL_PROXY", OsStr::new(value)) else {
                assert!(by_name == needs && socks, "{value}");
                continue;
            };
            let said = by_the_variable.to_string();
            assert!(said.starts_with("the proxy in ALL_PROXY cannot be used: "), "{said}");
            assert!(said.contains(by_variable) && !said.contains("hunter2"), "{value}: {said}");
            let Err(error) = named(value) else { panic!("{value} is used") };
            let said = error.to_string();
            assert!(said.contains(by_name) && !said.contains("hunter2"), "{value}: {said}");
        }
    }

    #[test]
    fn what_bypasses_a_proxy() {
        for (no_proxy, url, bypasses) in [
            ("", "http://example.com/", true),
            ("", "https://example.com/", false),
            ("a.test, example.com", "https://auth.example.com/token", true),
            ("*.example.com", "https://auth.example.com/token", true),
            ("example.com:443", "https://auth.example.com/token", true),
            ("example.com:8443", "https://auth.example.com/token", false),
            ("example.com:8443", "https://auth.example.com:8443/token", true),
            ("::1", "https://[::1]:8443/token", true),
            ("10.0.0.0/8", "https://10.1.2.3/token", true),
        ] {
            let set = |name: &str| (name == "NO_PROXY").then(|| OsString::from(no_proxy));
            let (_, exceptions) = of(set).unwrap();
            let uri = url.parse().unwrap();
            assert_eq!(super::bypasses(&exceptions, &uri), bypasses, "{no_proxy} {url}");
        }
    }
}
