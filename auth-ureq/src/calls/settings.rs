//! With which settings a request is sent.

use std::{error, fmt, sync::LazyLock};

use http::{Request, Uri};
use ureq::{
    Agent, Error,
    config::Config,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport},
    },
};

/// The settings of this request: its own if it has any ([`Agent::configure_request`]),
/// else those of the agent.
pub(super) fn of(agent: &Agent, request: &Request<()>) -> Config {
    let number = request.extensions().len();
    if number == 0 {
        return agent.config().clone();
    }
    // Adds the agent's to a request that has none.
    let request = agent.configure_request(request.clone()).build();
    let own = if request.extensions().len() == number { read(&request) } else { None };
    own.unwrap_or_else(|| agent.config().clone())
}

/// A request's own settings. ureq keeps them in an extension whose type is private, and
/// shows them to connectors: so this one, which connects to nothing, is shown them.
fn read(request: &Request<()>) -> Option<Config> {
    static AGENT: LazyLock<Agent> =
        LazyLock::new(|| Agent::with_parts(Config::default(), Nowhere, Nowhere));
    let mut probe = Request::new(());
    // The settings may forbid anything else.
    *probe.uri_mut() = Uri::from_static("https://settings.invalid/");
    *probe.extensions_mut() = request.extensions().clone();
    // Nor may it end before it has been shown them, however long it takes.
    let probe = AGENT.configure_request(probe).timeout_global(None).timeout_per_call(None);
    let probe = probe.timeout_resolve(None).timeout_connect(None).build();
    let Err(Error::Other(error)) = AGENT.run(probe) else { return None };
    error.downcast::<Shown>().ok().map(|shown| shown.0)
}

#[derive(Debug)]
struct Nowhere;

impl Resolver for Nowhere {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

impl Connector for Nowhere {
    type Out = Nothing;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Nothing>, Error> {
        Err(Error::Other(Box::new(Shown(details.config.clone()))))
    }
}

/// Settings as an error, which a connector can return.
#[derive(Debug)]
struct Shown(Config);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was to be sent")
    }
}

impl error::Error for Shown {}

/// No connection has this type.
#[derive(Debug)]
enum Nothing {}

impl Transport for Nothing {
    fn buffers(&mut self) -> &mut dyn Buffers {
        match *self {}
    }

    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), Error> {
        match *self {}
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        match *self {}
    }

    fn is_open(&mut self) -> bool {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_settings_of_a_request_are_read() {
        let agent: Agent = Agent::config_builder().max_redirects(3).build().into();
        let request = || Request::get("http://127.0.0.1:1/").body(()).unwrap();
        let of = |request| {
            let config = of(&agent, &request);
            (config.http_status_as_error(), config.max_redirects())
        };
        assert_eq!(of(request()), (true, 3));

        let own = || agent.configure_request(request());
        assert_eq!(of(own().build()), (true, 3));
        assert_eq!(of(own().http_status_as_error(false).build()), (false, 3));
        // Whatever else they say.
        let odd = own().max_redirects(0).https_only(true);
        assert_eq!(of(odd.proxy(ureq::Proxy::new("http://127.0.0.1:1").ok()).build()), (true, 0));
        let in_no_time = own().http_status_as_error(false).timeout_global(Some(Duration::ZERO));
        assert_eq!(of(in_no_time.build()), (false, 3));
        let in_no_time = own().max_redirects(1).timeout_connect(Some(Duration::ZERO));
        assert_eq!(of(in_no_time.timeout_resolve(Some(Duration::ZERO)).build()), (true, 1));
    }

    #[test]
    fn what_else_is_in_the_extensions_does_not_matter() {
        let agent: Agent = Agent::config_builder().max_redirects(3).build().into();
        let mut request = Request::new(());
        request.extensions_mut().insert("theirs");
        assert_eq!(of(&agent, &request).max_redirects(), 3);
        let request = agent.configure_request(request).max_redirects(7).build();
        assert_eq!(of(&agent, &request).max_redirects(), 7);
    }
}
