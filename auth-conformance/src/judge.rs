//! Compares what a transport reports with what the servers received.

use std::{error::Error, fmt::Write as _, time::Duration};

use auth_core::{Delivery, Response, TransportError};
use fault_server::{FaultServer, ReceivedRequest};
use http::{Method, header};

use super::case::{
    ACCESS_TOKEN, CLIENT_SECRET, Case, Expect, ExpectedDelivery, ExpectedResponse, HEADER_SECRET,
    NEW_REFRESH_TOKEN, QUERY_SECRET, REFRESH_TOKEN, Setup, basic_credentials,
};

/// How a call ended; `None` if it did not, long after its timeout.
pub(super) type CallResult = Option<Result<Response, TransportError>>;

/// What is wrong: with the checks of every case, which nothing excuses, and with
/// what the case itself expects.
#[derive(Default)]
pub(super) struct Judgement {
    pub(super) broken: Vec<String>,
    pub(super) unexpected: Vec<String>,
    pub(super) observed: String,
}

pub(super) fn judge(case: &Case, setup: &Setup, results: &[(CallResult, Duration)]) -> Judgement {
    let mut judgement = Judgement::default();
    for server in [&setup.server, &setup.proxy].into_iter().flatten() {
        // All that was sent until now is then on record.
        server.stop();
    }
    let requests = setup.server.as_ref().map(FaultServer::requests).unwrap_or_default();
    judgement.count(setup, &requests, results.len());
    judgement.content(setup, &requests);
    judgement.route(setup);
    for (index, ((outcome, elapsed), expect)) in results.iter().zip(case.calls).enumerate() {
        let said = match outcome {
            None => "no end".to_owned(),
            Some(Ok(response)) => format!("HTTP {}", response.status().as_u16()),
            Some(Err(error)) => format!("{:?}, {}", error.kind(), error.delivery()),
        };
        if index > 0 {
            judgement.observed.push_str("; then ");
        }
        judgement.observed.push_str(&said);
        match outcome {
            None => judgement.broken.push(format!(
                "the call had not ended after {:.1} s, with a timeout of {:.1} s",
                elapsed.as_secs_f64(),
                setup.settings.timeout.as_secs_f64(),
            )),
            Some(Ok(response)) => judgement.responded(setup, response, expect),
            Some(Err(error)) => {
                // The requests came in the order of the calls.
                let received = requests.get(index).map_or(0, |request| request.body.len());
                judgement.failed(error, received, expect);
            }
        }
    }
    let received: usize = requests.iter().map(|request| request.body.len()).sum();
    let _ = write!(
        judgement.observed,
        "; {} at the server, {received} bytes of body",
        counted(requests.len(), "request")
    );
    judgement
}

impl Judgement {
    fn count(&mut self, setup: &Setup, requests: &[ReceivedRequest], calls: usize) {
        if requests.len() > calls {
            self.broken.push(format!(
                "{} sent {}: a refresh token may be spent twice",
                counted(calls, "call"),
                counted(requests.len(), "request")
            ));
        }
        if setup.redirects
            && let Some(server) = &setup.server
        {
            server.elsewhere().stop();
            let connections = server.elsewhere().connections().len();
            if connections > 0 {
                self.broken.push(format!(
                    "followed a redirect to another origin: {} there",
                    counted(connections, "connection")
                ));
            }
        }
    }

    fn content(&mut self, setup: &Setup, requests: &[ReceivedRequest]) {
        let Ok(expected) = setup.request() else { return };
        for request in requests.iter().filter(|request| request.complete) {
            if request.method != Method::POST {
                self.broken.push(format!("{} arrived instead of POST", request.method));
            }
            if request.body != expected.body() {
                self.broken
                    .push("the body that arrived is not the one that was handed in".to_owned());
            }
            for (name, value) in expected.headers() {
                if request.headers.get(name) != Some(value) {
                    self.broken.push(format!("the header {name} did not arrive as handed in"));
                }
            }
            if request.headers.contains_key(header::COOKIE) {
                self.broken.push("a cookie was sent".to_owned());
            }
            let encodings = request.headers.get(header::ACCEPT_ENCODING);
            if encodings.is_some_and(|value| value != "identity") {
                self.broken.push("a compressed response was requested".to_owned());
            }
        }
    }

