//! Which proxy a request takes: the choice among variables, the list of hosts
//! that take none, and what a proxy's refusal means. No environment is read here.

mod no_proxy;
mod plan;

use std::{ffi::OsString, fmt};

use self::no_proxy::takes_no_proxy;
pub use self::plan::{Exceptions, Plan, ProxySetting};

/// The variables that may name a proxy for `https`, the one that decides first. As
/// in curl: the one for the scheme before the one for all, and lower case before
/// upper case.
const PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// What the environment says about proxies for `https`.
#[derive(Default)]
pub(crate) struct ProxyVariables {
    /// The variable that decides, and its value. An empty one counts as unset.
    pub(crate) decides: Option<(&'static str, OsString)>,
    /// The hosts that take no proxy.
    pub(crate) no_proxy: String,
    /// Whether this is a CGI program, in which the variables may come from the
    /// request. Then there is no proxy, neither of these nor of the system.
    pub(crate) is_cgi: bool,
}

impl ProxyVariables {
    /// Chooses among the variables, of which `variable` gives the values.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        if variable("REQUEST_METHOD").is_some() {
            return Self { is_cgi: true, ..Self::default() };
        }
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                Some((*name, value))
            })
        };
        let no_proxy = first(&NO_PROXY)
            .map(|(_, value)| value.to_string_lossy().into_owned())
            .unwrap_or_default();
        // Where no request takes a proxy, no variable decides which.
        let decides = if no_proxy::is_everything(&no_proxy) { None } else { first(&PROXY) };
        Self { decides, no_proxy, is_cgi: false }
    }

    /// Whether no request takes a proxy.
    pub(crate) fn never(&self) -> bool {
        self.is_cgi || no_proxy::is_everything(&self.no_proxy)
    }
}

/// Without the value, which may hold a password.
impl fmt::Debug for ProxyVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyVariables")
            .field("decides", &self.decides.as_ref().map(|(name, _)| name))
            .field("no_proxy", &self.no_proxy)
            .field("is_cgi", &self.is_cgi)
            .finish()
    }
}

/// The URL of a SOCKS proxy as the HTTP clients write it, if it is that of one.
/// `socks:` is what desktops export, and means SOCKS 5 there.
pub fn socks_url(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = match &*scheme.to_ascii_lowercase() {
        "socks" | "socks5" => "socks5",
        "socks5h" => "socks5h",
        "socks4" => "socks4",
        "socks4a" => "socks4a",
        _ => return None,
    };
    Some(format!("{scheme}://{rest}"))
}

/// Whether a proxy's URL begins with a scheme that no proxy of ours has.
pub fn has_unknown_scheme(url: &str) -> bool {
    let Some((scheme, _)) = url.split_once("://") else { return false };
    let is_http = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    // RFC 3986 section 3.1.
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme && !is_http && socks_url(url).is_none()
}

/// What to know where the server's name cannot be resolved for a SOCKS proxy that is
/// sent an address.
pub const LOOKED_UP_HERE: &str =
    "it is looked up here; a proxy named with socks5h:// or socks4a:// does that itself";

