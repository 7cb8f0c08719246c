//! What an adapter makes of the variables.

use std::ffi::{OsStr, OsString};

use super::{ProxyVariables, takes_no_proxy};

/// What the user of a builder wants.
#[derive(Debug)]
pub enum ProxySetting {
    /// The proxy of the environment, else of the system.
    System,
    /// None.
    Never,
    /// The one with this URL.
    Always(String),
}

/// The proxy of a client, which is of the HTTP library's type.
#[derive(Debug, Clone)]
pub enum Plan<P> {
    /// What the system says. No variable names one.
    OfSystem,
    /// None.
    None,
    /// This one.
    Named(P),
}

/// The requests that bypass a proxy.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    no_proxy: String,
}

impl Exceptions {
    /// Whether a request to this host is one of them. Plain HTTP always is: a proxy
    /// would see the refresh token in clear text.
    pub fn include(&self, scheme: &str, host: &str, port: u16) -> bool {
        scheme == "http" || takes_no_proxy(&self.no_proxy, host, port)
    }
}

impl<P> Plan<P> {
    /// The proxy that the environment names for `https`, and what bypasses it.
    /// `variable` gives the values. `named` makes the proxy of the one that decides; it
    /// is asked only if a request may take it.
    pub fn of_environment<E>(
        variable: impl Fn(&str) -> Option<OsString>,
        named: impl FnOnce(&'static str, &OsStr) -> Result<P, E>,
    ) -> Result<(Self, Exceptions), E> {
        let variables = ProxyVariables::read(variable);
        let plan = match &variables.decides {
            _ if variables.never() => Self::None,
            None => Self::OfSystem,
            Some((variable, value)) => Self::Named(named(variable, value)?),
        };
        Ok((plan, Exceptions { no_proxy: variables.no_proxy }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<(Plan<String>, Exceptions), &'static str> {
        Plan::of_environment(
            |name| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into()),
            |variable, value| match value.to_str() {
                Some(value) if value != "://" => Ok(value.to_owned()),
                _ => Err(variable),
            },
        )
    }

    #[test]
    fn a_variable_that_decides_must_be_usable() {
        for (set, expected) in [
            (&[][..], Ok("OfSystem")),
            (&[("HTTPS_PROXY", "")], Ok("OfSystem")),
            (&[("HTTPS_PROXY", "p")], Ok("Named(\"p\")")),
            (&[("HTTPS_PROXY", "p"), ("ALL_PROXY", "://")], Ok("Named(\"p\")")),
            (&[("HTTPS_PROXY", ""), ("ALL_PROXY", "://")], Err("ALL_PROXY")),
            (&[("HTTPS_PROXY", "://"), ("ALL_PROXY", "p")], Err("HTTPS_PROXY")),
            (&[("HTTP_PROXY", "://")], Ok("OfSystem")),
            (&[("HTTPS_PROXY", "://"), ("NO_PROXY", "*")], Ok("None")),
            (&[("HTTPS_PROXY", "://"), ("REQUEST_METHOD", "POST")], Ok("None")),
        ] {
            let plan = of(set).map(|(plan, _)| format!("{plan:?}"));
            assert_eq!(plan.as_deref(), expected.as_ref().copied(), "{set:?}");
        }
    }

    #[test]
    fn what_bypasses_a_proxy() {
        for (no_proxy, scheme, host, port, bypasses) in [
            ("", "http", "example.com", 80, true),
            ("", "https", "example.com", 443, false),
            ("a.test, example.com", "https", "auth.example.com", 443, true),
            ("example.com:8443", "https", "auth.example.com", 443, false),
            ("example.com:8443", "https", "auth.example.com", 8443, true),
            ("::1", "https", "[::1]", 8443, true),
        ] {
            let (_, exceptions) = of(&[("NO_PROXY", no_proxy)]).unwrap();
            let included = exceptions.include(scheme, host, port);
            assert_eq!(included, bypasses, "{no_proxy} {scheme} {host} {port}");
        }
        assert!(!Exceptions::default().include("https", "localhost", 443));
    }
}
