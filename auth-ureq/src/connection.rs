//! The connections of an agent of ours. They are made of ureq's parts, and each
//! wait of theirs ends with the [attempt].

use std::time::Instant;

use http::Uri;
use ureq::{
    Agent, Error, Timeout,
    config::Config,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{
            Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout,
            RustlsConnector, TcpConnector, Transport, time,
        },
    },
};

use crate::attempt::{self, Connecting};

pub(crate) fn agent(config: Config) -> Agent {
    // As in ureq's own chain, but for SOCKS, which the settings refuse.
    let chain =
        ().chain(ConnectProxyConnector::default())
            .chain(BoundedTcp(TcpConnector::default()))
            .chain(RustlsConnector::default());
    Agent::with_parts(config, Whole(chain), BoundedResolver(DefaultResolver::default()))
}

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

#[derive(Debug)]
struct BoundedResolver(DefaultResolver);

impl Resolver for BoundedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.0.resolve(uri, config, within(timeout)?)
    }
}

/// The whole chain. For a proxy it runs once more within itself.
#[derive(Debug)]
struct Whole<C>(C);

impl<C: Connector> Connector for Whole<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<C::Out>, Error> {
        let _connecting = Connecting::begin(*details.timeout.after);
        self.0.connect(details, chained)
    }
}

/// Makes the connection over TCP, if there is none yet.
#[derive(Debug)]
struct BoundedTcp(TcpConnector);

impl<In: Transport> Connector<In> for BoundedTcp {
    type Out = Either<In, Bounded<<TcpConnector as Connector>::Out>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: time::Instant::Exact(Instant::now()),
            timeout: within(details.timeout)?,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let tcp = self.0.connect(&details, None::<()>)?;
        Ok(tcp.map(|tcp| Either::B(Bounded(tcp))))
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
        self.0.transmit_output(amount, within(timeout)?)
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
