//! The clients that a builder has made, and makes anew when the client certificate was
//! renewed.
//!
//! A connection that was made with the certificate before must not serve another
//! request. reqwest has no way to close the idle ones of a client, but they close with
//! it: what is under way holds a clone of its own and goes on.

use std::sync::{Arc, Mutex, PoisonError};

use auth_core::{TransportError, TransportErrorKind, internal::Exceptions};
use auth_tls::{Handshakes, Tls};
use reqwest::Url;
use rustls::ClientConfig;
use tokio::{
    sync::Mutex as AsyncMutex,
    task::{JoinHandle, spawn_blocking},
    time::Instant,
};

use crate::{cause::Connections, error::BuildError, http1::Clients, proxy::bypasses};

/// All clients of a transport.
pub(crate) struct Set {
    pub(crate) usual: Clients,
    /// For what must not use the proxy of the others.
    pub(crate) direct: Option<(Clients, Exceptions)>,
}

impl Set {
    pub(crate) fn for_url(&self, url: &Url) -> &Clients {
        match &self.direct {
            Some((direct, exceptions)) if bypasses(exceptions, url) => direct,
            _ => &self.usual,
        }
    }
}

/// Makes the clients.
pub(crate) type Make = dyn Fn(&ClientConfig) -> Result<Set, BuildError> + Send + Sync;

/// The clients of a builder. Clones share them.
#[derive(Clone)]
pub(crate) struct Ours(Arc<Inner>);

struct Inner {
    tls: Tls,
    make: Box<Make>,
    /// Whether each connection serves one request, and no proxy speaks TLS with us.
    alone: bool,
    /// The look at the files that is under way, also if nobody waits for it any more.
    looking: AsyncMutex<Option<JoinHandle<()>>>,
    /// How often the certificate had been renewed, and the clients since.
    made: Mutex<(u64, Arc<Set>)>,
}

impl Ours {
    pub(crate) fn new(tls: Tls, alone: bool, make: Box<Make>) -> Result<Self, BuildError> {
        let now = tls.now();
        let made = Mutex::new((now.renewals, Arc::new(make(&now.config)?)));
        Ok(Self(Arc::new(Inner { tls, make, alone, looking: AsyncMutex::default(), made })))
    }

    /// What is known of the connections of the attempt that begins now.
    pub(crate) fn connections(&self) -> Connections {
        let tls = Some(self.0.tls.clone());
        Connections { tls, handshakes: Handshakes::default(), alone: self.0.alone }
    }

    /// The clients for the next request.
    pub(crate) async fn clients(&self, until: Option<Instant>) -> Result<Arc<Set>, TransportError> {
        if self.0.tls.may_change() {
            self.look(until).await?;
        }
        let now = self.0.tls.now();
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0 != now.renewals {
            let set = (self.0.make)(&now.config).map_err(|error| {
                TransportError::not_sent(TransportErrorKind::Other).with_source(error)
            })?;
            *made = (now.renewals, Arc::new(set));
        }
        Ok(Arc::clone(&made.1))
    }

    /// Reads the files where that may block. Files that hang keep one thread of the
    /// runtime, and not one for each attempt: the look before is waited for first.
    async fn look(&self, until: Option<Instant>) -> Result<(), TransportError> {
        let tls = self.0.tls.clone();
        let look = async {
            let mut looking = self.0.looking.lock().await;
            // If the runtime did not run it, what is there is used.
            if let Some(before) = &mut *looking {
                let _ = before.await;
            }
            let now = looking.insert(spawn_blocking(move || drop(tls.look())));
            let _ = now.await;
            *looking = None;
        };
        let looked = match until {
            Some(until) => tokio::time::timeout_at(until, look).await,
            None => {
                look.await;
                Ok(())
            }
        };
        match looked {
            Ok(()) => Ok(()),
            Err(_) => Err(TransportError::not_sent(TransportErrorKind::ConnectTimeout)
                .with_source("the files of the client certificate could not be read in time")),
        }
    }
}
