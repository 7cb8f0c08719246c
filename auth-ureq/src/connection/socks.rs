//! The connection through a SOCKS proxy.

use ureq::{
    Error,
    unversioned::transport::{ConnectionDetails, Connector, Either, Transport},
};

use super::{Bounded, from_now, within};

/// Makes the connection through a SOCKS proxy, if there is one.
#[derive(Debug)]
pub(super) struct BoundedSocks<C>(pub(super) C);

impl<In: Transport, C: Connector> Connector<In> for BoundedSocks<C> {
    type Out = Either<In, Bounded<C::Out>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let details = from_now(details, details.addrs.clone(), within(details.timeout)?);
        let tunnel = self.0.connect(&details, None::<()>)?;
        Ok(tunnel.map(|tunnel| Either::B(Bounded(tunnel))))
    }
}
