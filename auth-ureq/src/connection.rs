//! The connections of an agent of ours. They are made of ureq's parts, and each
//! wait of theirs ends with the [attempt].

mod encoding;
#[cfg(feature = "socks")]
mod socks;
mod tcp;
mod tls;

use std::{io, time::Instant};

use auth_tls::Tls;
use http::Uri;
use ureq::{
    Agent, Error, Timeout,
    config::Config,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{
            Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout,
            TcpConnector, Transport, time,
        },
    },
};

pub(crate) use self::encoding::reveal;
use self::{encoding::Disguised, tcp::BoundedTcp, tls::OverTls};
use crate::{
    attempt::{self, Connecting},
    cause::NotFoundForProxy,
};

pub(crate) fn agent(config: Config, tls: Tls) -> Agent {
    with_resolver(config, tls, DefaultResolver::default())
}

fn with_resolver(config: Config, tls: Tls, resolver: impl Resolver) -> Agent {
    // As in ureq's own chain.
    let chain = ();
    #[cfg(feature = "socks")]
    let chain =
        chain.chain(socks::BoundedSocks(ureq::unversioned::transport::SocksConnector::default()));
    let chain = chain
        .chain(ConnectProxyConnector::default())
        .chain(BoundedTcp(TcpConnector::default()))
        .chain(OverTls(tls));
    Agent::with_parts(config, Whole(chain), BoundedResolver(resolver))
}

/// No more than this is handed over to be sent at once. Whenever a part of it is
/// taken, ureq waits for the rest as long as at first. So little is nearly always
/// taken whole.
const PIECE: usize = 4 * 1024;

/// What is left of the attempt's time, and not more than ureq would wait. An error
/// if nothing is.
fn within(timeout: NextTimeout) -> Result<NextTimeout, Error> {
    let timeout = capped(timeout);
    if timeout.after.is_zero() { Err(Error::Timeout(timeout.reason)) } else { Ok(timeout) }
}

fn capped(mut timeout: NextTimeout) -> NextTimeout {
    if let Some(left) = attempt::left()
        && left < *timeout.after
    {
        timeout.after = left.into();
        timeout.reason = Timeout::Global;
    }
    timeout
}

/// Whether the name is the server's, and a proxy wants its address. ureq asks for the
/// proxy's own name, too, with the proxy's URL.
fn is_for_a_proxy(uri: &Uri, config: &Config) -> bool {
    config.proxy().is_some_and(|proxy| {
        proxy.resolve_target() && !proxy.is_no_proxy(uri) && proxy.uri() != uri
    })
}

#[derive(Debug)]
struct BoundedResolver<R>(R);

impl<R: Resolver> Resolver for BoundedResolver<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.0.resolve(uri, config, within(timeout)?).map_err(|error| match error {
            Error::Io(_) | Error::HostNotFound if is_for_a_proxy(uri, config) => {
                Error::Io(io::Error::new(io::ErrorKind::NotFound, NotFoundForProxy))
            }
            error => error,
        })
    }
}

/// The whole chain. For a proxy it runs once more within itself.
#[derive(Debug)]
struct Whole<C>(C);

impl<C: Connector> Connector for Whole<C> {
    type Out = Disguised<C::Out>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let connecting = Connecting::begin(*details.timeout.after);
        let connection = self.0.connect(details, chained)?;
        Ok(connection.map(|connection| Disguised::new(connection, connecting.is_outermost())))
    }
}

/// The same, to these addresses, in this time from now on.
fn from_now<'a>(
    details: &ConnectionDetails<'a>,
    addrs: ResolvedSocketAddrs,
    timeout: NextTimeout,
) -> ConnectionDetails<'a> {
    ConnectionDetails {
        uri: details.uri,
        addrs,
        config: details.config,
        request_level: details.request_level,
        resolver: details.resolver,
        now: time::Instant::Exact(Instant::now()),
        timeout,
        current_time: details.current_time.clone(),
        run_connector: details.run_connector.clone(),
        register_shutdown: details.register_shutdown.clone(),
    }
}

/// A connection each wait of which ends with the attempt. Everything that comes
/// passes here, before TLS is undone.
#[derive(Debug)]
struct Bounded<T>(T);

impl<T: Transport> Transport for Bounded<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let mut sent = 0;
        loop {
            let end = amount.min(sent + PIECE);
            // What is sent is taken from the beginning.
            if sent > 0 {
                self.buffers().output().copy_within(sent..end, 0);
            }
            self.0.transmit_output(end - sent, within(timeout)?)?;
            sent = end;
            if sent == amount {
                return Ok(());
            }
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        if !attempt::has_room() {
            let max = attempt::MAX_BEFORE_BODY;
            return Err(Error::LargeResponseHeader(max, max));
        }
        let before = self.buffers().input().len();
        let result = loop {
            match within(timeout).and_then(|timeout| self.0.await_input(timeout)) {
                // A time of ureq's own that was over is over.
                Err(Error::Timeout(Timeout::Global)) if attempt::extend() => {}
                result => break result,
            }
        };
        attempt::came(self.buffers().input().len().saturating_sub(before));
        result
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ureq::unversioned::transport::LazyBuffers;

    use super::*;
    use crate::attempt::Attempt;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Takes what is to be sent, and with one piece of it all the time of the attempt.
    #[derive(Debug)]
    struct Peer {
        buffers: LazyBuffers,
        pieces: Vec<Vec<u8>>,
        slow_at: usize,
    }

    impl Transport for Peer {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            self.pieces.push(self.buffers.output()[..amount].to_vec());
            if self.pieces.len() == self.slow_at {
                std::mem::forget(Attempt::begin(Duration::ZERO));
            }
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            Ok(false)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn sent(amount: usize, slow_at: usize) -> (Result<(), Error>, Vec<Vec<u8>>) {
        let _attempt = Attempt::begin(HOUR);
        let buffers = LazyBuffers::new(1, 128 * 1024);
        let mut connection = Bounded(Peer { buffers, pieces: Vec::new(), slow_at });
        for (at, byte) in connection.buffers().output()[..amount].iter_mut().enumerate() {
            *byte = (at % 251) as u8;
        }
        let timeout = NextTimeout {
            after: HOUR.into(),
            reason: Timeout::SendBody,
            per_read: None,
            per_write: None,
        };
        let result = connection.transmit_output(amount, timeout);
        (result, connection.0.pieces)
    }

    #[test]
    fn all_is_sent_in_small_pieces() {
        for amount in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 128 * 1024 - 1] {
            let (result, pieces) = sent(amount, usize::MAX);
            result.unwrap();
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE), "{amount}");
            assert_eq!(pieces.len(), amount.div_ceil(PIECE).max(1));
            let all = (0..amount).map(|at| (at % 251) as u8).collect::<Vec<_>>();
            assert!(pieces.concat() == all, "{amount}");
        }
    }

    #[test]
    fn nothing_is_sent_once_the_time_is_over() {
        let (result, pieces) = sent(10 * PIECE, 2);
        assert!(matches!(result, Err(Error::Timeout(Timeout::Global))), "{result:?}");
        assert_eq!(pieces.len(), 2);
    }
}
