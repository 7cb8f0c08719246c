//! The connection over TCP, to the one or the other address of a name.

use ureq::{
    Error,
    unversioned::transport::{ConnectionDetails, Connector, Either, Transport},
};

use super::{Bounded, from_now, within};
use crate::addresses::{in_turns, share};

/// Makes the connection over TCP, if there is none yet. ureq gives the first address
/// of two most of the time, and more than half of it if there are many.
#[derive(Debug)]
pub(super) struct BoundedTcp<C>(pub(super) C);

impl<In: Transport, C: Connector> Connector<In> for BoundedTcp<C> {
    type Out = Either<In, Bounded<C::Out>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let addresses = in_turns(&details.addrs);
        let mut failed = None;
        for (tried, address) in addresses.iter().enumerate() {
            let mut timeout = match within(details.timeout) {
                Ok(timeout) => timeout,
                Err(over) => return Err(failed.unwrap_or(over)),
            };
            timeout.after = share(*timeout.after, addresses.len() - tried).into();
            let mut one = details.resolver.empty();
            one.push(*address);
            match self.0.connect(&from_now(details, one, timeout), None::<()>) {
                Ok(tcp) => return Ok(tcp.map(|tcp| Either::B(Bounded(tcp)))),
                // Another may be reached.
                Err(error @ (Error::Io(_) | Error::Timeout(_))) => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failed.unwrap_or(Error::HostNotFound))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        net::SocketAddr,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use auth_testkit::fault_server::{Behaviour, FaultServer, SilentPort};
    use auth_tls::{Tls, TlsSettings};
    use http::Uri;
    use ureq::{
        Agent, Timeout,
        config::Config,
        unversioned::{
            resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
            transport::{NextTimeout, time},
        },
    };

    use super::*;
    use crate::{attempt::Attempt, connection::with_resolver};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Notes what it is asked to connect to, and how long, and fails as it is told.
    #[derive(Debug, Default)]
    struct Asked {
        asked: Mutex<Vec<(SocketAddr, Duration)>>,
        bails_at: usize,
    }

    impl Connector for Asked {
        type Out = ();

        fn connect(
            &self,
            details: &ConnectionDetails<'_>,
            _: Option<()>,
        ) -> Result<Option<()>, Error> {
            let mut asked = self.asked.lock().unwrap();
            assert_eq!(details.addrs.len(), 1);
            asked.push((details.addrs[0], *details.timeout.after));
            if asked.len() == self.bails_at {
                return Err(Error::ConnectionFailed);
            }
            Err(match asked.len() % 2 {
                1 => Error::Timeout(Timeout::Connect),
                _ => io::Error::from(io::ErrorKind::ConnectionRefused).into(),
            })
        }
    }

    fn asked(addresses: &[&str], bails_at: usize) -> (Error, Vec<(String, Duration)>) {
        let _attempt = Attempt::begin(4 * HOUR);
        let config = Agent::config_builder().proxy(None).build();
        let resolver = DefaultResolver::default();
        let mut addrs = resolver.empty();
        for address in addresses {
            addrs.push(address.parse().unwrap());
        }
        let now = time::Instant::now();
        let details = ConnectionDetails {
            uri: &Uri::from_static("https://example.com/"),
            addrs,
            config: &config,
            request_level: false,
            resolver: &resolver,
            now,
            timeout: NextTimeout {
                after: (2 * HOUR).into(),
                reason: Timeout::Connect,
                per_read: None,
                per_write: None,
            },
            current_time: Arc::new(move || now),
            run_connector: Arc::new(|_| Err(Error::ConnectionFailed)),
            register_shutdown: Arc::new(|_| Ok(())),
        };
        let tcp = BoundedTcp(Asked { bails_at, ..Asked::default() });
        let error = tcp.connect(&details, None::<()>).map(drop).unwrap_err();
        let asked = tcp.0.asked.lock().unwrap().iter().map(|(a, t)| (a.to_string(), *t)).collect();
        (error, asked)
    }

    #[test]
    fn each_address_is_tried_and_has_its_share() {
        let (error, tried) = asked(&["[::1]:1", "[::2]:1", "127.0.0.1:1", "127.0.0.2:1"], 0);
        // What came of the last.
        assert!(matches!(error, Error::Io(_)), "{error:?}");
        let order: Vec<_> = tried.iter().map(|(address, _)| &**address).collect();
        assert_eq!(order, ["[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1"]);
        // They fail at once here, so that each has what those before it left.
        for ((_, time), untried) in tried.iter().zip([4, 3, 2, 1]) {
            let whole = 2 * HOUR / untried;
            assert!(*time <= whole && *time > whole - HOUR / 60, "{tried:?}");
        }
    }

    #[test]
    fn the_first_of_two_has_half_and_what_no_other_helps_against_ends_it() {
        let (error, tried) = asked(&["127.0.0.1:1", "127.0.0.2:1"], 1);
        assert!(matches!(error, Error::ConnectionFailed), "{error:?}");
        assert!(tried.len() == 1 && tried[0].1 <= HOUR, "{tried:?}");
        let (error, tried) = asked(&["127.0.0.1:1"], 0);
        assert!(matches!(error, Error::Timeout(Timeout::Connect)), "{error:?}");
        assert!(tried.len() == 1 && tried[0].1 > HOUR, "{tried:?}");
    }

    #[derive(Debug)]
    struct Fixed(Vec<SocketAddr>);

    impl Resolver for Fixed {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, Error> {
            let mut addrs = self.empty();
            self.0.iter().for_each(|address| addrs.push(*address));
            Ok(addrs)
        }
    }

    /// A first address that is a black hole costs its share, and no more.
    #[test]
    fn the_second_address_is_reached_in_time() {
        let silent = SilentPort::new().unwrap();
        let server = FaultServer::plays([Behaviour::response(200)]);
        let agent = with_resolver(
            Agent::config_builder().proxy(None).timeout_connect(Some(HOUR)).build(),
            Tls::new(TlsSettings { without_system: true, ..TlsSettings::default() }).unwrap(),
            Fixed(vec![silent.address(), server.address()]),
        );
        let _attempt = Attempt::begin(Duration::from_secs(2));
        assert_eq!(agent.get("http://localhost/").call().unwrap().status(), 200);
    }
}