/// Whether a proxy that answers a CONNECT with this status goes on doing so until
/// a person changes something: its rules, or how it is set up here.
///
/// 407, and 401 by mistake, ask for credentials. 403 and 451 are its rules. The
/// others are what servers say that are no proxies. 404 is not among them, with
/// which Privoxy says that there is no such host; nor is a redirect, which leads
/// people to a page where they log in.
pub fn refused_for_good(status: u16) -> bool {
    matches!(status, 400..=403 | 405..=407 | 410..=417 | 426 | 451 | 501 | 505)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &[(&str, &str)]) -> ProxyVariables {
        ProxyVariables::read(|name| {
            set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn one_variable_decides() {
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
        let table: &[Row<'_>] = &[
            (&[], None),
            (&[("HTTPS_PROXY", "http://p")], Some("HTTPS_PROXY")),
            (&[("https_proxy", "http://p")], Some("https_proxy")),
            (&[("ALL_PROXY", "http://p")], Some("ALL_PROXY")),
            (&[("all_proxy", "http://p")], Some("all_proxy")),
            // Lower case before upper case, and the scheme before all.
            (&[("HTTPS_PROXY", "http://p"), ("https_proxy", "http://q")], Some("https_proxy")),
            (&[("ALL_PROXY", "http://p"), ("all_proxy", "http://q")], Some("all_proxy")),
            (&[("HTTPS_PROXY", "http://p"), ("all_proxy", "http://q")], Some("HTTPS_PROXY")),
            (&[("https_proxy", "http://p"), ("all_proxy", "socks5://q")], Some("https_proxy")),
            (&[("https_proxy", "http://p"), ("ALL_PROXY", "://")], Some("https_proxy")),
            // An empty one is none.
            (&[("https_proxy", ""), ("HTTPS_PROXY", "http://p")], Some("HTTPS_PROXY")),
            (&[("HTTPS_PROXY", ""), ("all_proxy", "http://p")], Some("all_proxy")),
            (&[("HTTPS_PROXY", ""), ("all_proxy", "")], None),
            // Whether it can be used is not asked here.
            (&[("HTTPS_PROXY", "://"), ("ALL_PROXY", "http://p")], Some("HTTPS_PROXY")),
            // For plain HTTP, which takes no proxy.
            (&[("HTTP_PROXY", "://"), ("http_proxy", "http://p")], None),
            // Nobody takes it.
            (&[("HTTPS_PROXY", "://"), ("NO_PROXY", "*")], None),
            (&[("HTTPS_PROXY", "http://p"), ("no_proxy", "a, *")], None),
            (&[("HTTPS_PROXY", "http://p"), ("no_proxy", "*.a")], Some("HTTPS_PROXY")),
            // What a request may have set.
            (&[("HTTPS_PROXY", "://"), ("REQUEST_METHOD", "POST")], None),
            (&[("HTTPS_PROXY", "http://p"), ("REQUEST_METHOD", "")], None),
        ];
        for (set, decides) in table {
            let read = variables(set);
            assert_eq!(read.decides.map(|(name, _)| name), *decides, "{set:?}");
        }
        assert!(variables(&[("REQUEST_METHOD", "GET")]).never());
        assert!(variables(&[("NO_PROXY", "*")]).never());
        assert!(!variables(&[("NO_PROXY", "a")]).never());
    }

    #[test]
    fn one_list_of_exceptions_counts() {
        for (set, expected) in [
            (&[][..], ""),
            (&[("NO_PROXY", "a")], "a"),
            (&[("no_proxy", "b"), ("NO_PROXY", "a")], "b"),
            (&[("no_proxy", ""), ("NO_PROXY", "a")], "a"),
            (&[("no_proxy", "a"), ("REQUEST_METHOD", "GET")], ""),
        ] {
            assert_eq!(variables(set).no_proxy, expected, "{set:?}");
        }
    }

    #[test]
    fn socks_is_known_by_its_scheme() {
        for (url, expected) in [
            ("socks5://h:1", Some("socks5://h:1")),
            ("SOCKS5H://u:p@h", Some("socks5h://u:p@h")),
            ("socks4://h", Some("socks4://h")),
            ("socks4a://h", Some("socks4a://h")),
            ("socks://h:1/", Some("socks5://h:1/")),
            ("socks6://h", None),
            ("socks5:h", None),
            ("http://socks5://h", None),
            ("https://h", None),
            ("h:1080", None),
            ("", None),
        ] {
            assert_eq!(socks_url(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_scheme_of_no_proxy_is_told_from_no_url() {
        for (url, expected) in [
            ("socks9://h", true),
            ("socks6://u:p@h:1", true),
            ("ftp://h", true),
            ("gopher://h", true),
            ("http+unix://h", true),
            ("socks5h://h", false),
            ("SOCKS://h", false),
            ("http://h", false),
            ("HTTPS://h", false),
            ("http://ftp://h", false),
            ("://h", false),
            (" ftp://h", false),
            ("\"ftp://h\"", false),
            ("u:p@ftp://h", false),
            ("5://h", false),
            ("ftp:h", false),
            ("h:1080", false),
            ("", false),
        ] {
            assert_eq!(has_unknown_scheme(url), expected, "{url}");
        }
    }

    #[test]
    fn what_a_proxy_answers() {
        for status in [400, 401, 402, 403, 405, 406, 407, 413, 414, 426, 451, 501, 505] {
            assert!(refused_for_good(status), "{status}");
        }
        for status in
            [100, 204, 301, 302, 307, 404, 408, 409, 421, 425, 429, 431, 500, 502, 503, 504, 511]
        {
            assert!(!refused_for_good(status), "{status}");
        }
    }
}
