//! The list of hosts that take no proxy: `NO_PROXY`.
//!
//! There is no standard. What is read here is what curl reads, and in addition
//! ports and stars, as other programs do.

use std::net::IpAddr;

/// Whether this list says that a request to the host takes no proxy. `host` is as
/// in a URL, an IPv6 address with its brackets or without.
///
/// Entries are separated by commas or white space. What none of these forms is
/// matches nothing.
///
/// | entry | matches |
/// | --- | --- |
/// | `*` | everything |
/// | `example.com`, `.example.com`, `*.example.com` | that host, and those below it |
/// | `10.0.0.1`, `::1`, `[::1]` | that address |
/// | `10.0.0.0/8`, `fd00::/8` | the addresses of that network |
/// | `192.168.*`, `api-*.example.com` | what the whole host is with anything for each star |
/// | any of these but a network, and `:8443` | the same, at that port only |
pub(crate) fn takes_no_proxy(list: &str, host: &str, port: u16) -> bool {
    let host = Host::of(host);
    entries(list).any(|entry| host.is(entry, port))
}

/// Whether it says so of every host.
pub(super) fn is_everything(list: &str) -> bool {
    entries(list).any(|entry| entry == "*")
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty())
}

struct Host {
    /// In lower case, without brackets and without the dot at the end.
    name: String,
    address: Option<IpAddr>,
}

impl Host {
    fn of(host: &str) -> Self {
        let address = address(bare(host));
        Self { name: normal(bare(host)), address }
    }

    fn is(&self, entry: &str, port: u16) -> bool {
        if let Some(network) = Network::of(entry) {
            return self.address.is_some_and(|address| network.contains(address));
        }
        let (pattern, at) = match split_port(entry) {
            Some((_, None)) => return false,
            Some((pattern, Some(at))) => (pattern, Some(at)),
            None => (entry, None),
        };
        at.is_none_or(|at| at == port) && self.is_named(bare(pattern))
    }

