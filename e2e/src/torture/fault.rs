//! How the token endpoint fails.

use std::time::Duration;

use super::options::Options;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// A proxy's page. The server does not see the request.
    Page(u16),
    /// The connection is reset. The server does not see the request.
    ResetBefore,
    /// 429 with `Retry-After`, in seconds. The server does not see the request.
    Throttled(u64),
    /// The server rotates the token, and the connection is reset.
    LostAfter,
    /// The server rotates the token, and a proxy's page comes.
    PageAfter(u16),
    /// The server rotates the token, and nothing comes.
    SilentAfter,
    /// The server rotates the token, and responds after this long, within the
    /// timeout of an attempt.
    Slow(Duration),
}

impl Fault {
    pub(super) fn reaches_the_server(self) -> bool {
        !matches!(self, Self::Page(_) | Self::ResetBefore | Self::Throttled(_))
    }

    pub(super) fn loses_the_response(self) -> bool {
        matches!(self, Self::LostAfter | Self::PageAfter(_) | Self::SilentAfter)
    }

    /// How long the response takes, once the token is rotated.
    pub(super) fn takes(self, number: u64, options: &Options) -> Duration {
        match self {
            Self::Slow(time) => time,
            _ => {
                let mut chance = fastrand::Rng::with_seed(options.seed ^ (number << 20) ^ 1);
                Duration::from_secs_f64(options.latency * 2.0 * chance.f64())
            }
        }
    }

    /// What happens to the request with this number, which the seed decides.
    pub(super) fn of_request(number: u64, options: &Options) -> Self {
        if options.fault == 0 || !(number + 1).is_multiple_of(options.fault) {
            return Self::None;
        }
        let mut chance = fastrand::Rng::with_seed(options.seed ^ (number << 20));
        match chance.u32(0..10) {
            0 | 1 => Self::Page([500, 502, 503, 504][chance.usize(0..4)]),
            2 => Self::ResetBefore,
            3 => Self::Throttled(chance.u64(1..3)),
            4 => Self::LostAfter,
            5 => Self::PageAfter(502),
            6 => Self::SilentAfter,
            // Half of it is left for a machine that is busy.
            _ => Self::Slow(Duration::from_secs_f64(options.timeout * chance.f64() / 2.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_so_many_and_the_same_again() {
        let options = Options { fault: 6, ..Options::default() };
        let faults = |seed| -> Vec<Fault> {
            let options = Options { seed, ..options.clone() };
            (0..600).map(|number| Fault::of_request(number, &options)).collect()
        };
        assert_eq!(faults(1), faults(1));
        assert_ne!(faults(1), faults(2));
        assert_eq!(faults(1).iter().filter(|fault| **fault != Fault::None).count(), 100);
        let none = Options { fault: 0, ..options };
        assert!((0..60).all(|number| Fault::of_request(number, &none) == Fault::None));
    }
}