    fn route(&mut self, setup: &Setup) {
        let in_clear = setup.url.starts_with("http://");
        if let Some(proxy) = setup.proxy.as_ref().filter(|_| in_clear) {
            let connections = proxy.connections().len();
            if connections > 0 {
                self.broken.push(format!(
                    "a request without TLS goes to the proxy, which sees the token in clear: {}",
                    counted(connections, "connection")
                ));
            }
        }
    }

    fn responded(&mut self, setup: &Setup, response: &Response, expect: &Expect) {
        if response.body().len() > setup.response_limit {
            self.broken.push(format!(
                "{} bytes of the response were kept; {} are allowed",
                response.body().len(),
                setup.response_limit
            ));
        }
        match expect {
            Expect::Response(wanted) | Expect::Either(wanted, ..) => self.compare(response, wanted),
            Expect::Failure(kinds, _) => self
                .unexpected
                .push(format!("HTTP {} is reported, not {kinds:?}", response.status().as_u16())),
        }
    }

    fn compare(&mut self, response: &Response, expected: &ExpectedResponse) {
        let status = response.status().as_u16();
        if status != expected.status {
            self.unexpected.push(format!("HTTP {status} is reported, not {}", expected.status));
        }
        if !contains(response.body(), expected.holds) {
            self.unexpected.push("the response's body is not the one that was sent".to_owned());
        }
        if let Some((name, value)) = expected.header
            && response.headers().get(name).is_none_or(|found| found != value)
        {
            self.unexpected.push(format!("the response's header {name} was lost"));
        }
    }

    fn failed(&mut self, error: &TransportError, received: usize, expect: &Expect) {
        self.leaks(error);
        if error.delivery() == Delivery::NotSent && received > 0 {
            self.broken.push(format!(
                "NotSent is reported, though {} of the body reached the server",
                counted(received, "byte")
            ));
        }
        let (kinds, expected) = match expect {
            Expect::Failure(kinds, expected) | Expect::Either(_, kinds, expected) => {
                (*kinds, *expected)
            }
            Expect::Response(response) => {
                self.unexpected.push(format!(
                    "{:?} is reported, not the response with HTTP {}",
                    error.kind(),
                    response.status
                ));
                return;
            }
        };
        if !kinds.contains(&error.kind()) {
            self.unexpected.push(format!("{:?} is reported, not {kinds:?}", error.kind()));
        }
        match (expected, error.delivery()) {
            (ExpectedDelivery::NotSent, Delivery::NotSent) | (ExpectedDelivery::Open, _) => {}
            (ExpectedDelivery::Unknown, Delivery::Unknown) => {}
            (expected, delivery) => {
                self.unexpected.push(format!("{delivery:?} is reported, not {expected:?}"));
            }
        }
    }

    fn leaks(&mut self, error: &TransportError) {
        let basic = basic_credentials();
        let secrets = [
            ("the refresh token", REFRESH_TOKEN),
            ("the client's secret", CLIENT_SECRET),
            ("the Authorization header", &basic),
            ("a header's value", HEADER_SECRET),
            ("the URL's query", QUERY_SECRET),
            ("the access token", ACCESS_TOKEN),
            ("the new refresh token", NEW_REFRESH_TOKEN),
        ];
        let shown = shown(error);
        for (what, secret) in secrets {
            if shown.contains(secret) {
                self.broken.push(format!("the error, or a source of it, shows {what}"));
            }
        }
    }
}

/// Everything that printing an error and its sources can show.
fn shown(error: &TransportError) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        let _ = writeln!(text, "{error}\n{error:?}\n{error:#?}");
        next = error.source();
    }
    text
}

fn contains(body: &[u8], text: &str) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text.as_bytes())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
