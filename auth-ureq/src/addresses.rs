//! The addresses of a name: in which order they are tried, and how long each.

use std::{net::SocketAddr, time::Duration};

/// The resolver's order, but in turns between IPv6 and IPv4 (RFC 8305 section 4): if
/// one of them leads nowhere, the second try is not lost to it.
pub(crate) fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (same, other): (Vec<_>, Vec<_>) =
        addresses.iter().partition(|address| address.is_ipv6() == first.is_ipv6());
    let mut other = other.into_iter();
    let mut ordered = Vec::with_capacity(addresses.len());
    for address in same {
        ordered.push(address);
        ordered.extend(other.next());
    }
    ordered.extend(other);
    ordered
}

/// How much of what is left the next address may take, if so many have not been
/// tried: an equal share. What one does not use is there for the others.
pub(crate) fn share(left: Duration, untried: usize) -> Duration {
    let untried = u32::try_from(untried).unwrap_or(u32::MAX);
    left.checked_div(untried).unwrap_or(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(written: &str) -> Vec<SocketAddr> {
        let one = |(at, kind): (usize, char)| match kind {
            '4' => SocketAddr::from(([127, 0, 0, at as u8], 1)),
            _ => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, at as u16], 1)),
        };
        written.chars().enumerate().map(one).collect()
    }

    #[test]
    fn families_take_turns() {
        for (resolved, order) in [
            ("", &[][..]),
            ("4", &[0]),
            ("444", &[0, 1, 2]),
            ("66", &[0, 1]),
            ("64", &[0, 1]),
            ("46", &[0, 1]),
            ("6644", &[0, 2, 1, 3]),
            ("4466", &[0, 2, 1, 3]),
            ("66664", &[0, 4, 1, 2, 3]),
            ("64444", &[0, 1, 2, 3, 4]),
            ("4646", &[0, 1, 2, 3]),
        ] {
            let resolved = addresses(resolved);
            let expected: Vec<_> = order.iter().map(|&at: &usize| resolved[at]).collect();
            assert_eq!(in_turns(&resolved), expected);
        }
    }

    #[test]
    fn each_has_its_share() {
        let s = Duration::from_secs;
        for (left, untried, expected) in [
            (s(5), 1, s(5)),
            (s(5), 2, s(5) / 2),
            (s(4), 4, s(1)),
            // The first took its whole share.
            (s(3), 3, s(1)),
            (s(2), 2, s(1)),
            (s(1), 1, s(1)),
            (s(0), 3, s(0)),
            (s(5), 0, s(5)),
            (Duration::MAX, usize::MAX, Duration::MAX / u32::MAX),
        ] {
            assert_eq!(share(left, untried), expected, "{left:?}, {untried}");
        }
    }
}
