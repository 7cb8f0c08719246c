//! Wrappers of transports and clocks, async and blocking, that report to the
//! timeline.

use std::time::Duration;

use auth_core::{
    BlockingClock, BlockingTransport, Clock, Now, Request, Response, TimeSource, Transport,
    TransportError,
};

use crate::timeline::Timeline;

/// A transport or a clock, and the timeline that shows its work.
#[derive(Clone)]
pub struct Recording<T> {
    inner: T,
    timeline: Timeline,
}

impl<T> Recording<T> {
    pub(crate) fn new(inner: T, timeline: Timeline) -> Self {
        Self { inner, timeline }
    }
}

impl<T> std::fmt::Debug for Recording<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl<T: Transport> Transport for Recording<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.timeline.sending();
        let result = self.inner.send(request).await;
        self.timeline.received(&result);
        result
    }
}

impl<T: BlockingTransport> BlockingTransport for Recording<T> {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        self.timeline.sending();
        let result = self.inner.send_blocking(request);
        self.timeline.received(&result);
        result
    }
}

impl<C: TimeSource> TimeSource for Recording<C> {
    fn now(&self) -> Now {
        self.inner.now()
    }
}

#[async_trait::async_trait]
impl<C: Clock> Clock for Recording<C> {
    async fn sleep(&self, duration: Duration) {
        self.timeline.waiting(duration);
        self.inner.sleep(duration).await;
    }
}

impl<C: BlockingClock> BlockingClock for Recording<C> {
    fn sleep_blocking(&self, duration: Duration) {
        self.timeline.waiting(duration);
        self.inner.sleep_blocking(duration);
    }
}