    fn is_named(&self, pattern: &str) -> bool {
        match (self.address, address(pattern)) {
            (Some(host), Some(pattern)) => return host == pattern,
            (None, Some(_)) => return false,
            (_, None) => {}
        }
        let suffix = pattern.strip_prefix("*.").or(pattern.strip_prefix('.')).unwrap_or(pattern);
        if suffix.contains('*') {
            return fits(&normal(pattern), &self.name);
        }
        let suffix = normal(suffix);
        // An address has no hosts below it.
        self.address.is_none()
            && !suffix.is_empty()
            && self
                .name
                .strip_suffix(&*suffix)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// The part before the last colon, and the port behind it: `None` if that is none.
/// No colon of an IPv6 address counts.
fn split_port(entry: &str) -> Option<(&str, Option<u16>)> {
    if address(bare(entry)).is_some() {
        return None;
    }
    let (pattern, port) = entry.rsplit_once(':')?;
    Some((pattern, port.parse().ok()))
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// An IPv4 address that is written as one of IPv6 is the same address.
fn address(host: &str) -> Option<IpAddr> {
    host.parse().ok().map(|address: IpAddr| address.to_canonical())
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Whether the text is the pattern, with anything in the place of each star.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

struct Network {
    address: IpAddr,
    /// How many leading bits count.
    bits: u32,
}

impl Network {
    /// `None` if there is no slash in it. One that is malformed contains nothing.
    fn of(entry: &str) -> Option<Self> {
        let (written, bits) = entry.split_once('/')?;
        let nothing = Self { address: IpAddr::from([0, 0, 0, 0]), bits: u32::MAX };
        let (Ok(address), Ok(bits)) = (bare(written).parse::<IpAddr>(), bits.parse()) else {
            return Some(nothing);
        };
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
        let canonical = address.to_canonical();
        Some(match (address.is_ipv6() && canonical.is_ipv4(), bits) {
            (true, 96..) => Self { address: canonical, bits: bits - 96 },
            _ => Self { address, bits },
        })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs, width) = match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (u32::from(ours).into(), u32::from(theirs).into(), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (u128::from(ours), u128::from(theirs), 128),
            _ => return false,
        };
        // A shift by the whole width is none at all.
        self.bits <= width && (self.bits == 0 || (ours ^ theirs) >> (width - self.bits) == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_take_no_proxy() {
        let table: &[(&str, &str, u16, bool)] = &[
            ("", "example.com", 443, false),
            (",", "example.com", 443, false),
            ("*", "example.com", 443, true),
            ("*", "10.0.0.1", 443, true),
            ("a.test, *", "[::1]", 443, true),
            // Suffixes.
            ("example.com", "example.com", 443, true),
            ("example.com", "auth.example.com", 443, true),
            ("example.com", "a.b.example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            ("example.com", "example.com.test", 443, false),
            ("example.com", "com", 443, false),
            ("auth.example.com", "example.com", 443, false),
            (".example.com", "auth.example.com", 443, true),
            (".example.com", "example.com", 443, true),
            (".example.com", "notexample.com", 443, false),
            ("*.example.com", "auth.example.com", 443, true),
            ("*.example.com", "a.b.example.com", 443, true),
            ("*.example.com", "example.com", 443, true),
            ("*.example.com", "notexample.com", 443, false),
            ("com", "example.com", 443, true),
            ("localhost", "localhost", 443, true),
            ("localhost", "localhost.test", 443, false),
            (".", "example.com", 443, false),
            ("*.", "example.com", 443, false),
            // Case, dots at the end, and names that are not ASCII.
            ("Example.COM", "auth.example.com", 443, true),
            ("example.com", "AUTH.Example.Com", 443, true),
            ("example.com.", "example.com", 443, true),
            ("example.com", "example.com.", 443, true),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", 443, true),
            ("b\u{fc}cher.example", "xn--bcher-kva.example", 443, false),
            // Separators.
            ("a.test,example.com", "example.com", 443, true),
            ("a.test, example.com", "example.com", 443, true),
            (" a.test ,\texample.com\n", "example.com", 443, true),
            ("a.test example.com", "example.com", 443, true),
            ("a.test,,example.com,", "example.com", 443, true),
            // Stars elsewhere.
            ("192.168.*", "192.168.0.1", 443, true),
            ("192.168.*", "192.16.8.1", 443, false),
            ("10.*.*.7", "10.1.2.7", 443, true),
            ("10.*.*.7", "10.1.2.8", 443, false),
            ("auth*.example.com", "auth-eu.example.com", 443, true),
            ("auth*.example.com", "auth.example.com", 443, true),
            ("auth*.example.com", "api.example.com", 443, false),
            ("*example.com", "notexample.com", 443, true),
            ("*.eu.*", "a.eu.example.com", 443, true),
            ("*.eu.*", "a.us.example.com", 443, false),
            ("a*a", "a", 443, false),
            ("**", "example.com", 443, true),
            // Addresses.
            ("10.0.0.1", "10.0.0.1", 443, true),
            ("10.0.0.1", "10.0.0.11", 443, false),
            ("10.0.0.1", "a.10.0.0.1", 443, false),
            ("0.1", "10.0.0.1", 443, false),
            ("1", "10.0.0.1", 443, false),
            ("::1", "[::1]", 443, true),
            ("[::1]", "[::1]", 443, true),
            ("::1", "::1", 443, true),
            ("0:0:0:0:0:0:0:1", "[::1]", 443, true),
            ("FE80::A", "[fe80::a]", 443, true),
            ("::1", "[::2]", 443, false),
            ("::ffff:10.0.0.1", "10.0.0.1", 443, true),
            ("10.0.0.1", "[::ffff:10.0.0.1]", 443, true),
            ("::1", "localhost", 443, false),
            // Networks.
            ("10.0.0.0/8", "10.255.0.1", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("10.1.2.3/8", "10.9.9.9", 443, true),
            ("10.0.0.0/31", "10.0.0.1", 443, true),
            ("10.0.0.0/31", "10.0.0.2", 443, false),
            ("10.0.0.1/32", "10.0.0.1", 443, true),
            ("10.0.0.1/32", "10.0.0.0", 443, false),
            ("0.0.0.0/0", "203.0.113.9", 443, true),
            ("0.0.0.0/0", "[::1]", 443, false),
            ("0.0.0.0/0", "example.com", 443, false),
            ("fd00::/8", "[fd12::1]", 443, true),
            ("[fd00::]/8", "[fd12::1]", 443, true),
            ("fd00::/8", "[fe00::1]", 443, false),
            ("::/0", "[2001:db8::1]", 443, true),
            ("::1/128", "[::1]", 443, true),
            ("10.0.0.0/8", "[::ffff:10.0.0.1]", 443, true),
            ("::ffff:10.0.0.0/104", "10.9.9.9", 443, true),
            ("::ffff:10.0.0.0/104", "11.9.9.9", 443, false),
            ("10.0.0.0/33", "10.0.0.0", 443, false),
            ("10.0.0.0/129", "10.0.0.0", 443, false),
            ("fd00::/129", "[fd00::]", 443, false),
            ("10.0.0.0/", "10.0.0.0", 443, false),
            ("10.0.0.0/x", "10.0.0.0", 443, false),
            ("10.0.0.0/-1", "10.0.0.0", 443, false),
            ("example.com/8", "example.com", 443, false),
            // Ports.
            ("example.com:443", "example.com", 443, true),
            ("example.com:443", "auth.example.com", 443, true),
            ("example.com:8443", "example.com", 443, false),
            ("example.com:8443", "example.com", 8443, true),
            (".example.com:8443", "auth.example.com", 8443, true),
            ("*:8443", "example.com", 8443, true),
            ("*:8443", "example.com", 443, false),
            ("10.0.0.1:8443", "10.0.0.1", 8443, true),
            ("10.0.0.1:8443", "10.0.0.1", 443, false),
            ("[::1]:8443", "[::1]", 8443, true),
            ("[::1]:8443", "[::1]", 443, false),
            ("example.com:", "example.com", 443, false),
            ("example.com:https", "example.com", 443, false),
            ("example.com:70000", "example.com", 4464, false),
            ("10.0.0.0/8:443", "10.0.0.1", 443, false),
            (" , ,", "example.com", 443, false),
            ("*:443", "example.com", 443, true),
            ("*:443", "[::1]", 443, true),
            (".local", "printer.local", 443, true),
            ("*.local:443", "printer.local", 443, true),
            ("local", "printer.local", 443, true),
            ("::1:443", "[::1]", 443, false),
            ("fe80::1%eth0", "[fe80::1]", 443, false),
            ("[fd00::]/8:443", "[fd00::1]", 443, false),
            ("[fd00::/8]", "[fd00::1]", 443, false),
            ("10.0.0.0/08", "10.0.0.1", 443, true),
            ("10", "10.0.0.1", 443, false),
            ("10.", "10.0.0.1", 443, false),
            (".0.0.1", "10.0.0.1", 443, false),
            ("10.0.0.1", "010.0.0.1", 443, false),
            ("*.*", "example.com", 443, true),
            ("example.*", "example.com", 443, true),
            ("[::1].", "[::1]", 443, false),
            ("..example.com", "a.example.com", 443, false),
            ("*..example.com", "a.example.com", 443, false),
            ("example.com;other.test", "example.com", 443, false),
            ("\"example.com\"", "example.com", 443, false),
            ("'example.com'", "example.com", 443, false),
            ("example.com/", "example.com", 443, false),
            ("user@example.com", "example.com", 443, false),
            // What is no host.
            ("https://example.com", "example.com", 443, false),
            ("[::1", "[::1]", 443, false),
            ("\u{fffd}", "example.com", 443, false),
        ];
        for (list, host, port, expected) in table {
            assert_eq!(takes_no_proxy(list, host, *port), *expected, "{list:?}, {host}:{port}");
        }
    }

    #[test]
    fn everything_is_a_star_alone() {
        for (list, expected) in [
            ("*", true),
            ("a,*", true),
            (" * ", true),
            ("*.a", false),
            ("*:443", false),
            ("", false),
        ] {
            assert_eq!(is_everything(list), expected, "{list:?}");
        }
    }
}
