//! Requests that carry a token, over an API that is a list of responses.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests, too")]

mod bounded;
mod brake;
mod costs;
mod marked;
mod proved;
mod stories;
#[path = "../support/mod.rs"]
mod support;
mod verdicts;

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

/// A request whose body can be sent once.
pub(crate) use auth_accounts::calls::Once as Stream;
use auth_accounts::{
    AccountError,
    calls::{CallError, CameFrom, NotAgain},
    http::{HeaderMap, Request, Response, header},
};
use support::lock;

pub(crate) const ORIGIN: &str = "https://api.example.com";
pub(crate) const URL: &str = "https://api.example.com/me";

/// A body of a response, of which it is counted how many there are.
#[derive(Debug)]
pub(crate) struct Body(Arc<AtomicUsize>);

impl Drop for Body {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An API that gives these responses, one after another.
#[derive(Clone, Default)]
pub(crate) struct Api {
    answers: Arc<Mutex<VecDeque<Response<()>>>>,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
    pub(crate) alive: Arc<AtomicUsize>,
}

impl Api {
    pub(crate) fn new(answers: impl IntoIterator<Item = Response<()>>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        Self { answers, ..Self::default() }
    }

    pub(crate) fn send(&self, headers: &HeaderMap) -> Result<Response<Body>, Infallible> {
        assert_eq!(self.alive.load(Ordering::SeqCst), 0, "the first response is still there");
        lock(&self.seen).push(headers.clone());
        self.alive.fetch_add(1, Ordering::SeqCst);
        let answer = lock(&self.answers).pop_front().expect("no more requests");
        Ok(answer.map(|()| Body(Arc::clone(&self.alive))))
    }

    pub(crate) fn seen(&self) -> Vec<HeaderMap> {
        lock(&self.seen).clone()
    }

    /// The tokens that came in, and `-` for a request without.
    pub(crate) fn tokens(&self) -> String {
        let token = |headers: &HeaderMap| match headers.get(header::AUTHORIZATION) {
            Some(value) => value.to_str().unwrap().rsplit(' ').next().unwrap().to_owned(),
            None => "-".into(),
        };
        self.seen().iter().map(token).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn finish(&self) {
        assert!(lock(&self.answers).is_empty(), "fewer requests than there are responses");
    }
}

/// A response with this status and these fields.
pub(crate) fn answer(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(()).unwrap()
}

/// The same with a challenge.
pub(crate) fn challenge(status: u16, challenge: &str) -> Response<()> {
    answer(status, &[("www-authenticate", challenge)])
}

/// The same, from another URL.
pub(crate) fn from(url: &str, mut response: Response<()>) -> Response<()> {
    response.extensions_mut().insert(CameFrom(url.parse().unwrap()));
    response
}

pub(crate) fn get(url: &str) -> Request<()> {
    Request::get(url).body(()).unwrap()
}

pub(crate) type Outcome<B = Body> = Result<Response<B>, CallError<AccountError>>;

/// What came of a call, in a line.
pub(crate) fn told<B>(result: &Outcome<B>) -> String {
    match result {
        Ok(response) => match response.extensions().get::<NotAgain>() {
            None => response.status().as_str().into(),
            Some(why) => format!("{} {why}", response.status().as_str()),
        },
        Err(error) => error.to_string(),
    }
}
