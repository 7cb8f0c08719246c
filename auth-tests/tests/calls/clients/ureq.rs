//! ureq: the bare function, and the one that takes [`Calls`].

use std::{future::Future, pin::Pin, sync::Arc};

use auth_accounts::{
    BlockingAccount,
    calls::{BlockingTokens, CallError, Calls, NotAgain},
};
use auth_ureq::{CallBody, send_with, send_with_calls};
use http::{Request, Response};
use ureq::{Agent, Body as ResponseBody, SendBody};

use crate::{
    asked::{Answered, Asked, Body, Came, Failed, Lacking},
    case::{AtRedirect, Client, Kind, Redirect},
    world::{Named, Plan, Source, blocking_pool},
};

/// `send_with`.
pub(crate) struct Ureq;

/// `send_with_calls`.
pub(crate) struct UreqCalls;

impl Kind for Ureq {
    fn name(&self) -> &'static str {
        "ureq"
    }

    fn at_redirect(&self, redirect: Redirect) -> AtRedirect {
        at_redirect(redirect)
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        if !plan.also_refused_at.is_empty() {
            return Err("settings are those of `Calls`");
        }
        match plan.source {
            Source::Account(named) => Ok(Arc::new(Sender::new(Bare(named.blocking)))),
            Source::Pool(members) => Ok(Arc::new(Sender::new(Bare(blocking_pool(&members))))),
            Source::Requests => Err("it takes the account beside the request"),
        }
    }
}

impl Kind for UreqCalls {
    fn name(&self) -> &'static str {
        "ureq with Calls"
    }

    fn at_redirect(&self, redirect: Redirect) -> AtRedirect {
        at_redirect(redirect)
    }

    fn make(&self, plan: Plan) -> Result<Arc<dyn Client>, &'static str> {
        let Plan { source, origins, also_refused_at, .. } = plan;
        Ok(match source {
            Source::Account(named) => {
                let calls = Calls::new(named.blocking, origins).unwrap();
                Arc::new(Sender::new(calls.also_refused_at(also_refused_at)))
            }
            Source::Pool(members) => {
                let calls = Calls::new(blocking_pool(&members), origins).unwrap();
                Arc::new(Sender::new(calls.also_refused_at(also_refused_at)))
            }
            Source::Requests => {
                let calls = Calls::<BlockingAccount>::per_request(origins).unwrap();
                Arc::new(Sender::new(calls.also_refused_at(also_refused_at)))
            }
        })
    }
}

/// ureq sends no body a second time.
fn at_redirect(redirect: Redirect) -> AtRedirect {
    match (redirect.status, redirect.has_body) {
        (307 | 308, true) => AtRedirect::Fails,
        _ => AtRedirect::Follows,
    }
}

/// One of the two functions.
trait Send: Clone + std::marker::Send + 'static {
    type Error: Into<Lacking> + std::fmt::Debug;

    fn send<B: CallBody>(
        &self,
        agent: &Agent,
        request: Request<B>,
    ) -> Result<Response<ResponseBody>, CallError<Self::Error, ureq::Error>>;
}

#[derive(Clone)]
struct Bare<T>(T);

impl<T: BlockingTokens> Send for Bare<T>
where
    Lacking: From<T::Error>,
{
    type Error = T::Error;

    fn send<B: CallBody>(
        &self,
        agent: &Agent,
        request: Request<B>,
    ) -> Result<Response<ResponseBody>, CallError<T::Error, ureq::Error>> {
        send_with(agent, &self.0, request)
    }
}

impl<T: BlockingTokens> Send for Calls<T>
where
    Lacking: From<T::Error>,
{
    type Error = T::Error;

    fn send<B: CallBody>(
        &self,
        agent: &Agent,
        request: Request<B>,
    ) -> Result<Response<ResponseBody>, CallError<T::Error, ureq::Error>> {
        send_with_calls(agent, self, request)
    }
}

struct Sender<S> {
    agent: Agent,
    send: S,
}

impl<S> Sender<S> {
    fn new(send: S) -> Self {
        Self { agent: Agent::config_builder().http_status_as_error(false).build().into(), send }
    }
}

impl<S: Send> Client for Sender<S> {
    fn call(&self, asked: Asked) -> Pin<Box<dyn Future<Output = Came> + std::marker::Send>> {
        let (agent, sender) = (self.agent.clone(), self.send.clone());
        let thread = tokio::task::spawn_blocking(move || {
            let request = |body: &str| {
                let mut request = asked.with(body.to_owned());
                if let Some(Named { blocking, .. }) = asked.account.clone() {
                    request.extensions_mut().insert(blocking);
                }
                request
            };
            let sent = match asked.body {
                Body::Empty => sender.send(&agent, request("").map(|_| ())),
                Body::Bytes(text) => sender.send(&agent, request(text)),
                Body::Stream(text) => {
                    let mut read = text.as_bytes();
                    let stream = request("").map(|_| SendBody::from_reader(&mut read));
                    sender.send(&agent, stream)
                }
            };
            let mut response = sent.map_err(Failed::from)?;
            Ok(Answered {
                status: response.status().as_u16(),
                body: response.body_mut().read_to_vec().unwrap(),
                why: response.extensions().get::<NotAgain>().cloned(),
            })
        });
        Box::pin(async move { thread.await.unwrap() })
    }
}
